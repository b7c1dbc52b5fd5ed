#!/usr/bin/python3
"""reports/report.py, seen from the reader's side: the page shows what the trace holds, and nothing a device said can do
more than be read."""

import html.parser
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "reports"))
import curve  # noqa: E402

MS = 1_000_000
VOID = {"meta", "br", "img", "link", "hr", "input"}


class Page(html.parser.HTMLParser):
    """Elements, attributes and text as a browser would have them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts, self.open, self.classes = [], [], [], [], []
        self.feed(text)
        self.close()
        self.text = "".join(self.texts)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.classes += [tag + "." + c for name, value in attrs if name == "class" for c in (value or "").split()]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.texts.append(data)


class Trace:
    """run.trace made by hand from rig/trace.sql."""

    def __init__(self, folder, campaign="no_return"):
        self.folder = pathlib.Path(folder)
        self.db = sqlite3.connect(self.folder / "run.trace")
        self.db.executescript("PRAGMA application_id=0x53574950; PRAGMA user_version=5;" +
                              (ROOT / "rig" / "trace.sql").read_text(encoding="utf-8"))
        self.db.execute("INSERT INTO run VALUES('r-1',?,'virtual','7',1,3,'{}','0.1.0',1790000000,NULL,NULL,NULL)",
                        (campaign,))
        self.cycles = self.seq = 0

    def case(self, name, point="", steps=(), cause="none"):
        body = {"name": name, "point": point, "amount_minor": 1234, "card": "debit", "steps": list(steps),
                "cause": cause, "must": [], "patience_ns": 0, "settle": True, "where": "x.toml:1:1"}
        self.db.execute("INSERT INTO cases VALUES(?,?)", (name, json.dumps(body)))

    def cycle(self, case, events, outcome="pass", cause="none", induced="none", why="ok", findings=(), evidence=(),
              no_return=False):
        """events: (ms, source, kind, body); evidence and findings count events of this cycle from 1."""
        begun, base = self.cycles * 200_000 * MS, self.seq
        for ms, source, kind, body in events:
            self.seq += 1
            line = [begun + int(ms * MS), 0, source, kind, body]
            self.db.execute("INSERT INTO chunks VALUES(?,?,1,?)", (self.seq, self.cycles, json.dumps([line])))
        if outcome is None:
            self.db.execute("INSERT INTO cycles(cycle,epoch,case_name,begun_ns) VALUES(?,0,?,?)",
                            (self.cycles, case, begun))
        else:
            verdict = {"outcome": outcome, "why": why, "induced": induced, "checked": ["I1"], "not_observable": ["I9"],
                       "findings": [{"rule": r, "what": w, "evidence": [base + n for n in e]} for r, w, e in findings],
                       "diagnosis": {"cause": cause, "why": "so it was", "candidates": [],
                                     "evidence": [base + n for n in evidence]},
                       "in_doubt_ns": 0, "no_return": no_return}
            self.db.execute("INSERT INTO cycles VALUES(?,0,?,?,?,?,?,?,?,'00')",
                            (self.cycles, case, begun, begun + 100_000 * MS, outcome, cause, induced,
                             json.dumps(verdict)))
        self.cycles += 1

    def finish(self):
        self.db.execute("INSERT INTO epochs VALUES(0,0,?,?,'ab')", (self.cycles, 5_000_000_000))
        self.db.execute("UPDATE run SET wall_ms=1500, head='abcd1234'")

    def report(self):
        self.db.commit()
        self.db.close()
        done = subprocess.run(["/usr/bin/python3", str(ROOT / "reports" / "report.py"), str(self.folder)],
                              capture_output=True, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        assert done.returncode == 0, done.stderr
        return (self.folder / "report.html").read_text(encoding="utf-8")


def message(name, code=""):
    fields = {"mti": "0200", "stan": "000012", "batch": "000001", "amount": "000000001234", "connection": "1"}
    return {"name": name, "fields": {**fields, **({"code": code, "mac": "ok"} if code else {})}}


def sale(response_left=True):
    events = [
        (0, "rig", "intent", {"what": "sale", "amount_minor": 1234, "detail": "x"}),
        (1, "actuator", "press", {"keys": "1 2 3 4 OK"}),
        (900, "actuator", "motion_done", {"what": "press", "speed_mm_s": 0, "reverse": False}),
        (950, "terminal", "text", {"place": "screen", "text": "SWIPE CARD"}),
        (950, "terminal", "milestone", {"name": "card_wanted", "fields": {}}),
        (951, "actuator", "swipe", {"card": "debit", "speed_mm_s": 500, "reverse": False}),
        (1251, "actuator", "motion_done", {"what": "swipe", "speed_mm_s": 498, "reverse": False}),
        (1300, "network", "milestone", {"name": "connected", "fields": {"connection": "1"}}),
        (1301, "network", "milestone", message("request_entered")),
        (1302, "network", "milestone", message("request_left")),
        (1303, "host", "milestone", message("committed")),
        (1340, "network", "milestone", message("response_entered", "00")),
    ]
    if response_left:
        events += [(1341, "network", "milestone", message("response_left", "00")),
                   (1400, "terminal", "milestone", {"name": "told", "fields": {"outcome": "APPROVED", "batch": "000001",
                                                                               "stan": "000012", "amount": "1234"}})]
    return events


class ReportTest(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.trace = Trace(self.temporary.name)

    def test_says_how_the_run_went(self):
        self.trace.case("good sale")
        self.trace.case("response lost", "P10", cause="network")
        self.trace.cycle("good sale", sale())
        self.trace.cycle("response lost", sale(False), "fail", "network", "network", "charged 12.34 in silence",
                         [("I2", "cardholder charged 12.34", [12])], [9], no_return=True)
        self.trace.finish()
        page = Page(self.trace.report())
        for words in ("no_return", "virtual", "abcd1234", "1 of 2 (50.0 %)", "right 正确 2, wrong 错误 0, unknown 未定 0",
                      "charged 12.34 in silence", "I2 (no silent charge 不无声扣款): cardholder charged 12.34",
                      "刷卡终端测试报告", "通过", "不通过", "网络", "good sale", "response lost"):
            self.assertIn(words, page.text)
        self.assertEqual(page.tags.count("article"), 2)
        self.assertEqual(page.tags.count("details"), 1)

    def test_is_one_static_file(self):
        self.trace.case("good sale")
        self.trace.cycle("good sale", sale())
        page = Page(self.trace.report())
        self.assertIn(("content", "default-src 'none'; style-src 'unsafe-inline'; img-src data:"), page.attributes)
        self.assertFalse({"script", "link", "iframe", "object", "img", "form"} & set(page.tags))
        self.assertFalse({"src", "href", "xlink:href", "onclick", "onload"} & {name for name, _ in page.attributes})

    def test_hostile_text_is_shown_and_never_markup(self):
        bad = "</text></svg><script>alert(1)</script>'\" onload=x &lt; {{ 7*7 }} \u202eevil\u0000\u001b[31m\ud800"
        storable = bad.replace("\ud800", "")
        self.trace.case("odd", bad, [{"when": bad, "nth": 1, "after_ns": 0, "action": {"network": bad}}], bad)
        self.trace.db.execute("UPDATE cases SET name=?", [storable])
        self.trace.db.execute("UPDATE run SET campaign=?, bench=?, id=?", [storable] * 3)
        fields = {name: bad for name in ("stan", "amount", "code", "mti", "outcome", "connection", "from", "by", "how")}
        kinds = [("intent", {"what": bad, "amount_minor": 1, "detail": bad}), ("swipe", {"card": bad, "speed_mm_s": 1}),
                 ("press", {"keys": bad}), ("text", {"place": bad, "text": bad}), ("presence", {"what": bad}),
                 ("fired", {"step": 0, "done": True, "what": bad}), ("armed", {"step": 0, "what": bad}),
                 ("equipment_fault", {"what": bad}), ("host_behaviour", {"name": bad}), (storable, {}),
                 ("book_read", {"book": "ledger", "entries": [{"stan": bad, "state": bad, "amount_minor": bad}]})]
        kinds += [("milestone", {"name": n, "fields": fields}) for n in
                  (bad, "told", "closed", "garbage", "request_entered", "response_left", "other_entered")]
        events = [(n, "terminal", kind, body) for n, (kind, body) in enumerate(kinds)]
        self.trace.cycle(storable, events, "fail", "network", "none", bad, [(bad, bad, [1])], [2])
        text = self.trace.report()
        page = Page(text)
        self.assertEqual(page.open, [])
        self.assertNotIn("script", page.tags)
        self.assertNotIn("onload", {name for name, _ in page.attributes})
        for character in ("\u202e", "\u0000", "\u001b"):
            self.assertNotIn(character, text)
        self.assertIn("<script>alert(1)</script>'\" onload=x &lt; {{ 7*7 }} \\u{202E}evil\\x00\\x1B[31m", page.text)

    def drawn(self, events, **how):
        self.trace.case("response lost", "P10", how.pop("steps", ()), cause="network")
        self.trace.cycle("response lost", events, "fail", "network", "network", **how)
        return Page(self.trace.report())

    def test_timeline_has_what_the_trace_has(self):
        page = self.drawn(sale() + [
            (2000, "power", "supply", {"on": False}), (2010, "power", "reading", {"rail_mv": 120, "draw_ma": 0}),
            (5000, "power", "supply", {"on": True}),
            (9000, "terminal", "milestone", {"name": "read_error", "fields": {}}),
            (9500, "network", "impairment", {"outage": True, "lasts_ns": 0}),
            (60000, "rig", "silence", {"lasted_ns": 25_000_000_000})])
        for words in ("sale 消费  12.34", "press 1 2 3 4 OK", "swipe debit 500 mm/s", "swipe done, measured 498 mm/s",
                      "connected", "0200 request #000012 12.34", "0210 response #000012 12.34 code 00",
                      "committed #000012",
                      "told: APPROVED 12.34 #000012", "card wanted · screen “SWIPE CARD”", "power off", "power on",
                      "120 mV, 0 mA", "read error", "network cut", "nothing came back for 25 s", "1.301 s", "951 ms"):
            self.assertIn(words, page.text)
        self.assertEqual(page.classes.count("rect.bar"), 2)    # one press, one swipe
        self.assertEqual(page.classes.count("rect.dark"), 2)   # power and terminal lanes
        self.assertEqual(page.classes.count("rect.cut"), 1)
        self.assertEqual(page.classes.count("line.arrow"), 2)
        self.assertEqual(page.classes.count("path.tip"), 2)
        self.assertNotIn("path.cross", page.classes)

    def test_timeline_crosses_out_what_was_lost(self):
        page = self.drawn(sale(False), evidence=[12], findings=[("I2", "charged", [11])])
        self.assertEqual(page.classes.count("path.cross"), 1)
        self.assertEqual(page.classes.count("path.tip"), 1)
        self.assertIn("0210 response #000012 12.34 code 00 — lost 丢失", page.text)
        self.assertEqual(page.classes.count("rect.evidence"), 1)
        self.assertEqual(page.classes.count("rect.finding"), 1)

    def test_timeline_shows_a_late_message_twice(self):
        events = sale()
        events[12] = (12_345, "network", "milestone", message("response_left", "00"))
        events[13] = (12_400, *events[13][1:])
        events.insert(12, (11_000, "terminal", "milestone", {"name": "told", "fields": {"outcome": "UNKNOWN"}}))
        page = self.drawn(events)
        self.assertEqual(page.classes.count("line.arrow"), 3)
        self.assertNotIn("path.cross", page.classes)

    def test_timeline_shades_an_armed_outage(self):
        step = {"when": "request_entered", "nth": 1, "after_ns": 0,
                "action": {"network": "outage", "lasts_ns": 500 * MS}}
        fired = {"step": 0, "done": True, "what": "cut the network for 500 ms"}
        page = self.drawn(sale() + [(1500, "rig", "fired", fired), (9000, "rig", "silence", {"lasted_ns": 1})],
                          steps=[step])
        self.assertEqual(page.classes.count("rect.cut"), 1)
        self.assertIn("step 1 fired: cut the network for 500 ms", page.text)
        self.assertIn("request_entered: outage for 500 ms", page.text)

    def test_a_cycle_cut_short_is_inconclusive(self):
        self.trace.case("good sale")
        self.trace.cycle("good sale", sale())
        self.trace.cycle("good sale", sale()[:4], None)
        page = Page(self.trace.report())
        self.assertIn("the cycle was cut short and has no verdict", page.text)
        self.assertIn("article.inconclusive", page.classes)
        self.assertIn("this run did not end in order", page.text)
        self.assertIn("0 of 1 (0.0 %) judged cycles", page.text)

    def test_draws_what_was_measured(self):
        self.assertEqual(tuple(round(x, 4) for x in curve.wilson(0, 1000)), (0.0, 0.0038))
        self.assertEqual(tuple(round(x, 4) for x in curve.wilson(30, 60)), (0.3774, 0.6226))
        self.assertEqual(round(curve.wilson(0, 100)[1], 4), 0.037)  # DOMAIN.md 5.2, vectors of stats.json
        self.assertEqual(curve.wilson(0, 0), (0.0, 1.0))
        hostile = "</svg><script>alert(1)</script>"
        for series, speed, read, swipes in (("forward", 76, 3, 3), ("forward", 1600, 1, 3), (hostile, 76, 0, 2)):
            name = f"{series}, {speed} mm/s"
            self.trace.case(name)
            measure = {"milestone": "card_read", "series": series, "axis": "speed", "at": f"{speed} mm/s"}
            self.trace.db.execute("UPDATE cases SET body=json_set(body,'$.measure',json(?)) WHERE name=?",
                                  (json.dumps(measure), name))
            for i in range(swipes):
                self.trace.cycle(name, sale(), "pass", "none" if i < read else "card_reader", "none")
                self.trace.db.execute("UPDATE cycles SET verdict=json_set(verdict,'$.measured',json(?)) WHERE cycle="
                                      "(SELECT max(cycle) FROM cycles)", ("true" if i < read else "false",))
        self.trace.cycle("forward, 76 mm/s", [], "error", "rig_fault", "none")
        page = Page(self.trace.report())
        self.assertEqual(page.classes.count("svg.curve"), 1)
        self.assertEqual(page.classes.count("circle.point"), 3)
        self.assertEqual(page.classes.count("path.interval"), 3)
        for words in ("Measured 测量结果", "forward, 76 mm/s: 3 of 3, 43.9 to 100.0 %", "33.3 %",
                      "forward, 1600 mm/s: 1 of 3, 6.1 to 79.2 %", "right 正确 0, wrong 错误 0, unknown 未定 0"):
            self.assertIn(words, page.text)
        self.assertNotIn("script", page.tags)
        self.assertEqual(page.open, [])

    def test_a_run_that_measured_nothing_has_no_chart(self):
        self.trace.case("good sale")
        self.trace.cycle("good sale", sale())
        page = Page(self.trace.report())
        self.assertNotIn("svg.curve", page.classes)
        self.assertNotIn("Measured", page.text)

    def test_the_books_of_the_run(self):
        (self.trace.folder / "summary.json").write_text(json.dumps({"run_books": {
            "classes": {"sold": {"what": "booked <and> told", "what_zh": "已告知", "attempts": 7, "journal_minor": 1234,
                                 "ledger_minor": 1234, "told_minor": 1200}, "damaged": 3},
            "amended": 2, "found": 1, "findings": [{"what": "cycle 3: still in doubt 12.34", "what_zh": "仍未知"}],
            "rules": {"I1": {"checked": 9, "not_observable": 0, "not_reached": 1},
                      "I2": {"checked": 0, "not_observable": 10, "not_reached": 0}}}}))
        self.trace.case("good sale")
        self.trace.cycle("good sale", sale())
        self.trace.finish()
        text = " ".join(Page(self.trace.report()).text.split())
        for words in ("booked <and> told 已告知", "12.34", "12.00", "amended it (2)", "cycle 3: still in doubt 12.34 仍未知",
                      "I1 checked 已检查 9, not reached 未到达 1", "I2 not observable on this bench"):
            self.assertIn(words, text)

    def strategies(self, did):
        """A run that has compared one strategy, whose every measure is `did`."""
        cell = {"without": 8, "with": 2, "without_interval": [490, 943], "with_interval": [57, 510],
                "difference_interval": [-800, -200], "did": did}
        row = {"strategy": "ask <again>", "strategy_zh": "再问", "fault": "host silent", "cause": "host_down",
               "pairs": 10, "left_out": 1, "no_return": cell, "held": cell, "sold": cell,
               "in_doubt": {"without_ms": 120000, "with_ms": 11000, "difference_interval_ms": [-110000, -108000],
                            "did": did}}
        (self.trace.folder / "summary.json").write_text(json.dumps(
            {"campaign": "mine", "bench": "virtual", "seed": 7, "strategies": [row, {"strategy": "damaged"}]}))
        self.trace.case("host silent", cause="host_down")
        self.trace.cycle("host silent", sale(False), cause="host_down", induced="host_down")
        self.trace.finish()
        return Page(self.trace.report()).text

    def test_strategies_and_what_they_helped(self):
        text = " ".join(self.strategies("better").split())
        for words in ("ask <again> 再问", "80 % (49 – 94) → 20 % (6 – 51)", "better 改善", "-80 – -20 %",
                      "120.0 s → 11.0 s", "(1 left out)", "campaign mine on bench virtual, seed 7",
                      "Strategies that helped 有效对策: ask <again> 再问 (no return, time in doubt, money held and unknown"):
            self.assertIn(words, text)

    def test_a_strategy_that_does_nothing_is_shown_as_doing_nothing(self):
        text = " ".join(self.strategies("nothing").split())
        self.assertIn("nothing 无作用", text)
        self.assertNotIn("→", text.split("Strategies 对策")[1].split("What helps")[0])
        self.assertIn("Strategies that helped 有效对策: none of those measured 已测对策均无效", text)

    def test_a_run_without_strategies_cites_the_stored_measurement(self):
        self.trace.case("response lost", cause="network")
        self.trace.cycle("response lost", sale(False), cause="network", induced="network")
        self.trace.finish()
        text = " ".join(Page(self.trace.report()).text.split())
        self.assertIn("campaign strategies on bench reader, seed 1; this run measured none", text)
        self.assertIn("Strategies that helped 有效对策: retry on network change 换网重试", text)
        self.assertNotIn("Strategies 对策", text)

    def test_a_rig_fault_is_no_diagnosis(self):
        self.trace.case("good sale")
        self.trace.cycle("good sale", [(0, "rig", "equipment_fault", {"what": "robot gone"})], "error", "rig_fault")
        page = Page(self.trace.report())
        self.assertIn("right 正确 0, wrong 错误 0, unknown 未定 0", page.text)
        self.assertIn("rig fault 测试台故障: robot gone", page.text)

    def test_many_failures_are_capped_and_counted(self):
        self.trace.case("good sale")
        for _ in range(205):
            self.trace.cycle("good sale", [], "fail")
        page = Page(self.trace.report())
        self.assertEqual(page.tags.count("article"), 200)
        self.assertIn("5 of 205 cycles that did not pass are left out here", page.text)

    def test_a_foreign_file_is_refused(self):
        self.trace.db.execute("PRAGMA application_id=1")
        with self.assertRaisesRegex(AssertionError, "not a trace"):
            self.trace.report()
        self.assertFalse((self.trace.folder / "report.html").exists())


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
