"""A case said in Python is the case that a campaign file says, to the last member."""

import json
import sqlite3
from datetime import timedelta
from decimal import Decimal

import pytest
from campaign_table import read, said
from conftest import ROOT

import swiperig as rig

CAMPAIGNS = ["brown_out", "held_cards", "no_return", "host_faults", "kinds", "parts", "card_faults", "points",
             "reader_curve"]


def can_be_said(table):
    """How worn a stand-in reader is, is for a campaign file to say."""
    return "reader_passes" not in table


def cases_in(folder):
    trace = sqlite3.connect(f"{folder}/run.trace")
    rows = trace.execute("SELECT body FROM cases ORDER BY rowid").fetchall()
    cases = [json.loads(body) for body, in rows]
    for case in cases:
        del case["where"]
    return cases


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_every_case_of_the_campaigns_is_the_same_in_python(campaign, program):
    path = ROOT / "fixtures" / "campaigns" / f"{campaign}.toml"
    program("run", path, "--cycles", 1, "--out", "file", codes=(0, 1))
    name = "reader.toml" if "reader.toml" in path.read_text() else "virtual.toml"
    bench = rig.open_bench(ROOT / "fixtures" / "benches" / name, out="python")
    bench.run_many([said(table) for table in read(path)["case"] if can_be_said(table)], cycles=1)
    bench.close()
    of_file = [case for case in cases_in("file") if case.get("measure", {}).get("axis") != "reader_passes"]
    assert len(of_file) >= 10
    assert cases_in("python") == of_file


def test_the_comparison_sees_a_difference(program):
    path = ROOT / "fixtures" / "campaigns" / "no_return.toml"
    program("run", path, "--cycles", 1, "--out", "file")
    tables = read(path)["case"]
    next(t for t in tables if "step" in t)["amount"] = "12.35"
    bench = rig.virtual_bench(out="python")
    bench.run_many([said(table) for table in tables], cycles=1)
    bench.close()
    assert cases_in("python") != cases_in("file")


@pytest.mark.parametrize("threads", [1, 2])
def test_one_seed_one_head_here_and_on_the_command_line(threads, program, tmp_path):
    text = (ROOT / "fixtures" / "campaigns" / "no_return.toml").read_text()
    text = "\n".join(line for line in text.splitlines() if not line.startswith(("bench =", "epoch_cycles")))
    (tmp_path / "c.toml").write_text(text)
    program("run", "c.toml", "--cycles", 120, "--seed", 7, "--out", "file")
    bench = rig.virtual_bench(seed=7)
    assert bench.run_many([said(table) for table in read("c.toml")["case"]], cycles=120, threads=threads)
    head = json.loads((tmp_path / "file" / "summary.json").read_text())["head"]
    assert bench.close() == head
    other = rig.virtual_bench(seed=8)
    other.run_many([said(table) for table in read("c.toml")["case"]], cycles=120, threads=threads)
    assert other.close() != head


def test_quantities_may_be_timedelta_and_decimal():
    def case(amount, after, lasts):
        made = rig.Case("same", amount=amount, card="debit").swipe()
        return made.on("response_entered", after=after).cut_network(lasts=lasts)

    bench = rig.virtual_bench()
    text = bench.run(case("12.34", "3 ms", "60 s"))
    objects = bench.run(case(Decimal("12.34"), timedelta(milliseconds=3), timedelta(minutes=1)))
    assert text.head == objects.head
    assert bench.run(case("12.34", "4 ms", "60 s")).head != text.head


def test_as_text_a_case_is_the_python_that_makes_it(lost):
    lost.on("told", nth=2, after="3 ms").part("keypad", "dead", which="OK", lasts="1 s").on("start").press("1 2 OK")
    lost.on("card_read").host("decline", code="05")
    lost.on("request_entered").network("cut", bytes=7, then="fin", side="host")
    again = eval(repr(lost), {"Case": rig.Case})
    assert repr(again) == repr(lost)
    assert again._as_said()[2].keys() == lost._as_said()[2].keys()
    assert [step[2] for step in again._steps] == [step[2] for step in lost._steps]


def test_what_must_be_seen_is_what_the_steps_wait_for(lost, tmp_path):
    bench = rig.virtual_bench()
    assert json.loads(bench.run(lost)._cycle.case_json)["must"] == ["response_entered"]
    never = rig.Case("never", amount="1.00", card="debit").swipe().on("reversal_entered").cut_power()
    result = bench.run(never)
    assert result.outcome == "inconclusive" and not result
    assert "reversal_entered" in result.why


def test_a_claimed_cause_that_changed_nothing_proves_nothing():
    def slow(cause):
        return rig.Case("slow", amount="1.00", card="debit", cause=cause).swipe().on("start").host("slow", lasts="1 ms")

    bench = rig.virtual_bench()
    assert bench.run(slow(None)).outcome == "pass"
    assert bench.run(slow("host_slow")).outcome == "inconclusive"


def test_a_sweep_is_a_case_for_each_value():
    swept = rig.Case("swept", amount="1.00", card="debit").swipe()
    swept.on("request_left", after={"from": "0 ms", "to": "20 ms", "by": "5 ms"}).cut_power()
    bench = rig.virtual_bench()
    assert bench.check(swept) == 5
    assert bench.run_many(swept).cycles == 5
    with pytest.raises(rig.Refused, match=r"case_test.py:\d+: expected one case for run.*5 cases"):
        bench.run(swept)
