"""Types: the package under mypy, the stub against the compiled half, the words against the compiled half's."""

import subprocess
import sys
import typing
from pathlib import Path

import swiperig as rig
from swiperig import _core, words

PACKAGE = Path(rig.__file__).parent


def mypy(*arguments, cwd):
    done = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, cwd=cwd,
                          env={"MYPYPATH": str(PACKAGE.parent), "PYTHONPATH": str(PACKAGE.parent), "PATH": "/usr/bin"})
    return done.returncode, done.stdout + done.stderr


def test_the_package_is_typed_throughout(tmp_path):
    sources = tmp_path / "src" / "swiperig"
    sources.mkdir(parents=True)
    for file in [*PACKAGE.glob("*.py"), *PACKAGE.glob("*.pyi")]:
        if file.name != "timeline.py":  # the report's, untyped
            (sources / file.name).write_text(file.read_text())
    code, out = mypy("mypy", "--strict", "--cache-dir", tmp_path / "cache", str(sources), cwd=tmp_path / "src")
    assert code == 0, out
    (sources / "case.py").write_text((sources / "case.py").read_text() + "\nwrong: int = plain('x') + Case('y')\n")
    (sources / "bench.py").write_text((sources / "bench.py").read_text() + "\nwrong: int = virtual_bench()\n")
    code, out = mypy("mypy", "--strict", "--cache-dir", tmp_path / "cache", str(sources), cwd=tmp_path / "src")
    assert code != 0 and "bench.py" in out, "the check does not check"


def test_whoever_uses_it_is_checked(tmp_path):
    def check(line):
        (tmp_path / "use.py").write_text(f"import swiperig as rig\nimport typing\n{line}\n")
        return mypy("mypy", "--strict", "--cache-dir", tmp_path / "cache", "use.py", cwd=tmp_path)

    good = 'r = rig.virtual_bench().run(rig.Case("x", amount="1.00").swipe().on("told").host("silent"))'
    code, out = check(good + "\ntyping.reveal_type(r.money.balanced)")
    assert code == 0 and 'Revealed type is "builtins.bool"' in out, out
    for right, wrong in (('"told"', '"tld"'), ('"silent"', '"angry"'), ('"1.00"', "1.00"), ("swipe()", "swipe(500)")):
        code, out = check(good.replace(right, wrong))
        assert code == 1 and "[arg-type]" in out, (wrong, out)


def test_the_stub_is_what_the_compiled_half_has(tmp_path):
    code, out = mypy("mypy.stubtest", "swiperig._core", "--ignore-missing-stub", cwd=tmp_path)
    # what pybind11 makes has no signatures to look at, and adds its own base class
    lines = [line for line in out.splitlines() if line.startswith("error:")]
    assert all("metaclass" in line or "inconsistent" in line for line in lines), out
    stub = (PACKAGE / "_core.pyi").read_text()
    for name in vars(_core):
        assert name.startswith("_") or f"def {name}(" in stub or f"class {name}" in stub or name == "Column", name
        if isinstance(getattr(_core, name), type):
            for member in vars(getattr(_core, name)):
                assert member.startswith("_") or f"def {member}(" in stub, f"{name}.{member}"


def test_the_words_are_those_of_the_compiled_half():
    said = _core.words()
    parts = said["parts"]
    for ours, theirs in [
        (words.Milestone, said["milestones"]), (words.NetworkFault, said["network"]),
        (words.HostBehaviour, said["behaviours"]), (words.Kind, said["kinds"]),
        (words.Alteration, said["alterations"]), (words.Cause, [*said["causes"], "unclaimed"]),
        (words.Part, [*parts, "all"]), (words.PartState, {s for all_of in parts.values() for s in all_of} | {"sound"}),
    ]:
        assert sorted(typing.get_args(ours)) == sorted(theirs)
