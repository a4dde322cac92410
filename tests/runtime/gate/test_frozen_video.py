"""Pictures that stand still, through codecs: frozen ones are called frozen, live ones of a still scene never are.

Figures: ``python -m dgiqa_edge.benchmarks.cameras.frozen_clips``. Clips are made here by ``ffmpeg``.
"""

import shutil

import pytest

from dgiqa_edge.benchmarks.cameras.frozen_clips import changes_of, encoded, first_frozen, frames_of
from dgiqa_edge.runtime.gate.checks import FrozenCheck
from dgiqa_edge.runtime.gate.policy import FrozenPolicy

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg to encode clips with")
CODECS = (
    "h264 crf 28",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("h264 crf 23", "hevc crf 28", "mpeg4 q 5", "mjpeg q 5")),
)


@needs_ffmpeg
@pytest.mark.parametrize("encoder", CODECS)
def test_a_frozen_picture_is_called_frozen(encoder, tmp_path):
    """Within some keyframe intervals: the encoder's own control settles first."""
    frozen_at = first_frozen(changes_of(encoded(frames_of("street", 0.0, 270), encoder, tmp_path)))
    assert frozen_at is not None
    assert FrozenPolicy().after_s <= frozen_at < FrozenPolicy().after_s + 12.0


@needs_ffmpeg
@pytest.mark.parametrize("encoder", CODECS)
@pytest.mark.parametrize(("scene", "noise"), [("street", 1.0), ("night", 0.5)])
def test_a_live_picture_of_a_still_scene_is_not(encoder, scene, noise, tmp_path):
    assert first_frozen(changes_of(encoded(frames_of(scene, noise, 120), encoder, tmp_path))) is None


def test_a_keyframe_does_not_end_what_is_frozen_and_a_live_picture_does():
    still = [(index / 10, 0.0) for index in range(60)]
    keyframe = [(6.0, 0.6), (6.1, 0.02), (6.2, 0.0)]
    assert first_frozen(still) == FrozenPolicy().after_s
    check = FrozenCheck(FrozenPolicy())
    for t, change in [*still, *keyframe]:
        check.smooth(change, t)
        check.judge(t)
    assert check.faulty
    for t in (6.3, 6.8, 7.2):
        check.smooth(0.9, t)
        check.judge(t)
        assert check.faulty
    check.smooth(0.9, 7.4)
    check.judge(7.4)
    assert not check.faulty
