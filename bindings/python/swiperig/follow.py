"""Runs of others while they happen, over ZeroMQ."""

from __future__ import annotations

import json
import os
import re
from typing import Any, Iterator

from ._core import Refused


def show_keys(socket: Any, key: str | os.PathLike[str] | None, server: str | os.PathLike[str] | None) -> None:
    """Makes the socket prove who it is, and have proved who answers. Raises Refused."""
    if key is None and server is None:
        return
    import zmq.auth

    if key is None or server is None:
        raise Refused("key and server: expected both, own NAME.key_secret and the public key of the other side")
    try:
        socket.curve_publickey, socket.curve_secretkey = zmq.auth.load_certificate(os.fspath(key))
        text = os.fspath(server)
        is_key = len(text) == 40 and not os.path.exists(text)
        socket.curve_serverkey = text.encode() if is_key else zmq.auth.load_certificate(text)[0]
    except (OSError, ValueError, TypeError, zmq.ZMQError) as error:
        raise Refused(f"key={key!r}, server={server!r}: not key files of `swiperig keys new`: {error}") from error


def backfill_of(url: str, keys: bool = False) -> str:
    """Where a run answers that is published at `url`."""
    if url.startswith("ipc:///"):
        return url + ".backfill"
    if found := re.fullmatch(r"(tcp://(?:[0-9A-Za-z.-]+|\[[0-9a-fA-F:.]+\]):)([0-9]{1,5})", url):
        if keys and 0 < int(found[2]) < 65535:
            return found[1] + str(int(found[2]) + 1)
    raise Refused(f"{url!r}: expected ipc:///FOLDER/NAME, or with key and server tcp://HOST:PORT, as the run was told"
                  " to --publish at")


def follow(
    url: str,
    start: int = 0,
    *,
    key: str | os.PathLike[str] | None = None,
    server: str | os.PathLike[str] | None = None,
) -> Iterator[dict[str, Any]]:
    """Messages of the run that `swiperig run ... --publish URL` tells, from number `start` (from 0) on, each once and
    in order, until the run has ended; where this program was late or slow, what it missed is asked for.

    A message has "run" and "seq"; the first and the last "state", the others "cycle", and "case" (a cycle begins),
    "body" (an event, times in ns of bench time) or "verdict". All members: reports/schemas. key: own NAME.key_secret
    file, server: the run's public key or its NAME.key file; over TCP both are needed. Raises Refused for another kind
    of address, ConnectionError when nobody publishes there (after 10 s), or not any more: what is missing is in the
    run's trace then. Needs pyzmq (Debian's python3-zmq).
    """
    if not isinstance(start, int) or isinstance(start, bool) or start < 0:
        raise Refused(f"start={start!r}: expected the number of a message, from 0")
    return _messages(url, backfill_of(url, key is not None), start, key, server)


def _messages(url: str, backfill: str, seq: int, key: str | os.PathLike[str] | None,
              server: str | os.PathLike[str] | None) -> Iterator[dict[str, Any]]:
    import zmq

    with zmq.Context() as context, context.socket(zmq.SUB) as live, context.socket(zmq.REQ) as asking:
        for socket in (live, asking):
            socket.setsockopt(zmq.LINGER, 0)
            socket.setsockopt(zmq.IPV6, 1)
            show_keys(socket, key, server)
        asking.connect(backfill)

        def ask(first: int, more: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
            asking.send_string(json.dumps({"from": first, **more}))
            if not asking.poll(10_000):
                raise ConnectionError(f"{url}: no answer from {backfill}, messages from {seq} on are missing: is the"
                                      " run there? After its end it answers for as long as `--linger 60s` says")
            header, *parts = asking.recv_multipart()
            told = json.loads(header)
            if "error" in told:
                raise ConnectionError(f"{backfill}: {told['error']}")
            return told, [json.loads(text) for text in parts[1::2]]

        run = {"run": ask(0, {"at_most": 1})[0]["run"]}
        live.connect(url)
        live.setsockopt_string(zmq.SUBSCRIBE, f"run/{run['run']}/")
        behind = True
        while True:
            told = [json.loads(live.recv_multipart()[1])] if live.poll(0 if behind else 500) else []
            if not told or told[0]["seq"] > seq:
                told = ask(seq, run)[1] + told
            behind = bool(told)
            for message in told:
                if message["seq"] == seq:
                    seq += 1
                    yield message
                    if message.get("state") == "ended":
                        return
