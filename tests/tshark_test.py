#!/usr/bin/python3
"""Our ISO 8583 bytes read by a stranger: tshark's dissector. The frames of the vectors (which our codec writes and
reads byte for byte, tests/iso8583_test.cpp) go into a capture as TCP segments. The dissector knows neither TPDU
nor header, so both are left out and the length is that of the message. It gives track 2 a length in bytes, field
53 eight digits, and fields 48 and 60-63 text, where UnionPay-style messages have a length in digits, sixteen
digits, BCD and binary: those are cut out by the table of the vector file, their bitmap bits cleared, and all else
must agree: MTI, bitmap, every field and value. Field 22 has its pad nibble on the other side for the dissector.
Twins with a wrong byte must differ."""

import json
import pathlib
import struct
import subprocess
import tempfile
import unittest

VECTORS = json.loads((pathlib.Path(__file__).resolve().parent / "vectors/iso8583_unionpay.json").read_text("utf-8"))
OTHERWISE = {35, 48, 53, 60, 61, 62, 63}
OPTIONS = ["-d", "tcp.port==5000,iso8583", "-o", "iso8583.len_endian:Big endian",
           "-o", "iso8583.charset:Digits represented in nibbles", "-o", "iso8583.binencode:Bin data not encoded"]


def wire_bytes(number, rest):
    """How many bytes a field takes at the start of `rest`, by the table of the vector file."""
    spec = VECTORS["field_table"][str(number)]
    kind, size = spec["kind"], spec["max"]
    prefix = 2 if kind.startswith("lll") else 1 if kind.startswith("ll") else 0
    if prefix:
        size = int(rest[:prefix].hex())
    return prefix + ((size + 1) // 2 if kind.strip("l") in ("n", "z") else size)


def without_otherwise(message):
    bitmap, at = int.from_bytes(message[2:10], "big"), 10
    kept, left = b"", bitmap
    for number in range(1, 65):
        if bitmap >> (64 - number) & 1:
            size = wire_bytes(number, message[at:])
            if number in OTHERWISE:
                left &= ~(1 << (64 - number))
            else:
                kept += message[at:at + size]
            at += size
    assert at == len(message)
    return message[:2] + left.to_bytes(8, "big") + kept


def read_by_tshark(messages):
    capture = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)  # raw IP
    for i, message in enumerate(messages):
        framed = struct.pack(">H", len(message)) + message
        tcp = struct.pack(">HHIIBBHHH", 40000 + i, 5000, 1, 1, 0x50, 0x18, 65535, 0, 0) + framed
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), i, 0, 64, 6, 0) + b"\x7f\0\0\1\x7f\0\0\2"
        capture += struct.pack("<IIII", i, 0, len(ip + tcp), len(ip + tcp)) + ip + tcp
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(capture)
        file.flush()
        done = subprocess.run(["tshark", "-n", "-r", file.name, *OPTIONS, "-T", "json", "-J", "iso8583"],
                              capture_output=True, text=True, check=True)
    read = []
    for packet in json.loads(done.stdout):
        layer = packet["_source"]["layers"].get("iso8583", {})
        read.append({key.removeprefix("iso8583."): value for key, value in layer.items()})
    return read


def expected(vector):
    fields = {n: v for n, v in vector["fields"].items() if int(n) not in OTHERWISE}
    out = {f"bit{n}": v[1:] + "0" if n == "22" else v for n, v in fields.items()}
    out["mti"] = vector["mti"]
    out["map1"] = f"{sum(1 << (64 - int(n)) for n in fields):016x}"
    return out


def heard(read):
    """Binary values without the one character the dissector puts behind them; its remarks stay and never agree."""
    out = {key: value for key, value in read.items() if key != "len"}
    for key in ("bit52", "bit64"):
        if key in out:
            out[key] = out[key][:16].upper()
    return out


class Tshark(unittest.TestCase):
    def setUp(self):
        self.vectors = VECTORS["vectors"]
        self.messages = [without_otherwise(bytes.fromhex(v["frame_hex"])[13:]) for v in self.vectors]

    def test_reads_what_the_vectors_say(self):
        read = read_by_tshark(self.messages)
        self.assertEqual(len(read), len(self.vectors))
        for vector, one in zip(self.vectors, read):
            self.assertEqual(heard(one), expected(vector), vector["name"])

    def test_a_wrong_byte_differs(self):
        wrong, which = [], []
        for vector, message in zip(self.vectors[:8], self.messages):
            for at in range(0, len(message), 3):
                wrong.append(message[:at] + bytes([message[at] ^ 0x01]) + message[at + 1:])
                which.append((vector, at))
        for (vector, at), one in zip(which, read_by_tshark(wrong)):
            self.assertNotEqual(heard(one), expected(vector), f"{vector['name']}, byte {at}")


if __name__ == "__main__":
    unittest.main()
