"""Benches that cases run on."""

from __future__ import annotations

import atexit
import os
import sys
import weakref
from pathlib import Path
from types import TracebackType
from typing import Any, Sequence

from . import _core, by_hand
from .case import Case, Duration
from .events import Event, Events
from .result import Result, Run
from .served import Served
from .trace import Trace
from .words import Milestone

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
    for the trace (default: `runs/<name>-<n>`), made when something runs. defect: planted in terminal or host, of
    `swiperig list defects`. terminal, host: files of other profiles. Raises Refused.
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


def connect(
    url: str,
    *,
    key: str | os.PathLike[str] | None = None,
    server: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    lease_s: int = 60,
    seed: int = 1,
) -> Bench:
    """The bench that `swiperig serve BENCH --control URL` has: ipc:///FOLDER/NAME, or tcp://HOST:PORT with keys.

    key: own NAME.key_secret file. server: the bench's public key or its NAME.key file. out: folder that gets a folder
    for each run, with its trace (default: `runs`). lease_s: after how long without a request another may have the bench
    (1 to 3600 s); a run that is under way is waited for, hands are taken off. Raises Refused, ConnectionError where
    nobody answers. Needs pyzmq.
    """
    return Bench(Served(url, key, server, out, lease_s, seed))


class Bench:
    """An open bench and the trace of all that it does; made by `virtual_bench`, `open_bench` and `connect`.

    A context manager; `close()` ends the trace in order, as does the end of Python, which stops what other threads run,
    with the bench at rest. One thread at a time. A process that was forked off opens a bench of its own.

    A bench that is reached does the same, with a trace for each call of `run` and `run_many`, and `close()` gives it to
    the next; `open`, `status`, `stop`, `safe_state` and `run_campaign` are of such a bench only.

    >>> seen = bench.actuator.press("1 0 0 OK")
    >>> asked = bench.wait_for("card_wanted", "10 s")
    >>> seen = bench.actuator.swipe("debit", speed="500 mm/s")
    >>> bench.wait_for("told").field("outcome")
    'APPROVED'
    >>> bench.rest().money.rows[0].journal
    'approved'
    """

    def __init__(self, held: _core.Bench | Served) -> None:
        self._held = held
        self._head = ""
        self._seen: list[Event] = []  # since the last thing that was done by hand
        self.actuator = by_hand.Actuator(self._do)
        self.power = by_hand.Power(self._do)
        self.network = by_hand.Network(self._do)
        self.host = by_hand.Host(self._do)
        self.parts = by_hand.Parts(self._do)
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

    def wait(self, most: Duration) -> Sequence[Event]:
        """Lets "1 us" to "3600 s" of bench time pass; on a virtual bench none passes between two calls. Returns what
        was seen."""
        return self._since_acted(by_hand.wait(self._done, most))

    def wait_for(self, milestone: Milestone, most: Duration = "60 s") -> Event | None:
        """Waits until the milestone is seen, or was since the last thing that was done began, for "1 us" to "3600 s".
        Returns the last such event; None: it was not seen."""
        self._since_acted(by_hand.wait(self._done, most, milestone))
        return next((one for one in reversed(self._seen) if one.milestone == milestone), None)

    def mend(self) -> Sequence[Event]:
        """Parts sound, network clear, host as it should be."""
        return by_hand.mend(self._do)

    def rest(self) -> Result | None:
        """Takes hands off: brings the bench to rest and reads the books. Returns the cycle that was done by hand, which
        claims nothing, but fails where a rule about money was broken; None: there was none. So does whatever else is
        done with the bench."""
        cycle = self._held.end_by_hand()
        if cycle is None:
            return None
        self.last = Result(cycle, self._held.folder)
        return self.last

    def _do(self, said: tuple[str, int, dict[str, Any]]) -> Sequence[Event]:
        self._seen = []
        return self._since_acted(self._done(said))

    def _since_acted(self, seen: Sequence[Event]) -> Sequence[Event]:
        self._seen += seen
        return seen

    def _done(self, said: tuple[str, int, dict[str, Any]]) -> Sequence[Event]:
        seen = self._held.by_hand(said)
        return list(Events(seen)) if isinstance(seen, _core.Columns) else seen

    def run_campaign(self, path: str | os.PathLike[str], *, cycles: int | None = None) -> Trace:
        """Does what a campaign file of this machine says, and brings the trace here. The file names no other files."""
        return self._served("run_campaign").run_campaign(Path(path).read_text(encoding="utf-8"), cycles)

    def status(self) -> dict[str, Any]:
        """What the bench does ("state": idle, running, making_safe), who has it ("lease"), how the last run ended."""
        return self._served("status").status()

    def stop(self) -> None:
        """Stops the run that is under way, with the bench at rest. Returns at once."""
        self._served("stop").stop()

    def safe_state(self) -> None:
        """Stops what runs and makes the bench safe. Needs no lease. Raises RigFault where that is not proved."""
        self._served("safe_state").safe_state()

    def open(self, *, take_over: bool = False) -> None:
        """Takes the bench, as the first `run` does by itself. take_over: from whoever has it; admins only."""
        self._served("open").open(take_over)

    def _served(self, what: str) -> Served:
        if not isinstance(self._held, Served):
            raise _core.Refused(f"{what}: {self.name} is a bench of this process; expected one that rig.connect "
                                "reached")
        return self._held

    @property
    def name(self) -> str:
        """From the bench file."""
        return self._held.name

    @property
    def seed(self) -> int:
        return self._held.seed

    @property
    def folder(self) -> str:
        """Where the trace is, of a bench that is reached the last one; "" until something ran."""
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
        return self._held.has

    def close(self) -> str:
        """Ends the trace in order and returns its head; "" where nothing ran. May be called again."""
        self._head = self._held.close()
        return self._head

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        at = f" at {self._held.url}" if isinstance(self._held, Served) else ""
        return f"<Bench {self.name!r}{at}, seed {self.seed}, trace in {self.folder or 'no folder yet'}>"


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
