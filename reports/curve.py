"""What a campaign measured, drawn: the share of swipes that were read over one axis, a line for each series, with
Wilson 95 % intervals. Pure functions of counts; text is escaped here."""

import math
import re
from html import escape

import timeline

Z = 1.959964  # two-sided 95 %
WIDTH, HEIGHT = 1040, 330
LEFT, RIGHT, TOP, BOTTOM = 64, 250, 18, 52
AXES = {"speed": ("speed at the leading edge", "前沿速度"),
        "acceleration": ("acceleration under the head", "磁头下加速度"),
        "reader_passes": ("swipes that the reader's head has had", "磁头已刷次数"),
        "card": ("card", "卡片")}
COLOURS = ("#1f4e79", "#a3262a", "#2f6f4f", "#8a6400", "#5a4a78", "#2b8a8a")


def wilson(k, n):
    """Two-sided 95 % interval of k of n (DOMAIN.md 5.2)."""
    if n == 0:
        return 0.0, 1.0
    p, z2 = k / n, Z * Z
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def manner(body):
    """What is not ordinary about a swipe, for its line in the report."""
    words = []
    if body.get("face"):
        words.append({"back": "back of the card", "upside_down": "upside down"}.get(body["face"], "?"))
    for key, text in (("tilt_mdeg", "tilted by {} mdeg"), ("acceleration_mm_s2", "accelerating by {} mm/s2"),
                      ("from_mm", "from {} mm on"), ("to_mm", "only to {} mm"), ("stop_mm", "stopped at {} mm"),
                      ("lift_mm", "{} mm above the floor of the slot")):
        if body.get(key):
            words.append(text.format(timeline.number(body[key])))
    if body.get("twice"):
        words.append("twice")
    return "".join(", " + word for word in words)


def charts(db, cases):
    """One chart for each axis: {axis, english, chinese, milestone, series: [{name, points}]}, in the campaign's order.
    Only judged cycles that neither were cut short nor met a rig fault count; the others are told as left out."""
    if not any(isinstance(case.get("measure"), dict) for case in cases.values()):
        return []
    counts = {}
    for name, outcome, measured, count in db.execute(
            "SELECT case_name, coalesce(outcome,'inconclusive'), json_extract(verdict,'$.measured'), count(*) "
            "FROM cycles GROUP BY 1,2,3"):
        row = counts.setdefault(name, {"n": 0, "k": 0, "left_out": 0})
        if outcome in ("pass", "fail") and measured is not None:
            row["n"] += count
            row["k"] += count if measured else 0
        else:
            row["left_out"] += count
    found = {}
    for name, case in cases.items():
        measure = case.get("measure")
        if not isinstance(measure, dict) or name not in counts:
            continue
        axis, milestone = str(measure.get("axis")), str(measure.get("milestone"))
        chart = found.setdefault((axis, milestone), {"axis": axis, "milestone": milestone, "series": {}})
        row = counts[name]
        low, high = wilson(row["k"], row["n"])
        chart["series"].setdefault(str(measure.get("series")), []).append(
            dict(row, at=str(measure.get("at")), share=row["k"] / row["n"] if row["n"] else None, low=low, high=high))
    for chart in found.values():
        chart["english"], chart["chinese"] = AXES.get(chart["axis"], (chart["axis"], ""))
    return list(found.values())


def quantity(text):
    """("500 mm/s") -> 500.0, or None."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,6})?) [a-z0-9/]+", text)
    return float(found.group(1)) if found else None


def places(chart):
    """Where each value of the axis lies, 0 to 1: by its logarithm where all are positive quantities, else in order."""
    texts = list(dict.fromkeys(p["at"] for points in chart["series"].values() for p in points))
    values = {text: quantity(text) for text in texts}
    if texts and all(v for v in values.values()) and len(texts) > 1:
        logs = {text: math.log(v) for text, v in values.items()}
        low, high = min(logs.values()), max(logs.values())
        if high > low:
            return {text: (v - low) / (high - low) for text, v in logs.items()}
    return {text: (i + 0.5) / len(texts) for i, text in enumerate(texts)}


def draw(chart):
    """The chart as SVG."""
    x_of, across, down = places(chart), WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(text):
        return LEFT + 14 + x_of[text] * (across - 28)

    def y(share):
        return TOP + (1 - share) * down

    label = escape(f"share with {chart['milestone']} over {chart['english']}")
    out = [f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}" '
           'xmlns="http://www.w3.org/2000/svg">']
    for share in (0, 0.25, 0.5, 0.75, 1):
        out.append(f'<line class="grid" x1="{LEFT}" y1="{y(share):.1f}" x2="{LEFT + across}" y2="{y(share):.1f}"/>'
                   f'<text x="{LEFT - 8}" y="{y(share) + 4:.1f}" text-anchor="end">{100 * share:.0f} %</text>')
    taken = -1e9
    for text in sorted(x_of, key=x_of.get):
        shown = timeline.visible(text)
        bare = shown.split(" ")[0] if quantity(text) is not None else shown
        out.append(f'<line class="grid" x1="{x(text):.1f}" y1="{y(0):.1f}" x2="{x(text):.1f}" y2="{y(0) + 4:.1f}"/>')
        if x(text) - taken >= 7 * len(bare) + 4:
            out.append(f'<text x="{x(text):.1f}" y="{y(0) + 18:.1f}" text-anchor="middle">{escape(bare)}</text>')
            taken = x(text)
    unit = next((text.split(" ", 1)[1] for text in x_of if quantity(text) is not None), "")
    title = chart["english"] + (f", {unit}" if unit else "")
    out.append(f'<text class="axis" x="{LEFT + across / 2}" y="{HEIGHT - 10}" text-anchor="middle">'
               f'{escape(timeline.visible(title))} <tspan lang="zh-Hans">{escape(chart["chinese"])}</tspan></text>')
    for i, (name, points) in enumerate(chart["series"].items()):
        colour = COLOURS[i % len(COLOURS)]
        points = sorted((p for p in points if p["n"]), key=lambda p: x_of[p["at"]])
        shift = 3 * (i - (len(chart["series"]) - 1) / 2)
        for p in points:
            px = x(p["at"]) + shift
            out.append(f'<path class="interval" stroke="{colour}" d="M{px:.1f} {y(p["low"]):.1f}V{y(p["high"]):.1f}'
                       f'M{px - 3:.1f} {y(p["low"]):.1f}h6M{px - 3:.1f} {y(p["high"]):.1f}h6"/>')
        if points:
            line = "L".join(f"{x(p['at']) + shift:.1f} {y(p['share']):.1f}" for p in points)
            out.append(f'<path class="series" stroke="{colour}" d="M{line}"/>')
        for p in points:
            words = f"{name}, {p['at']}: {p['k']} of {p['n']}, {100 * p['low']:.1f} to {100 * p['high']:.1f} %"
            place = f'cx="{x(p["at"]) + shift:.1f}" cy="{y(p["share"]):.1f}" r="3.2"'
            out.append(f'<circle class="point" fill="{colour}" {place}>'
                       f'<title>{escape(timeline.visible(words))}</title></circle>')
        ly = TOP + 12 + 20 * i
        out.append(f'<path class="series" stroke="{colour}" d="M{LEFT + across + 16} {ly - 4}h22"/>'
                   f'<text x="{LEFT + across + 44}" y="{ly}">{escape(timeline.short(name, 30))}</text>')
    out.append("</svg>")
    return "".join(out)
