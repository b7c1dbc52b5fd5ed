"""`pip install ./bindings/python` in a fresh venv without an index; then the package runs where no source folder is."""

import os
import subprocess
import sys

import pytest
from conftest import ROOT


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    if "SWIPERIG_BUILD" not in os.environ:
        pytest.skip("building everything again takes minutes: SWIPERIG_BUILD names a build folder")
    venv = tmp_path_factory.mktemp("venv")
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", venv], check=True, env=clean)
    subprocess.run([venv / "bin" / "pip", "install", "-q", "--no-index", "--no-build-isolation", "--no-deps",
                    "--disable-pip-version-check", ROOT / "bindings" / "python"], check=True, env=clean, timeout=240)

    def run(*arguments, cwd, code=0):
        done = subprocess.run([venv / "bin" / "python", *arguments], capture_output=True, text=True, cwd=cwd,
                              env=clean, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout
    return run


TEST = """
import swiperig as rig

def test_response_lost_on_the_way(bench):
    case = rig.Case("response lost", amount="12.34", card="debit")
    case.swipe(speed="500 mm/s")
    case.on("response_entered").cut_network(lasts="60 s")
    result = bench.run(case)
    assert result.money.balanced
    assert result.cause == "network"
    assert result.recovered_within("120 s")
    assert "<svg" in result._repr_html_()
"""


def test_an_installed_package_is_whole(python, tmp_path):
    (tmp_path / "test_it.py").write_text(TEST)
    assert "1 passed" in python("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py", cwd=tmp_path)
    assert "1 failed" in python("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py",
                                "--rig-defect=forgets_reversal_after_power_loss", cwd=tmp_path, code=1)
    where = python("-c", "import swiperig; print(swiperig.__file__)", cwd=tmp_path)
    assert "site-packages" in where and str(ROOT) + os.sep not in where.replace(os.environ["SWIPERIG_BUILD"], "")
    files = python("-c", "import swiperig, os; print(sorted(os.listdir(os.path.dirname(swiperig.__file__))))",
                   cwd=tmp_path)
    for name in ("py.typed", "_core.pyi", "fixtures", "timeline.css"):
        assert repr(name) in files


def test_its_fixtures_are_its_own(python, tmp_path):
    said = python("-c", "import swiperig.bench as b; print(b._FIXTURES.is_dir(), b._FIXTURES)", cwd=tmp_path)
    assert said.startswith("True") and "site-packages" in said


def test_the_source_folder_is_left_as_it_was(python):
    assert sorted(path.name for path in (ROOT / "bindings" / "python").iterdir() if path.name != "__pycache__") == [
        "CMakeLists.txt", "columns.cpp", "columns.hpp", "module.cpp", "pyproject.toml", "said.cpp", "said.hpp",
        "setup.py", "swiperig", "words.cpp", "words.hpp"]
