#!/usr/bin/python3
"""Which case finds which seeded defect: writes tests/defects.md, or with --check tries whether it still holds.

Every defect of `swiperig list defects` is planted in the terminal, and the campaigns are run until one of them has a
finding of the rule of the defect. The honest terminal runs the same campaigns: it must have no finding. How soon a
defect shows where nobody looks for it is the mean over seeds of the cycles of the random campaign up to and with the
first finding of its rule; a seed that finds nothing in RANDOM_CYCLES makes it "over" that.
"""
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = os.environ.get("SWIPERIG_BINARY", str(ROOT / "build/release/swiperig"))
CAMPAIGNS = ["no_return", "points", "host_faults", "kinds", "parts", "card_faults", "pin"]
SEEDS = (1, 2, 3)
RANDOM_SEEDS = (1, 2, 3, 4, 5)
RANDOM_CYCLES = 1000


def listed_defects():
    """(name, rule, what it does wrong) of every defect, in the program's order."""
    out = subprocess.run([BINARY, "list", "defects"], check=True, capture_output=True, text=True).stdout
    rows = []
    for line in out.splitlines():
        name, rule, what = line.split(maxsplit=2)
        rows.append((name, rule.rstrip(":"), what.strip()))
    return rows


def findings(campaign, seed, defect=None, cycles=None):
    """Of one run the findings in order: (cycle counted from 1, case, rule)."""
    with tempfile.TemporaryDirectory() as place:
        command = [BINARY, "run", str(ROOT / f"fixtures/campaigns/{campaign}.toml"), "--seed", str(seed), "--out",
                   place + "/run"] + (["--defect", defect] if defect else [])
        command += ["--cycles", str(cycles)] if cycles else []
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode not in (0, 1):
            raise SystemExit(f"{campaign} with {defect}: exit {done.returncode}: {done.stderr.strip()[-400:]}")
        with sqlite3.connect(f"file:{place}/run/run.trace?mode=ro", uri=True) as db:
            return [(cycle + 1, case, finding["rule"])
                    for cycle, case, verdict in db.execute(
                        "SELECT cycle,case_name,verdict FROM cycles WHERE outcome='fail' ORDER BY cycle")
                    for finding in json.loads(verdict)["findings"]]


def detection(name, rule, campaigns):
    """(campaign, case) of the first campaign that finds the defect by its own rule with every seed, or None."""
    for campaign in campaigns:
        cases = []
        for seed in SEEDS:
            cases.append(next((case for _, case, found in findings(campaign, seed, name) if found == rule), None))
            if cases[-1] is None:
                break
        if all(cases):
            return campaign, cases[0]
    return None


def mean_cycles(name, rule):
    """Of the random campaign, until the defect's own rule finds it: "12.4", or "over 1000"."""
    firsts = [next((cycle for cycle, _, found in findings("random", seed, name, RANDOM_CYCLES) if found == rule), None)
              for seed in RANDOM_SEEDS]
    return f"{sum(firsts) / len(firsts):.1f}" if all(firsts) else f"over {RANDOM_CYCLES}"


def table():
    campaigns = [c for c in CAMPAIGNS if (ROOT / f"fixtures/campaigns/{c}.toml").exists()]
    for campaign in campaigns:
        for seed in SEEDS:
            accused = findings(campaign, seed)
            if accused:
                raise SystemExit(f"{campaign}, seed {seed}: the honest terminal is accused: {accused[:3]}")
    lines = ["# Seeded defects and what finds them", "",
             "Made by `tests/defects.py`; the honest terminal runs the same campaigns without a finding.", "",
             "| defect | rule | what the terminal does wrong | found by (campaign: case) | mean cycles, random |",
             "|---|---|---|---|---|"]
    missing = []
    for name, rule, what in listed_defects():
        found = detection(name, rule, campaigns)
        if found is None:
            missing.append(name)
            continue
        campaign, case = found
        lines.append(f"| {name} | {rule} | {what} | {campaign}: {case} | {mean_cycles(name, rule)} |")
    if missing:
        raise SystemExit("found by no campaign: " + ", ".join(missing))
    return "\n".join(lines) + "\n"


def stale(text):
    """What a table says that is not so, by one run of each row's campaign; "" if all of it holds."""
    rows = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if len(cells) == 5 and cells[0] not in ("defect", "---"):
            rows[cells[0]] = cells[1:4]
    listed = {name: [rule, what] for name, rule, what in listed_defects()}
    if rows.keys() != listed.keys():
        return "other defects than the program lists: " + ", ".join(sorted(rows.keys() ^ listed.keys()))
    for name, (rule, what, found_by) in rows.items():
        if [rule, what] != listed[name]:
            return f"{name}: the program says {listed[name]}"
        campaign, case = found_by.split(": ", 1)
        first = next((case for _, case, found in findings(campaign, SEEDS[0], name) if found == rule), None)
        if first != case:
            return f"{name}: {campaign} finds {rule} first in {first}, not in {case}"
    for campaign in CAMPAIGNS:
        if findings(campaign, SEEDS[0]):
            return f"{campaign}: the honest terminal is accused"
    return ""


def main():
    path = ROOT / "tests/defects.md"
    if sys.argv[1:] == ["--check"]:
        wrong = stale(path.read_text())
        if wrong:
            raise SystemExit(f"tests/defects.md is out of date ({wrong}): run tests/defects.py")
        print("tests/defects.md is as the program says")
        return
    made = table()
    path.write_text(made)
    print(f"{path}: {made.count(chr(10)) - 6} defects")


if __name__ == "__main__":
    main()
