"""A published run, followed by the package: what its trace has, whatever is told late; and what cannot be followed."""

import os
import signal
import subprocess
import tempfile

import pytest
from conftest import ROOT

import swiperig as rig

PROGRAM = os.environ.get("SWIPERIG_BINARY", str(ROOT / "build/release/swiperig"))


@pytest.fixture
def published(tmp_path):
    folder = tempfile.TemporaryDirectory(prefix="swiperig.")  # the name of a socket is a short one
    url = f"ipc://{folder.name}/own/run"
    run = subprocess.Popen([PROGRAM, "run", str(ROOT / "fixtures/campaigns/no_return.toml"), "--cycles", "60",
                            "--publish", url, "--linger", "60s", "--out", "out"], cwd=tmp_path,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield url, run
    run.kill()
    run.wait()
    folder.cleanup()


def test_a_follower_has_what_the_trace_has(published, tmp_path):
    url, run = published
    told = list(rig.follow(url))
    assert list(rig.follow(url, start=1000)) == told[1000:]
    run.send_signal(signal.SIGINT)
    assert run.wait(30) == 0
    trace = rig.open_trace(tmp_path / "out")
    assert [message["seq"] for message in told] == list(range(len(trace.events) + 2 * 60 + 2))
    assert told[-1]["head"] == trace.head
    verdicts = [message for message in told if "verdict" in message]
    ended = [(v["cycle"], v["outcome"], v["cause"]) for v in verdicts]
    assert ended == [(r.number, r.outcome, r.cause) for r in trace]
    # the twin: it is over, and who comes now is told so
    with pytest.raises(ConnectionError, match="messages from 0 on are missing"):
        next(rig.follow(url))


@pytest.mark.parametrize("url", ["tcp://192.0.2.1:55", "tcp://127.0.0.1", "tcp://127.0.0.1:65535", "ipc://run", "run"])
def test_other_addresses_are_refused(url):
    with pytest.raises(rig.Refused, match="expected ipc:///FOLDER/NAME"):
        rig.follow(url)


@pytest.mark.parametrize("start", [-1, 1.5, True, "0"])
def test_other_beginnings_are_refused(start):
    with pytest.raises(rig.Refused, match="from 0"):
        rig.follow("ipc:///tmp/own/run", start)
