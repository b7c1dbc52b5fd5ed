"""What the tests of the Python package share. They run against whatever `swiperig` is on the path: the build folder's,
or an installed one."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

import swiperig as rig

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("SWIPERIG_BINARY", str(ROOT / "build" / "release" / "swiperig"))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Nothing is left in the source folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")


@pytest.fixture
def program():
    """The command line: its output; it must end with one of the exit codes."""
    def run(*arguments, codes=(0,)):
        done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=120)
        assert done.returncode in codes, done.stdout + done.stderr
        return done.stdout
    return run


@pytest.fixture
def script(tmp_path):
    """A Python of its own: (exit code, output, errors)."""
    def run(text, timeout=60, **more):
        done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=timeout,
                              cwd=tmp_path, **more)
        return done.returncode, done.stdout, done.stderr
    return run


@pytest.fixture
def lost():
    """The case of the README."""
    case = rig.Case("response lost", amount="12.34", card="debit")
    case.swipe(speed="500 mm/s")
    case.on("response_entered").cut_network(lasts="60 s")
    return case


@pytest.fixture
def powerless():
    """A power cut at the response: harmless, unless the terminal forgets what it owes."""
    case = rig.Case("power cut", amount="12.34", card="debit").swipe(speed="500 mm/s")
    return case.on("response_entered").cut_power()


def free_ports(count):
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    numbers = [one.getsockname()[1] for one in taken]
    for one in taken:
        one.close()
    return numbers


def listening():
    """The TCP ports of this machine at which somebody listens; nobody is disturbed by the question."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A"}


PEERS = {"wall": "observer", "till": "operator", "boss": "admin"}


@contextlib.contextmanager
def served_bench(over="tcp", defect=None):
    """A real-time bench of its own with its stand-ins, served with keys at a TCP port, or at an ipc socket without; its
    URL, and where its files are."""
    with tempfile.TemporaryDirectory(prefix="swiperig.") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        for part in ("benches", "terminals", "hosts"):
            shutil.copytree(ROOT / "fixtures" / part, folder / part)
        bench = folder / "benches/realtime.toml"
        *ports, control = free_ports(6)
        text = bench.read_text().replace("runs/stand-in/", f"{folder}/tty/")
        for number, port in zip(range(47302, 47307), ports):
            text = text.replace(f":{number}", f":{port}")
        bench.write_text(text)
        for one in ("rig", "stranger", *PEERS):
            subprocess.run([PROGRAM, "keys", "new", one, "--dir", folder / "keys"], check=True,
                           stdout=subprocess.DEVNULL)
        for one, role in PEERS.items():
            subprocess.run([PROGRAM, "keys", "allow", one, folder / f"keys/{one}.key", "--role", role, "--dir",
                            folder / "keys"], check=True, stdout=subprocess.DEVNULL)
        url = f"tcp://127.0.0.1:{control}" if over == "tcp" else f"ipc://{folder}/own/control"
        keys = ["--key", folder / "keys/rig.key_secret"] if over == "tcp" else []
        environment = {**os.environ, "XDG_RUNTIME_DIR": name}
        log = stack.enter_context(open(folder / "log", "w+"))

        def start(*words):
            process = subprocess.Popen([PROGRAM, *map(str, words)], stdout=log, stderr=log, cwd=folder, env=environment)
            stack.callback(lambda: (process.send_signal(signal.SIGTERM), process.wait(30)))
            return process

        start("stand-in", "--bench", bench, *(["--defect", defect] if defect else []))
        until = time.monotonic() + 20
        answering = {ports[0], *ports[2:]}  # the second is the relay's, which comes with the run
        while not (answering <= listening() and all((folder / "tty" / one).exists() for one in ("robot", "ecr"))):
            assert time.monotonic() < until, (folder / "log").read_text()
            time.sleep(0.05)
        server = start("serve", bench, "--control", url, *keys)
        while "serving" not in (folder / "log").read_text():
            assert server.poll() is None and time.monotonic() < until + 20, (folder / "log").read_text()
            time.sleep(0.05)
        yield url, folder
