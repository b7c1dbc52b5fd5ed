#!/usr/bin/python3
"""What finds what: writes tests/defects.md, or with --check tries whether it still holds.

Defects of the terminal and of the host (`swiperig list defects`) are planted, and the campaigns are run until one of
them has a finding of the defect's rule; a defect of the host may be found by the host's rules alone. What a scripted
host does (`list behaviours`) and what of the rig breaks (`list parts`) is in the cases that do nothing else, and the
diagnosis has to name its cause. Undisturbed in its books, nobody is accused in any of these campaigns. How soon
something shows where nobody looks for it is the mean over seeds of the cycles of a random campaign up to and with the
first time that it is named; a seed in which it is not makes it "over" that.
"""
import functools
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
HOST_CAMPAIGNS = ["no_return", "kinds", "reorder"]
SCRIPTED = ["host_faults", "no_return", "points", "path"]
SEEDS = (1, 2, 3)
RANDOM_SEEDS = (1, 2, 3, 4, 5)
RANDOM_CYCLES = 1000
TRIED_CYCLES = 300  # of the campaign in which the rig breaks: each case is tried without each of its faults
GLANCE = 100  # most show so soon: the same seed draws the same cases, however many are wanted
TITLES = ("Defects of the terminal", "Defects of the host", "What a scripted host does", "The rig's own equipment")


def listed(what):
    """(name, text) of every row, in the program's order."""
    out = subprocess.run([BINARY, "list", what], check=True, capture_output=True, text=True).stdout
    width = 2 if what == "parts" else 1
    rows = []
    for line in out.splitlines():
        words = line.split(maxsplit=width)
        rows.append((" ".join(words[:width]), words[width].strip()))
    return rows


def defects(of_host):
    """(name, rule, what it does wrong)."""
    rows = [(name, *text.split(": ", 1)) for name, text in listed("defects")]
    return [row for row in rows if row[1].startswith("H_") == of_host]


class Cycle:
    def __init__(self, number, case, outcome, cause, induced, verdict, body):
        verdict = json.loads(verdict or "{}")
        self.number, self.case, self.outcome, self.cause, self.induced = number + 1, case, outcome, cause, induced
        self.rules = [finding["rule"] for finding in verdict.get("findings", [])]
        disturbing = [step["action"] for step in json.loads(body)["steps"] if step["action"].get("kind") != "swipe"]
        self.steps = [named(action) for action in disturbing]


def named(action):
    """"silent", "robot alarm"; of what is in neither table its kind."""
    kind, body = action.get("kind", "network"), action.get("body")
    if kind == "host_behaviour":
        return body["name"]
    return f"{body['part']} {body['state']}" if kind == "part" else kind


@functools.cache
def cycles_of(campaign, seed, defect=None, cycles=None):
    with tempfile.TemporaryDirectory() as place:
        command = [BINARY, "run", str(ROOT / f"fixtures/campaigns/{campaign}.toml"), "--seed", str(seed), "--out",
                   place + "/run"] + (["--defect", defect] if defect else [])
        command += ["--cycles", str(cycles)] if cycles else []
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode not in (0, 1, 3):
            raise SystemExit(f"{campaign} with {defect}: exit {done.returncode}: {done.stderr.strip()[-400:]}")
        with sqlite3.connect(f"file:{place}/run/run.trace?mode=ro", uri=True) as db:
            return [Cycle(*row) for row in db.execute(
                "SELECT cycle,case_name,outcome,cause,induced,verdict,body FROM cycles JOIN cases ON name=case_name "
                "ORDER BY cycle")]


def findings(campaign, seed, defect=None, cycles=None):
    """Of one run in order: (cycle counted from 1, case, rule). What a host does wrong is nobody else's."""
    found = [(c.number, c.case, rule) for c in cycles_of(campaign, seed, defect, cycles) for rule in c.rules]
    if defect in {name for name, _, _ in defects(True)}:
        accused = [f for f in found if not f[2].startswith("H_")]
        if accused:
            raise SystemExit(f"{campaign}, seed {seed}, {defect}: the terminal is accused: {accused[:3]}")
    return found


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


def naming(name, campaigns):
    """(campaign, case, cause) of the first case that does this alone and has its cause named, or None; one that induces
    a cause rather than one in which nobody is to notice."""
    alone = [(campaign, c.case, c.cause) for campaign in campaigns for c in cycles_of(campaign, SEEDS[0])
             if set(c.steps) - {"supply"} == {name} and c.cause == c.induced]
    return next((row for row in alone if row[2] != "none"), alone[0] if alone else None)


def mean(firsts, most=RANDOM_CYCLES):
    return f"{sum(firsts) / len(firsts):.1f}" if all(firsts) else f"over {most}"


def mean_until_found(name, rule):
    def first(seed):
        for cycles in (GLANCE, RANDOM_CYCLES):
            for cycle, _, found in findings("random", seed, name, cycles):
                if found == rule:
                    return cycle
        return None
    return mean([first(seed) for seed in RANDOM_SEEDS])


def mean_until_named(campaign, name, cause):
    if cause == "none":
        return "nobody is to notice"
    most = RANDOM_CYCLES if campaign == "random" else TRIED_CYCLES
    return mean([next((c.number for c in cycles_of(campaign, seed, None, most)
                       if name in c.steps and c.cause == cause), None) for seed in RANDOM_SEEDS], most)


def misbehaviours():
    return [(name, text.split("; ")[0] if "; lasts" in text or "; code" in text else text)
            for name, text in listed("behaviours") if name != "normal"]


def rig_faults():
    mark = "the rig's own: "
    return [(name, text[len(mark):]) for name, text in listed("parts") if text.startswith(mark)]


def defect_rows(of_host, campaigns, missing):
    for name, rule, what in defects(of_host):
        found = detection(name, rule, campaigns)
        if found is None:
            missing.append(name)
        else:
            yield f"| {name} | {rule} | {what} | {found[0]}: {found[1]} | {mean_until_found(name, rule)} |"


def cause_rows(listed_rows, campaigns, random, missing):
    for name, what in listed_rows:
        found = naming(name, campaigns)
        if found is None:
            missing.append(name)
        else:
            campaign, case, cause = found
            yield f"| {name} | {cause} | {what} | {campaign}: {case} | {mean_until_named(random, name, cause)} |"


def table():
    for campaign in dict.fromkeys(CAMPAIGNS + HOST_CAMPAIGNS + ["rig_faults"]):
        for seed in SEEDS:
            accused = findings(campaign, seed)
            if accused:
                raise SystemExit(f"{campaign}, seed {seed}: the honest are accused: {accused[:3]}")
    missing = []
    lines = ["# Seeded defects and what finds them", "",
             "Made by `tests/defects.py`; honest terminals, hosts and rigs run the same campaigns without a finding."]
    of_random = "mean cycles, random"
    for title, heads, rows in zip(TITLES, (
            ("defect", "rule", "what the terminal does wrong", of_random),
            ("defect", "rule", "what the host does wrong", of_random),
            ("behaviour", "cause", "what the host does", of_random),
            ("fault", "cause", "what it is", "mean cycles, attribution"),
    ), (
            defect_rows(False, CAMPAIGNS, missing),
            defect_rows(True, HOST_CAMPAIGNS, missing),
            cause_rows(misbehaviours(), SCRIPTED, "random", missing),
            cause_rows(rig_faults(), ["rig_faults"], "attribution", missing),
    )):
        head = " | ".join((*heads[:3], "found by (campaign: case)", heads[3]))
        lines += ["", f"## {title}", "", f"| {head} |", "|---|---|---|---|---|", *rows]
    if missing:
        raise SystemExit("found by no campaign: " + ", ".join(missing))
    return "\n".join(lines) + "\n"


def rows_of(text):
    """Title of a table to its rows: name to [rule or cause, what, found by]."""
    tables, now = {}, {}
    for line in text.splitlines():
        if line.startswith("## "):
            now = tables.setdefault(line[3:], {})
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if len(cells) == 5 and cells[3] != "found by (campaign: case)":
            now[cells[0]] = cells[1:4]
    return tables


def stale(text):
    """What a table says that is not so, by one run of each row's campaign; "" if all of it holds."""
    tables = rows_of(text)
    for title, of_host in zip(TITLES, (False, True)):
        rows, planted = tables.get(title, {}), {name: [rule, what] for name, rule, what in defects(of_host)}
        if rows.keys() != planted.keys():
            return "other defects than the program lists: " + ", ".join(sorted(rows.keys() ^ planted.keys()))
        for name, (rule, what, found_by) in rows.items():
            if [rule, what] != planted[name]:
                return f"{name}: the program says {planted[name]}"
            campaign, case = found_by.split(": ", 1)
            first = next((case for _, case, found in findings(campaign, SEEDS[0], name) if found == rule), None)
            if first != case:
                return f"{name}: {campaign} finds {rule} first in {first}, not in {case}"
    for title, those, campaigns in zip(TITLES[2:], (misbehaviours(), rig_faults()), (SCRIPTED, ["rig_faults"])):
        rows = tables.get(title, {})
        if rows.keys() != {name for name, _ in those}:
            return "other faults than the program lists: " + ", ".join(sorted(rows.keys() ^ {n for n, _ in those}))
        for name, what in those:
            campaign, case, cause = naming(name, campaigns) or ("no campaign", "", "none")
            if rows[name] != [cause, what, f"{campaign}: {case}"]:
                return f"{name}: {campaign} names {cause} in {case}, {what}"
    for campaign in CAMPAIGNS + HOST_CAMPAIGNS + ["rig_faults"]:
        if findings(campaign, SEEDS[0]):
            return f"{campaign}: the honest are accused"
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
    print(f"{path}: " + ", ".join(f"{len(rows)} {title}" for title, rows in rows_of(made).items()))


if __name__ == "__main__":
    main()
