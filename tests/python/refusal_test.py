"""What is wrong is refused before anything moves, at the line that said it, in the words of the campaign files."""

import inspect

import pytest

import swiperig as rig


def plain(**words):
    return rig.Case("x", **{"amount": "1.00", "card": "debit", **words})


def swiped(**words):
    return plain(**words).swipe()


REFUSED = {
    "float amount": (lambda: swiped(amount=12.34), r'an amount in quotes such as "12.34".*found 12.34'),
    "three decimals": (lambda: swiped(amount="1.234"), "an amount"),
    "no amount": (lambda: rig.Case("x", card="debit").swipe(), '"amount" is missing'),
    "no swipe": (lambda: plain(), '"swipe" is missing'),
    "bare speed": (lambda: plain().swipe(speed=500), r"a quantity in mm/s, from 1 to 10000 mm/s.*found 500"),
    "speed in km/h": (lambda: plain().swipe(speed="2 km/h"), "a quantity in mm/s"),
    "list of speeds": (lambda: plain().swipe(speed=["1 mm/s"]), "only in a case that measures"),
    "bare duration": (lambda: swiped().on("told", after=3).cut_power(), r"with its unit \(s, ms, us\).*found 3"),
    "negative": (lambda: swiped().on("told", after="-3 ms").cut_power(), "a duration with its unit"),
    "too long": (lambda: swiped().on("told").cut_network(lasts="700 s"), "from 1 us to 600 s"),
    "milestone": (lambda: swiped().on("tld").cut_power(), 'one of start, card_wanted.*found "tld"'),
    "nth": (lambda: swiped().on("told", nth=0).cut_power(), "a whole number from 1 to 1000"),
    "nth huge": (lambda: swiped().on("told", nth=10**30).cut_power(), "a whole number of at most 64 bits"),
    "fault": (lambda: swiped().on("told").network("unplug"), "one of drop, delay"),
    "place of fault": (lambda: swiped().on("told").network("drop"), "at a ..._entered milestone"),
    "key of fault": (lambda: swiped().on("request_entered").network("drop", lasts="1 s"), "no lasts with drop"),
    "behaviour": (lambda: swiped().on("told").host("angry"), "one of normal, slow"),
    "lasts of host": (lambda: swiped().on("told").host("slow"), 'lasts = "..." with slow'),
    "part": (lambda: swiped().on("told").part("wheel", "flat"), "one of app, chip|one of keypad"),
    "state": (lambda: swiped().on("told").part("printer", "dark"), "out_of_paper, cover_open"),
    "which": (lambda: swiped().on("told").part("printer", "head_hot", which="OK"), "which only with keypad"),
    "two faults": (lambda: swiped().on("request_entered").network("drop").on("request_entered").network("reset"),
                   "a message meets one fault"),
    "must": (lambda: swiped(must=[]), "at least one milestone"),
    "word in must": (lambda: swiped(must=["tld"]), "one of start"),
    "cause": (lambda: swiped(cause="luck"), "one of none, card_reader"),
    "kind": (lambda: swiped(kind="theft"), "one of sale, void"),
    "name": (lambda: rig.Case("", amount="1.00", card="debit").swipe(), "a name of 1 to 80"),
    "object": (lambda: swiped(point=object()), "not a object"),
    "surrogate": (lambda: rig.Case("\ud800", amount="1.00", card="debit").swipe(), "Unicode"),
    "card": (lambda: plain(card="gold").swipe(), "cannot be done on bench \"virtual\".*no card slot"),
    "too fast": (lambda: plain().swipe(speed="9000 mm/s"), "cannot be done on bench \"virtual\""),
    "key": (lambda: swiped().on("told").press("F9"), "cannot be done on bench \"virtual\".*F9"),
    "outlasts": (lambda: swiped(patience="2 s").on("request_entered").network("delay", lasts="5 s"), "outlasts"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_where_it_was_said(name):
    make, words = REFUSED[name]
    bench = rig.virtual_bench()
    with pytest.raises(rig.Refused, match=rf"(?s)refusal_test.py:\d+: .*({words})") as refused:
        bench.run(make())
    lines = {inspect.getsourcelines(one)[1] + more for one in (make, plain, swiped) for more in (0, 1)}
    assert int(str(refused.value).split(":")[1]) in lines
    assert bench.folder == "", "a trace was begun"
    with pytest.raises(ValueError):
        bench.check(make())
    with pytest.raises(rig.Refused):
        bench.run_many([swiped(), make()], cycles=1)
    assert bench.folder == ""


def test_each_call_is_its_own_line():
    case = rig.Case("x", amount="1.00", card="debit")
    case.swipe(speed="500 mm/s")
    case.on("told").cut_power()
    wrong = inspect.currentframe().f_lineno + 1
    case.on("request_entered").network("drop", side="host")
    with pytest.raises(rig.Refused, match=rf"refusal_test.py:{wrong}: expected no side with drop"):
        rig.virtual_bench().run(case)


def test_what_is_right_is_not_refused():
    case = swiped(must=["told"], cause="network", point="P10", patience="30 s", settle=False)
    assert rig.virtual_bench().check(case.on("request_entered").network("drop")) == 1


@pytest.mark.parametrize("words", [{"cycles": 0}, {"threads": 0}, {"cycles": -1}, {"threads": 300}, {"cycles": 10**10}])
def test_amounts_of_work_are_bounded(words):
    with pytest.raises(rig.Refused, match="expected a whole number from 1 to"):
        rig.virtual_bench().run_many([swiped()], **words)


def test_benches_that_are_not_there(tmp_path):
    with pytest.raises(rig.Refused, match="no such file"):
        rig.open_bench(tmp_path / "none.toml")
    for seed in (-1, 2**64):
        with pytest.raises(rig.Refused, match="seed: expected a whole number from 0 to 18446744073709551615"):
            rig.virtual_bench(seed=seed)
    with pytest.raises(rig.Refused, match="no seeded defect called"):
        rig.virtual_bench(defect="none such")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").write_text("mine")
    with pytest.raises(rig.Refused, match="a new or empty directory"):
        rig.virtual_bench(out=tmp_path / "full").run(swiped())
    assert (tmp_path / "full" / "letter").read_text() == "mine"


def test_a_bench_with_equipment_is_not_run_here():
    from conftest import ROOT
    with pytest.raises(rig.Refused, match="expected a virtual bench.*swiperig run"):
        rig.open_bench(ROOT / "fixtures" / "benches" / "realtime.toml")
