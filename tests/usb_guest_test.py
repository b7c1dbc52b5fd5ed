#!/usr/bin/python3
"""A real Linux USB stack: a guest with Debian's own kernel, whose software device controller presents a serial gadget,
runs the shipped `swiperig` from swipe to verdict over it: found by identity, taken from the kernel's driver, unplugged
and plugged in again at another address, with udev and without, given back in the end. Emulated (KVM may open and still
hang), so no time in it is a figure. The kernel is downloaded once, unpacked beside the build and never installed.
Skips, and says so, where there is no QEMU or no kernel to be had."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("SWIPERIG_BINARY", str(ROOT / "build/release/swiperig")))
CACHE = PROGRAM.parent / "guest"
MODULES = ["dummy_hcd", "libcomposite", "usb_f_acm", "cdc_acm"]
TOOLS = ["qemu-system-x86_64", "busybox", "cpio", "modprobe", "depmod", "dpkg", "apt-get", "apt-cache"]
os.environ["PATH"] += ":/usr/sbin:/sbin"


def missing():
    """Why the guest cannot be had, or None."""
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    if absent:
        return f"{', '.join(absent)} not installed (rig/setup installs qemu-system-x86, busybox-static, cpio and kmod)"
    if (CACHE / "complete").exists():
        return None
    shutil.rmtree(CACHE, ignore_errors=True)
    CACHE.mkdir(parents=True)
    depends = subprocess.run(["apt-cache", "depends", "linux-image-amd64"], capture_output=True, text=True).stdout
    kernel = re.search(r"Depends: (linux-image-\S+)", depends)
    if kernel is None:
        return "apt knows no kernel (apt-get update)"
    got = subprocess.run(["apt-get", "-q", "download", kernel[1], "udev"], cwd=CACHE, capture_output=True, text=True)
    if got.returncode != 0:
        return "the kernel cannot be downloaded: " + got.stderr.strip()[-200:]
    for package in CACHE.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, CACHE / "tree"], check=True)
        package.unlink()
    version = next((CACHE / "tree/lib/modules").iterdir()).name
    subprocess.run(["depmod", "-b", CACHE / "tree", version], check=True)
    (CACHE / "complete").touch()
    return None


def libraries(program):
    listed = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
    return [pathlib.Path(path) for path in re.findall(r"(/\S+)", listed)]


def pack(root, out):
    """The guest's only file system: busybox, the program, udev, fixtures and the modules with what they need."""
    def put(source, place):
        target = root / str(place).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)

    tree = CACHE / "tree"
    version = next((tree / "lib/modules").iterdir()).name
    put(shutil.which("busybox"), "/bin/busybox")
    (root / "bin/sh").symlink_to("busybox")
    udevadm = tree / "bin/udevadm"
    for source, place in ((PROGRAM, "/bin/swiperig"), (udevadm, "/bin/udevadm"),
                          (udevadm, "/lib/systemd/systemd-udevd")):
        put(source, place)
        for library in libraries(source):
            put(library, library)
    needed = set()
    for module in MODULES:
        lines = subprocess.run(["modprobe", "-d", tree, "-S", version, "--show-depends", module], capture_output=True,
                               text=True, check=True).stdout
        needed.update(re.findall(r"^insmod (\S+)", lines, re.MULTILINE))
    for module in needed:
        put(module, pathlib.Path(module).relative_to(tree))
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        put(tree / "lib/modules" / version / name, f"lib/modules/{version}/{name}")
    subprocess.run(["depmod", "-b", root, version], check=True)
    shutil.copytree(ROOT / "fixtures", root / "fixtures", ignore=shutil.ignore_patterns("*.cpp", "*.hpp", "*.def"))
    for place in ("dev", "proc", "sys", "run", "tmp", "usr/bin"):
        (root / place).mkdir(parents=True, exist_ok=True)
    # no report is made in the guest
    (root / "usr/bin/python3").write_text("#!/bin/sh\nexit 0\n")
    shutil.copy(ROOT / "tests/guest/usb_init.sh", root / "init")
    for program in ("init", "usr/bin/python3"):
        (root / program).chmod(0o755)
    names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    with open(out, "wb") as file:
        subprocess.run(["cpio", "-o", "-H", "newc", "-R", "0:0", "--quiet"], cwd=root, input=names.encode(),
                       stdout=file, check=True)


def boot(image):
    kernel = next((CACHE / "tree/boot").glob("vmlinuz-*"))
    done = subprocess.run(["timeout", "200", "qemu-system-x86_64", "-accel", "tcg", "-machine", "q35", "-m", "512",
                           "-nic", "none", "-nographic", "-no-reboot", "-kernel", kernel, "-initrd", image, "-append",
                           "console=ttyS0 quiet panic=-1"], capture_output=True, stdin=subprocess.DEVNULL)
    return done.stdout.decode("utf-8", "replace").replace("\r", "")


class UsbGuest(unittest.TestCase):
    def test_campaigns_over_the_kernels_own_usb(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder) / "root"
            root.mkdir()
            pack(root, pathlib.Path(folder) / "guest.cpio")
            said = boot(pathlib.Path(folder) / "guest.cpio")
        self.assertIn("END", said, said[-3000:])
        self.assertRegex(said, r"CHECK +on USB +1-1 1d6b:0104 serial TERM0001, interface 1")
        address = 2
        for name in ("udev", "bare"):
            part = said[said.index(f"RUN {name} exit"):]
            part = part[:part.index("has its port back")]
            self.assertIn(f"RUN {name} exit 0", part, said[-3000:])
            usb = re.findall(r"usb is (gone|there): 1-1 1d6b:0104 serial TERM0001, address (\d+)", part)
            self.assertEqual(usb, [("there", str(address)), ("gone", str(address)), ("there", str(address + 1))], name)
            address += 1
            transfers = int(re.search(r"(\d+) USB transfers", part)[1])
            self.assertGreater(transfers, 15)
            self.assertIn('screen shows "APPROVED"', part)


if __name__ == "__main__":
    why = missing()
    if why is not None:
        print(f"SKIPPED: {why}", file=sys.stderr)
        sys.exit(77)
    unittest.main()
