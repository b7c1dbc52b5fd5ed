#!/usr/bin/python3
"""report.py DIR: reads DIR/run.trace (and DIR/summary.json where it is) and writes DIR/report.html: one static file
without scripts or remote loads, that a person can read, print and keep. Everything in it comes from the trace; what
devices said is hostile text and is shown, never interpreted."""

import datetime
import json
import os
import pathlib
import re
import sqlite3
import sys
import urllib.parse

import jinja2
from markupsafe import Markup

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import curve  # noqa: E402
import helped  # noqa: E402
import timeline  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
MOST_CYCLES = 200
APPLICATION_ID, SCHEMA = 0x53574950, 5
OUTCOMES = {"pass": "通过", "inconclusive": "无结论", "fail": "不通过", "error": "测试台故障"}
ENDS_REVERSAL = ("00", "12", "25")
DRAWN = "drawn"  # the cause of cases drawn at random: too many to hold, so they are counted by kind ("drawn sale 17")
NOT_DRAWN = f"instr(body,'\"cause\":\"{DRAWN}\"')=0"
ROW = (f"CASE WHEN induced='{DRAWN}' THEN CASE WHEN case_name LIKE 'pair of %' THEN 'pairs of cases' "
       "ELSE rtrim(case_name,'0123456789 ') END ELSE case_name END")


class ReportError(Exception):
    pass


def causes():
    """rig/causes.def: name -> (English, Chinese)."""
    found = re.findall(r'^CAUSE\((\w+), "[^"]*", \w+, "([^"]*)", "([^"]*)"\)',
                       (HERE.parent / "rig" / "causes.def").read_text(encoding="utf-8"), re.MULTILINE)
    return {name: (english, chinese) for name, english, chinese in found}


def rules():
    """rig/rules.def: name -> (English, Chinese)."""
    found = re.findall(r'^RULE\((\w+), "[^"]*", "([^"]*)", "([^"]*)"\)',
                       (HERE.parent / "rig" / "rules.def").read_text(encoding="utf-8"), re.MULTILINE)
    return {name: (english, chinese) for name, english, chinese in found}


def objects(db):
    db.execute("PRAGMA trusted_schema=OFF")
    return db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name LIMIT 100").fetchall()


def open_trace(path):
    if not path.is_file():
        raise ReportError(f"{path}: there is no trace")
    address = "file:" + urllib.parse.quote(str(path.resolve()))
    for mode in ("?mode=ro", "?immutable=1"):  # a read-only folder cannot hold the lock files of the first
        try:
            db = sqlite3.connect(address + mode, uri=True)
            application = db.execute("PRAGMA application_id").fetchone()[0]
            schema = db.execute("PRAGMA user_version").fetchone()[0]
            tables = objects(db)
            break
        except sqlite3.DatabaseError as error:
            problem = error
    else:
        raise ReportError(f"{path}: {problem}")
    if application != APPLICATION_ID:
        raise ReportError(f"{path}: not a trace (expected application id SWIP)")
    if schema != SCHEMA:
        raise ReportError(f"{path}: trace schema version {schema}, this program reads version {SCHEMA}")
    known = sqlite3.connect(":memory:")
    known.executescript((HERE.parent / "rig" / "trace.sql").read_text(encoding="utf-8"))
    if tables != objects(known):  # views may never end
        raise ReportError(f"{path}: its tables are not those of a trace (expected exactly the schema of rig/trace.sql)")
    db.row_factory = sqlite3.Row
    db.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
    return db


def parsed(text):
    """A JSON object, or an empty one where the text is none."""
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def add(counts, name, count):
    counts[name] = counts.get(name, 0) + count


def row_of(cases, name):
    """The row a case counts in: its own, its sweep's, or its half of a comparison's."""
    trial = cases.get(name, {}).get("trial")
    if isinstance(trial, dict):
        return f"{trial.get('strategy')}: {trial.get('fault')}, {'with' if trial.get('with') else 'without'}"
    return (cases.get(name, {}).get("sweep") or {}).get("series") or name


def figures(db, cases):
    """Counts over all cycles, and per case in the campaign's order; the cases of a sweep together."""
    def empty():
        return {"cycles": 0, "outcomes": dict.fromkeys(OUTCOMES, 0), "causes": {}, "findings": {}, "no_return": 0,
                "judged": 0, "right": 0, "wrong": 0, "unknown": 0}
    rows = {row_of(cases, name): empty() for name in cases}
    total = empty()
    for name, outcome, cause, induced, no_return, judged, measures, tried, count in db.execute(
            f"SELECT {ROW}, coalesce(outcome,'inconclusive'), cause, induced, json_extract(verdict,'$.no_return'), "
            "verdict IS NOT NULL, json_extract(verdict,'$.measured') IS NOT NULL, "
            "json_extract(verdict,'$.causes'), count(*) FROM cycles GROUP BY 1,2,3,4,5,6,7,8"):
        accepted = parsed(tried) if tried else [] if induced == DRAWN else [induced]
        for row in (rows.setdefault(row_of(cases, name), empty()), total):
            row["cycles"] += count
            add(row["outcomes"], outcome if outcome in OUTCOMES else "inconclusive", count)
            if not judged:
                continue
            add(row["causes"], cause or "unknown", count)
            if outcome != "error":
                row["judged"] += count
                row["no_return"] += count if no_return else 0
            if not measures and accepted and (outcome != "error" or "rig_fault" in accepted):
                row["unknown" if cause == "unknown" else "right" if cause in accepted else "wrong"] += count
    for name, rule, count in db.execute(
            f"SELECT {ROW}, json_extract(f.value,'$.rule'), count(*) FROM cycles, "
            "json_each(verdict,'$.findings') f WHERE verdict IS NOT NULL GROUP BY 1,2"):
        for row in (rows[row_of(cases, name)], total):
            add(row["findings"], rule, count)
    return total, rows


def run_books(summary):
    """The books of the run from summary.json: (rows of classes, findings, amended, rules that were not observable)."""
    books_ = summary.get("run_books")
    if not isinstance(books_, dict):
        return None
    needs = {"what", "what_zh", "attempts", "journal_minor", "ledger_minor", "told_minor"}
    classes = [c for c in (books_.get("classes") or {}).values() if isinstance(c, dict) and needs <= c.keys()]
    rules = {name: counts for name, counts in (books_.get("rules") or {}).items() if isinstance(counts, dict)}
    return {"classes": classes, "findings": [f for f in books_.get("findings") or [] if isinstance(f, dict)],
            "amended": books_.get("amended") or 0, "rules": rules}


def rig_faults(summary):
    """How often a tried case made the rig's own equipment fail, and how often the terminal was accused of it."""
    counts = summary.get("rig_faults")
    names = ("cycles", "called_terminal_fault")
    return counts if isinstance(counts, dict) and all(isinstance(counts.get(n), int) for n in names) else None


def confusion(summary):
    """The confusion matrix of summary.json: rows of (what was induced, its causes, [(diagnosed, count, right)])."""
    rows = []
    for induced, diagnosed in sorted((summary.get("confusion") or {}).items()):
        causes_ = induced.split(" or ")
        rows.append((causes_, [(cause, count, cause in causes_) for cause, count in
                               sorted(diagnosed.items(), key=lambda item: (-item[1], item[0]))]))
    return rows


def books(events):
    """What each attempt is in the three books: rows of (key, told, journal, ledger)."""
    rows, read = {}, set()

    def row(batch, stan):
        return rows.setdefault((batch or "", stan or ""), {"told": "", "journal": "", "ledger": ""})

    for event in events:
        body = event["body"]
        if event["kind"] == "book_read" and body.get("book") in ("journal", "ledger"):
            read.add(body["book"])
            for entry in body.get("entries") or []:
                state = f"{entry.get('state')} {timeline.amount(entry.get('amount_minor'))}"
                mine = row(entry.get("batch"), entry.get("stan"))
                if body["book"] == "ledger" or not mine["journal"] or entry.get("state") == "pending":
                    mine[body["book"]] = state
        elif event["kind"] == "milestone":
            fields = body.get("fields") or {}
            if body.get("name") == "told" and fields.get("stan"):
                told = f"{fields.get('outcome', '')} {timeline.digits_amount(fields.get('amount', ''))}".strip()
                row(fields.get("batch"), fields["stan"])["told"] = told
            elif body.get("name") == "reversal_response_left" and fields.get("code") in ENDS_REVERSAL:
                mine = row(fields.get("batch"), fields.get("stan"))
                for book in read:
                    if mine[book].startswith(("approved", "pending")):
                        mine[book] += ", then reversed"
    return [dict(mine, batch=batch, stan=stan,
                 journal=mine["journal"] or ("nothing" if "journal" in read else "not read"),
                 ledger=mine["ledger"] or ("nothing" if "ledger" in read else "not read"),
                 told=mine["told"] or "nothing") for (batch, stan), mine in rows.items()]


def case_named(db, name):
    row = db.execute("SELECT body FROM cases WHERE name=?", (name,)).fetchone()
    return parsed(row[0]) if row else {}


def events_of(db, number):
    """Without the view: a file of unknown origin may not make SQLite call functions."""
    events = []
    for first, text in db.execute("SELECT first_seq, events FROM chunks WHERE cycle=? ORDER BY first_seq", (number,)):
        try:
            for place, (at, _, source, kind, body) in enumerate(json.loads(text)):
                events.append({"seq": first + place, "at": at, "source": source, "kind": kind,
                               "body": body if isinstance(body, dict) else {}})
        except (TypeError, ValueError) as error:
            raise ReportError(f"cycle {number}: events from {first} on: {error}") from error
    return events


def cycle_view(db, cases, number):
    cycle = db.execute("SELECT * FROM cycles WHERE cycle=?", (number,)).fetchone()
    events = events_of(db, number)
    verdict = parsed(cycle["verdict"])
    diagnosis, findings = verdict.get("diagnosis") or {}, verdict.get("findings") or []
    evidence = [seq for f in findings for seq in f.get("evidence") or []]
    case = cases.get(cycle["case_name"]) or case_named(db, cycle["case_name"])
    ended = cycle["ended_ns"] if cycle["ended_ns"] is not None else events[-1]["at"] if events else cycle["begun_ns"]
    return {
        "number": number, "case": case, "name": cycle["case_name"],
        "outcome": cycle["outcome"] if cycle["outcome"] in OUTCOMES else "inconclusive",
        "why": verdict.get("why") or "the cycle was cut short and has no verdict",
        "findings": findings, "diagnosis": diagnosis, "induced": cycle["induced"],
        "lasted": timeline.duration(ended - cycle["begun_ns"]),
        "in_doubt": timeline.duration(verdict["in_doubt_ns"]) if verdict.get("in_doubt_ns") else "",
        "checked": verdict.get("checked") or [], "not_observable": verdict.get("not_observable") or [],
        "not_reached": verdict.get("not_reached") or [],
        "books": books(events), "events": len(events),
        "svg": Markup(timeline.draw(case, events, cycle["begun_ns"], diagnosis.get("evidence") or [], evidence)),
    }


def step_text(step):
    action = step.get("action") or {}
    body = action.get("body") or {}
    way = (", reversed" if body.get("reverse") else "") + curve.manner(body)
    extras = ", ".join(f"{key} {action[key]}" for key in ("count", "then", "side", "what") if key in action)
    if "wait_ns" in action:
        extras += f"{', ' if extras else ''}waits {timeline.duration(action['wait_ns'])}"
    what = action.get("network", "") + (f" ({extras})" if extras else "") or {
        "swipe": f"swipe {body.get('card')} at {body.get('speed_mm_s')} mm/s{way}",
        "press": f"press {body.get('keys')}", "supply": "power on" if body.get("on") else "power off",
        "dip": f"dip {body.get('card')}", "tap": f"tap {body.get('card')}",
        "brown_out": f"rail down to {body.get('to_mv')} mV",
        "host_behaviour": f"host {body.get('name')}",
        "part": f"{body.get('part')} {body.get('state')}"}.get(action.get("kind"), "?")
    lasts = action.get("lasts_ns") or body.get("lasts_ns") or body.get("dwell_ns") or body.get("hold_ns")
    when = str(step.get("when")) + (f" + {timeline.duration(step['after_ns'])}" if step.get("after_ns") else "")
    return f"{when}: {what}" + (f" for {timeline.duration(lasts)}" if lasts else "")


def render(folder):
    db = open_trace(folder / "run.trace")
    run = db.execute("SELECT * FROM run").fetchone()
    if run is None:
        raise ReportError(f"{folder / 'run.trace'}: no run in it")
    summary = folder / "summary.json"
    summary = parsed(summary.read_text(encoding="utf-8")) if summary.is_file() else {}
    cases = {name: parsed(body) for name, body in db.execute(
        f"SELECT name, body FROM cases WHERE {NOT_DRAWN} ORDER BY rowid")}
    total, rows = figures(db, cases)
    bad = [n for n, in db.execute(
        "SELECT cycle FROM cycles WHERE outcome IS NULL OR outcome != 'pass' ORDER BY CASE outcome WHEN 'fail' THEN 0 "
        "WHEN 'error' THEN 1 ELSE 2 END, cycle LIMIT ?", (MOST_CYCLES,))]
    firsts = {}
    passed = f"SELECT {ROW}, min(cycle) FROM cycles WHERE outcome='pass' GROUP BY 1 ORDER BY 2"
    for name, cycle in db.execute(passed):
        firsts.setdefault(row_of(cases, name), cycle)
    good = sorted(firsts.values())
    bench_ns, events = db.execute(
        "SELECT (SELECT sum(bench_ns) FROM epochs), (SELECT coalesce(sum(count), 0) FROM chunks)").fetchone()
    not_passed = total["cycles"] - total["outcomes"]["pass"]
    begun = datetime.datetime.fromtimestamp(run["begun_wall_s"], datetime.timezone.utc)

    strategies = helped.rows(summary)
    measured = summary if strategies else helped.stored()

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda v: timeline.visible(v) if isinstance(v, str) and not isinstance(v, Markup) else v)
    names = causes()
    environment.filters["cause"] = lambda name: names.get(name, (name, ""))
    named = rules()
    environment.filters["rule"] = lambda name: named.get(name, ("", ""))
    environment.filters["step"] = step_text
    environment.filters["amount"] = timeline.amount
    return environment.get_template("report.html.j2").render(
        run=run, summary=summary, cases=cases, total=total, rows=rows, outcomes=OUTCOMES, events=events,
        row_cases={row_of(cases, name): case for name, case in cases.items()}, sweeps=summary.get("sweeps") or {},
        borders=summary.get("borders") or {},
        confusion=confusion(summary), rig_faults=rig_faults(summary), run_books=run_books(summary),
        strategies=[(row, helped.cells(row)) for row in strategies],
        measures=helped.MEASURES, did=helped.DID, measured=measured, helped=helped.helped(helped.rows(measured)),
        vault=db.execute("SELECT messages, sha256 FROM vault").fetchone(),
        begun=begun.strftime("%Y-%m-%d %H:%M:%S UTC"), bench_time=timeline.duration(bench_ns or 0),
        charts=[dict(chart, svg=Markup(curve.draw(chart))) for chart in curve.charts(db, cases)],
        not_passed=not_passed, left_out=not_passed - len(bad),
        bad=[cycle_view(db, cases, n) for n in bad], good=[cycle_view(db, cases, n) for n in good])


def main(arguments):
    if len(arguments) != 1 or arguments[0] in ("-h", "--help"):
        print("usage: report.py DIR    reads DIR/run.trace and DIR/summary.json, writes DIR/report.html")
        return 0 if arguments and arguments[0] in ("-h", "--help") else 2
    folder = pathlib.Path(arguments[0])
    try:
        text = render(folder)
    except (ReportError, sqlite3.DatabaseError, OSError) as error:
        print(f"report.py: {error}", file=sys.stderr)
        return 2
    partial = folder / "report.html.part"
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, folder / "report.html")
    except OSError as error:
        print(f"report.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
