"""A bench of another process or machine, as `swiperig serve BENCH --control URL` has it."""

from __future__ import annotations

import json
import os
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Sequence

from . import _core
from .events import Event, Events
from .follow import show_keys
from .trace import Trace, open_trace

_ANSWER_MS, _TRIES, _LONGEST = 5_000, 4, 64 << 10
_KEPT = 100  # cycles that did not pass


class OldLease(_core.Refused):
    """Another may have had the bench since; nothing was done."""


def _toml(value: Any) -> str:
    """A value of a case as a campaign file has it."""
    if isinstance(value, tuple):  # (file, line, value)
        return _toml(value[2])
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def _rows(said: dict[str, Any]) -> str:
    return "".join(f"{key} = {_toml(value)}\n" for key, value in said.items())


def campaign_of(said: Sequence[tuple[str, int, dict[str, Any]]]) -> str:
    """The text of a campaign file with these cases; of the same name are told apart by a number."""
    text, names = 'schema = 1\nname = "python"\n', set()
    for _, _, case in said:
        name, n = case["name"], 1
        while name in names:
            n += 1
            name = f"{case['name']} ({n})"
        names.add(name)
        text += f"\n[[case]]\n{_rows({**case, 'name': name})}"
    return text


@dataclass
class Batch:
    """Many cycles in numbers, as those of this process."""

    cycles: int
    first: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    causes: dict[str, int] = field(default_factory=dict)
    kept: list[_core.Cycle] = field(default_factory=list)


def batch_of(trace: Trace) -> Batch:
    batch = Batch(len(trace))
    for result in trace:
        batch.outcomes[result.outcome] = batch.outcomes.get(result.outcome, 0) + 1
        batch.causes[result.cause] = batch.causes.get(result.cause, 0) + 1
        if not result and len(batch.kept) < _KEPT:
            batch.kept.append(result._cycle)
    return batch


class Served:
    """What a bench of this process does, done there; each call is asked for under the lease, and taken when needed."""

    def __init__(self, url: str, key: str | os.PathLike[str] | None, server: str | os.PathLike[str] | None,
                 out: str | os.PathLike[str] | None, lease_s: int, seed: int) -> None:
        import zmq

        if not url.startswith(("ipc:///", "tcp://")):
            raise _core.Refused(f"{url!r}: expected ipc:///FOLDER/NAME or tcp://HOST:PORT, as `swiperig serve` was told"
                                " to --control at")
        self.url, self.seed, self.folder, self.run_id = url, seed, "", ""
        self._key, self._server, self._out, self._lease_s = key, server, Path(out or "runs"), lease_s
        self._context = zmq.Context()
        self._fence: int | None = None
        self._by_hand = ""  # id of the run, where hands are on the bench
        self._head = ""
        self._owner = os.getpid()
        status = self.status()
        self.name, self.has = str(status["bench"]), [str(one) for one in status["has"]]

    def run(self, said: tuple[str, int, dict[str, Any]]) -> _core.Cycle:
        cases = _core.count([said])
        if cases != 1:
            raise _core.Refused(f"{said[0]}:{said[1]}: expected one case for run; this one is swept, {cases} cases, "
                                "which is for run_many")
        return self.run_campaign(campaign_of([said]), 1).result(0)._cycle

    def run_many(self, said: list[tuple[str, int, dict[str, Any]]], cycles: int | None, threads: int) -> Batch:
        cases = _core.count(said)
        if cases == 0:
            raise _core.Refused("expected at least one case")
        if not 1 <= threads <= 256:
            raise _core.Refused("threads: expected a whole number from 1 to 256")
        return batch_of(self.run_campaign(campaign_of(said), cases if cycles is None else cycles))

    def check(self, said: list[tuple[str, int, dict[str, Any]]]) -> int:
        if _core.count(said) == 0:
            return 0
        return int(self._ask("check", campaign=campaign_of(said))[0]["cases"])

    def run_campaign(self, campaign: str, cycles: int | None) -> Trace:
        """Does what the text of a campaign file says, and brings the trace here."""
        self.end_by_hand()
        more: dict[str, Any] = {"campaign": campaign, "seed": self.seed}
        if cycles is not None:
            more["cycles"] = cycles
        return self._ended(str(self._leased("run", **more)["run"]))

    def by_hand(self, said: tuple[str, int, dict[str, Any]]) -> list[Event]:
        told = self._leased("act", do=_rows(said[2]), seed=self.seed)
        self._by_hand = str(told["run"])
        pause = 0.005
        try:
            while True:
                hand = self.status().get("hand", {})
                if hand.get("id") != told["id"]:
                    raise _core.RigFault(f"{self.url}: another took the bench over meanwhile")
                if hand["state"] == "done":
                    break
                time.sleep(pause)
                pause = min(0.1, pause * 1.5)
        except KeyboardInterrupt:
            self.stop()
            self._until_idle()
            self._by_hand = ""
            raise
        if "error" in hand:
            self._by_hand = ""
            raise _core.RigFault(hand["error"])
        return [Event(e["event"], e["cycle"], e["at_ns"], e["at_uncertainty_ns"], Events.sources.index(e["source"]),
                      Events.kinds.index(e["kind"]), json.dumps(e["body"], ensure_ascii=False, separators=(",", ":")))
                for e in hand["events"]]

    def end_by_hand(self) -> _core.Cycle | None:
        if not self._by_hand:
            return None
        run, self._by_hand = self._by_hand, ""
        try:
            self._ask("rest", fence=self._opened())
        except OldLease:
            return None  # it ended with the lease
        return self._ended(run).result(0)._cycle

    def close(self) -> str:
        if self._fence is not None and self._owner == os.getpid():
            try:
                self.end_by_hand()
                fence, self._fence = self._fence, None
                self._ask("close", fence=fence)
            except (_core.Refused, ConnectionError):
                pass  # it is another's already, or its server is gone
        return self._head

    def status(self) -> dict[str, Any]:
        return self._ask("status")[0]

    def stop(self) -> None:
        self._ask("stop", fence=self._opened())

    def safe_state(self) -> None:
        self._ask("safe_state")
        self._by_hand = ""
        after = self._until_idle()
        if "not_safe" in after:
            raise _core.RigFault(after["not_safe"])

    def open(self, take_over: bool) -> None:
        more = {"take_over": True} if take_over else {}
        self._fence = int(self._ask("open", lease_s=self._lease_s, **more)[0]["fence"])

    def _opened(self) -> int:
        if self._fence is None:
            self.open(False)
        assert self._fence is not None
        return self._fence

    def _leased(self, command: str, **more: Any) -> dict[str, Any]:
        try:
            return self._ask(command, fence=self._opened(), **more)[0]
        except OldLease:
            self.open(False)  # nothing was done under the old one
            return self._ask(command, fence=self._opened(), **more)[0]

    def _ended(self, run: str) -> Trace:
        """Waits for the end of the run, and brings its trace here."""
        try:
            ended = self._until_idle()["run"]
        except KeyboardInterrupt:
            self.stop()
            self._until_idle()
            raise
        if ended["id"] != run:
            raise _core.RigFault(f"{self.url}: another took the bench over during the run")
        if ended["exit"] == 2:
            raise _core.Refused(ended["words"].strip())
        if ended["exit"] == 3:
            raise _core.RigFault(self._fault_of(run) or ended["words"].strip())
        return self._brought(run)

    def _fault_of(self, run: str) -> str:
        """The cycle in which the rig failed; "": the trace has none."""
        try:
            return next((str(result) for result in self._brought(run) if result.outcome == "error"), "")
        except (_core.Refused, _core.TraceError):
            return ""

    def _brought(self, run: str) -> Trace:
        trace = open_trace(self._fetch(run))
        self.folder, self.run_id, self._head = trace.folder, trace.id, trace.head
        return trace

    def _until_idle(self) -> dict[str, Any]:
        pause = 0.01
        while (now := self.status())["state"] != "idle":
            time.sleep(pause)
            pause = min(0.1, pause * 1.5)
        return now

    def _fetch(self, run: str) -> Path:
        number = 1
        while (folder := self._out / f"remote-{number}").exists():
            number += 1
        folder.mkdir(parents=True)
        with open(folder / "run.trace", "xb") as file:
            while True:
                told, piece = self._ask("fetch", run=run, offset=file.tell())
                file.write(piece)
                if not piece or file.tell() >= told["size"]:
                    return folder

    def _ask(self, command: str, **more: Any) -> tuple[dict[str, Any], bytes]:
        """Asked again under the same id where no answer comes: it is done once."""
        import zmq

        if self._owner != os.getpid():
            raise _core.Refused(f"this bench belongs to process {self._owner}, of which this one is a fork: connect to"
                                " it anew")
        request = json.dumps({"schema": 1, "id": secrets.token_hex(16), "command": command, **more})
        if len(request.encode()) > _LONGEST:
            raise _core.Refused(f"{command}: {len(request.encode())} bytes; a served bench is told at most {_LONGEST} "
                                "at once: fewer or shorter cases")
        for _ in range(_TRIES):
            with self._context.socket(zmq.REQ) as socket:
                socket.setsockopt(zmq.LINGER, 0)
                socket.setsockopt(zmq.IPV6, 1)
                show_keys(socket, self._key, self._server)
                socket.connect(self.url)
                socket.send_string(request)
                if not socket.poll(_ANSWER_MS):
                    continue
                frames = socket.recv_multipart()
            told: dict[str, Any] = json.loads(frames[0].decode(errors="replace"))
            if "refused" in told:
                kind = OldLease if told["refused"] == "old_lease" else _core.Refused
                raise kind(f"{self.url}: {told['refused']}: {told['error']}")
            return told, frames[1] if len(frames) > 1 else b""
        raise ConnectionError(f"{self.url}: no answer: is `swiperig serve BENCH --control {self.url}` running"
                              + ("?" if self._key is None else ", with this key, and does its allow.toml list yours?"))
