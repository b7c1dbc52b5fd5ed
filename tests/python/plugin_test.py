"""The pytest plugin, as somebody uses it who writes a test file and runs pytest."""

import re
import shlex
import xml.etree.ElementTree as xml

import pytest
from conftest import ROOT

GOOD = """
import swiperig as rig

def lost():
    case = rig.Case("response lost", amount="12.34", card="debit")
    case.swipe(speed="500 mm/s")
    case.on("response_entered").cut_power()
    return case

@rig.requirement("REQ-7", "REQ-8")
def test_money(bench):
    result = bench.run(lost())
    assert result.money.balanced
"""


@pytest.fixture
def run(pytester):
    """pytest in a process of its own, in a folder with this test file."""
    def run_with(text, *arguments):
        pytester.makepyfile(test_mine=text)
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)
    return run_with


def properties(pytester):
    case = xml.parse(pytester.path / "j.xml").find(".//testcase")
    return [(one.get("name"), one.get("value")) for one in case.iter("property")], case


def test_a_test_that_passes_leaves_its_trace_and_properties(run, pytester, program):
    run(GOOD, "--junitxml=j.xml", "--rig-out=out", "--rig-seed=7").assert_outcomes(passed=1)
    found, _ = properties(pytester)
    named = dict(found)
    assert named["rig_seed"] == "7" and named["rig_trace"] == "out/test_mine.py_test_money"
    assert [value for name, value in found if name == "requirement"] == ["REQ-7", "REQ-8"]
    told = program("judge", pytester.path / named["rig_trace"])
    assert f'"head": "{named["rig_head"]}"' in told and "pass 1" in told
    assert named["rig_run_id"].startswith("pytest-")


def test_the_same_test_on_a_faulty_terminal_fails_and_says_how_to_do_it_again(run, pytester):
    first = run(GOOD, "--rig-defect=forgets_reversal_after_power_loss", "--rig-seed=7")
    first.assert_outcomes(failed=1)
    text = first.stdout.str()
    assert re.search(r"what the bench did last -+\nresponse lost: the pending reversal .* 12.34 was taken", text)
    assert len(re.findall(r"^ +\d+ +[\d.]+ ms  ", text, re.M)) == 5
    command = re.search(r"to do it again -+\n(.*)", text)[1]
    words = shlex.split(command)
    assert words[0] == "pytest"
    again = pytester.runpytest_subprocess("-p", "no:cacheprovider", *words[1:])
    again.assert_outcomes(failed=1)
    pick = re.compile(r"^ +\d+ +[\d.]+ ms  .*", re.M)
    assert pick.findall(again.stdout.str()) == pick.findall(text)


def test_runs_are_beside_each_other(run, pytester):
    run(GOOD)
    run(GOOD)
    run(GOOD, "--rig-out=given")
    run(GOOD, "--rig-out=given")
    traces = sorted(str(path.parent.relative_to(pytester.path)) for path in pytester.path.rglob("run.trace"))
    assert traces == ["given/test_mine.py_test_money", "given/test_mine.py_test_money-2",
                      "runs/pytest-1/test_mine.py_test_money", "runs/pytest-2/test_mine.py_test_money"]


REQUIRES = """
import swiperig as rig
@rig.requires({what})
def test_it(bench):
    assert bench.has
"""


def test_what_the_bench_has_not_is_skipped_with_the_reason(run):
    done = run(REQUIRES.format(what='"parts", "bridge"'), "-rs")
    done.assert_outcomes(skipped=1)
    assert re.search(r"SKIPPED \[1\] test_mine.py:\d+: the bench has no bridge; it has .*network", done.stdout.str())


def test_what_the_bench_has_is_not_skipped(run):
    run(REQUIRES.format(what='"virtual", "parts", "usb", "ledger", "debit"')).assert_outcomes(passed=1)


def test_a_rig_fault_is_an_error_and_no_failure(run, pytester):
    fixtures = pytester.path / "fixtures"
    for folder in ("benches", "terminals", "hosts"):
        (fixtures / folder).mkdir(parents=True)
        for file in (ROOT / "fixtures" / folder).glob("*.toml"):
            (fixtures / folder / file.name).write_text(file.read_text())
    weak = fixtures / "benches" / "virtual.toml"
    weak.write_text(weak.read_text().replace('current_limit = "2 A"', 'current_limit = "10 mA"'))
    done = run(GOOD, f"--bench={weak}", "--junitxml=j.xml")
    done.assert_outcomes(errors=1, failed=0)
    _, case = properties(pytester)
    assert case.find("error") is not None and case.find("failure") is None
    assert "rail only" in done.stdout.str()
    # the twin: another exception of the same test is a failure
    run(GOOD.replace("result.money.balanced", "1 / 0")).assert_outcomes(failed=1)


def test_a_bench_that_nobody_serves_is_a_usage_error(run):
    for words, why in ((["--bench=ipc:///nobody/there", "--rig-defect=x"], "swiperig stand-in --defect"),
                       (["--bench-key=x"], "for a bench at tcp")):
        done = run(GOOD, *words)
        assert why in done.stdout.str() + done.stderr.str() and done.ret != 0


def test_a_bench_file_that_is_wrong_is_a_usage_error(run):
    done = run(GOOD, "--bench=none.toml")
    assert "none.toml: no such file" in done.stdout.str() + done.stderr.str()
    assert done.ret != 0


def test_a_refused_case_fails_at_its_line(run):
    done = run(GOOD.replace('"500 mm/s"', "500"))
    done.assert_outcomes(failed=1)
    assert re.search(r"Refused: test_mine.py:5: expected a quantity in mm/s", done.stdout.str())


def test_options_are_told(run):
    text = run(GOOD, "--help").stdout.str()
    for option in ("--bench=FILE|URL", "--bench-key=FILE", "--rig-seed=N", "--rig-out=DIR", "--rig-defect=NAME"):
        assert option in text


def test_without_benches_nothing_is_made(run, pytester):
    run("def test_it(): pass").assert_outcomes(passed=1)
    assert not (pytester.path / "runs").exists()
