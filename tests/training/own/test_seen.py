"""Photos of the training set are known again, others are not."""

import cv2
import numpy as np
import pytest
from places import ROOT, SHARED

from dgiqa_edge.runtime.frames.images import read_image
from dgiqa_edge.training.own.seen import LIST, NEAR_BITS, distances, fingerprint, seen

SHIPPED = sorted((ROOT / "calibration" / "photos").glob("*.jpg"))


def test_a_fingerprint_outlives_size_and_compression():
    picture = read_image(SHIPPED[0])
    half = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    again = cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 70])[1], cv2.IMREAD_COLOR)
    prints = np.stack([fingerprint(one) for one in (half, again)])
    assert prints.shape == (2, 8)
    assert distances(prints, fingerprint(picture)[np.newaxis]).max() <= NEAR_BITS


def test_distances_are_bits_to_the_nearest():
    ours = np.array([[0] * 8, [255] + [0] * 7], np.uint8)
    theirs = np.array([[1] + [0] * 7, [255] * 8], np.uint8)
    assert distances(ours, theirs).tolist() == [1, 7]
    assert distances(ours, theirs[:0]).tolist() == [64, 64]


def test_the_photos_that_ship_were_not_trained_on():
    assert not seen(np.stack([fingerprint(read_image(path)) for path in SHIPPED])).any()


def test_the_list_is_small():
    assert np.load(LIST).shape == (9761, 8)
    assert LIST.stat().st_size < 100_000


def test_train_photos_are_known_by_other_names_too():
    photos = sorted((SHARED / "data" / "photos").glob("train_*.jpg"))[:20]
    if not photos:
        pytest.skip("../shared/data/photos is not here")
    assert seen(np.stack([fingerprint(read_image(path)) for path in photos])).all()
