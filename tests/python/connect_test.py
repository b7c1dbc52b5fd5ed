"""A bench that is served, from Python: the same case as on the virtual one, over a control socket with keys."""

import json
import time

import jsonschema
import pytest
from conftest import ROOT, served_bench

import swiperig as rig
from swiperig import served as MODULE
from swiperig.served import campaign_of

SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "reports/schemas/control.json").read_text()))


def the_case():
    case = rig.Case("response lost", amount="12.34", card="debit")
    case.swipe(speed="500 mm/s")
    case.on("response_entered").cut_network(lasts="20 s")
    return case


@pytest.fixture(scope="module")
def served():
    with served_bench() as where:
        yield where


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
    boss._held._ask("keys")
    boss.stop()
    boss.check(the_case())
    boss.power.read()
    boss.rest()
    for wrong in ("fetch", "shell"):
        with pytest.raises(rig.Refused):
            boss._held._ask(wrong)
    boss.close()
    assert {one.get("command") for one in seen} >= {"status", "open", "safe_state", "keys", "stop", "close", "check",
                                                     "act", "rest", None}
    for one in seen:
        SCHEMA.validate(one)
        with pytest.raises(jsonschema.ValidationError):
            SCHEMA.validate({**one, "more": 1})


def test_many_cases_are_checked_and_run_from_elsewhere(served, tmp_path):
    with as_peer(served, "till", out=tmp_path) as bench:
        assert {"network", "host", "journal", "debit"} <= set(bench.has) and "virtual" not in bench.has
        swept = rig.Case("swept", amount="1.00", card="debit").swipe()
        swept.on("response_entered", after={"from": "0 ms", "to": "20 ms", "by": "10 ms"}).cut_power()
        assert bench.check(the_case(), swept) == 4
        with pytest.raises(rig.Refused, match="this one is swept, 3 cases, which is for run_many"):
            bench.run(swept)
        with pytest.raises(rig.Refused, match="no_such_card"):
            bench.check(rig.Case("wrong", amount="1.00", card="no_such_card").swipe())
        sale = rig.Case("sale", amount="1.00", card="debit", cause="none").swipe()
        run = bench.run_many([sale, sale])
        assert run and run.cycles == 2 and run.outcomes == {"pass": 2}, str(run)
        names = [result.case_name for result in rig.open_trace(run.trace)]
        assert names == ["sale", "sale (2)"] and bench.run_id and bench.folder == run.trace
        run = bench.run_many([rig.Case("no end", amount="1.00", card="debit", must=["gave_up"]).swipe()])
        assert not run and run.not_passed[0].case_name == "no end" and run.outcomes == {"inconclusive": 1}
        long = rig.Case("x", amount="1.00", card="debit").swipe()
        with pytest.raises(rig.Refused, match="told at most 65536 at once"):
            bench.run_many([long] * 2000)


def test_by_hand_from_elsewhere_under_lease_and_role(served, tmp_path):
    with pytest.raises(rig.Refused, match="role: wall is observer here; open takes operator"):
        as_peer(served, "wall").power.off()
    with as_peer(served, "till", out=tmp_path, lease_s=20) as bench:
        with pytest.raises(rig.Refused, match="expected one of"):
            bench.host.set("angry")
        bench.actuator.press("1 0 0 OK")
        assert bench.wait_for("card_wanted", "10 s")
        bench.actuator.swipe("debit")
        assert bench.wait_for("told", "30 s").field("outcome") == "APPROVED"
        assert bench.wait_for("gave_up", "10 ms") is None
        assert as_peer(served, "wall").status()["state"] == "running"
        with pytest.raises(rig.Refused, match="lease: till has the bench"):
            as_peer(served, "boss").power.off()
        off = [one for one in bench.power.off() if one.kind == "reading"]
        assert off[-1].body["rail_mv"] < 3300
        done = bench.rest()
        assert done.outcome == "inconclusive" and done.money.rows[0].told == "APPROVED", str(done)
        assert [one.kind for one in done.events].count("swipe") == 1
        assert bench.run(rig.Case("after", amount="1.00", card="debit", cause="none").swipe())
        # an old lease moves nothing, and hands go off with it
        bench.power.off()
        boss = as_peer(served, "boss")
        boss.safe_state()
        boss.open(take_over=True)
        with pytest.raises(rig.Refused, match="lease"):
            bench.power.on()
        boss.close()


def test_hands_are_off_when_the_lease_is_over(served, tmp_path):
    gone = as_peer(served, "till", out=tmp_path, lease_s=1)
    gone.power.read()
    until = time.monotonic() + 20
    while (status := gone.status())["state"] != "idle":
        assert time.monotonic() < until, status
        time.sleep(0.1)
    with as_peer(served, "boss") as boss:
        boss.open()
        with pytest.raises(rig.Refused, match="lease: boss has the bench"):
            gone.power.read()


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
    (tmp_path / "sent.toml").write_text(campaign_of([case._as_said()]))
    assert "断电" in program("plan", tmp_path / "sent.toml")
