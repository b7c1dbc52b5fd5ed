"""Random schedules shrink to the smallest case that fails, and an honest terminal is never accused."""

import re

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

import swiperig as rig
from swiperig.strategies import cases, faults

QUIET = settings(database=None, deadline=None, max_examples=300, derandomize=True,
                 suppress_health_check=list(HealthCheck))


def faults_in(case):
    return len(re.findall(r"\.on\(", repr(case)))


@pytest.mark.parametrize("defect, fault", [
    ("forgets_reversal_after_power_loss", r"network\('drop'\)|cut_power\(\)"),
    ("accepts_wrong_mac", r"what', 'mac'|what='mac'|wrong_mac|forged_mac"),
    ("believes_truncated_response", r"'cut'|truncated"),
    ("accepts_late_response", r"'delay'|outage|cut_network|'slow'|'late'|jitter|rate|reorder|issuer"),
])
def test_a_planted_defect_shrinks_to_one_fault(defect, fault):
    bench = rig.virtual_bench(defect=defect)
    tried = settings(QUIET, max_examples=4000)
    smallest = find(cases(), lambda case: bool(bench.run(case).findings), settings=tried)
    assert faults_in(smallest) == 1, repr(smallest)
    assert re.search(fault, repr(smallest)), repr(smallest)
    assert "amount='1.00'" in repr(smallest) and "speed='200 mm/s'" in repr(smallest)


def test_its_twin_an_honest_terminal_keeps_the_money():
    bench = rig.virtual_bench()
    seen = []

    @settings(QUIET)
    @given(case=cases(parts=True))
    def property_holds(case):
        result = bench.run(case)
        seen.append((faults_in(case), result.cause))
        assert not result.findings, str(result)

    property_holds()
    assert len(seen) >= 300
    assert {count for count, _ in seen} == {0, 1, 2, 3}
    assert len({cause for _, cause in seen}) >= 5, "the schedules do not come about"


def test_the_falsifying_example_is_python_that_does_it_again():
    bench = rig.virtual_bench(defect="accepts_wrong_mac")

    @settings(QUIET, max_examples=2000, phases=[Phase.generate, Phase.shrink])
    @given(case=cases())
    def property_fails(case):
        assert not bench.run(case).findings

    with pytest.raises(AssertionError) as failed:
        property_fails()
    text = "\n".join(failed.value.__notes__)
    code = re.search(r"case=(Case\(.*\)),", text)[1]
    again = eval(code, {"Case": rig.Case})
    assert bench.run(again).findings and rig.virtual_bench().run(again).findings == []


@settings(QUIET)
@given(faults(parts=True))
def test_every_fault_is_one_that_the_bench_can_do(fault):
    case = rig.Case("one", amount="1.00", card="debit").swipe()
    assert BENCH.check(fault.add_to(case)) == 1


BENCH = rig.virtual_bench()


@settings(QUIET)
@given(st.data())
def test_every_case_is_one_that_the_bench_can_do(data):
    assert BENCH.check(data.draw(cases(most_faults=5, parts=True))) == 1
