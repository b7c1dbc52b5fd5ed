#!/usr/bin/python3
"""A run's trace read by a stranger: the sqlite3 shell alone, with what rig/trace.sql says and nothing of ours. What the
shell prints is folded into heads here and must be the heads that the run told; a twin whose one event has one byte
changed must have another."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = os.environ.get("SWIPERIG_BINARY", str(ROOT / "build/release/swiperig"))
CYCLES = 8
LINE = "at_ns||'|'||at_uncertainty_ns||'|'||source||'|'||kind||'|'||body"
OUTSIDE = {"run": "rowid", "cases": "rowid", "epochs": "epoch", "cycles": "cycle", "vault": "rowid"}  # table: its order


def shell(trace, sql):
    """The rows, each a list of texts; NULL is "". Rows and columns end in control characters, as bodies may hold any
    others."""
    done = subprocess.run(["sqlite3", "-batch", "-newline", "\x1e", "-separator", "\x1f", str(trace), sql],
                          capture_output=True, check=True)
    return [row.split("\x1f") for row in done.stdout.decode("utf-8").split("\x1e")[:-1]]


def one(trace, sql):
    return shell(trace, sql)[0][0]


def heads(trace):
    """Of each cycle, of each epoch, of the run."""
    of_cycle, of_epoch, run = {}, {}, bytes(32)
    rows = shell(trace, f"SELECT epoch, cycle, {LINE} FROM cycles JOIN events USING (cycle) ORDER BY epoch, seq")
    for epoch, cycle, line in rows:
        head = hashlib.sha256(of_epoch.get(epoch, bytes(32)) + line.encode()).digest()
        of_epoch[epoch] = of_cycle[cycle] = head
    for head in of_epoch.values():
        run = hashlib.sha256(run + head.hex().encode()).digest()
    return ({cycle: head.hex() for cycle, head in of_cycle.items()},
            {epoch: head.hex() for epoch, head in of_epoch.items()}, run.hex())


def contents(trace):
    digest = bytes(32)
    for table, order in OUTSIDE.items():
        names = [row[1] for row in shell(trace, f"PRAGMA table_info({table})")]
        quoted = "||'|'||".join(f"quote({name})" for name in names)
        for (row,) in shell(trace, f"SELECT {quoted} FROM {table} ORDER BY {order}"):
            digest = hashlib.sha256(digest + row.encode()).digest()
    return digest.hex()


class SqliteShell(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.run_folder = pathlib.Path(cls.folder.name) / "run"
        subprocess.run([PROGRAM, "run", "fixtures/campaigns/no_return.toml", "--cycles", str(CYCLES), "--out",
                        str(cls.run_folder)], cwd=ROOT, check=True, capture_output=True)
        cls.trace = cls.run_folder / "run.trace"
        cls.summary = json.loads((cls.run_folder / "summary.json").read_text("utf-8"))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def twin(self, sql):
        path = pathlib.Path(self.folder.name) / f"{self.id()}.trace"
        shutil.copy(self.trace, path)
        shell(path, sql)
        return path

    def altered(self, sql):
        """A twin after `sql` was done to a table `e` with all its events, one row each."""
        return self.twin("CREATE TEMP TABLE e AS SELECT * FROM events ORDER BY seq; " + sql + "; DELETE FROM chunks; "
                         "INSERT INTO chunks SELECT seq, cycle, 1, json_array(json_array(at_ns, at_uncertainty_ns, "
                         "source, kind, json(body))) FROM e")

    def test_is_what_the_schema_says(self):
        self.assertEqual(one(self.trace, "PRAGMA application_id"), str(0x53574950))
        self.assertEqual(one(self.trace, "PRAGMA user_version"), "5")
        self.assertIn("schema version 5 ", (ROOT / "rig/trace.sql").read_text("utf-8"))
        self.assertEqual(shell(self.trace, "PRAGMA integrity_check"), [["ok"]])
        self.assertEqual(shell(self.trace, "PRAGMA foreign_key_check"), [])
        told = {row[0] for row in shell(self.trace, "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")}
        with tempfile.NamedTemporaryFile(suffix=".db") as empty:
            shell(empty.name, '.read "' + str(ROOT / "rig/trace.sql") + '"')
            self.assertEqual(told, {row[0] for row in shell(empty.name, "SELECT name FROM sqlite_schema")
                                    if not row[0].startswith("sqlite_")})
            # a twin: an empty database of the same tables is no trace
            self.assertNotEqual(one(empty.name, "PRAGMA application_id"), str(0x53574950))

    def test_damage_is_no_longer_ok(self):
        path = self.twin("SELECT 1")
        page = int(one(self.trace, "PRAGMA page_size"))
        with open(path, "r+b") as file:
            file.seek(3 * page)
            file.write(b"\xff" * page)
        done = subprocess.run(["sqlite3", "-batch", str(path), "PRAGMA integrity_check"], capture_output=True,
                              text=True)
        self.assertNotEqual(done.stdout.strip(), "ok")

    def test_counts_are_the_summarys(self):
        rows = shell(self.trace, "SELECT cycle, count(*) FROM events GROUP BY cycle ORDER BY cycle")
        self.assertEqual([row[0] for row in rows], [str(n) for n in range(CYCLES)])
        self.assertEqual(sum(int(row[1]) for row in rows), self.summary["events"])
        self.assertEqual(self.summary["cycles"], CYCLES)
        self.assertEqual(one(self.trace, "SELECT count(*) FROM cycles"), str(CYCLES))
        # every number once, from 1, none left out
        self.assertEqual(shell(self.trace, "SELECT min(seq), max(seq), count(DISTINCT seq) FROM events"),
                         [["1", str(self.summary["events"]), str(self.summary["events"])]])
        outcomes = shell(self.trace, "SELECT outcome, count(*) FROM cycles GROUP BY outcome")
        self.assertEqual({name: int(n) for name, n in outcomes},
                         {name: n for name, n in self.summary["outcomes"].items() if n})
        fewer = self.altered("DELETE FROM e WHERE seq = 7")
        self.assertNotEqual(int(one(fewer, "SELECT count(*) FROM events")), self.summary["events"])

    def test_heads_are_the_runs(self):
        of_cycle, of_epoch, run = heads(self.trace)
        self.assertRegex(run, "^[0-9a-f]{64}$")
        self.assertEqual(run, self.summary["head"])
        self.assertEqual(run, one(self.trace, "SELECT head FROM run"))
        self.assertEqual(of_epoch, dict(shell(self.trace, "SELECT epoch, head FROM epochs")))
        self.assertEqual(of_cycle, dict(shell(self.trace, "SELECT cycle, head FROM cycles")))

    def test_one_member_of_one_body_changes_the_head(self):
        seqs = shell(self.trace, "SELECT cycle, seq FROM events ORDER BY seq")
        for cycle, seq in (seqs[0], seqs[len(seqs) // 2], seqs[-1]):
            twin = self.altered(f"UPDATE e SET body = json_insert(body, '$.z', 0) WHERE seq = {seq}")
            of_cycle, _, run = heads(twin)
            self.assertNotEqual(run, self.summary["head"], seq)
            told = dict(shell(twin, "SELECT cycle, head FROM cycles"))
            self.assertEqual(int(cycle), min(int(c) for c in told if told[c] != of_cycle[c]))

    def test_an_event_moved_or_left_out_changes_the_head(self):
        for sql in ("UPDATE e SET at_ns = at_ns + 1 WHERE seq = 5", "DELETE FROM e WHERE seq = 5",
                    "UPDATE e SET source = source || 's' WHERE seq = 5"):
            self.assertNotEqual(heads(self.altered(sql))[2], self.summary["head"], sql)

    def test_what_is_beside_the_events_is_proved_too(self):
        self.assertEqual(contents(self.trace), one(self.trace, "SELECT sha256 FROM contents"))
        for sql in ("UPDATE cycles SET outcome = 'fail' WHERE cycle = 3", "UPDATE run SET seed = seed + 1",
                    "UPDATE cases SET body = body || ' '", "UPDATE epochs SET bench_ns = bench_ns + 1"):
            self.assertNotEqual(contents(self.twin(sql)), one(self.trace, "SELECT sha256 FROM contents"), sql)


if __name__ == "__main__":
    unittest.main()
