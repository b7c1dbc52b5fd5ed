"""The ways in which a script dies while cases run: none hangs, none aborts, none loses what was complete. Before the
end, `sold` cycles were handed to the script; they must be in the trace. After an end in order the trace is sealed."""

import os
import signal
import subprocess
import sys
import time

import pytest

import swiperig as rig

START = """
import atexit, faulthandler, os, signal, sys, threading, time
import swiperig as rig
bench = rig.virtual_bench(out="out")
case = rig.Case("sale", amount="1.00", card="debit").swipe()
bench.run(case)
bench.run(case)
print("begun", flush=True)
def long():
    return bench.run_many(case, cycles=100_000_000, threads=2)
def soon(what):
    threading.Timer(0.3, what).start()
"""

#: what the script does next, exit code, whether the trace ends in order
WAYS = {
    "ends": ("", 0, True),
    "raises": ("raise KeyError('mine')", 1, True),
    "exits": ("sys.exit(5)", 5, True),
    "raises while a thread runs": ("threading.Thread(target=long).start(); time.sleep(.3); raise KeyError('mine')",
                                   None, None),
    "ends while a daemon runs": ("threading.Thread(target=long, daemon=True).start(); time.sleep(.3)", 0, True),
    "exits while a daemon runs": ("threading.Thread(target=long, daemon=True).start(); time.sleep(.3); sys.exit(4)",
                                  4, True),
    "raises while a daemon runs": ("threading.Thread(target=long, daemon=True).start(); time.sleep(.3); 1 / 0",
                                   1, True),
    "ends at once beside a daemon": ("threading.Thread(target=long, daemon=True).start()", 0, True),
    "exits without Python's leave": ("soon(lambda: os._exit(6)); long()", 6, False),
    "is killed": ("soon(lambda: os.kill(os.getpid(), signal.SIGKILL)); long()", -signal.SIGKILL, False),
    "is terminated": ("soon(lambda: os.kill(os.getpid(), signal.SIGTERM)); long()", -signal.SIGTERM, False),
    "segfaults": ("soon(lambda: os.kill(os.getpid(), signal.SIGSEGV)); long()", -signal.SIGSEGV, False),
    "is interrupted": ("soon(lambda: os.kill(os.getpid(), signal.SIGINT)); long()", -signal.SIGINT, True),
    "is interrupted twice": ("soon(lambda: [os.kill(os.getpid(), signal.SIGINT) for _ in range(2)]); long()",
                             -signal.SIGINT, True),
    "catches the interrupt": ("""
try:
    soon(lambda: os.kill(os.getpid(), signal.SIGINT))
    long()
except KeyboardInterrupt:
    bench.run(case)
    print("went on")
""", 0, True),
    "has a handler that raises": ("""
def angry(number, frame): raise RuntimeError('handler')
signal.signal(signal.SIGALRM, angry)
signal.setitimer(signal.ITIMER_REAL, .3)
long()
""", 1, True),
    "forks, and the child leaves": ("""
child = os.fork()
if child == 0: sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
bench.run(case)
""", 0, True),
    "forks, and the child runs": ("""
child = os.fork()
if child == 0:
    try: bench.run(case)
    except rig.Refused as refused: os._exit(0 if 'fork' in str(refused) else 1)
    os._exit(2)
assert os.waitpid(child, 0)[1] == 0
bench.run(case)
""", 0, True),
    "forks while a thread runs": ("""
running = threading.Thread(target=long, daemon=True)
running.start()
time.sleep(.2)
child = os.fork()
if child == 0:
    own = rig.virtual_bench(out="child")
    assert own.run(case)
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
""", 0, True),
    "runs at exit": ("atexit.register(lambda: print(bench.run(case).outcome))", 0, True),
    "runs in a destructor": ("""
class Last:
    def __del__(self):
        try: bench.run(case)
        except Exception as e: print(type(e).__name__)
last = Last()
""", 0, True),
    "finds no room for its trace": ("""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
try:
    while True: bench.run(case)
except rig.TraceError as error: print("run.trace" in str(error))
sys.exit(3)
""", 3, False),
    "ends with hands on the bench": ("bench.power.off()", 0, True),
    "raises with hands on the bench": ("bench.power.off(); raise KeyError('mine')", 1, True),
    "is killed with hands on the bench": ("bench.power.off(); os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL,
                                          False),
    "loops for ever, and is interrupted": ("soon(lambda: os.kill(os.getpid(), signal.SIGINT))\nwhile True: pass",
                                           -signal.SIGINT, True),
    "loops for ever with hands on the bench, and is interrupted": ("""
soon(lambda: os.kill(os.getpid(), signal.SIGINT))
while True: bench.wait("3600 s")
""", -signal.SIGINT, True),
    "forks with hands on the bench": ("""
bench.power.off()
child = os.fork()
if child == 0: sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
bench.power.on()
""", 0, True),
    "closes while a thread runs": ("""
threading.Thread(target=long, daemon=True).start()
time.sleep(.2)
try: bench.close()
except rig.Refused as refused: print(refused)
""", 0, True),
}


def die(folder, text, timeout=30):
    done = subprocess.run([sys.executable, "-X", "faulthandler", "-c", START + text], cwd=folder, capture_output=True,
                          text=True, timeout=timeout)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("way", WAYS)
def test_whatever_ends_the_script(way, tmp_path):
    text, code, in_order = WAYS[way]
    if code is None:  # Python waits for a thread that is no daemon: Ctrl-C is what ends it
        process = subprocess.Popen([sys.executable, "-c", START + text], cwd=tmp_path, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "begun\n"
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert process.returncode in (1, -signal.SIGINT), err
    else:
        got, out, err = die(tmp_path, text)
        assert got == code, out + err
        assert "begun" in out
    assert "terminate called" not in err and "Aborted" not in err and "FATAL" not in err
    if "daemon" in way and "raises" not in way:
        assert err == "", "a thread that nobody waits for ends in silence"
    trace = rig.open_trace(tmp_path / "out")
    assert len(trace) >= 2
    assert all(result.outcome == "pass" for _, result in zip(range(3), trace) if result.case_name == "sale")
    if in_order is not None:
        assert (trace.head != "") == in_order


def test_a_trace_that_did_not_end_in_order_is_told_from_one_that_did(tmp_path):
    die(tmp_path, WAYS["is killed"][0])
    assert rig.open_trace(tmp_path / "out").head == ""
    with rig.virtual_bench(out=tmp_path / "whole") as bench:
        bench.run(rig.Case("sale", amount="1.00", card="debit").swipe())
    assert rig.open_trace(tmp_path / "whole").head == bench.head != ""


def test_ctrl_c_ends_a_run_that_would_take_hours(tmp_path):
    code, out, err = die(tmp_path, """
try:
    soon(lambda: os.kill(os.getpid(), signal.SIGINT))
    long()
except KeyboardInterrupt: print("at rest")
print(bench.run(case).outcome)
""")
    assert code == 0 and out == "begun\nat rest\npass\n", err


def test_memory_that_is_not_there_is_an_error(script):
    code, out, err = script(START + """
import resource
case.swipe("500 mm/s")
resource.setrlimit(resource.RLIMIT_AS, (300 << 20, 300 << 20))
try:
    while True: bench.run_many(case, cycles=100, threads=64)
except (MemoryError, RuntimeError, OSError) as e:
    print("error", type(e).__name__)
""")
    assert code == 0 and "error" in out, out + err


@pytest.mark.parametrize("end", ["", "sys.exit(0)", "os.kill(os.getpid(), signal.SIGINT)"])
def test_many_ends_of_python_beside_a_running_thread(end, tmp_path):
    """The race of a thread that comes back to an interpreter that is going away."""
    text = START.replace('out="out"', 'out=sys.argv[1]') + """
for _ in range(3):
    own = rig.virtual_bench(out=f"{sys.argv[1]}-{_}")
    threading.Thread(target=lambda own=own: [own.run(case) for _ in range(10**9)], daemon=True).start()
time.sleep(float(sys.argv[2]))
""" + end
    for n in range(int(os.environ.get("SWIPERIG_EXITS", "12"))):
        done = subprocess.run([sys.executable, "-c", text, f"t{n}", str(n % 12 * 0.004)], cwd=tmp_path,
                              capture_output=True, text=True, timeout=30)
        assert done.returncode in (0, -signal.SIGINT), done.stderr
        assert "terminate called" not in done.stderr
