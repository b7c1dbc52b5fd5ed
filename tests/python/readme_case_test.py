"""The five lines of the README on every bench they are for: in virtual time, in real time, and from elsewhere."""

import re
import subprocess
import sys
import xml.etree.ElementTree as xml

from conftest import ROOT, served_bench


def test_the_case_of_the_readme_runs_virtual_in_real_time_and_from_elsewhere(tmp_path):
    """The README's very text; and on terminals that lose a reversal, the twins, it fails each time."""
    text = (ROOT / "README.md").read_text()
    lines = re.search(r"    import swiperig as rig\n\n    def test_response_lost.*?\n\n", text, re.S)[0].splitlines()
    (tmp_path / "test_first.py").write_text("\n".join(line[4:] for line in lines) + "\n")
    defect = "forgets_reversal_after_power_loss"

    def told(name, *words):
        done = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--rig-out={name}",
                               f"--junitxml={name}.xml", *words, "test_first.py"], cwd=tmp_path,
                              capture_output=True, text=True, timeout=120)
        return done.stdout, done.returncode

    def with_keys(url, folder):
        return [f"--bench={url}", f"--bench-key={folder}/keys/till.key_secret",
                f"--bench-server={folder}/keys/rig.key"]

    # one after another: a guardian waits 100 ms for a controller, however many tests begin beside it
    ways = {"virtual": told("virtual"), "twin": told("twin", f"--rig-defect={defect}")}
    with served_bench("ipc") as (url, _):
        ways["real_time"] = told("real_time", f"--bench={url}")
    with served_bench("tcp") as there:
        ways["remote"] = told("remote", *with_keys(*there))
    with served_bench("tcp", defect) as faulty:
        ways["remote_twin"] = told("remote_twin", *with_keys(*faulty))
    for name, (out, code) in ways.items():
        assert code == (1 if "twin" in name else 0), out
        assert ("12.34 was taken" in out) == ("twin" in name), out
        found = {one.get("name"): one.get("value") for one in xml.parse(tmp_path / f"{name}.xml").iter("property")}
        assert len(found["rig_head"]) == 64 and (tmp_path / found["rig_trace"] / "run.trace").exists()
    assert "--bench-key" in ways["remote_twin"][0].split("to do it again")[1]
