"""A virtual bench moved by hand: each call does one thing and says what was seen, all of it in the trace."""

import re

import pytest

import swiperig as rig


@pytest.fixture
def bench():
    with rig.virtual_bench(out="t") as opened:
        yield opened


def test_a_sale_by_hand_is_traced_and_its_money_told(bench, program):
    bench.actuator.press("1 2 3 4 OK")
    assert bench.wait_for("card_wanted", "10 s")
    bench.actuator.swipe("debit", speed="400 mm/s", reverse=False)
    told = bench.wait_for("told")
    assert told.field("outcome") == "APPROVED" and told.field("amount") == "1234"
    done = bench.rest()
    assert done is bench.last and bench.rest() is None
    assert (done.outcome, done.why) == ("inconclusive", "it was done by hand, and proves nothing")
    assert str(done.money).startswith("12.34 was taken from the cardholder: told APPROVED 12.34, journal approved")
    assert [one for one in done.events if one.seq == told.seq][0].json == told.json
    head = bench.close()
    kept = rig.open_trace("t").result(0)
    assert [str(one) for one in kept.events] == [str(one) for one in done.events]
    assert head in program("judge", "t", codes=(1,)) and "by hand" in program("explain", "t", "--cycle", "0")


@pytest.mark.parametrize("defect", [None, "forgets_reversal_after_power_loss"])
def test_a_rule_about_money_holds_by_hand_as_well(defect):
    with rig.virtual_bench(out="d", defect=defect) as bench:
        bench.host.set("silent")
        bench.actuator.press("1 0 0 OK")
        assert bench.wait_for("card_wanted")
        bench.actuator.swipe("debit")
        assert bench.wait_for("request_at_host")
        bench.power.off()
        bench.power.on()
        done = bench.rest()
        assert (done.outcome == "fail") == bool(done.findings) == (defect is not None), str(done)


def test_every_device(bench):
    off = [one for one in bench.power.off() if one.kind == "reading"]
    assert off[-1].body["draw_ma"] == 0
    assert bench.wait("1 s") == []
    bench.power.on()
    assert bench.wait_for("idle")
    assert [one.kind for one in bench.power.read()] == ["reading"]
    bench.power.brown_out("4.5 V", "50 ms")
    bench.network.set("outage", lasts="3 s")
    bench.host.set("silent")
    bench.parts.set("printer", "out_of_paper")
    assert "sound" in str(bench.mend()[0])
    bench.actuator.tap("debit", "300 ms") if "field" in bench.has else None
    kinds = {one.kind for one in bench.rest().events}
    assert {"reading", "impairment", "host_behaviour", "brown_out"} & kinds


def test_a_case_after_it_is_as_if_there_had_been_none(bench, lost):
    with rig.virtual_bench(out="other") as other:
        alone = other.run(lost)
    bench.power.off()
    after = bench.run(lost)
    assert after.head == alone.head and after.number == 1
    bench.power.off()
    bench.close()
    assert [one.case_name for one in rig.open_trace("t")] == ["by hand", "response lost", "by hand"]


@pytest.mark.parametrize("wrong, why", [
    (lambda b: b.network.set("drop"), "a message fault at a ..._entered milestone"),
    (lambda b: b.actuator.swipe("none_such"), "no card slot 'none_such'"),
    (lambda b: b.actuator.swipe("debit", speed="99999 mm/s"), "from 1 to 10000 mm/s"),
    (lambda b: b.actuator.press("NO_KEY"), "NO_KEY"),
    (lambda b: b.host.set("angry"), 'found "angry"'),
    (lambda b: b.wait("3"), "expected a duration with its unit"),
    (lambda b: b.wait_for("tld"), 'found "tld"'),
])
def test_what_is_wrong_is_refused_at_its_line_and_moves_nothing(bench, wrong, why):
    with pytest.raises(rig.Refused, match=re.escape(why)) as refused:
        wrong(bench)
    assert re.match(r".*by_hand_test\.py:\d+", str(refused.value))
    assert bench.rest() is None and bench.folder == ""


def test_what_is_of_served_benches_only_says_so(bench):
    for what in (bench.status, bench.stop, bench.safe_state, bench.open, lambda: bench.run_campaign("x")):
        with pytest.raises(rig.Refused, match="virtual is a bench of this process; expected one that rig.connect"):
            what()


def test_ctrl_c_takes_hands_off(script):
    code, out, _ = script("""
import _thread, threading
import swiperig as rig
bench = rig.virtual_bench(out="c")
bench.power.off()
threading.Timer(0.2, _thread.interrupt_main).start()
try:
    while True: bench.wait("3600 s")
except KeyboardInterrupt:
    bench.rest()
    print("stopped", repr(bench.run(rig.Case("x", amount="1.00", card="debit").swipe())))
print(len(bench.close()))
""")
    assert code == 0 and "stopped <Result 'x': pass" in out and "64" in out


def test_a_script_that_ends_with_hands_on_leaves_a_whole_trace(script, tmp_path):
    code, _, err = script("import swiperig as rig\nrig.virtual_bench(out='e').power.off()")
    assert (code, err) == (0, "")
    assert rig.open_trace(tmp_path / "e").head
    code, out, _ = script("""
import os
import swiperig as rig
bench = rig.virtual_bench(out="f")
bench.power.off()
if os.fork() == 0:
    try: bench.power.on()
    except rig.Refused as refused: print(refused)
    os._exit(0)
os.wait()
print(bench.rest().outcome)
""")
    assert code == 0 and "is a fork: open a bench of its own" in out and "inconclusive" in out
