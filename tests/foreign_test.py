#!/usr/bin/python3
"""A terminal that shares no code with the rig, fixtures/foreign/terminal.py, on a real-time bench of this test's own:
it passes, diagnosed rightly; and the same terminal that forgets a pending reversal with its power is found out. Every
process is one started here and is ended by its id; all listen on loopback at ports that were free."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

BINARY = str(pathlib.Path(os.environ.get("SWIPERIG_BINARY", "build/release/swiperig")).resolve())
FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "fixtures"
sys.path.insert(0, str(FIXTURES / "foreign"))
from terminal import FRONT, pack, unpack  # noqa: E402 - the terminal's own

PORTS = {"ecr": 47401, "power": 47402, "network": 47403, "host": 47404, "control": 47405, "contact": 47406,
         "robot": 47407}


def free_ports(count):
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in taken]
    for one in taken:
        one.close()
    return ports


class ForeignBench:
    """Robot, supply and host as stand-ins, the foreign terminal, and one run against them."""

    def __init__(self, *options, cases=None):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        for kept in ("benches", "hosts", "terminals", "foreign", "campaigns"):
            shutil.copytree(FIXTURES / kept, self.path / kept)
        self.ports = dict(zip(PORTS, free_ports(len(PORTS))))
        self.bench = self.path / "benches/foreign.toml"
        text = self.bench.read_text(encoding="utf-8")
        ours = {str(port): str(self.ports[name]) for name, port in PORTS.items()}
        text = re.sub(r"(?<=127\.0\.0\.1:)\d+", lambda port: ours[port.group()], text)
        self.bench.write_text(text, encoding="utf-8")
        self.started = []
        try:
            self.begin(options, cases)
        except BaseException:
            self.close()
            raise

    def begin(self, options, cases):
        for role in ("robot", "supply", "host"):
            self.start(BINARY, "stand-in", role, "--bench", self.bench)
        self.start(sys.executable, "-B", self.path / "foreign/terminal.py", self.ports["contact"], self.ports["ecr"],
                   self.ports["network"], self.path / "journal.json", *options)
        campaign = self.path / "campaigns/foreign.toml"
        if cases:
            head, *parts = campaign.read_text(encoding="utf-8").split("[[case]]\n")
            chosen = [part for part in parts if part.split('"')[1] in cases]
            campaign.write_text(head + "".join("[[case]]\n" + part for part in chosen), encoding="utf-8")
        self.wait_until_served()
        self.run = self.start(BINARY, "run", campaign, "--bench", self.bench, "--out", self.path / "out")

    def start(self, *command):
        with open(self.path / f"{len(self.started)}.log", "w", encoding="utf-8") as log:
            process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log, cwd=self.path)
        self.started.append(process)
        return process

    def wait_until_served(self):
        """Until robot, supply, host and terminal take connections; the contact port stands for the terminal."""
        for name in ("robot", "power", "host", "control", "contact"):
            for _ in range(200):
                try:
                    socket.create_connection(("127.0.0.1", self.ports[name]), 1).close()
                    break
                except OSError:
                    time.sleep(0.1)
            else:
                raise AssertionError(f"{name} is not served:\n{self.said()}")

    def said(self):
        return "\n".join(log.read_text(encoding="utf-8") for log in sorted(self.path.glob("*.log")))

    def end(self):
        """The run's exit code and its summary."""
        code = self.run.wait(240)
        summary = json.loads((self.path / "out/summary.json").read_text(encoding="utf-8"))
        return code, summary

    def close(self):
        for process in self.started:
            process.send_signal(signal.SIGTERM)
        for process in self.started:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.folder.cleanup()


BENCHES = {}


def setUpModule():
    """All benches run beside each other, and beside the other tests: most of their time is waiting."""
    for name, options, how in (("honest", [], {}),
                               ("forgetful", ["forgets-reversal"], {"cases": ["power cut after the response"]})):
        BENCHES[name] = ForeignBench(*options, **how)
        unittest.addModuleCleanup(BENCHES[name].close)


class Line:
    """One connection to the terminal, read with patience."""

    def __init__(self, port):
        for _ in range(100):
            try:
                self.end = socket.create_connection(("127.0.0.1", port), 5)
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the terminal does not listen")

    def read_until(self, what, seconds=5):
        """All that was said until `what` (itself included), or until nothing more comes for so long."""
        self.end.settimeout(seconds)
        heard = b""
        try:
            while what not in heard:
                heard += self.end.recv(1 if what else 4096)
        except TimeoutError:
            pass
        return heard


def frame(data):
    lrc = 3
    for byte in data:
        lrc ^= byte
    return b"\x02" + data + b"\x03" + bytes([lrc])


class Ports(unittest.TestCase):
    """The example keeps to its own page: what comes in and out of its two ports, without a bench."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        contact, ecr, host = free_ports(3)
        self.process = subprocess.Popen(
            [sys.executable, "-B", str(FIXTURES / "foreign/terminal.py"), str(contact), str(ecr), str(host),
             self.folder.name + "/journal"], stderr=subprocess.DEVNULL)
        self.addCleanup(self.process.wait, 10)
        self.addCleanup(self.process.terminate)
        self.port, self.register = Line(contact), Line(ecr)
        self.addCleanup(self.port.end.close)
        self.addCleanup(self.register.end.close)

    def tell(self, *lines):
        self.port.end.sendall("".join(line + "\n" for line in lines).encode())

    def test_it_is_an_example_that_one_can_read(self):
        files = sorted(path.name for path in (FIXTURES / "foreign").iterdir() if path.is_file())
        self.assertEqual(files, ["README.md", "terminal.py", "terminal.toml"])
        lines = (FIXTURES / "foreign/terminal.py").read_text(encoding="utf-8").splitlines()
        self.assertLessEqual(len(lines), 150)
        self.assertLessEqual(max(map(len, lines)), 120)

    def test_peers_that_vanish_take_nothing_with_them(self):
        for _ in range(3):
            rude = socket.create_connection(self.port.end.getpeername())
            rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            rude.sendall(b"garbage\n" * 1000)
            rude.close()
        self.tell('{"rail":{"mv":5000}}')
        self.assertTrue(self.register.read_until(frame(b"S|READY")).endswith(frame(b"S|READY")))

    def test_without_power_it_says_nothing_and_draws_nothing(self):
        self.register.end.sendall(frame(b"J?"))
        self.assertEqual(self.register.read_until(frame(b"J.|0"), 1), b"")
        self.tell('{"rail":{"mv":5000}}')
        self.register.read_until(frame(b"S|READY"))
        self.register.end.sendall(b"noise" + frame(b"J?"))
        self.assertEqual(self.register.read_until(frame(b"J.|0")), frame(b"J.|0"))
        self.tell('{"key":"1"}', '{"key":"OK"}')
        self.assertEqual(self.register.read_until(frame(b"S|SWIPE CARD")), frame(b"S|SWIPE CARD"))
        self.tell('{"tracks":[{"track":2,"text":""}]}')
        self.assertEqual(self.register.read_until(frame(b"S|READ ERROR")),
                         frame(b"S|READ ERROR"))
        self.tell('{"rail":{"mv":5000,"slope_mv_per_s":-10000}}')  # 170 ms to the brown-out
        self.assertTrue(self.port.read_until(b"nothing more", 1).endswith(b'{"draw":{"ma":0}}\n'))
        self.tell('{"tracks":[{"track":2,"text":";6212345678901265=30125010000000000000?"}]}')
        self.register.end.sendall(frame(b"J?"))
        self.assertEqual(self.register.read_until(frame(b"J.|0"), 1), b"")


class Messages(unittest.TestCase):
    FIELDS = {3: "000000", 4: "000000001234", 11: "000002", 22: "022", 35: "6212345678901265=3012501", 39: "00",
              41: "99900001", 42: "999000000000001", 60: "22000001000"}

    def test_a_frame_is_the_bytes_that_the_page_describes(self):
        frame_of_logon = pack("0800", {11: "000001", 22: "022", 63: "001"})
        self.assertEqual(frame_of_logon.hex(), "001f" + "6000030000" + "603100311000" + "0800" + "0020040000000002" +
                         "000001" + "0220" + "0003303031")
        self.assertEqual({**unpack(pack("0210", self.FIELDS)[2:]), 35: ""}, {0: "0210", **self.FIELDS, 35: ""})

    def test_what_is_no_message_is_refused_or_another(self):
        good = pack("0210", self.FIELDS)[2:]
        wanted = unpack(good)
        for size in range(len(good)):
            try:
                self.assertNotEqual(unpack(good[:size]), wanted)
            except (ValueError, KeyError):
                pass
        for at in range(len(FRONT), len(good)):  # any bytes give fields or one of these two errors
            for byte in range(0, 256, 5):
                try:
                    unpack(good[:at] + bytes([byte]) + good[at + 1:])
                except (ValueError, KeyError):
                    pass


class Verdicts(unittest.TestCase):
    def test_an_honest_terminal_passes_and_is_diagnosed_rightly(self):
        bench = BENCHES["honest"]
        code, summary = bench.end()
        self.assertEqual(code, 0, bench.said())
        self.assertFalse(summary["virtual"])
        self.assertEqual(summary["outcomes"], {"pass": 4, "inconclusive": 0, "fail": 0, "error": 0})
        self.assertEqual(summary["findings"], {})
        self.assertEqual(summary["causes"], {"none": 1, "network": 2, "power": 1})
        self.assertEqual(summary["diagnosis"], {"right": 4, "wrong": 0, "unknown": 0})
        kept = json.loads((bench.path / "journal.json").read_text(encoding="utf-8"))
        self.assertEqual([sale["amount"] for sale in kept["sales"]], [1234, 100, 100, 100, 100])
        self.assertIsNone(kept["pending"])

    def test_one_that_forgets_its_reversal_is_found_out(self):
        bench = BENCHES["forgetful"]
        code, summary = bench.end()
        self.assertEqual(code, 1, bench.said())
        self.assertEqual(summary["outcomes"]["fail"], 1)
        self.assertIn("I9", summary["findings"])
        self.assertEqual(summary["causes"], {"power": 1})  # and the power is still what nothing came back for
        explained = subprocess.run([BINARY, "explain", str(bench.path / "out"), "--cycle", "0"],
                                   capture_output=True, text=True, check=True).stdout
        self.assertIn("finding I9: the pending reversal of batch 000001 STAN 000001 did not survive the power loss",
                      explained)


if __name__ == "__main__":
    unittest.main()
