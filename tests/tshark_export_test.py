#!/usr/bin/python3
"""`swiperig export` read by a stranger. A run on the virtual bench gets a capture of its wires that is written here
byte by byte as the formats say, and the exported file must give back in tshark every packet, event and verdict: their
counts (the trace's, by the sqlite3 shell), order, times to the nanosecond, comments, USB bytes and a dissected message.
Twins: a packet that is left out, a comment that is changed, a capture that is damaged or cut off."""

import os
import pathlib
import struct
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = os.environ.get("SWIPERIG_BINARY", str(ROOT / "build/release/swiperig"))
NS = 10**9
ISO8583 = ["-d", "tcp.port==5000,iso8583", "-o", "iso8583.len_endian:Big endian",
           "-o", "iso8583.charset:Digits represented in nibbles", "-o", "iso8583.binencode:Bin data not encoded"]
MESSAGE = bytes.fromhex("0800" "2020000000800000" "990000" "000042") + b"99900001"  # fields 3, 11 and 41


def option(code, value):
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def block(kind, body):
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def source(link_type, name):
    return block(1, struct.pack("<HHI", link_type, 0, 0) + option(2, name) + option(9, b"\x09") + option(0, b""))


def packet(number, ns, data, comment=b""):
    body = struct.pack("<IIIII", number, ns >> 32, ns & 0xFFFFFFFF, len(data), len(data)) + data + bytes(-len(data) % 4)
    return block(6, body + (option(1, comment) + option(0, b"") if comment else b""))


def usb(data, endpoint=0x82):
    head = struct.pack("<QBBBBHBBqiiII8sIIII", 1, ord("C"), 3, endpoint, 5, 1, ord("-"), 0 if data else ord("<"), 0, 0,
                       0, len(data), len(data), bytes(8), 0, 0, 0, 0)
    return head + data


def segment(data):
    data = struct.pack(">H", len(data)) + data
    tcp = struct.pack(">HHIIBBHHH", 40001, 5000, 1, 1, 0x50, 0x18, 65535, 0, 0)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(data), 0, 0, 64, 6, 0, b"\n\0\0\1", b"\n\0\0\2")
    return bytes(12) + b"\x08\0" + ip + tcp + data


# out of order, as held-back transfers are: time in ns, source, bytes, comment
WIRES = [(5, 0, usb(b"\x02S|READY\x03"), b""), (2 * NS + 7, 1, segment(MESSAGE), b"masked: bytes 3-9"),
         (2 * NS + 1, 0, usb(b"\x02S|SWIPE CARD\x03"), b""), (10**6 * NS, 0, usb(b"", 0x03), b"")]
HEAD = (block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + source(220, b"terminal usb")
        + source(1, b"terminal network"))


def shell(trace, sql):
    done = subprocess.run(["sqlite3", "-batch", str(trace), sql], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def read(capture, *fields, options=()):
    done = subprocess.run(["tshark", "-n", "-r", str(capture), *options, "-T", "fields", "-E", "separator=\t",
                           *[word for field in fields for word in ("-e", field)]], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


def in_ns(text):
    seconds, rest = text.split(".")
    return int(seconds) * NS + int(rest)


class Export(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.run_folder = pathlib.Path(cls.folder.name) / "run"
        subprocess.run([PROGRAM, "run", str(ROOT / "fixtures/campaigns/no_return.toml"), "--cycles", "4", "--out",
                        str(cls.run_folder)], capture_output=True, check=True)
        cls.begun = int(shell(cls.run_folder / "run.trace", "SELECT begun_wall_s FROM run")[0]) * NS

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def export(self, wires):
        (self.run_folder / "wires.pcapng").write_bytes(wires)
        return subprocess.run([PROGRAM, "export", str(self.run_folder), "--format", "pcapng"], capture_output=True,
                              text=True)

    def exported(self, wires):
        done = self.export(wires)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.run_folder / "run.pcapng", done.stdout

    def test_counts_order_times_and_comments(self):
        capture, told = self.exported(HEAD + b"".join(packet(s, ns, data, c) for ns, s, data, c in WIRES))
        rows = read(capture, "frame.interface_name", "frame.time_epoch", "frame.comment")
        trace = self.run_folder / "run.trace"
        events = [row.split("|") for row in shell(trace, "SELECT source,at_ns FROM events ORDER BY seq")]
        self.assertIn(f"3 USB transfers, 1 network messages, {len(events)} events, 4 verdicts", told)
        self.assertEqual(len(rows), len(WIRES) + len(events) + 4)
        times = [in_ns(row[1]) - self.begun for row in rows]
        self.assertEqual(times, sorted(times))
        wires = [(name, time, comment) for (name, _, comment), time in zip(rows, times) if name.startswith("terminal ")]
        names = ["terminal usb", "terminal network"]
        self.assertEqual(wires, [(names[s], ns, c.decode()) for ns, s, _, c in sorted(WIRES)])
        for one in ("rig", "actuator", "power", "network", "host", "terminal"):
            mine = [(row[2], time) for row, time in zip(rows, times) if row[0] == one]
            self.assertEqual([time for _, time in mine], sorted(int(at) for s, at in events if s == one), one)
            self.assertTrue(all(comment for comment, _ in mine), f"an event of {one} without a comment")
        comments = [row[2] for row in rows if row[0] == "actuator"]
        self.assertTrue(any("swipe card" in comment for comment in comments), comments)
        self.assertTrue(any("switch the power" in row[2] for row in rows if row[0] == "power"))
        verdicts = [row[2] for row in rows if row[0] == "verdicts"]
        self.assertEqual([text.split(",")[0] for text in verdicts], [f"cycle {n}: pass" for n in range(4)])

    def test_usb_and_iso8583_are_dissected(self):
        capture, _ = self.exported(HEAD + b"".join(packet(s, ns, data, c) for ns, s, data, c in WIRES))
        rows = read(capture, "frame.interface_name", "usb.bus_id", "usb.device_address", "usb.endpoint_address",
                    "usb.capdata", "usb.urb_ts_sec", "iso8583.mti", "iso8583.bit11", options=ISO8583)
        mine = [row[1:] for row in rows if row[0].startswith("terminal ")]
        second = self.begun // NS
        said = [[b"\x02S|READY\x03".hex(), str(second)], [b"\x02S|SWIPE CARD\x03".hex(), str(second + 2)]]
        self.assertEqual([[row[3], row[4].split(".")[0]] for row in mine[:2]], said)
        self.assertEqual(mine[0][:3], ["1", "5", "0x82"])
        self.assertEqual(mine[2][5:], ["0800", "000042"])
        self.assertEqual(mine[3][2:4], ["0x03", ""])

    def test_a_run_without_wires_has_its_events(self):
        (self.run_folder / "wires.pcapng").unlink(missing_ok=True)
        done = subprocess.run([PROGRAM, "export", str(self.run_folder), "--out", str(self.run_folder / "x.pcapng")],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("0 USB transfers, 0 network messages", done.stdout)
        self.assertGreater(len(read(self.run_folder / "x.pcapng", "frame.number")), 100)

    def test_twins_differ(self):
        whole = [packet(s, ns, data, c) for ns, s, data, c in WIRES]
        capture, _ = self.exported(HEAD + b"".join(whole))
        fields = ("frame.interface_name", "frame.time_epoch", "frame.comment", "usb.capdata")
        rows = read(capture, *fields)
        for changed in (whole[1:], [whole[0].replace(b"READY", b"REPLY")] + whole[1:],
                        [packet(0, 6, WIRES[0][2])] + whole[1:],
                        whole[:1] + [whole[1].replace(b"3-9", b"4-9")] + whole[2:]):
            capture, _ = self.exported(HEAD + b"".join(changed))
            self.assertNotEqual(read(capture, *fields), rows)

    def test_a_damaged_capture_is_refused_and_a_cut_one_read(self):
        whole = HEAD + packet(0, 5, usb(b"first")) + packet(0, 6, usb(b"second"))
        _, told = self.exported(whole[:-10])
        self.assertIn("1 USB transfers", told)
        self.assertIn("the end of wires.pcapng was lost", told)
        for at, what in ((0, "offset 0: not a capture of the rig"), (len(HEAD) + 4, f"offset {len(HEAD)}: a block of"),
                         (len(HEAD) + 8, "a source that is not described")):
            damaged = whole[:at] + b"\xee" + whole[at + 1:]
            before = (self.run_folder / "run.pcapng").read_bytes()
            done = self.export(damaged)
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertIn(what, done.stderr)
            self.assertEqual((self.run_folder / "run.pcapng").read_bytes(), before, "nothing half written")


if __name__ == "__main__":
    unittest.main()
