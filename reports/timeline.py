"""One cycle drawn as SVG: time runs down, a lane each for actuator, power, terminal, network and host. A message is an
arrow that enters the network and, when it left it, goes on; one that did not leave ends in a cross. Rows are as far
apart as the logarithm of the time between them, so that a millisecond can be seen beside a minute; every row says its
time. Text is escaped here: what a device said is never markup."""

import json
import math
import unicodedata
from html import escape

LANES = [("actuator", "执行器", 148), ("power", "电源", 290), ("terminal", "终端", 418),
         ("network", "网络", 666), ("host", "主机", 866)]
X = {name: x for name, _, x in LANES}
WIDTH = 1040
TOP = 44
UP = {"request", "reversal", "settlement", "logon"}
DOWN = {"response", "reversal_response", "settlement_response", "logon_response"}
MESSAGE_NAMES = {"request": "0200 request", "response": "0210 response", "reversal": "0400 reversal",
                 "reversal_response": "0410 reversal response", "settlement": "0500 settlement",
                 "settlement_response": "0510 settlement response", "logon": "0800 logon",
                 "logon_response": "0810 logon response"}
INTENTS = {"sale": "消费", "original": "原交易", "recovery sale": "恢复交易", "settlement": "结算"}


def visible(text):
    """Control, invisible and direction-changing characters as codes: what is read is what is there."""
    out = []
    for c in str(text):
        code = ord(c)
        odd = unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
        if odd or 0xfe00 <= code <= 0xfe0f or code in (0x115f, 0x1160, 0x3164):
            out.append(f"\\x{code:02X}" if code < 0x80 else f"\\u{{{code:04X}}}")
        else:
            out.append(c)
    return "".join(out)


def number(value):
    """An integer from a trace that may not be ours."""
    return value if isinstance(value, int) else 0


def amount(minor):
    minor = number(minor)
    sign, minor = ("-" if minor < 0 else ""), abs(minor)
    return f"{sign}{minor // 100}.{minor % 100:02d}"


def duration(ns):
    ns = number(ns)
    if abs(ns) >= 1_000_000_000:
        return f"{ns / 1e9:.3f}".rstrip("0").rstrip(".") + " s"
    return f"{ns / 1e6:.3f}".rstrip("0").rstrip(".") + " ms"


def digits_amount(text):
    return amount(int(text)) if text.isascii() and text.isdigit() and len(text) <= 12 else text


def cells(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def short(text, limit):
    text = visible(text)
    if cells(text) <= limit:
        return text
    out = ""
    for c in text:
        if cells(out) + cells(c) > limit - 1:
            break
        out += c
    return out + "…"


class Row:
    """What is drawn at one time. Kinds: note (text in a lane), arrow, phase, across (text over all lanes)."""

    def __init__(self, event, kind, lane="", text="", style="", full=""):
        self.at, self.seqs, self.kind, self.lane = event["at"], [event["seq"]], kind, lane
        self.text, self.style, self.full = text, style, full or text
        self.hops = []  # for arrows: (from lane, to lane)
        self.lost = False


def message_text(stem, fields):
    text = MESSAGE_NAMES.get(stem, "message")
    if stem == "other" and fields.get("mti"):
        text = f"{fields['mti']} message"
    for name, prefix in (("stan", "#"), ("amount", ""), ("code", "code "), ("reason", "reason ")):
        if fields.get(name):
            text += " " + prefix + (digits_amount(fields[name]) if name == "amount" else fields[name])
    if fields.get("mac") == "wrong":
        text += " MAC WRONG"
    return text


def direction(stem, fields):
    if stem in UP or stem in DOWN:
        return stem in UP
    mti = fields.get("mti", "")
    return mti[2:3] in ("0", "2", "4") if len(mti) == 4 else None


def ends(up):
    return ("terminal", "host") if up else ("host", "terminal")


class Timeline:
    def __init__(self, case, events, begun_ns, diagnosis=(), findings=()):
        self.case, self.begun = case, begun_ns
        self.diagnosis, self.findings = set(diagnosis), set(findings)
        self.rows, self.bars, self.spans = [], [], []
        self.waiting = []    # messages in the network: (key, row)
        self.moving = {}     # motions under way: what -> row; a finger may still move when the card does
        self.dark = None     # the row since which the power is off
        self.cut = None      # (the row since which, the time until which) the network is cut
        for event in events:
            getattr(self, "on_" + event["kind"], self.on_other)(event, event["body"])
        last = events[-1]["at"] if events else begun_ns
        for key, row in self.waiting:
            row.lost = True
        self.light(last)
        self.connect(last)

    def note(self, event, lane, text, style="", full=""):
        self.rows.append(Row(event, "note", lane, text, style, full))
        return self.rows[-1]

    # --- what was done
    def on_swipe(self, e, b):
        way = ", reversed" if b.get("reverse") else ""
        self.moving["swipe"] = self.note(e, "actuator", f"swipe {b.get('card')} {b.get('speed_mm_s')} mm/s{way}", "act")

    def on_press(self, e, b):
        self.moving["press"] = self.note(e, "actuator", f"press {b.get('keys')}", "act")

    def on_dip(self, e, b):
        self.moving["dip"] = self.note(e, "actuator", f"dip {b.get('card')}", "act")

    def on_tap(self, e, b):
        self.moving["tap"] = self.note(e, "actuator", f"tap {b.get('card')}", "act")

    def on_motion_done(self, e, b):
        speed = f", measured {b['speed_mm_s']} mm/s" if b.get("speed_mm_s") else ""
        manner = f", {b['manner']}" if b.get("manner") else ""
        row = self.note(e, "actuator", f"{b.get('what')} done{speed}{manner}", "quiet")
        began = self.moving.pop(b.get("what"), None) if isinstance(b.get("what"), str) else None
        if began is not None:
            self.bars.append((began, row))

    def on_brown_out(self, e, b):
        lasts = f" for {duration(b['lasts_ns'])}" if isinstance(b.get("lasts_ns"), int) else ""
        self.note(e, "power", f"rail down to {b.get('to_mv')} mV{lasts}", "bad")

    def on_supply(self, e, b):
        row = self.note(e, "power", "power on" if b.get("on") else "power off", "act" if b.get("on") else "bad")
        if b.get("on"):
            self.light(e["at"])
        elif self.dark is None:
            self.dark = row

    def light(self, at):
        if self.dark is not None:
            self.spans.append(("dark", self.dark, at))
        self.dark = None

    def on_impairment(self, e, b):
        if b.get("outage"):
            lasts = number(b.get("lasts_ns"))
            row = self.note(e, "network", "network cut" + (f" for {duration(lasts)}" if lasts else ""), "bad")
            self.cut = (row, e["at"] + lasts if lasts else math.inf)
        else:
            self.note(e, "network", "network clear", "quiet")
            self.connect(e["at"])

    def connect(self, at):
        if self.cut is not None:
            self.spans.append(("cut", self.cut[0], min(at, self.cut[1])))
        self.cut = None

    def on_host_behaviour(self, e, b):
        lasts = f" {duration(b['lasts_ns'])}" if b.get("lasts_ns") else ""
        self.note(e, "host", f"host: {b.get('name')}{lasts}", "quiet" if b.get("name") == "normal" else "bad")

    def on_part(self, e, b):
        which = f" ({b['which']})" if b.get("which") else ""
        self.note(e, "terminal", f"{b.get('part')}: {b.get('state')}{which}",
                  "quiet" if b.get("state") == "sound" else "bad")

    def on_intent(self, e, b):
        what = str(b.get("what"))
        text = f"{what} {INTENTS.get(what, '')}"
        if b.get("amount_minor"):
            text += f"  {amount(b['amount_minor'])}"
        self.rows.append(Row(e, "phase", text=text))

    def on_armed(self, e, b):
        self.note(e, "network", f"armed: {b.get('what')}", "quiet")

    def on_fired(self, e, b):
        step, steps = b.get("step"), self.case.get("steps", [])
        known = isinstance(step, int) and 0 <= step < len(steps)
        action = steps[step].get("action", {}) if known else {}
        lane = {"supply": "power", "brown_out": "power", "swipe": "actuator", "press": "actuator",
                "dip": "actuator", "tap": "actuator",
                "host_behaviour": "host", "part": "terminal"}.get(action.get("kind"), "network")
        style = "odd" if not b.get("done") else "quiet" if lane == "actuator" else "bad"
        how = "fired" if b.get("done") else "MISSED"
        row = self.note(e, lane, f"step {number(step) + 1} {how}: {b.get('what')}", style)
        if action.get("network") == "outage" and b.get("done") and self.cut is None:
            lasts = number(action.get("lasts_ns"))
            self.cut = (row, e["at"] + lasts if lasts else math.inf)

    # --- what was seen
    def on_milestone(self, e, b):
        name, fields = str(b.get("name")), b.get("fields") or {}
        for suffix in ("_entered", "_left"):
            stem = name.removesuffix(suffix)
            if stem != name and (stem in UP or stem in DOWN or stem == "other"):
                return self.message(e, stem, suffix, fields)
        lane = e["source"] if e["source"] in X else "terminal"
        text, style = name.replace("_", " "), ""
        if name in ("told", "settled"):
            text = f"{name}: {fields.get('outcome', '')}"
            if fields.get("amount"):
                text += f" {digits_amount(fields['amount'])}"
            if fields.get("stan"):
                text += f" #{fields['stan']}"
            style = "told"
        elif name in ("read_error", "refused", "garbage"):
            style = "bad"
            text += f" from {fields['from']}" if fields.get("from") else ""
        elif name == "closed":
            text = f"closed by {fields.get('by', '?')} ({fields.get('how', '?')})"
            before = self.rows[-1] if self.rows else None
            both = before is not None and before.lane == lane and before.at == e["at"]
            if both and before.text.startswith("closed by "):
                before.seqs.append(e["seq"])
                before.text = before.full = f"{before.text}, {text.removeprefix('closed ')}"
                return None
        elif fields.get("stan"):
            text += f" #{fields['stan']}"
        before = self.rows[-1] if self.rows else None
        if before is not None and before.kind == "note" and before.style == "said" and before.at == e["at"] \
                and before.lane == lane:
            # the text and what it means are one row
            before.seqs.append(e["seq"])
            before.full = f"{text} — {before.full}"
            before.text, before.style = f"{text} · {before.text}", style or "meant"
            return None
        return self.note(e, lane, text, style)

    def message(self, e, stem, suffix, fields):
        up = direction(stem, fields)
        if up is None:
            return self.note(e, "network", f"message{suffix.replace('_', ' ')}")
        start, end = ends(up)
        key = (stem, fields.get("connection"), fields.get("batch"), fields.get("stan"))
        if suffix == "_entered":
            row = Row(e, "arrow", text=message_text(stem, fields))
            row.hops = [(start, "network")]
            self.rows.append(row)
            self.waiting.append((key, row))
            return None
        found = next((item for item in self.waiting if item[0] == key), None)
        if found is not None:
            self.waiting.remove(found)
            # through in one go: one arrow
            if self.rows[-1] is found[1] and e["at"] - found[1].at < 50_000_000:
                found[1].hops.append(("network", end))
                found[1].seqs.append(e["seq"])
                return None
        row = Row(e, "arrow", text=message_text(stem, fields))
        row.hops = [("network", end)]
        self.rows.append(row)
        return None

    def on_text(self, e, b):
        lane = e["source"] if e["source"] in X else "terminal"
        self.note(e, lane, f"{b.get('place')} “{b.get('text')}”", "said")

    def on_reading(self, e, b):
        self.note(e, "power", f"{b.get('rail_mv')} mV, {b.get('draw_ma')} mA", "quiet")

    def on_presence(self, e, b):
        lane = e["source"] if e["source"] in X else "terminal"
        self.note(e, lane, f"{b.get('what')} {'there' if b.get('up') else 'gone'}", "" if b.get("up") else "odd")

    def on_book_read(self, e, b):
        lane = e["source"] if e["source"] in X else "terminal"
        entries = b.get("entries") or []
        rows = "; ".join(f"#{r.get('stan')} {amount(r.get('amount_minor', 0))} {r.get('state')}" for r in entries)
        count = "1 row" if len(entries) == 1 else f"{len(entries)} rows"
        self.note(e, lane, f"{b.get('book')} read, {count}", "book", f"{b.get('book')}: {rows}")

    def on_equipment_fault(self, e, b):
        self.rows.append(Row(e, "across", text=f"rig fault 测试台故障: {b.get('what')}", style="bad"))

    def on_silence(self, e, b):
        text = f"silence 无应答: nothing came back for {duration(b.get('lasted_ns', 0))}"
        self.rows.append(Row(e, "across", text=text, style="odd"))

    def on_other(self, e, b):
        lane = e["source"] if e["source"] in X else "network"
        self.note(e, lane, f"{e['kind']} {json.dumps(b)}")

    # --- drawing
    def place(self):
        """Gives each row its y; returns the height and the y of any time."""
        y, before, known = TOP, None, []
        for row in self.rows:
            gap = max(0, row.at - before) if before is not None else 0
            y += (24 if row.kind == "arrow" else 30 if row.kind == "phase" else 17) + 4 * math.log10(1 + gap / 1e6)
            row.gap, row.y, before = gap, y, max(row.at, before or row.at)
            known.append((row.at, y))

        def y_of(at):
            below = [ky for kat, ky in known if kat >= at]
            return (below[0] if below else y) if known else TOP
        return y + 22, y_of

    def svg(self):
        height, y_of = self.place()
        out = [f'<svg class="timeline" viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
               f'aria-label="timeline of one cycle">']
        for row in self.rows:
            decides = "evidence" if self.diagnosis & set(row.seqs) else ""
            if decides or self.findings & set(row.seqs):
                decides = "finding" if self.findings & set(row.seqs) else decides
                out.append(f'<rect class="{decides}" x="0" y="{row.y - 16:.1f}" width="{WIDTH}" height="21"/>')
        for kind, since, until in self.spans:
            top, bottom = since.y - 6, y_of(until) - 2
            for lane in ("power", "terminal") if kind == "dark" else ("network",):
                out.append(f'<rect class="{kind}" x="{X[lane] - 8}" y="{top:.1f}" width="16" '
                           f'height="{max(6, bottom - top):.1f}"/>')
        for name, chinese, x in LANES:
            out.append(f'<text class="lane" x="{x}" y="18">{name} <tspan lang="zh-Hans">{chinese}</tspan></text>')
            out.append(f'<line class="life" x1="{x}" y1="28" x2="{x}" y2="{height - 10:.1f}"/>')
        out.append('<text class="lane when" x="84" y="18">time <tspan lang="zh-Hans">时间</tspan></text>')
        for first, last in self.bars:
            out.append(f'<rect class="bar" x="{X["actuator"] - 3}" y="{first.y - 5:.1f}" width="6" '
                       f'height="{last.y - first.y + 2:.1f}"/>')
        for row in self.rows:
            self.draw(row, out)
        out.append("</svg>")
        return "".join(out)

    def draw(self, row, out):
        when = duration(row.at - self.begun) if row.at >= self.begun else "before"
        mark = "◆ " if (self.findings | self.diagnosis) & set(row.seqs) else ""
        title = f"event {', '.join(str(s) for s in row.seqs)} at {when}: {visible(row.full)}"
        out.append(f"<g><title>{escape(title)}</title>")
        if row.gap >= 1_000_000_000:
            out.append(f'<text class="gap" x="84" y="{row.y - 14:.1f}">⋮ {duration(row.gap)}</text>')
        y = row.y
        out.append(f'<text class="when" x="84" y="{y:.1f}">{mark}{when}</text>')
        if row.kind == "phase":
            out.append(f'<line class="phase" x1="0" y1="{y - 17:.1f}" x2="{WIDTH}" y2="{y - 17:.1f}"/>'
                       f'<text class="phase" x="{X["actuator"] - 8}" y="{y:.1f}">{escape(short(row.text, 90))}</text>')
        elif row.kind == "across":
            out.append(f'<text class="across {row.style}" x="{X["actuator"] - 8}" y="{y:.1f}">'
                       f'{escape(short(row.text, 130))}</text>')
        elif row.kind == "arrow":
            self.draw_arrow(row, out)
        else:
            x = X[row.lane]
            limit = int((WIDTH - x - 10) / 6.2)
            out.append(f'<circle class="mark {row.style}" cx="{x}" cy="{y - 4:.1f}" r="3"/>'
                       f'<text class="note {row.style}" x="{x + 9}" y="{y:.1f}">'
                       f'{escape(short(row.text, min(limit, 60)))}</text>')
        out.append("</g>")

    def draw_arrow(self, row, out):
        y = row.y
        x1, x2 = X[row.hops[0][0]], X[row.hops[-1][1]]
        step = 1 if x2 > x1 else -1
        lost = " lost" if row.lost else ""
        out.append(f'<line class="arrow{lost}" x1="{x1}" y1="{y:.1f}" x2="{x2}" y2="{y:.1f}"/>')
        if row.lost:
            out.append(f'<path class="cross" d="M{x2 - 5} {y - 5:.1f}L{x2 + 5} {y + 5:.1f}'
                       f'M{x2 - 5} {y + 5:.1f}L{x2 + 5} {y - 5:.1f}"/>')
        else:
            out.append(f'<path class="tip" d="M{x2} {y:.1f}l{-7 * step} -3.5v7z"/>')
        if len(row.hops) == 2:
            out.append(f'<circle class="through" cx="{X["network"]}" cy="{y:.1f}" r="2.5"/>')
        text = short(row.text + (" — lost 丢失" if row.lost else ""), 66)
        lane = "network" if row.lost and x1 > x2 else "terminal" if row.lost or row.hops[0][0] == "terminal" \
            or len(row.hops) == 2 or row.hops[-1][1] == "terminal" else "network"
        out.append(f'<text class="note" x="{X[lane] + 12}" y="{y - 4:.1f}">{escape(text)}</text>')


def draw(case, events, begun_ns, diagnosis=(), findings=()):
    return Timeline(case, events, begun_ns, diagnosis, findings).svg()
