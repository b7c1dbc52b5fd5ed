#!/usr/bin/python3
"""A stranger follows a run with pyzmq alone, by the lines that the README shows: every message once, whatever ZeroMQ
dropped. What it should have is read from the trace with SQL. The twin without a back-fill has a gap and says so."""

import inspect
import json
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

import jsonschema
import zmq

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = os.environ.get("SWIPERIG_BINARY", str(ROOT / "build/release/swiperig"))


def ask(context, backfill, first):
    with context.socket(zmq.REQ) as socket:
        socket.linger = 0
        socket.connect(backfill)
        socket.send_json({"from": first})
        if not socket.poll(10_000):
            raise ConnectionError(f"messages from {first} on are missing: no answer from {backfill}")
        header, *parts = socket.recv_multipart()
    if "error" in json.loads(header):
        raise ValueError(json.loads(header)["error"])
    return [json.loads(text) for text in parts[1::2]]


def follow(publish, backfill, seq=0):
    """Every message of the run from number `seq` on, each once, until the run has ended."""
    context = zmq.Context.instance()
    with context.socket(zmq.SUB) as live:
        live.connect(publish)
        live.subscribe(b"run/")
        told = True
        while True:
            told = [json.loads(live.recv_multipart()[1])] if live.poll(0 if told else 500) else []
            if not told or told[0]["seq"] > seq:
                told = ask(context, backfill, seq) + told
            for message in told:
                if message["seq"] == seq:
                    yield message
                    seq += 1
                    if message.get("state") == "ended":
                        return


def expected(trace):
    """What a run should have told, as far as SQL says it."""
    db = sqlite3.connect(f"file:{trace}?mode=ro", uri=True)
    run, head = db.execute("SELECT id, head FROM run").fetchone()
    told = [{"state": "running"}]
    for cycle, case, verdict in db.execute("SELECT cycle, case_name, verdict FROM cycles ORDER BY cycle"):
        told.append({"cycle": cycle, "case": case})
        for seq, at, kind, body in db.execute("SELECT seq, at_ns, kind, body FROM events WHERE cycle=? ORDER BY seq",
                                              (cycle,)):
            told.append({"cycle": cycle, "event": seq, "at_ns": at, "kind": kind, "body": json.loads(body)})
        told.append({"cycle": cycle, "case": case, "verdict": json.loads(verdict)})
    told.append({"state": "ended", "head": head})
    return [{"schema": 1, "run": run, "seq": n, **message} for n, message in enumerate(told)]


class Published(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="swiperig.")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.live = f"ipc://{self.folder}/own/run"
        self.backfill = self.live + ".backfill"

    def start(self, *words, **more):
        log = open(self.folder / "log", "a")
        self.addCleanup(log.close)
        process = subprocess.Popen(words, stdout=more.get("stdout", log), stderr=log, cwd=self.folder)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def run_published(self, cycles, linger="120s"):
        return self.start(PROGRAM, "run", str(ROOT / "fixtures/campaigns/no_return.toml"), "--cycles", str(cycles),
                          "--out", "out", "--publish", self.live, "--linger", linger)

    def end(self, run):
        run.send_signal(signal.SIGINT)
        self.assertEqual(run.wait(60), 0, (self.folder / "log").read_text())

    def assert_whole(self, told):
        wanted = expected(self.folder / "out/run.trace")
        self.assertGreater(len(wanted), 1000)
        self.assertEqual(len(told), len(wanted))
        for message, want in zip(told, wanted):
            self.assertEqual({key: message.get(key) for key in want}, want)

    def test_late_and_stopped_followers_have_every_message_once(self):
        run = self.run_published(1000)
        stopped = self.start(sys.executable, __file__, "follow", self.live, "stopped.json")
        lines = open(self.folder / "watch.txt", "w")
        self.addCleanup(lines.close)
        watch = self.start(PROGRAM, "watch", self.live, "--from", "0", stdout=lines)
        out = self.folder / "stopped.json"
        while not out.exists() or out.stat().st_size == 0:
            time.sleep(0.01)
        for process in (stopped, watch):
            process.send_signal(signal.SIGSTOP)
        time.sleep(1)
        late = list(follow(self.live, self.backfill))
        for process in (stopped, watch):
            process.send_signal(signal.SIGCONT)
        self.assertEqual(stopped.wait(60), 0, (self.folder / "log").read_text())
        self.assertEqual(watch.wait(60), 0, (self.folder / "log").read_text())
        self.end(run)
        self.assert_whole(late)
        self.assert_whole([json.loads(line) for line in out.read_text().splitlines()])
        cycles = [line.split()[1] for line in (self.folder / "watch.txt").read_text().splitlines()
                  if line.startswith("cycle ")]
        self.assertEqual(cycles, [str(n) for n in range(1000)])

    def test_without_a_back_fill_the_late_one_has_a_gap_and_says_so(self):
        run = self.run_published(4000, "0s")
        for message in follow(self.live, self.backfill):
            if message["seq"] > 500:
                break
        with zmq.Context.instance().socket(zmq.SUB) as socket:
            socket.connect(self.live)
            socket.subscribe(b"run/")
            self.assertTrue(socket.poll(30_000))
            self.assertGreater(json.loads(socket.recv_multipart()[1])["seq"], 0)
        with self.assertRaisesRegex(ConnectionError, "messages from 0 on are missing"):
            list(follow(self.live, self.live + ".nobody"))
        run.kill()

    def test_messages_and_answers_are_as_the_schemas_say(self):
        run = self.run_published(44)
        told = list(follow(self.live, self.backfill))
        schemas = {path.stem: json.loads(path.read_text()) for path in (ROOT / "reports/schemas").glob("*.json")}
        self.assertEqual(set(schemas), {"backfill", "control", "cycle", "event", "health", "verdict"})
        validators = {name: jsonschema.Draft202012Validator(schema) for name, schema in schemas.items()}
        counted = {}
        for message in told:
            name = ("health" if "state" in message else "verdict" if "verdict" in message
                    else "event" if "event" in message else "cycle")
            validators[name].validate(message)
            counted[name] = counted.get(name, 0) + 1
            with self.assertRaises(jsonschema.ValidationError):
                validators[name].validate({key: value for key, value in message.items() if key != "seq"})
        self.assertEqual({**counted, "event": 0}, {"health": 2, "cycle": 44, "verdict": 44, "event": 0})
        with zmq.Context.instance().socket(zmq.REQ) as socket:
            socket.connect(self.backfill)
            for request in ({"from": 2, "at_most": 3}, {"from": -1}):
                socket.send_json(request)
                header, *parts = socket.recv_multipart()
                validators["backfill"].validate(json.loads(header))
                self.assertEqual(len(parts), 0 if request["from"] < 0 else 6)
        self.assertRegex(parts and parts[0].decode() or f"run/{told[0]['run']}/event", r"^run/[^/]+/event$")
        self.end(run)

    def test_with_keys_the_same_follower_follows_over_tcp_and_without_none(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        os.chdir(self.folder)
        quiet = {"check": True, "stdout": subprocess.DEVNULL}
        for name in ("rig", "wall"):
            subprocess.run([PROGRAM, "keys", "new", name, "--dir", "keys"], **quiet)
        subprocess.run([PROGRAM, "keys", "allow", "wall", "keys/wall.key", "--role", "observer", "--dir", "keys"],
                       **quiet)
        live, backfill = f"tcp://127.0.0.1:{port}", f"tcp://127.0.0.1:{port + 1}"
        run = self.start(PROGRAM, "run", str(ROOT / "fixtures/campaigns/no_return.toml"), "--cycles", "44", "--out",
                         "out", "--publish", live, "--key", "keys/rig.key_secret", "--linger", "120s")
        with zmq.Context() as stranger, stranger.socket(zmq.REQ) as asking:
            asking.linger = 0
            asking.connect(backfill)
            asking.send_json({"from": 0})
            self.assertFalse(asking.poll(1000))
        shown = (ROOT / "README.md").read_text()
        begin = shown.index("    import zmq.auth\n")
        lines = shown[begin:shown.index("\n\n", begin)]
        try:
            exec(textwrap.dedent(lines))  # what it sets holds for the sockets of this process
            told = list(follow(live, backfill))
        finally:
            zmq.Context.instance().destroy(linger=0)
        self.end(run)
        self.assert_whole(told)

    def test_the_readme_shows_this_follower(self):
        core = inspect.getsource(ask) + "\n\n" + inspect.getsource(follow)
        self.assertLessEqual(len([line for line in core.splitlines() if line]), 30)
        shown = "".join("    " + line if line.strip() else line for line in core.splitlines(keepends=True))
        self.assertIn(shown, (ROOT / "README.md").read_text())


if __name__ == "__main__":
    if sys.argv[1:2] == ["follow"]:
        with open(sys.argv[3], "w") as out:
            for one in follow(sys.argv[2], sys.argv[2] + ".backfill"):
                print(json.dumps(one), file=out)
        sys.exit()
    unittest.main()
