"""What came of a case."""

from __future__ import annotations

import functools
import importlib
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, cast

from . import _core
from .case import here, plain
from .events import Events
from .words import Outcome

if TYPE_CHECKING:
    from .served import Batch


def _major(minor: int) -> Decimal:
    return Decimal(minor) / 100


@dataclass(frozen=True)
class Finding:
    """A rule about money that was broken."""

    rule: str  #: "I1" to "I10" (no double charge, no silent charge, ...), "R_..."; "H_...": the host broke it
    what: str  #: one sentence: what happened to whose money
    evidence: list[int]  #: event numbers


@dataclass(frozen=True)
class Diagnosis:
    """The blind answer to "why did nothing come back": made without knowing what the case induced."""

    cause: str  #: one of `swiperig list causes`
    why: str
    candidates: list[str]  #: what else it could be, where the cause is "unknown"
    evidence: list[int]  #: event numbers


@dataclass(frozen=True)
class MoneyRow:
    """One attempt in the three books; a state is "" where a book has nothing."""

    batch: str
    stan: str
    of_case: bool  #: not of the recovery sale, nor of what the case is about
    requested: Decimal
    told: str
    told_amount: Decimal
    journal: str
    journal_amount: Decimal
    ledger: str
    ledger_amount: Decimal


@dataclass(frozen=True)
class Money:
    """What happened to the money; as text one sentence."""

    balanced: bool  #: both books were read, no rule I1 to I10 is broken, and no doubt is left
    sentence: str
    rows: list[MoneyRow]

    def __str__(self) -> str:
        return self.sentence


class Result:
    """One cycle: how it ended, why, and what proves it. True where it passed.

    As text: what happened to the money, why, the five events that decided, and how to see the rest.
    """

    def __init__(self, cycle: _core.Cycle, folder: str) -> None:
        self._cycle = cycle
        self.trace = folder  #: folder of the trace that has the cycle

    @property
    def number(self) -> int:
        """Of the cycle in its trace, from 0."""
        return self._cycle.number

    @property
    def case_name(self) -> str:
        """As the trace has it: a second case of one name got a number."""
        return self._cycle.case_name

    @property
    def outcome(self) -> Outcome:
        """pass; inconclusive (the case did not happen as planned, and proves nothing); fail (a rule was broken)."""
        return cast(Outcome, self._cycle.outcome)

    @property
    def why(self) -> str:
        """Why that outcome."""
        return self._cycle.why

    @property
    def cause(self) -> str:
        """Of the diagnosis."""
        return self._cycle.cause

    @property
    def diagnosis(self) -> Diagnosis:
        c = self._cycle
        return Diagnosis(c.cause, c.cause_why, c.candidates, c.evidence)

    @property
    def findings(self) -> list[Finding]:
        """Rules that were broken; none where it passed."""
        return [Finding(*row) for row in self._cycle.findings]

    @functools.cached_property
    def money(self) -> Money:
        balanced, sentence, rows = self._cycle.money()
        return Money(balanced, sentence, [
            MoneyRow(batch, stan, of_case, _major(requested), told, _major(told_amount), journal,
                     _major(journal_amount), ledger, _major(ledger_amount))
            for batch, stan, of_case, requested, told, told_amount, journal, journal_amount, ledger, ledger_amount
            in rows])

    @property
    def in_doubt(self) -> timedelta:
        """From the first request without a usable response to the end of its doubt; 0: there was none."""
        return timedelta(microseconds=self._cycle.in_doubt_ns / 1000)

    @property
    def recovered_after(self) -> timedelta | None:
        """From the first disturbance (without one: from the beginning) to an approved recovery sale and the end of
        every doubt, in bench time; None: the till did not sell again."""
        ns = self._cycle.recovery_ns()
        return None if ns is None else timedelta(microseconds=ns / 1000)

    def recovered_within(self, limit: str | timedelta) -> bool:
        """Whether the till sold again, free of doubt, within "1 us" to "3600 s" of the disturbance. Raises Refused for
        what is no duration."""
        most = _core.duration_ns((*here(), plain(limit)), 3600)
        ns = self._cycle.recovery_ns()
        return ns is not None and ns <= most

    @functools.cached_property
    def events(self) -> Events:
        """Everything done and seen, in order."""
        return Events(self._cycle.events())

    @property
    def head(self) -> str:
        """SHA-256 chain over the events so far on this cycle's fresh bench."""
        return self._cycle.head

    def explain(self) -> str:
        """The cycle told in plain words, all of it."""
        return self._cycle.explain()

    def check(self) -> Result:
        """Raises AssertionError with the result as text unless it passed; returns the result."""
        if not self:
            raise AssertionError(str(self))
        return self

    def __bool__(self) -> bool:
        return self._cycle.outcome == "pass"

    def __str__(self) -> str:
        more = f"result.explain(), or `swiperig explain {self.trace} --cycle {self.number}`"
        return self._cycle.failure(more)

    def __repr__(self) -> str:
        return f"<Result {self.case_name!r}: {self.outcome}, cause {self.cause}; {self.money}>"

    def _repr_html_(self) -> str:
        timeline = importlib.import_module(".timeline", __package__)

        verdict = json.loads(self._cycle.verdict_json)
        events = [{"seq": e.seq, "at": e.at_ns, "at_ns": e.at_ns, "source": e.source, "kind": e.kind, "body": e.body}
                  for e in self.events]
        cited = [seq for finding in self.findings for seq in finding.evidence]
        drawing = timeline.draw(json.loads(self._cycle.case_json), events, self._cycle.begun_ns,
                                verdict["diagnosis"]["evidence"], cited)
        # of this drawing alone: a notebook has others
        style = (Path(__file__).parent / "timeline.css").read_text(encoding="utf-8")
        style = re.sub(r"(?m)^(:root|svg)|(?<=[,}] )svg",
                       lambda m: ".swiperig" if m.group() == ":root" else ".swiperig svg", style)
        words = escape(timeline.visible(f"{self.case_name}: {self.outcome}, cause {self.cause}. {self.money}"))
        return f'<div class="swiperig"><style>{style}</style><p>{words}</p>{drawing}</div>'


class Run:
    """Many cycles in numbers, and the first hundred that did not pass as results. True where all passed."""

    def __init__(self, batch: _core.Batch | Batch, folder: str) -> None:
        self.trace = folder  #: folder of the trace that has them all
        self.first = batch.first  #: number of the first cycle in the trace
        self.cycles = batch.cycles
        self.outcomes: dict[str, int] = batch.outcomes  #: cycles by outcome
        self.causes: dict[str, int] = batch.causes  #: cycles by diagnosed cause
        self.not_passed = [Result(cycle, folder) for cycle in batch.kept]

    def check(self) -> Run:
        """Raises AssertionError with the run as text unless all passed; returns the run."""
        if not self:
            raise AssertionError(str(self))
        return self

    def __bool__(self) -> bool:
        return self.cycles > 0 and self.outcomes.get("pass", 0) == self.cycles

    def __str__(self) -> str:
        counts = ", ".join(f"{outcome} {count}" for outcome, count in sorted(self.outcomes.items()))
        text = f"{self.cycles} cycles: {counts}; trace in {self.trace}"
        return text if not self.not_passed else f"{text}; the first that did not pass:\n{self.not_passed[0]}"

    def __repr__(self) -> str:
        return f"<Run of {self.cycles} cycles: {self.outcomes}>"
