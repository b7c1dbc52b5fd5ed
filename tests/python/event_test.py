"""Events one at a time and as columns, of a result and of a trace: all the same, and the same as SQLite has."""

import json
import sqlite3

import numpy
import pytest
from conftest import ROOT

import swiperig as rig


@pytest.fixture
def folder(program):
    program("run", ROOT / "fixtures" / "campaigns" / "no_return.toml", "--cycles", 40, "--out", "run")
    return "run"


def test_columns_and_iterator_are_what_sqlite_has(folder):
    trace = rig.open_trace(folder)
    rows = sqlite3.connect(f"{folder}/run.trace").execute(
        "SELECT seq, cycle, at_ns, at_uncertainty_ns, source, kind, body FROM events ORDER BY seq").fetchall()
    assert len(trace.events) == len(rows) > 3000
    for event, row in zip(trace.events, rows, strict=True):
        assert (event.seq, event.cycle, event.at_ns, event.at_uncertainty_ns, event.source, event.kind,
                event.json) == row
    c = {name: numpy.asarray(column) for name, column in trace.events.columns.items()}
    assert c["seq"].tolist() == [row[0] for row in rows]
    assert c["at_ns"].dtype == numpy.int64 and c["at_ns"].tolist() == [row[2] for row in rows]
    assert [rig.Events.sources[code] for code in c["source"]] == [row[4] for row in rows]
    assert [rig.Events.kinds[code] for code in c["kind"]] == [row[5] for row in rows]
    named = [json.loads(row[6])["name"] if row[5] == "milestone" else None for row in rows]
    assert [rig.Events.milestones[code] if code >= 0 else None for code in c["milestone"]] == named


def test_columns_are_not_copied_and_cannot_be_written(folder):
    events = rig.open_trace(folder).events
    one, two = numpy.asarray(events.columns["at_ns"]), numpy.asarray(events.columns["at_ns"])
    assert numpy.shares_memory(one, two)
    assert not numpy.shares_memory(one, numpy.asarray(events.columns["seq"]))
    with pytest.raises(ValueError):
        one[0] = 7
    kept = one.tolist()
    del events, two
    assert one.tolist() == kept, "whoever holds a column holds its memory"


def test_a_result_has_the_events_that_its_trace_has(lost):
    bench = rig.virtual_bench(out="t")
    bench.run(lost)
    result = bench.run(lost)
    bench.close()
    stored = rig.open_trace("t").result(1)
    assert [(e.seq, e.at_ns, e.json) for e in result.events] == [(e.seq, e.at_ns, e.json) for e in stored.events]
    assert result.events[0].seq == 114, "numbered through the trace"
    assert stored.outcome == result.outcome and stored.explain() == result.explain()
    assert stored.money == result.money


def test_events_by_milestone(lost):
    events = rig.virtual_bench().run(lost).events
    told = events.named("told")
    assert [event.field("outcome") for event in told] == ["UNKNOWN", "APPROVED"]
    assert told[0].milestone == "told" and "how the transaction ended" in str(told[0])
    assert told[0].field("none such") == ""
    assert events[-1].seq == len(events)
    assert events.named("gave_up") == []
    with pytest.raises(IndexError):
        events[len(events)]
    with pytest.raises(ValueError):
        events.named("tld")


def test_card_numbers_are_masked(lost):
    text = " ".join(event.json for event in rig.virtual_bench().run(lost).events)
    assert "621234******1265" in text and "6212345678901265" not in text


def test_a_trace_of_the_command_line(folder):
    trace = rig.open_trace(folder)
    assert (trace.campaign, trace.bench, trace.seed, len(trace)) == ("no_return", "virtual", 1, 40)
    assert trace.head == json.loads(open(f"{folder}/summary.json").read())["head"]
    assert {result.outcome for result in trace} == {"pass"}
    with pytest.raises(IndexError, match="no cycle 40"):
        trace.result(40)


def test_what_is_damaged_or_absent_is_said(folder):
    with pytest.raises(rig.TraceError, match="cannot be read"):
        rig.open_trace("nowhere")
    db = sqlite3.connect(f"{folder}/run.trace")
    db.execute("UPDATE chunks SET events = replace(events, '\"READY\"', '\"BUSY\"') WHERE cycle = 0")
    db.commit()
    db.close()
    with pytest.raises(rig.TraceError, match=r"events \d+ to \d+ \(cycle 0\) are not what was recorded"):
        rig.open_trace(folder)


def test_other_programs_read_what_python_left(lost, powerless, program):
    with rig.virtual_bench(out="t", name="mine") as bench:
        bench.run(lost)
        bench.run_many([lost, powerless], cycles=4)
    said = program("judge", "t")
    assert "5 cycles: pass 5; diagnosis right 0, wrong 0, unknown 0" in said, "an unclaimed cause is neither"
    assert f'"head": "{bench.head}"' in said
    assert rig.open_trace("t").campaign == "mine"
