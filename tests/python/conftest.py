"""What the tests of the Python package share. They run against whatever `swiperig` is on the path: the build folder's,
or an installed one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import swiperig as rig

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("SWIPERIG_BINARY", str(ROOT / "build" / "release" / "swiperig"))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Nothing is left in the source folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")


@pytest.fixture
def program():
    """The command line: its output; it must end with one of the exit codes."""
    def run(*arguments, codes=(0,)):
        done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=120)
        assert done.returncode in codes, done.stdout + done.stderr
        return done.stdout
    return run


@pytest.fixture
def script(tmp_path):
    """A Python of its own: (exit code, output, errors)."""
    def run(text, timeout=60, **more):
        done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=timeout,
                              cwd=tmp_path, **more)
        return done.returncode, done.stdout, done.stderr
    return run


@pytest.fixture
def lost():
    """The case of the README."""
    case = rig.Case("response lost", amount="12.34", card="debit")
    case.swipe(speed="500 mm/s")
    case.on("response_entered").cut_network(lasts="60 s")
    return case


@pytest.fixture
def powerless():
    """A power cut at the response: harmless, unless the terminal forgets what it owes."""
    case = rig.Case("power cut", amount="12.34", card="debit").swipe(speed="500 mm/s")
    return case.on("response_entered").cut_power()
