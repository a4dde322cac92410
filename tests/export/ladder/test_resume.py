"""A ladder killed outright between two rungs goes on at the first unfinished one, in a process of its own."""

import re
import shutil
import subprocess
import sys

import pytest
from stand_ins import environment

from dgiqa_edge.runtime import load_bundle

CHILD = """
import sys
from pathlib import Path
import pytest
from dgiqa_edge.export.options.accuracy_budget import parse_budget
from stand_ins import small_networks as small

folder = Path(sys.argv[1])
with pytest.MonkeyPatch.context() as patch:
    small.put_in(patch, small.create(), folder / "cache")
    small.run_build(small.options(folder, accuracy_budget=parse_budget("score_mae=0,depth_mae=50,depth_corr=0")))
"""


def start(folder):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder)],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=environment(COLUMNS="400"),
    )


def stages_of(folder, name):
    return {path.parent.name: path.stat().st_mtime_ns for path in (folder / "work").glob(f"{name}-*/stage.json")}


@pytest.mark.parametrize("killed_after", [pytest.param("rung int8:", marks=pytest.mark.slow), "rung int8-mixed-50:"])
def test_a_killed_ladder_resumes_at_the_first_unfinished_rung(tmp_path, exported_work, killed_after):
    shutil.copytree(exported_work, tmp_path / "work")
    child = start(tmp_path)
    for line in child.stderr:
        if killed_after in line:
            child.kill()
            break
    assert child.wait(timeout=60) == -9
    child.stderr.close()
    assert not (tmp_path / "bundle").exists()
    finished = {name: stages_of(tmp_path, name) for name in ("export", "parity", "int8", "check", "block")}
    assert finished["check"]

    child = start(tmp_path)
    told = child.stderr.read()
    assert child.wait(timeout=120) == 0, told
    ran = {match[1]: match[2] for match in re.finditer(r"\] rung ([\w-]+): (.*)", told)}
    assert ran["int8"].endswith(")")
    assert "reused" in ran["int8"]
    assert ("reused" in ran["int8-mixed-50"]) == (killed_after == "rung int8-mixed-50:")
    assert "reused" not in ran["int8-mixed-80"]
    for name, before in finished.items():  # nothing that was finished was made again
        assert before.items() <= stages_of(tmp_path, name).items(), name
    table = load_bundle(tmp_path / "bundle").manifest.ladder
    assert {rung.name: rung.status for rung in table.rungs}["fp32"] == "accepted"
