"""pytest on a bench: `pytest --bench FILE --rig-seed 7 --rig-out DIR`, or one that `swiperig serve` has: `--bench
ipc:///FOLDER/NAME`, `--bench tcp://HOST:PORT --bench-key till.key_secret --bench-server rig.key`.

The fixture `bench` is a fresh bench for each test, virtual unless told otherwise. What a test does on it depends on
the seed and the test alone, so a failing test prints the command that does it again. Where the rig's own equipment
fails, a test is an error and not a failure.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, Generator, Iterator

import pytest

from . import Bench, Refused, RigFault, connect, open_bench, virtual_bench


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("swiperig", "cases on a test rig")
    group.addoption("--bench", metavar="FILE|URL", default="",
                    help="bench file (default: the virtual bench), or where `swiperig serve --control` has one")
    group.addoption("--bench-key", metavar="FILE", default="", help="own NAME.key_secret, for tcp://")
    group.addoption("--bench-server", metavar="KEY", default="", help="the bench's public key or its NAME.key file")
    group.addoption("--rig-seed", metavar="N", type=int, default=1, help="seed of every random draw (default 1)")
    group.addoption("--rig-out", metavar="DIR", default="", help="folder of the traces (default: runs/pytest-<n>)")
    group.addoption("--rig-defect", metavar="NAME", default="", help="plant this defect in the virtual terminal")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "rig_requires(*what): needs a bench that has all of these, else skipped")
    config.addinivalue_line("markers", "rig_requirement(*ids): what the test is evidence for")


def _open(config: pytest.Config, out: Path | None) -> Bench:
    seed, defect = config.getoption("--rig-seed"), config.getoption("--rig-defect") or None
    file = config.getoption("--bench")
    key, server = (config.getoption(f"--bench-{name}") or None for name in ("key", "server"))
    try:
        if file.startswith(("ipc://", "tcp://")):
            if defect:
                raise Refused("--rig-defect is planted in a virtual terminal; give it to `swiperig stand-in --defect`")
            return connect(file, seed=seed, out=out, key=key, server=server)
        if key or server:
            raise Refused("--bench-key and --bench-server are for a bench at tcp://HOST:PORT")
        if file:
            return open_bench(file, seed=seed, out=out, name="pytest", defect=defect)
        return virtual_bench(seed=seed, out=out, name="pytest", defect=defect)
    except (Refused, ConnectionError) as refused:
        raise pytest.UsageError(str(refused)) from refused


@pytest.fixture(scope="session")
def rig_out(pytestconfig: pytest.Config) -> Path:
    """Folder of this session's traces, a folder each test: `--rig-out`, or the first `runs/pytest-<n>` that is free."""
    given = pytestconfig.getoption("--rig-out")
    if given:
        return Path(given)
    Path("runs").mkdir(exist_ok=True)
    for n in range(1, 1_000_000):
        try:
            (out := Path("runs") / f"pytest-{n}").mkdir()
            return out
        except FileExistsError:
            continue
    raise pytest.UsageError("runs: no free name pytest-<n>; use --rig-out")


def _free(folder: Path) -> Path:
    """A test that is run again leaves the first one's trace alone."""
    free, n = folder, 2
    while free.exists():
        free, n = folder.with_name(f"{folder.name}-{n}"), n + 1
    return free


@pytest.fixture
def bench(request: pytest.FixtureRequest, rig_out: Path) -> Iterator[Bench]:
    """A fresh bench, whose trace is the test's own."""
    name = re.sub(r"[^\w.-]+", "_", request.node.nodeid).strip("_")[-120:]
    with _open(request.config, _free(rig_out / name)) as opened:
        yield opened
        head = opened.close()
    if opened.run_id:
        request.node.user_properties += [("rig_run_id", opened.run_id), ("rig_seed", str(opened.seed)),
                                         ("rig_head", head), ("rig_trace", opened.folder)]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    has: list[str] = []
    for item in items:
        for mark in item.iter_markers("rig_requirement"):
            item.user_properties += [("requirement", str(one)) for one in mark.args]
        wanted = [str(one) for mark in item.iter_markers("rig_requires") for one in mark.args]
        if wanted and not has:
            has = _open(config, None).has
        missing = [one for one in wanted if one not in has]
        if missing:
            reason = f"the bench has no {', '.join(missing)}; it has {', '.join(has)}"
            item.add_marker(pytest.mark.skip(reason=reason))


def _replay(item: pytest.Item) -> str:
    option = item.config.getoption
    words = ["pytest", item.nodeid, "--rig-seed", str(option("--rig-seed"))]
    for name in ("--bench", "--bench-key", "--bench-server", "--rig-defect"):
        if option(name):
            words += [name, option(name)]
    return shlex.join(words)


@pytest.hookimpl(hookwrapper=True)  # type: ignore[misc]
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    report = (yield).get_result()
    opened = getattr(item, "funcargs", {}).get("bench")
    if not isinstance(opened, Bench) or call.when != "call" or not report.failed:
        return
    if call.excinfo is not None and call.excinfo.errisinstance(RigFault):
        report.when = "setup"  # what pytest calls an error: the test could not be carried out
    if opened.last is not None:
        report.sections.append(("what the bench did last", str(opened.last)))
    report.sections.append(("to do it again", _replay(item)))
