"""What a test asks of a result: the money, the cause, the recovery, and the text under a failing assertion."""

import re
import shutil
import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from conftest import ROOT

import swiperig as rig


def good():
    return rig.Case("good sale", amount="12.34", card="debit").swipe(speed="500 mm/s")


def test_the_case_of_the_readme(lost):
    result = rig.virtual_bench().run(lost)
    assert result.money.balanced
    assert result.cause == "network"
    assert result.recovered_within("120 s")
    assert result.outcome == "pass" and result
    assert not result.findings
    # 10 s until the terminal gives up, and the recovery
    assert timedelta(seconds=10) < result.recovered_after < timedelta(seconds=60)
    assert not result.recovered_within(timedelta(seconds=10))
    assert timedelta(seconds=10) < result.in_doubt


def test_its_twin_on_a_terminal_that_forgets(powerless):
    result = rig.virtual_bench(defect="forgets_reversal_after_power_loss").run(powerless)
    assert not result.money.balanced
    assert result.outcome == "fail" and not result
    assert "I9" in [finding.rule for finding in result.findings]
    assert rig.virtual_bench().run(powerless).money.balanced


MONEY = {
    "sold": (lambda: good(), "12.34 was taken from the cardholder: "
                             "told APPROVED 12.34, journal approved 12.34, ledger approved 12.34"),
    "response lost": (lambda: good().on("response_entered").network("drop"),
                      "no money was taken: told UNKNOWN 12.34, journal nothing, ledger reversed 12.34"),
    "request lost": (lambda: good().on("request_entered").network("drop"),
                     "no money was taken: told UNKNOWN 12.34, journal nothing, ledger nothing|tombstone"),
    "declined": (lambda: good().on("start").host("decline", code="51"),
                 "no money was taken: told DECLINED 12.34, journal (nothing|declined 12.34), ledger"),
    "no card": (lambda: rig.Case("no card", amount="12.34").swipe("none"),
                "no money was taken: the case made no attempt at it"),
    "voided": (lambda: rig.Case("void", amount="12.34", kind="void"), "12.34 was given back: told APPROVED 12.34"),
    "refunded": (lambda: rig.Case("refund", amount="5.00", original_amount="12.34", kind="refund",
                                  card="debit").swipe(), "5.00 was given back"),
}


@pytest.mark.parametrize("name", MONEY)
def test_what_happened_to_the_money_in_one_sentence(name):
    make, sentence = MONEY[name]
    result = rig.virtual_bench().run(make())
    assert re.search(sentence, str(result.money)), str(result.money)
    assert "\n" not in str(result.money)
    assert result.money.balanced


def test_the_rows_are_the_three_books(lost):
    rows = rig.virtual_bench().run(lost).money.rows
    assert [(row.of_case, row.told, row.journal, row.ledger, row.requested) for row in rows] == [
        (True, "UNKNOWN", "", "reversed", Decimal("12.34")), (False, "APPROVED", "approved", "approved", Decimal("1"))]


def test_failure_text_says_money_first_then_five_events_then_where_the_rest_is(powerless, program):
    result = rig.virtual_bench(defect="forgets_reversal_after_power_loss", out="t").run(powerless)
    with pytest.raises(AssertionError) as failed:
        result.check()
    lines = str(failed.value).splitlines()
    assert lines[0].startswith("power cut: the pending reversal") and "12.34 was taken from the cardholder" in lines[0]
    events = [line for line in lines if " ms  " in line]
    assert len(events) == 5
    cited = [int(line.split()[0]) for line in events]
    assert cited == sorted(cited) and set(cited) & set(result.findings[0].evidence)
    assert lines[-1].strip() == "the rest: result.explain(), or `swiperig explain t --cycle 0`"
    # as it says
    assert program("explain", "t", "--cycle", 0) == result.explain()


def test_what_passed_is_returned_by_check(lost):
    result = rig.virtual_bench().run(lost)
    assert result.check() is result


def test_a_result_depends_on_nothing_that_ran_before(lost, powerless):
    first, second = rig.virtual_bench(), rig.virtual_bench()
    alone = first.run(lost)
    for _ in range(3):
        second.run(powerless)
    after = second.run(lost)
    assert after.head == alone.head and after.number == 3 and alone.number == 0
    assert rig.virtual_bench(seed=2).run(lost).head != alone.head


def test_two_cases_of_one_name_are_told_apart(lost, program):
    bench = rig.virtual_bench(out="t")
    bench.run(lost)
    bench.run(good())
    other = rig.Case("response lost", amount="1.00", card="credit").swipe()
    assert bench.run(other).case_name == "response lost (2)"
    assert bench.run(lost).case_name == "response lost"
    bench.close()
    assert 'sale of 1.00 with card "credit"' in program("explain", "t", "--cycle", 2)


def test_many_cycles_in_numbers(lost):
    bench = rig.virtual_bench()
    run = bench.run_many([lost, good()], cycles=30, threads=2)
    assert run and run.check() is run
    assert run.outcomes == {"pass": 30} and run.causes == {"network": 15, "none": 15}
    assert not run.not_passed


def test_many_cycles_of_which_some_fail(powerless):
    bench = rig.virtual_bench(defect="forgets_reversal_after_power_loss", out="t")
    bench.run(good())
    run = bench.run_many([good(), powerless], cycles=300)
    assert not run
    assert run.first == 1 and run.cycles == 300
    assert run.outcomes["fail"] == 150
    assert len(run.not_passed) == 100, "the first hundred are kept"
    with pytest.raises(AssertionError, match="(?s)300 cycles: fail 150, pass 150; trace in t.*power cut: the pending"):
        run.check()
    third = run.not_passed[2]
    bench.close()
    again = rig.open_trace("t").result(third.number)
    assert again.explain() == third.explain() and again.case_name == "power cut"


def test_a_rig_fault_is_raised_and_says_what_broke(tmp_path):
    shutil.copytree(ROOT / "fixtures", tmp_path / "f", ignore=shutil.ignore_patterns("*.cpp", "*.hpp"))
    file = tmp_path / "f" / "benches" / "virtual.toml"
    text = file.read_text()
    file.write_text(text.replace('current_limit = "2 A"', 'current_limit = "10 mA"'))
    bench = rig.open_bench(file)
    with pytest.raises(rig.RigFault, match="(?s)ledger was not read.*error, because supply: .* rail only"):
        bench.run(good())
    assert bench.last.outcome == "error" and bench.last.cause == "rig_fault"
    assert not bench.last.money.balanced
    with pytest.raises(rig.RigFault, match="2 cycles: error 2"):
        bench.run_many(good(), cycles=2)
    file.write_text(text.replace('contact = "virtual:contact"', 'contact = "virtual:elsewhere"'))
    with pytest.raises(rig.RigFault, match="contact"):
        rig.open_bench(file).run(good())
    file.write_text(text)
    assert rig.open_bench(file).run(good())


def test_durations_are_checked_as_in_cases(lost):
    result = rig.virtual_bench().run(lost)
    for wrong in (120, 1.5, "120", "2 h"):
        with pytest.raises(rig.Refused, match=r"result_test.py:\d+: expected a duration with its unit \(s, ms, us\)"):
            result.recovered_within(wrong)


def test_other_profiles_than_the_benchs_own(lost):
    own = rig.virtual_bench().run(lost)
    at_once = rig.virtual_bench(terminal=ROOT / "fixtures" / "terminals" / "at_once.toml").run(lost)
    dukpt = rig.virtual_bench(host=ROOT / "fixtures" / "hosts" / "dukpt.toml").run(lost)
    assert own and at_once and dukpt
    assert len({own.head, at_once.head, dukpt.head}) == 3
    # this one reverses before the recovery restarts it
    assert at_once.events.named("reversal_entered")[0].at_ns < own.events.named("reversal_entered")[0].at_ns
    with pytest.raises(rig.Refused, match="no such file"):
        rig.virtual_bench(host="none.toml")


def test_in_a_notebook_text_is_never_markup():
    html = rig.virtual_bench().run(rig.Case("<b>bold", amount="1.00", card="debit").swipe())._repr_html_()
    assert "&lt;b&gt;bold" in html and "<b>" not in html


def test_in_a_notebook_a_result_is_its_timeline(lost):
    html = rig.virtual_bench().run(lost)._repr_html_()
    assert html.startswith('<div class="swiperig">') and html.count("<svg") == 1
    assert "0210 response" in html and "lost 丢失" in html
    assert "network" in html and "no money was taken" in html
    style = html.split("<style>")[1].split("</style>")[0]
    for rule in style.split("}"):
        for selector in rule.split("{")[0].split(","):
            assert not selector.strip() or selector.strip().startswith((".swiperig", "#", "@")), selector


def test_other_threads_of_python_go_on_meanwhile():
    bench, counted, stop = rig.virtual_bench(), [0], threading.Event()

    def count():
        while not stop.is_set():
            counted[0] += 1

    counter = threading.Thread(target=count, daemon=True)
    counter.start()
    before = counted[0]
    bench.run_many(good(), cycles=400)
    after = counted[0]
    stop.set()
    counter.join()
    assert after - before > 10_000


def test_a_bench_runs_one_case_at_a_time():
    bench, seen = rig.virtual_bench(), []

    def run_long():
        while not seen:
            try:
                seen.append(bench.run_many(good(), cycles=1500))
            except rig.Refused:  # the other thread was first
                continue

    long = threading.Thread(target=run_long)
    long.start()
    with pytest.raises(rig.Refused, match="in another thread: open a bench for each thread"):
        while long.is_alive():
            bench.run(good())
    with pytest.raises(rig.Refused, match="in another thread"):
        bench.close()
    long.join()
    assert seen[0] and bench.run(good())


def test_what_ran_does_not_stay_in_memory():
    bench = rig.virtual_bench()

    def kilobytes():
        with open("/proc/self/status") as status:
            return int(next(line for line in status if line.startswith("VmRSS")).split()[1])

    def some():
        for _ in range(400):
            assert bench.run(good()).events
    some()
    before = kilobytes()
    some()
    some()
    assert kilobytes() - before < 8_000


def test_a_closed_bench_is_closed(lost):
    bench = rig.virtual_bench()
    assert bench.close() == "" and bench.folder == ""
    with pytest.raises(rig.Refused, match="this bench is closed, its trace is complete"):
        bench.run(lost)
    with rig.virtual_bench() as other:
        other.run(lost)
    assert other.close() == other.head != ""
