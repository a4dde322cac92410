"""The gate behind one call per frame: the verdicts are those of ``gate run``; frames of every kind; losses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dgiqa_edge.runtime import Camera, Frame, Gate, GatePolicy, Scorer, State
from dgiqa_edge.runtime.errors import ConfigurationError, SourceError
from dgiqa_edge.runtime.gate.policy_file import policy_toml


@pytest.fixture
def recording(tmp_path: Path, make_photo: Any) -> Path:
    """A folder of frames that go dark, one of them damaged."""
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(40):
        frame = make_photo(seed=5, height=96, width=128) // (1 if number < 20 else 12)
        cv2.imwrite(str(folder / f"{number:02}.png"), frame)
    (folder / "30.png").write_text("not an image")
    return folder


def test_regions_of_a_file_are_those_of_the_gate(bundle_dir: Path, make_photo: Any, tmp_path: Path) -> None:
    file, photo = tmp_path / "regions.json", make_photo(seed=5, height=96, width=128)
    file.write_text('{"include": [[[0, 0.5], [1, 0.5], [1, 1], [0, 1]]]}')
    other = photo.copy()
    other[:48] = 0
    with Gate(bundle_dir, regions=file) as gate:
        first, second = gate.judge(photo, 0.0), gate.judge(other, 1.0)
    assert first.score == second.score
    with pytest.raises(ConfigurationError, match="is not there"):
        Gate(bundle_dir, regions=tmp_path / "absent.json")


def test_the_verdicts_are_those_of_the_command(
    bundle_dir: Path, recording: Path, command_line: Callable[..., Any]
) -> None:
    printed = command_line("gate", "run", "--bundle", bundle_dir, recording, "--json").stdout.splitlines()
    expected = [json.loads(line) for line in printed]
    with Gate(bundle_dir) as gate, Camera(recording) as camera:
        verdicts = list(gate.watch(camera))
    assert len(verdicts) == 40
    assert {verdict.state for verdict in verdicts} == set(State)
    for verdict, wanted in zip(verdicts, expected, strict=True):
        assert verdict.to_dict() == {name: wanted[name] for name in verdict.to_dict()}


def test_frames_are_judged_one_by_one(bundle_dir: Path, recording: Path) -> None:
    with Gate(bundle_dir) as watching, Gate(bundle_dir) as judging:
        expected = list(watching.watch(Camera(recording)))
        results = list(Camera(recording).results())
        assert [judging.judge(it if isinstance(it, Frame) else None, it.t_s) for it in results] == expected


def test_images_of_every_kind_are_judged_alike(bundle_dir: Path, recording: Path) -> None:
    file = recording / "00.png"
    frame = cv2.imread(str(file))
    with Scorer(bundle_dir) as scorer:
        kinds = [
            Gate(scorer).judge(file),
            Gate(scorer).judge(frame),
            Gate(scorer).judge(Frame(frame, 4.0)),
            Gate(scorer).judge(frame.astype(np.float32) / 255),
            Gate(scorer).judge(np.ascontiguousarray(frame[:, :, ::-1]), rgb=True),
        ]
    assert kinds.count(kinds[0]) == len(kinds)
    assert kinds[0].score == pytest.approx(float(frame[::2, ::2].mean()) / 255, abs=0.05)


@pytest.mark.parametrize("given", ["policy", "file", "text"])
def test_a_policy_is_heeded(bundle_dir: Path, recording: Path, tmp_path: Path, given: str) -> None:
    policy: Any = GatePolicy()
    file = tmp_path / "policy.toml"
    file.write_text(policy_toml(policy).replace("readings = ", "readings = 1  # "))
    with Gate(bundle_dir, str(file) if given == "text" else file if given == "file" else policy) as gate:
        assert gate.policy.start.readings == (policy.start.readings if given == "policy" else 1)
        gate.judge(recording / "00.png", 0.0)
        assert gate.judge(recording / "00.png", 5.0).state is not State.REJECT


def test_a_bad_policy_leaves_nothing_open(bundle_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("[dwell]\npas_s = 1\n")
    with pytest.raises(ConfigurationError, match="pas_s"):
        Gate(bundle_dir, tmp_path / "policy.toml")


def test_a_scorer_is_shared_and_stays_open(bundle_dir: Path, make_photo: Any) -> None:
    with Scorer(bundle_dir) as scorer:
        with Gate(scorer) as one, Gate(scorer) as other:
            assert one.judge(make_photo(seed=1)).score == other.judge(make_photo(seed=1)).score
        scorer.score(make_photo(seed=1))
    gate = Gate(bundle_dir, threads=1)
    gate.close()
    gate.close()
    with pytest.raises(ConfigurationError, match="closed"):
        gate.judge(make_photo(seed=1))


def test_a_bad_image_is_not_taken_in(bundle_dir: Path, make_photo: Any) -> None:
    with Gate(bundle_dir) as gate:
        with pytest.raises(SourceError, match="int64"):
            gate.judge(make_photo(seed=1).astype(int), 9.0)
        gate.judge(make_photo(seed=1), 1.0)
        with pytest.raises(ConfigurationError, match=r"went from 1\.0 to 0\.5"):
            gate.judge(make_photo(seed=1), 0.5)


def test_a_lost_camera_is_unknown_and_may_be_watched_again(bundle_dir: Path) -> None:
    camera = Camera("test://?script=clean:12,lost:1,clean:12&size=128x96&fps=200")
    with Gate(bundle_dir) as gate:
        first = []
        with pytest.raises(SourceError, match="is lost"):
            for verdict in gate.watch(camera):
                first.append(verdict.reason)
        again = [verdict.reason for verdict in gate.watch(camera)]
    assert len(first) == 13
    assert first[-1] == "no signal"
    assert "no signal" not in first[:-1]
    assert len(again) == 12
    assert "no signal" not in again
