"""Figures of the Python package, printed as JSON; ratios are of one run on one machine. No test.

    PYTHONPATH=build/release/python /usr/bin/python3 tests/bench/python_rates.py [cycles]
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy

import swiperig as rig

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("SWIPERIG_BINARY", str(ROOT / "build" / "release" / "swiperig"))
CAMPAIGN = """
schema = 1
name = "sale"
[[case]]
name = "sale"
amount = "12.34"
card = "debit"
swipe = "500 mm/s"
cause = "none"
must = ["told"]
"""


def rate(count, work):
    before = time.perf_counter()
    work()
    return count / (time.perf_counter() - before)


def command_line(count, epoch):
    """Cycles a second, by the program's own account: without its start and its report."""
    folder = f"cpp-{epoch}-{time.perf_counter_ns()}"
    Path("c.toml").write_text(CAMPAIGN.replace('name = "sale"\n[', f'name = "sale"\nepoch_cycles = {epoch}\n['))
    subprocess.run([PROGRAM, "run", "c.toml", "--cycles", str(count), "--threads", "1", "--out", folder], check=True,
                   capture_output=True)
    return json.loads(Path(folder, "summary.json").read_text())["cycles_per_s"]


def until_ctrl_c_is_over(case):
    """Milliseconds from the signal to KeyboardInterrupt with the bench at rest, of a run on two threads."""
    took = []
    for n in range(7):
        bench, pressed = rig.virtual_bench(out=f"ctrl-c-{n}"), []

        def press():
            pressed.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)
        try:
            threading.Timer(0.3, press).start()
            bench.run_many(case, cycles=10**8, threads=2)
        except KeyboardInterrupt:
            took.append((time.perf_counter() - pressed[0]) * 1000)
        bench.close()
    return [round(ms) for ms in sorted(took)]


def main(count):
    os.chdir(tempfile.mkdtemp())
    case = rig.Case("sale", amount="12.34", card="debit", cause="none", must=["told"]).swipe(speed="500 mm/s")
    figures = {"cycles": count}
    rounds = []
    for n in range(3):  # in turn, so that what else the machine does meets all alike
        bench = rig.virtual_bench(out=f"py-{n}")
        rounds.append({
            "cpp_50_a_bench": command_line(count, 50),
            "run_many": rate(count, lambda: bench.run_many(case, cycles=count)),
            "cpp_fresh_bench": command_line(count, 1),
            "run": rate(count, lambda: [bench.run(case) for _ in range(count)]),
        })
        bench.close()
    for name in rounds[0]:
        figures[name + "_per_s"] = round(max(one[name] for one in rounds))
    figures["run_many_to_cpp"] = round(figures["run_many_per_s"] / figures["cpp_50_a_bench_per_s"], 3)
    figures["run_to_cpp_fresh"] = round(figures["run_per_s"] / figures["cpp_fresh_bench_per_s"], 3)

    figures["ctrl_c_ms"] = until_ctrl_c_is_over(case)

    bench = rig.virtual_bench(out="million")
    bench.run_many(case, cycles=10_000, threads=2)
    bench.close()
    before = time.perf_counter()
    trace = rig.open_trace("million")
    opened = time.perf_counter()
    columns = {name: numpy.asarray(column) for name, column in trace.events.columns.items()}
    figures |= {"events": len(columns["seq"]), "check_chain_s": round(opened - before, 3),
                "columns_s": round(time.perf_counter() - opened, 3)}
    print(json.dumps(figures, indent=2))


main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
