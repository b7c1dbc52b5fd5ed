#!/usr/bin/python3
"""helped.py SUMMARY: what strategies were worth, by cause, from the `strategies` of a summary.json. Printed it is the
text of strategies.json beside this file: the measurement that the report of a run cites which has measured none."""

import json
import pathlib
import sys

STORED = pathlib.Path(__file__).resolve().parent / "strategies.json"
MEASURES = {"no_return": ("no return", "无返回"), "in_doubt": ("time in doubt", "存疑时间"),
            "held": ("money held and unknown", "款项去向不明"), "sold": ("sold", "成交")}
DID = {"better": ("better", "改善"), "worse": ("worse", "变差"), "nothing": ("nothing", "无作用"),
       "not shown": ("not shown", "未能证实")}
SHARES = ("no_return", "held", "sold")


def rows(summary):
    """The rows of a summary's strategies that have all they need; a damaged file has none."""
    def whole(row):
        return isinstance(row, dict) and isinstance(row.get("pairs"), int) and all(
            isinstance(row.get(key), str) for key in ("strategy", "strategy_zh", "fault", "cause")) and all(
            isinstance(row.get(name), dict) and row[name].get("did") in DID for name in MEASURES)
    found = summary.get("strategies")
    return [row for row in found if whole(row)] if isinstance(found, list) else []


def stored():
    """The measurement beside this file: {campaign, bench, seed, strategies}."""
    return json.loads(STORED.read_text(encoding="utf-8"))


def helped(found):
    """Cause -> [(strategy, in Chinese, [measures that became better])]: none where it made anything worse. A cause that
    was tried and not helped has an empty list."""
    causes = {}
    for row in found:
        names = causes.setdefault(row["cause"], {})
        did = [row[name]["did"] for name in MEASURES]
        if "better" in did and "worse" not in did:
            better = names.setdefault((row["strategy"], row["strategy_zh"]), [])
            better += [name for name in MEASURES if row[name]["did"] == "better" and name not in better]
    return {cause: [(english, chinese, better) for (english, chinese), better in names.items()]
            for cause, names in causes.items()}


def share(row, name):
    """{without, with, difference} of one measure, in words: '78 % (62 to 88)'."""
    cell, n = row[name], row["pairs"]

    def percent(k, ends):
        low, high = (round(end / 10) for end in ends)
        return f"{round(100 * k / n)} % ({low} – {high})"
    if not n:
        return {"without": "–", "with": "–", "difference": "–"}
    low, high = (round(end / 10) for end in cell["difference_interval"])
    return {"without": percent(cell["without"], cell["without_interval"]),
            "with": percent(cell["with"], cell["with_interval"]), "difference": f"{low} – {high} %"}


def doubt(row):
    cell = row["in_doubt"]
    ends = cell.get("difference_interval_ms")
    return {"without": f"{cell['without_ms'] / 1000:.1f} s", "with": f"{cell['with_ms'] / 1000:.1f} s",
            "difference": f"{ends[0] / 1000:.1f} – {ends[1] / 1000:.1f} s" if ends else "–"}


def cells(row):
    """Measure -> {without, with, difference, did} as text."""
    return {name: dict(doubt(row) if name == "in_doubt" else share(row, name), did=row[name]["did"])
            for name in MEASURES}


def main(arguments):
    if len(arguments) != 1:
        print(__doc__)
        return 2
    summary = json.loads(pathlib.Path(arguments[0]).read_text(encoding="utf-8"))
    head = {key: summary[key] for key in ("campaign", "bench", "seed")}
    lines = ",\n    ".join(json.dumps(row, ensure_ascii=False) for row in rows(summary))
    print("{\n  " + ",\n  ".join(f'"{key}": {json.dumps(value)}' for key, value in head.items()) +
          f',\n  "strategies": [\n    {lines}\n  ]\n}}')
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
