"""Benches of other processes and machines, reached through `swiperig serve BENCH --control URL`."""

from __future__ import annotations

import json
import os
import secrets
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from . import _core
from .case import Case
from .follow import show_keys
from .result import Result
from .trace import Trace, open_trace

_ANSWER_MS, _TRIES = 5_000, 4


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


def campaign_of(case: Case) -> str:
    """The text of a campaign file with this one case."""
    said = case._as_said()[2]
    rows = "".join(f"{key} = {_toml(value)}\n" for key, value in said.items())
    return f'schema = 1\nname = "python"\n\n[[case]]\n{rows}'


def connect(
    url: str,
    *,
    key: str | os.PathLike[str] | None = None,
    server: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] = "runs",
    lease_s: int = 60,
    seed: int = 1,
) -> RemoteBench:
    """The bench that is served at `url`: ipc:///FOLDER/NAME, or tcp://HOST:PORT with keys.

    key: own NAME.key_secret file. server: the bench's public key or its NAME.key file. out: folder that gets a folder
    for each run, with its trace. lease_s: after how long without a request another may have the bench (1 to 3600 s); a
    run that is under way is waited for. Raises Refused, ConnectionError where nobody answers. Needs pyzmq.
    """
    return RemoteBench(url, key, server, out, lease_s, seed)


class RemoteBench:
    """A bench that another process serves; made by `connect`. `run` is that of every bench.

    A context manager; `close()` gives the bench to the next. One thread at a time.
    """

    def __init__(self, url: str, key: str | os.PathLike[str] | None, server: str | os.PathLike[str] | None,
                 out: str | os.PathLike[str], lease_s: int, seed: int) -> None:
        import zmq

        if not url.startswith(("ipc:///", "tcp://")):
            raise _core.Refused(f"{url!r}: expected ipc:///FOLDER/NAME or tcp://HOST:PORT, as `swiperig serve` was told"
                                " to --control at")
        self.url, self.seed = url, seed
        self._key, self._server, self._out, self._lease_s = key, server, Path(out), lease_s
        self._context = zmq.Context()
        self._fence: int | None = None
        self.last: Result | None = None  #: what `run` returned last
        self.name = str(self.status()["bench"])  #: from the bench file

    def run(self, case: Case) -> Result:
        """Does the case once on the bench, and brings its trace here. Raises as `Bench.run` does; Ctrl-C stops the run,
        with the bench at rest."""
        result = self.last = self._done(campaign_of(case), self.seed, 1).result(0)
        if result.outcome == "error":
            raise _core.RigFault(str(result))
        return result

    def run_campaign(self, path: str | os.PathLike[str], *, cycles: int | None = None) -> Trace:
        """Does what a campaign file of this machine says, and brings the trace here. The file names no other files."""
        return self._done(Path(path).read_text(encoding="utf-8"), self.seed, cycles)

    def status(self) -> dict[str, Any]:
        """What the bench does ("state": idle, running, making_safe), who has it ("lease"), how the last run ended."""
        return self._ask("status")[0]

    def stop(self) -> None:
        """Stops the run that is under way, with the bench at rest. Returns at once."""
        self._ask("stop", fence=self._opened())

    def safe_state(self) -> None:
        """Stops what runs and makes the bench safe. Needs no lease. Raises RigFault where that is not proved."""
        self._ask("safe_state")
        after = self._until_idle()
        if "not_safe" in after:
            raise _core.RigFault(after["not_safe"])

    def open(self, *, take_over: bool = False) -> None:
        """Takes the bench, as the first `run` does by itself. take_over: from whoever has it; admins only."""
        more = {"take_over": True} if take_over else {}
        self._fence = int(self._ask("open", lease_s=self._lease_s, **more)[0]["fence"])

    def close(self) -> None:
        """Gives the bench to the next. May be called again."""
        if self._fence is not None:
            fence, self._fence = self._fence, None
            try:
                self._ask("close", fence=fence)
            except (_core.Refused, ConnectionError):
                pass  # it is another's already, or its server is gone

    def __enter__(self) -> RemoteBench:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<RemoteBench {self.name!r} at {self.url}>"

    def _opened(self) -> int:
        if self._fence is None:
            self.open()
        assert self._fence is not None
        return self._fence

    def _done(self, campaign: str, seed: int, cycles: int | None) -> Trace:
        more: dict[str, Any] = {"campaign": campaign, "seed": seed}
        if cycles is not None:
            more["cycles"] = cycles
        try:
            run = self._ask("run", fence=self._opened(), **more)[0]["run"]
        except OldLease:
            self.open()  # nothing was done under the old one
            run = self._ask("run", fence=self._opened(), **more)[0]["run"]
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
            raise _core.RigFault(ended["words"].strip())
        return open_trace(self._fetch(run))

    def _until_idle(self) -> dict[str, Any]:
        while (now := self.status())["state"] != "idle":
            time.sleep(0.1)
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

        request = json.dumps({"schema": 1, "id": secrets.token_hex(16), "command": command, **more})
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


class OldLease(_core.Refused):
    """Another may have had the bench since; nothing was done."""
