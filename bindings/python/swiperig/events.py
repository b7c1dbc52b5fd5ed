"""What was done and seen, one event after another: of a result, or of a trace on disk."""

from __future__ import annotations

import functools
import json
from typing import Any, Iterator, cast

from . import _core
from .words import Milestone

_WORDS = _core.words()


class Event:
    """One thing done or seen.

    seq: number in its trace, from 1. cycle: from 0. at_ns: nanoseconds since the bench was put together, bench time,
    with at_uncertainty_ns either way. source: rig, actuator, power, network, host, terminal. kind: swipe, milestone,
    text, ... As text: a sentence.
    """

    __slots__ = ("seq", "cycle", "at_ns", "at_uncertainty_ns", "source", "kind", "json")

    def __init__(self, seq: int, cycle: int, at_ns: int, at_uncertainty_ns: int, source: int, kind: int,
                 body: str) -> None:
        self.seq = seq
        self.cycle = cycle
        self.at_ns = at_ns
        self.at_uncertainty_ns = at_uncertainty_ns
        self.source: str = _WORDS["sources"][source]
        self.kind: str = _WORDS["bodies"][kind]
        self.json = body  #: canonical JSON, as the head has it

    @property
    def body(self) -> dict[str, Any]:
        """Its members: integers and text."""
        return cast("dict[str, Any]", json.loads(self.json))

    @property
    def milestone(self) -> str | None:
        """Its name, where it is one."""
        return str(self.body["name"]) if self.kind == "milestone" else None

    def field(self, name: str) -> str:
        """A decoded, masked field of a milestone ("stan", "amount", "code"); "" where it has none of that name."""
        fields = self.body.get("fields", {})
        return str(fields.get(name, ""))

    def __str__(self) -> str:
        return _core.sentence(self.kind, self.json)

    def __repr__(self) -> str:
        return f"<Event {self.seq} at {self.at_ns / 1e6:.3f} ms, {self.source}: {self}>"


class Events:
    """Events in order, one at a time or as columns."""

    #: names behind the codes of the columns `source`, `kind` and `milestone` (-1: the event is none)
    sources: tuple[str, ...] = tuple(_WORDS["sources"])
    kinds: tuple[str, ...] = tuple(_WORDS["bodies"])
    milestones: tuple[str, ...] = tuple(_WORDS["milestones"])

    def __init__(self, columns: _core.Columns) -> None:
        self._columns = columns

    @functools.cached_property
    def columns(self) -> dict[str, memoryview]:
        """seq, cycle, at_ns, at_uncertainty_ns (int64), source, kind (uint8), milestone (int16), each a read-only
        memoryview of the memory where it lies: `numpy.asarray(events.columns["at_ns"])` copies nothing."""
        return self._columns.columns()

    def named(self, milestone: Milestone) -> list[Event]:
        """Every event that is this milestone, in order."""
        code = self.milestones.index(milestone)
        return [self[i] for i, one in enumerate(self.columns["milestone"]) if one == code]

    def __len__(self) -> int:
        return len(self._columns)

    def __getitem__(self, index: int) -> Event:
        return Event(*self._columns.row(index))

    def __iter__(self) -> Iterator[Event]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"<Events: {len(self)}>"

