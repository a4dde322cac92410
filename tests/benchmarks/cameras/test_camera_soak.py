"""The soak itself, short: its server really dies and its report really says so."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from dgiqa_edge.benchmarks.cameras.camera_soak import CountingSink, run_soak
from dgiqa_edge.benchmarks.cameras.rtsp_process import PACKAGES, server_interpreter
from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.watch.event import FrameEvent, Outcome


def event(index: int) -> FrameEvent:
    return FrameEvent("a", index, 0.0, Outcome.SKIPPED)


@pytest.mark.parametrize(
    ("indices", "exact"), [([0, 1, 2], True), ([0, 2, 1], True), ([0, 1, 1], False), ([0, 2], False)]
)
def test_the_counting_sink_sees_what_is_missing_and_what_is_twice(indices: list[int], exact: bool) -> None:
    sink = CountingSink()
    for index in indices:
        sink.put(event(index))
    assert sink.is_exact(len(indices)) is exact


def test_a_video_that_is_none(bundle_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(SourceError):
        run_soak(bundle_dir, tmp_path / "text.mp4", 50.0, 1)


@pytest.mark.slow
def test_a_short_soak(bundle_dir: Path, tmp_path: Path) -> None:
    if server_interpreter() is None:
        pytest.skip(f"needs an RTSP server: apt-get install {PACKAGES}")
    video = tmp_path / "video.mp4"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*"mp4v"), 10, (160, 120))
    for index in range(20):
        writer.write(np.random.default_rng(index).integers(0, 256, (120, 160, 3), np.uint8))
    writer.release()
    soak = run_soak(bundle_dir, video, 60.0, 2)
    assert [kill.live_again_s is not None for kill in soak.kills] == [True, True]
    assert soak.events_exact
    assert soak.captured == soak.scored + soak.skipped + soak.failed > 0
    assert soak.reconnects >= 2
    assert soak.stalls >= 1
    assert soak.statuses_checked > 30
