"""``make arm-test``: what is too far apart fails, what is missing is named, what is left out exists."""

import subprocess
import sys

import arm
import numpy as np
import pytest
from arm import Found


def found(scores, *levels):
    return Found(np.array(scores), np.array(levels, dtype=np.uint8).reshape(len(scores), -1) if levels else None)


def test_what_keeps_the_limits_is_a_row():
    line, over = arm.row("int8", "Python", found([0.5, 0.6], 10, 20), found([0.502, 0.6], 11, 20))
    assert line == "| int8 | Python | 0.002 (0.005) | 0.5 (2) | 1 (16) |"
    assert over == []


def test_a_way_without_depth_is_held_to_its_scores():
    line, over = arm.row("fp32", "C++", found([0.5], 10), found([0.6]))
    assert line == "| fp32 | C++ | 0.1 (1e-06) | - | - |"
    assert over == ["fp32, C++: score differs by 0.1, the limit is 1e-06"]


@pytest.mark.parametrize(
    ("there", "named"),
    [
        (found([0.5, 0.51], 0, 0), ["score"]),
        (found([0.5, np.nan], 0, 0), ["score"]),
        (found([0.5, 0.5], 3, 3), ["mean depth"]),
        (found([0.5, 0.5], 0, 17), ["mean depth", "largest depth"]),
    ],
)
def test_what_is_over_a_limit_is_named(there, named):
    _, over = arm.row("int8", "Python", found([0.5, 0.5], 0, 0), there)
    assert [line.partition(": ")[2].partition(" differs")[0] for line in over] == named


def test_depth_of_another_shape_is_no_match():
    with pytest.raises(ValueError, match="broadcast"):
        arm.row("int8", "Python", found([0.5], 1, 2), found([0.5], 1, 2, 3))


def test_where_no_root_can_be_the_reason_is_printed(monkeypatch, capsys):
    monkeypatch.setattr(arm.arm_root, "lacking", lambda: "no root's rights")
    assert arm.main() == 0
    assert capsys.readouterr().out == "make arm-test is skipped: no root's rights\n"


def inside_says(monkeypatch, code, said):
    done = subprocess.CompletedProcess([], code, said, "")
    monkeypatch.setattr(arm.arm_root, "inside", lambda command, environment: done)


def test_a_failure_in_the_root_ends_the_job_and_is_shown(monkeypatch):
    inside_says(monkeypatch, 1, "1 failed")
    with pytest.raises(SystemExit, match=r"(?s)python3 -m pytest.*1 failed\nstatus 1"):
        arm.runtime_tests()


def test_an_element_without_verdicts_fails(monkeypatch, tmp_path):
    verdict = (
        'Got message #32 from element "gate" (element): dgiqa-verdict, score=(double)0.64687, smoothed=(double)0;\n'
    )
    inside_says(monkeypatch, 0, verdict * 5)
    assert arm.element(tmp_path) == "5 NV12 frames, scored 0.6469, 0.6469, 0.6469, 0.6469, 0.6469"
    inside_says(monkeypatch, 0, verdict * 4 + "Got EOS\n")
    with pytest.raises(SystemExit, match="4 verdicts for 5 frames"):
        arm.element(tmp_path)


def test_what_runs_and_what_is_left_out_is_there():
    places = [*arm.TESTS, *arm.LEFT_OUT]
    everything = (arm.ROOT / "tests" / "runtime").glob("[!_]*")
    tests = [path.relative_to(arm.ROOT).as_posix() for path in everything if path.name != "conftest.py"]
    assert [path for path in tests if path not in places] == []
    assert [path for path in places if not (arm.ROOT / path).exists()] == []
    native = (arm.ROOT / "runtime" / "native" / "tests" / "CMakeLists.txt").read_text(encoding="utf-8")
    assert [name for name in arm.NATIVE_LEFT_OUT if name not in native] == []
    assert len(arm.PHOTOS) == 8


def test_a_program_that_fails_is_shown():
    with pytest.raises(SystemExit, match=r"(?s)said this.*status 3"):
        arm.arm_root.output([sys.executable, "-c", "import sys; print('said this'); sys.exit(3)"])
