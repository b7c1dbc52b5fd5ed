"""Runs on disk."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Iterator

from . import _core
from .events import Events
from .result import Result


class Trace:
    """A run on disk, checked against its heads when it was opened."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = os.fspath(folder)
        self._trace = _core.Trace(str(Path(folder) / "run.trace"))

    @property
    def id(self) -> str:
        return self._trace.id

    @property
    def campaign(self) -> str:
        """Name of the campaign, or of the bench's run in Python."""
        return self._trace.campaign

    @property
    def bench(self) -> str:
        return self._trace.bench

    @property
    def seed(self) -> int:
        return self._trace.seed

    @property
    def head(self) -> str:
        """Of the run; "": it did not end in order."""
        return self._trace.head

    @functools.cached_property
    def events(self) -> Events:
        """All of them."""
        return Events(self._trace.events())

    def result(self, cycle: int) -> Result:
        """One cycle. Raises IndexError where there is no such cycle."""
        found = self._trace.cycle(cycle)
        if found is None:
            raise IndexError(f"{self.folder}: no cycle {cycle}")
        return Result(found, self.folder)

    def __len__(self) -> int:
        """How many cycles."""
        return len(self._trace.cycles())

    def __iter__(self) -> Iterator[Result]:
        """Every cycle in order."""
        return (self.result(number) for number in self._trace.cycles())

    def __repr__(self) -> str:
        return f"<Trace {self.id!r} in {self.folder}: {len(self)} cycles>"


def open_trace(folder: str | os.PathLike[str]) -> Trace:
    """The trace in a folder that `swiperig run` or a bench left. Raises TraceError, with the place of the damage."""
    return Trace(folder)
