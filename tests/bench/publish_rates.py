#!/usr/bin/python3
"""What an audience costs a run: cycles a second without publishing, published to nobody, to four followers, and to one
that is stopped, taken in turns so that they share what else the machine does; and the processor time and the memory of
the run's own process. Printed as JSON; ratios are judged, not absolute figures. The followers run on the same cores, so
that where there are fewer cores than processes the rate says what they take, and the processor time what the run
takes."""

import json
import os
import pathlib
import signal
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = os.environ.get("SWIPERIG_BINARY", str(ROOT / "build/release/swiperig"))
CYCLES, ROUNDS = 2000, 5


def one(folder, followers=None, stopped=False):
    """Cycles a second, processor seconds, largest memory in MB of a run; `followers` None: not published."""
    url = f"ipc://{folder}/own/run"
    words = [PROGRAM, "run", str(ROOT / "fixtures/campaigns/no_return.toml"), "--cycles", str(CYCLES), "--threads", "1",
             "--out", str(folder / "out")]
    if followers is not None:
        words += ["--publish", url]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    audience = [subprocess.Popen([PROGRAM, "watch", url], **quiet) for _ in range(followers or 0)]
    run = subprocess.Popen(words, **quiet)
    if stopped:
        for follower in audience:
            follower.send_signal(signal.SIGSTOP)
    _, status, usage = os.wait4(run.pid, 0)
    run.returncode = os.waitstatus_to_exitcode(status)
    for follower in audience:
        follower.send_signal(signal.SIGCONT)
        follower.terminate()
        follower.wait()
    assert run.returncode == 0, run.returncode
    rate = json.loads((folder / "out/summary.json").read_text())["cycles_per_s"]
    return rate, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    ways = {"alone": {}, "published": {"followers": 0}, "four_followers": {"followers": 4},
            "stopped_follower": {"followers": 1, "stopped": True}}
    rates, cpu, memory = ({way: [] for way in ways} for _ in range(3))
    for _ in range(ROUNDS):
        for way, more in ways.items():
            with tempfile.TemporaryDirectory(prefix="swiperig.") as folder:
                rate, cpu_s, mb = one(pathlib.Path(folder), **more)
            rates[way].append(rate)
            cpu[way].append(cpu_s)
            memory[way].append(mb)
    middle = {way: statistics.median(rates[way]) for way in ways}
    print(json.dumps({"cores": os.cpu_count(), "cycles": CYCLES,
                      "cycles_per_s": {way: round(rate, 1) for way, rate in middle.items()},
                      "of_alone": {way: round(rate / middle["alone"], 3) for way, rate in middle.items()},
                      "cpu_s": {way: round(statistics.median(all_s), 2) for way, all_s in cpu.items()},
                      "largest_mb": {way: round(max(mb), 1) for way, mb in memory.items()}}, indent=1))


if __name__ == "__main__":
    main()
