"""What the documentation says happens: docstrings, and the Python blocks of the README, are run."""

import doctest
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

import swiperig as rig

MODULES = [path.stem for path in Path(rig.__file__).parent.glob("*.py") if path.stem != "timeline"]


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name, tmp_path):
    module = rig if name == "__init__" else importlib.import_module(f"swiperig.{name}")
    failed, tried = doctest.testmod(module, extraglobs={"scratch": tmp_path / "scratch", "bench": rig.virtual_bench()})
    assert failed == 0
    assert tried > 0 or name not in ("__init__", "case", "strategies")


def test_everything_public_says_what_it_is():
    for name in rig.__all__:
        thing = getattr(rig, name)
        assert thing.__doc__, name
        if isinstance(thing, type) and issubclass(thing, (rig.Case, rig.Moment, rig.Bench, rig.Result, rig.Run)):
            for member, method in vars(thing).items():
                plain = member in ("seed", "diagnosis", "money") or member.startswith("_")
                assert plain or not callable(method) or method.__doc__, f"{name}.{member}"


def blocks():
    """Indented blocks of the README that are Python, with the shell command under the same heading."""
    text = (ROOT / "README.md").read_text()
    section = re.search(r"^## Your first case in Python\n(.*?)^## ", text, re.M | re.S)[1]
    found = re.findall(r"(?:^    .*\n|^\n(?=    ))+", section, re.M)
    plain = ["\n".join(line[4:] for line in block.strip("\n").splitlines()) for block in found]
    return [block for block in plain if "import" in block], [block for block in plain if "pytest" in block]


def test_the_readme_section(tmp_path):
    python, shell = blocks()
    assert len(python) >= 1 and len(shell) >= 1
    (tmp_path / "test_first.py").write_text(python[0] + "\n")
    words = shell[0].split("pytest", 1)[1].split("\n")[0].split()
    assert "test_first.py" in words
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout
    # the twin: on a terminal with a defect it fails
    faulty = subprocess.run([*command, "--rig-defect=forgets_reversal_after_power_loss"], capture_output=True,
                            text=True, cwd=tmp_path, timeout=60)
    assert faulty.returncode == 1 and "what the bench did last" in faulty.stdout
    for block in python[1:]:
        subprocess.run([sys.executable, "-c", block], check=True, cwd=tmp_path, timeout=60)
