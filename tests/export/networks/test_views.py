import cv2
import numpy as np
import pytest

from dgiqa_edge.export.networks import edge, nano
from dgiqa_edge.export.networks.views import crop_view, overlap_matrix, plan_views, shrink_matrix, whole_view
from dgiqa_edge.runtime.errors import ConfigurationError

MEAN = np.array([0.485, 0.456, 0.406]).reshape(3, 1, 1) * 255
STD = np.array([0.229, 0.224, 0.225]).reshape(3, 1, 1) * 255


@pytest.mark.parametrize(
    ("rule", "frame", "whole"),
    [
        (edge.VIEW_RULE, (512, 512), (252, 252)),
        (edge.VIEW_RULE, (720, 1280), (196, 336)),
        (nano.VIEW_RULE, (512, 512), (192, 192)),
        (nano.VIEW_RULE, (720, 1280), (128, 256)),
        (nano.VIEW_RULE, (480, 640), (160, 224)),
    ],
)
def test_the_whole_view_keeps_area_and_about_the_aspect(rule, frame, whole):
    views = plan_views(frame, rule)
    assert views.whole == whole
    assert all(side % rule.step == 0 for side in views.whole)


@pytest.mark.parametrize("crops", [1, 2, 3, 4, 6, 7])
@pytest.mark.parametrize("frame", [(512, 512), (720, 1280), (1280, 720)])
def test_crops_lie_inside_and_apart(frame, crops):
    boxes = plan_views(frame, nano.VIEW_RULE, crops).crops
    assert len(set(boxes)) == crops
    for top, left, height, width in boxes:
        assert 0 <= top <= frame[0] - height
        assert 0 <= left <= frame[1] - width


def test_one_crop_is_central():
    assert plan_views((512, 512), edge.VIEW_RULE).crops == ((130, 130, 252, 252),)


@pytest.mark.parametrize("destination", [(252, 252), (96, 128), (64, 200)])
def test_shrinking_is_opencv_area_before_rounding(destination):
    frame = np.random.default_rng(0).integers(0, 256, (300, 420, 3), np.uint8)
    ours = whole_view(frame, destination) * STD + MEAN
    theirs = cv2.resize(frame[:, :, ::-1].astype(np.float32), destination[::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(ours - theirs.transpose(2, 0, 1)).max() < 0.01


@pytest.mark.parametrize(("source", "destination"), [(512, 252), (720, 196), (100, 100), (50, 90)])
def test_rows_of_the_matrix_are_means(source, destination):
    matrix = shrink_matrix(source, destination)
    assert matrix.shape == (destination, source)
    assert np.allclose(matrix.sum(axis=1), 1.0, atol=1e-5)
    assert (matrix >= 0).all()
    ramp = matrix @ np.arange(source, dtype=np.float32)
    expected = (np.arange(destination) + 0.5) * source / destination - 0.5
    assert np.abs(ramp - expected).max() < (0.51 if destination > source else 0.05)


def test_a_stretch_of_the_axis_sees_only_itself():
    matrix = overlap_matrix(126, 18, 32.0, 94.0)
    assert (matrix[:, :32] == 0).all()
    assert (matrix[:, 94:] == 0).all()
    assert np.allclose(matrix.sum(axis=1), 1.0, atol=1e-5)


def test_a_crop_is_the_frames_own_pixels():
    frame = np.random.default_rng(1).integers(0, 256, (40, 50, 3), np.uint8)
    levels = crop_view(frame, (5, 7, 20, 20)) * STD + MEAN
    assert np.allclose(levels[0], frame[5:25, 7:27, 2], atol=1e-3)  # red comes first


@pytest.mark.parametrize(("frame", "crops", "said"), [((200, 600), 1, "at least 252x252"), ((512, 512), 0, "crops 0")])
def test_frames_without_room_are_refused(frame, crops, said):
    with pytest.raises(ConfigurationError, match=said):
        plan_views(frame, edge.VIEW_RULE, crops)
