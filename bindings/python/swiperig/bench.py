"""Benches that cases run on."""

from __future__ import annotations

import atexit
import os
import sys
import weakref
from pathlib import Path
from types import TracebackType
from typing import Sequence

from . import _core
from .case import Case
from .result import Result, Run

_FIXTURES = Path(__file__).parent / "fixtures"
_open: weakref.WeakSet[Bench] = weakref.WeakSet()


def virtual_bench(
    *,
    seed: int = 1,
    out: str | os.PathLike[str] | None = None,
    name: str = "python",
    defect: str | None = None,
    terminal: str | os.PathLike[str] | None = None,
    host: str | os.PathLike[str] | None = None,
) -> Bench:
    """The simulated bench: robot, supply, terminal and host in virtual time, inside this process.

    seed: of every random draw, 0 to 2**64 - 1; the same seed and case give the same result. out: new or empty folder
    for the trace (default: `runs/<name>-<n>`), made when something runs. defect: planted in the terminal, of `swiperig
    list defects`. terminal, host: files of other profiles. Raises Refused.
    """
    return open_bench(_FIXTURES / "benches" / "virtual.toml", seed=seed, out=out, name=name, defect=defect,
                      terminal=terminal, host=host)


def open_bench(
    path: str | os.PathLike[str],
    *,
    seed: int = 1,
    out: str | os.PathLike[str] | None = None,
    name: str = "python",
    defect: str | None = None,
    terminal: str | os.PathLike[str] | None = None,
    host: str | os.PathLike[str] | None = None,
) -> Bench:
    """The bench of a bench file; the rest as in `virtual_bench`. Raises Refused where the file is wrong, and for a
    bench with equipment, which is not run inside another program."""
    if not 0 <= seed < 2**64:
        raise _core.Refused(f"seed: expected a whole number from 0 to {2**64 - 1}, found {seed}")
    return Bench(_core.Bench(
        path=os.fspath(path), terminal=os.fspath(terminal or ""), host=os.fspath(host or ""),
        out=os.fspath(out or ""), name=name, defect=defect or "", seed=seed))


class Bench:
    """An open bench and the trace of all that it does; made by `virtual_bench` and `open_bench`.

    A context manager; `close()` ends the trace in order, as does the end of Python, which stops what other threads run,
    with the bench at rest. One thread at a time. A process that was forked off opens a bench of its own.
    """

    def __init__(self, held: _core.Bench) -> None:
        self._held = held
        self._head = ""
        self.last: Result | None = None  #: what `run` returned last
        _open.add(self)

    def run(self, case: Case) -> Result:
        """Does the case once, on a fresh bench: the result depends on the seed and the case, and on nothing that ran
        before. Takes about a millisecond, however long the case is in bench time.

        Raises Refused before anything moves, RigFault where the rig's own equipment failed, TraceError where the trace
        can take no more. Ctrl-C brings the bench to rest first.
        """
        result = self.last = Result(self._held.run(case._as_said()), self._held.folder)
        if result.outcome == "error":
            raise _core.RigFault(str(result))
        return result

    def run_many(self, cases: Case | Sequence[Case], *, cycles: int | None = None, threads: int = 1) -> Run:
        """Does the cases in turn, `cycles` times in all (default: each once), 50 cycles to a fresh bench; what comes of
        it does not depend on `threads` (1 to 256). Cases may be swept. Raises as `run` does."""
        many = [cases] if isinstance(cases, Case) else list(cases)
        batch = self._held.run_many([case._as_said() for case in many], cycles, threads)
        run = Run(batch, self._held.folder)
        if run.outcomes.get("error"):
            raise _core.RigFault(str(run))
        return run

    def check(self, *cases: Case) -> int:
        """Raises Refused where the bench cannot do one of them; moves nothing. Returns how many cases they are, sweeps
        and all."""
        return self._held.check([case._as_said() for case in cases])

    @property
    def name(self) -> str:
        """From the bench file."""
        return self._held.name

    @property
    def seed(self) -> int:
        return self._held.seed

    @property
    def folder(self) -> str:
        """Where the trace is; "" until something ran."""
        return self._held.folder

    @property
    def run_id(self) -> str:
        """Of the trace; "" until something ran."""
        return self._held.run_id

    @property
    def head(self) -> str:
        """SHA-256 chain over all events, once closed."""
        return self._head

    @property
    def has(self) -> list[str]:
        """What `rig.requires` may name: what the bench sees, the parts it moves, its cards."""
        return [*self._held.sees, *self._held.cards]

    def close(self) -> str:
        """Ends the trace in order and returns its head; "" where nothing ran. May be called again."""
        self._head = self._held.close()
        return self._head

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Bench {self.name!r}, seed {self.seed}, trace in {self.folder or 'no folder yet'}>"


def _end() -> None:
    _core.end_runs()
    for bench in list(_open):
        try:
            bench.close()
        except _core.TraceError as error:  # nobody is left to catch it
            print(f"swiperig: {error}", file=sys.stderr)


def _after_fork() -> None:
    _core.after_fork_in_child()
    _open.clear()


atexit.register(_end)
os.register_at_fork(before=_core.before_fork, after_in_parent=_core.after_fork_in_parent, after_in_child=_after_fork)
