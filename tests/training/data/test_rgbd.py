import cv2
import numpy as np
import pytest

from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.training.data.rgbd import kinect_report, read_frames


@pytest.fixture
def folder(tmp_path):
    for number in range(2):
        metres = np.tile(np.linspace(0.8, 3.5, 64), (48, 1)) + 0.1 * number
        millimetres = (metres * 1000).astype(np.uint16)
        millimetres[:4], millimetres[4:8] = 0, 65535
        # The colour tells the frame's depth, so that a perfect network can be written down.
        colour = np.repeat((60 / metres).astype(np.uint8)[..., None], 3, axis=2)
        cv2.imwrite(str(tmp_path / f"frame-{number}.color.jpg"), colour, [cv2.IMWRITE_JPEG_QUALITY, 100])
        cv2.imwrite(str(tmp_path / f"frame-{number}.depth.png"), millimetres)
    return tmp_path


def test_readings_that_are_none_are_left_out(folder):
    colour, metres = next(read_frames(folder))
    assert colour.shape == (48, 64, 3)
    assert np.isnan(metres[:8]).all()
    assert metres[20, 0] == pytest.approx(0.8, abs=1e-3)


def test_perfect_and_wrong_depth(folder):
    good = kinect_report(folder, lambda frame: frame[..., 0].astype(np.float32) * 3 + 20)
    assert good["frames"] == 2
    assert good["abs_rel"] < 0.04
    assert good["delta1"] > 0.99
    bad = kinect_report(folder, lambda frame: np.tile(np.linspace(0, 1, 12)[:, None], (1, 16)))
    assert bad["abs_rel"] > 5 * good["abs_rel"]


def test_missing_frames_are_named(folder, tmp_path):
    with pytest.raises(SourceError, match=r"no \*\.color\.jpg"):
        list(read_frames(tmp_path / "none"))
    (folder / "frame-1.depth.png").unlink()
    with pytest.raises(SourceError, match=r"frame-1\.depth\.png"):
        list(read_frames(folder))
