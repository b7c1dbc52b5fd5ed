"""A bench that is served, from Python: the same case as on the virtual one, over a control socket with keys."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jsonschema
import pytest
from conftest import PROGRAM, ROOT

import swiperig as rig
from swiperig.connect import campaign_of

MODULE = sys.modules["swiperig.connect"]  # the name in the package is the function's
SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "reports/schemas/control.json").read_text()))


def the_case():
    case = rig.Case("response lost", amount="12.34", card="debit")
    case.swipe(speed="500 mm/s")
    case.on("response_entered").cut_network(lasts="20 s")
    return case


def free_ports(count):
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    numbers = [one.getsockname()[1] for one in taken]
    for one in taken:
        one.close()
    return numbers


@pytest.fixture(scope="module")
def served():
    """The real-time bench with its stand-ins, served with keys at a TCP port; where its files are."""
    with tempfile.TemporaryDirectory(prefix="swiperig.") as name:
        folder = Path(name)
        for part in ("benches", "terminals", "hosts"):
            shutil.copytree(ROOT / "fixtures" / part, folder / part)
        bench = folder / "benches/realtime.toml"
        *ports, control = free_ports(6)
        text = bench.read_text().replace("runs/stand-in/", f"{folder}/tty/")
        for number, port in zip(range(47302, 47307), ports):
            text = text.replace(f":{number}", f":{port}")
        bench.write_text(text)
        for one in ("rig", "wall", "till", "boss", "stranger"):
            subprocess.run([PROGRAM, "keys", "new", one, "--dir", folder / "keys"], check=True,
                           stdout=subprocess.DEVNULL)
        for one, role in (("wall", "observer"), ("till", "operator"), ("boss", "admin")):
            subprocess.run([PROGRAM, "keys", "allow", one, folder / f"keys/{one}.key", "--role", role, "--dir",
                            folder / "keys"], check=True, stdout=subprocess.DEVNULL)
        url = f"tcp://127.0.0.1:{control}"
        environment = {**os.environ, "XDG_RUNTIME_DIR": name}
        with open(folder / "log", "w+") as log:
            start = lambda *words: subprocess.Popen([PROGRAM, *map(str, words)], stdout=log, stderr=log, cwd=folder,
                                                    env=environment)
            stands = start("stand-in", "--bench", bench)
            until = time.monotonic() + 20
            while not (folder / "tty/robot").exists() or not (folder / "tty/ecr").exists():
                assert time.monotonic() < until, (folder / "log").read_text()
                time.sleep(0.05)
            time.sleep(1)
            server = start("serve", bench, "--control", url, "--key", folder / "keys/rig.key_secret")
            while "serving" not in (folder / "log").read_text():
                assert server.poll() is None and time.monotonic() < until + 20, (folder / "log").read_text()
                time.sleep(0.05)
            yield url, folder
            for process in (server, stands):
                process.send_signal(signal.SIGTERM)
                process.wait(30)


def as_peer(served, who, **more):
    url, folder = served
    return rig.connect(url, key=folder / f"keys/{who}.key_secret", server=folder / "keys/rig.key", **more)


def test_the_same_case_runs_virtual_and_from_elsewhere(served, tmp_path):
    with rig.virtual_bench(out=tmp_path / "virtual") as bench:
        here = bench.run(the_case())
    with as_peer(served, "till", out=tmp_path) as bench:
        there = bench.run(the_case())
        assert bench.status()["lease"]["name"] == "till"
        with pytest.raises(rig.Refused, match="no_such_card"):
            bench.run(rig.Case("wrong", amount="1.00", card="no_such_card").swipe())
    for result in (here, there):
        assert (result.outcome, result.cause, result.money.balanced) == ("pass", "network", True), str(result)
    assert len(there.events) > 20 and there.explain()


def test_roles_and_keys(served, monkeypatch):
    assert as_peer(served, "wall").status()["state"] == "idle"
    with pytest.raises(rig.Refused, match="role: wall is observer here; open takes operator"):
        as_peer(served, "wall").open()
    url, folder = served
    with monkeypatch.context() as short:
        short.setattr(MODULE, "_ANSWER_MS", 500)
        short.setattr(MODULE, "_TRIES", 1)
        for more in ({}, {"key": folder / "keys/stranger.key_secret", "server": folder / "keys/rig.key"}):
            with pytest.raises(ConnectionError, match="no answer"):
                rig.connect(url, **more)
    till = as_peer(served, "till")
    till.open()
    with pytest.raises(rig.Refused, match="lease: till has the bench"):
        as_peer(served, "boss").open()
    boss = as_peer(served, "boss")
    boss.open(take_over=True)
    with pytest.raises(rig.Refused, match="old_lease"):
        till.stop()
    till.safe_state()
    boss.close()


def test_answers_are_as_the_schema_says(served, monkeypatch):
    seen = []
    real = json.loads
    monkeypatch.setattr(MODULE.json, "loads", lambda text: seen.append(real(text)) or seen[-1])
    boss = as_peer(served, "boss")
    boss.open()
    boss.safe_state()
    boss._ask("keys")
    boss.stop()
    for wrong in ("fetch", "shell"):
        with pytest.raises(rig.Refused):
            boss._ask(wrong)
    boss.close()
    assert {one.get("command") for one in seen} >= {"status", "open", "safe_state", "keys", "stop", "close", None}
    for one in seen:
        SCHEMA.validate(one)
        with pytest.raises(jsonschema.ValidationError):
            SCHEMA.validate({**one, "more": 1})


def test_what_is_no_address_or_no_key_is_refused(tmp_path):
    with pytest.raises(rig.Refused, match="expected ipc:///FOLDER/NAME or tcp://HOST:PORT"):
        rig.connect("udp://x")
    (tmp_path / "no").write_text("x")
    for more in ({"key": "no"}, {"key": "no", "server": "none"}, {"key": "no", "server": "x" * 40}):
        with pytest.raises(rig.Refused, match="key"):
            rig.connect("tcp://127.0.0.1:5555", **more)


def test_a_case_is_sent_as_a_campaign_file_says_it(program, tmp_path):
    case = rig.Case('quotes " \\ and 断电', amount="12.34", card="debit").swipe(speed="500 mm/s", reverse=True)
    case.on("response_entered", nth=1, after="3 ms").cut_network(lasts="60 s")
    (tmp_path / "sent.toml").write_text(campaign_of(case))
    assert "断电" in program("plan", tmp_path / "sent.toml")
