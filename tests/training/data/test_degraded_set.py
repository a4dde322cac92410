from collections import Counter
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from dgiqa_edge.calibration.degradations.kinds import KINDS
from dgiqa_edge.training.data.datasets import Photo, PhotoSet
from dgiqa_edge.training.data.degraded_set import extraction_order, plan_degraded


@pytest.fixture
def photos(tmp_path):
    cv2.imwrite(str(tmp_path / "p.png"), np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    photo = Photo(tmp_path / "p.png", 0.5, "train")
    return PhotoSet((photo,) * 60 + (Photo(tmp_path / "p.png", 0.5, "test"),) * 10)


def test_copies_are_of_train_photos_of_their_own_part(photos):
    plan = plan_degraded(photos, validation=8, fit=24)
    rows = np.array([copy.row for copy in plan.copies])
    assert plan.validation == 8
    assert set(rows[:8]) <= set(photos.indices("validation"))
    assert set(rows[8:]) <= set(photos.indices("fit"))
    assert Counter(copy.kind for copy in plan.copies[8:]) == dict.fromkeys(KINDS, 3)
    assert all(0.15 <= copy.strength <= 1.0 for copy in plan.copies)
    assert plan == plan_degraded(photos, validation=8, fit=24)


def test_only_finished_copies_make_pairs(photos):
    plan = plan_degraded(photos, validation=8, fit=24)
    done = np.zeros(32, np.uint8)
    done[[2, 9, 30]] = 1
    assert plan.pairs("validation", done).degraded.tolist() == [2]
    pairs = plan.pairs("fit", done)
    assert pairs.degraded.tolist() == [9, 30]
    assert pairs.clean.tolist() == [plan.copies[9].row, plan.copies[30].row]
    known = np.zeros(70, np.uint8)
    known[plan.copies[30].row] = 1
    assert pairs.among(known).degraded.tolist() == [30]


def test_test_photos_are_never_in_the_extraction_order(photos):
    assert sorted(extraction_order(photos)) == list(range(60))


def test_a_copy_is_made_from_its_photo_and_its_cached_depth(photos):
    plan = plan_degraded(photos, validation=8, fit=24)
    number = next(number for number, copy in enumerate(plan.copies) if copy.kind == "haze")
    depth = np.tile(np.linspace(0, 1, 126, dtype=np.float16), (60, 126, 1))
    store = SimpleNamespace(maps={"depth": depth}, done=np.ones(60, np.uint8))
    with_depth = plan.picture(number, photos, store, (64, 64))
    store.done = np.zeros(60, np.uint8)
    without = plan.picture(number, photos, store, (64, 64))
    assert with_depth.shape == (64, 64, 3)
    assert not np.array_equal(with_depth, without)
    assert with_depth[:, :20].std() < with_depth[:, -20:].std()  # far, hence hazy, on the left


def test_haze_series_end_the_list_and_pair_the_clearer_with_the_hazier(photos):
    plan = plan_degraded(photos, validation=8, fit=16, series=4)
    assert plan.copies[:24] == plan_degraded(photos, validation=8, fit=16).copies
    done = np.ones(len(plan.copies), np.uint8)
    assert plan.pairs("fit", done).degraded.tolist() == list(range(8, 24))  # the haze_series make pairs of their own
    pairs = plan.series_pairs(done)
    assert len(pairs) == 12
    for clearer, hazier in zip(pairs.clean, pairs.degraded, strict=True):
        better, worse = plan.copies[clearer], plan.copies[hazier]
        assert (better.row, better.stops, better.seed) == (worse.row, worse.stops, worse.seed)
        assert worse.kind == "haze"
        assert better.kind == "none" or better.strength < worse.strength
    done[24] = 0
    assert len(plan.series_pairs(done)) == 10
    assert all(0 < copy.stops < 2.5 for copy in plan.copies[24:])


def test_the_first_of_a_series_is_the_photo_with_less_light_and_no_haze(photos):
    plan = plan_degraded(photos, validation=8, fit=16, series=4)
    store = SimpleNamespace(maps={"depth": None}, done=np.zeros(60, np.uint8))
    clear, weak, strong = (plan.picture(number, photos, store, (64, 64)).mean() for number in (24, 25, 26))
    assert clear < cv2.imread(str(photos.photos[0].path)).mean()
    assert clear < weak < strong  # airlight brightens a dim frame


def test_room_haze_series_follow_on_further_photos(photos):
    plan = plan_degraded(photos, validation=8, fit=16, series=4, room_series=5)
    assert plan.copies[:36] == plan_degraded(photos, validation=8, fit=16, series=4).copies
    rooms = plan.copies[36:]
    assert plan.series == 9
    assert [copy.kind for copy in rooms] == ["none", "room-haze", "room-haze"] * 5
    assert not {copy.row for copy in rooms} & {copy.row for copy in plan.copies[24:36]}
    assert len(plan.series_pairs(np.ones(len(plan.copies), np.uint8))) == 27
    assert len({copy.name for copy in rooms}) == 15


def test_a_room_haze_series_starts_from_a_harsh_photo_and_gets_hazier(photos):
    plan = plan_degraded(photos, validation=8, fit=16, series=0, room_series=4)
    store = SimpleNamespace(maps={"depth": None}, done=np.zeros(60, np.uint8))
    for first in range(24, 36, 3):
        clear, weak, strong = (plan.picture(number, photos, store, (64, 64)) for number in range(first, first + 3))
        far, near = slice(0, 20), slice(-6, None)
        assert clear[far].std() > weak[far].std() > strong[far].std()
        assert weak[near].std() > strong[far].std()
