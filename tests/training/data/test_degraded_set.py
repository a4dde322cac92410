from collections import Counter
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from dgiqa_edge.calibration.degradations.kinds import FAULTS
from dgiqa_edge.training.data.datasets import Photo, PhotoSet
from dgiqa_edge.training.data.degraded_set import BLANK, UNDEGRADED, Copy, extraction_order, plan_degraded

KINDS = ("noise", "haze", "mud", "under_exposure")


@pytest.fixture
def photos(tmp_path):
    cv2.imwrite(str(tmp_path / "p.png"), np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    photo = Photo(tmp_path / "p.png", 0.5, "train")
    return PhotoSet((photo,) * 60 + (Photo(tmp_path / "p.png", 0.5, "test"),) * 10)


def planned(photos, validation=8, fit=24, **series):
    return plan_degraded(photos, KINDS, validation, fit, series)


def test_ladders_are_of_train_photos_of_their_own_part(photos):
    plan = planned(photos)
    rows = np.array([copy.row for copy in plan.copies[: -plan.blanks]])
    assert plan.validation == 16
    assert set(rows[:16]) <= set(photos.indices("validation"))
    assert set(rows[16:]) <= set(photos.indices("fit"))
    assert Counter(copy.kind for copy in plan.copies[16 : -plan.blanks]) == dict.fromkeys(KINDS, 12)
    for start, end in plan.ladders:
        weak, strong = plan.copies[start:end]
        assert (weak.row, weak.kind, weak.seed) == (strong.row, strong.kind, strong.seed)
        assert 0.08 <= weak.strength <= strong.strength - 0.2 <= 0.8
    again = planned(photos)
    assert plan.copies == again.copies
    assert np.array_equal(plan.ladders, again.ladders)


def test_only_finished_copies_make_pairs(photos):
    plan = planned(photos)
    done = np.zeros(len(plan.copies), np.uint8)
    done[[2, 3, 20, 22, 23]] = 1
    assert plan.pairs("validation", done).degraded.tolist() == [2, 3]
    pairs = plan.pairs("fit", done)
    assert pairs.degraded.tolist() == [20, 22, 23]
    assert pairs.clean.tolist() == [plan.copies[number].row for number in (20, 22, 23)]
    assert [plan.series_pairs(done, part).clean.tolist() for part in ("validation", "fit")] == [[2], [22]]
    known = np.zeros(70, np.uint8)
    known[plan.copies[20].row] = 1
    assert pairs.among(known).degraded.tolist() == [20]


def test_test_photos_are_never_in_the_extraction_order(photos):
    assert sorted(extraction_order(photos)) == list(range(60))


def test_a_copy_is_made_from_its_photo_and_its_cached_depth(photos):
    plan = planned(photos)
    number = next(number for number, copy in enumerate(plan.copies) if copy.kind == "haze" and copy.strength > 0.4)
    depth = np.tile(np.linspace(0, 1, 126, dtype=np.float16), (60, 126, 1))
    store = SimpleNamespace(maps={"depth": depth}, done=np.ones(60, np.uint8))
    with_depth = plan.picture(number, photos, store, (64, 64))
    store.done = np.zeros(60, np.uint8)
    without = plan.picture(number, photos, store, (64, 64))
    assert with_depth.shape == (64, 64, 3)
    assert not np.array_equal(with_depth, without)
    assert with_depth[:, :20].std() < with_depth[:, -20:].std()  # far, hence hazy, on the left


def test_dimmed_ladders_of_haze_stand_on_what_is_not_the_photo(photos):
    plan = planned(photos, validation=4, fit=4, dim=8)
    done = np.ones(len(plan.copies), np.uint8)
    assert plan.pairs("fit", done).degraded.tolist() == list(range(8, 16))
    dims = [plan.copies[start:end] for start, end in plan.ladders if end - start == 3]
    assert len(dims) == 8
    assert Counter(ladder[1].kind for ladder in dims) == {"haze": 4, "room_haze": 4}
    assert {ladder[1].harshness > 0 for ladder in dims} == {False, True}
    assert len(plan.series_pairs(done, "fit")) == 4 + 3 * 8
    store = SimpleNamespace(maps={"depth": None}, done=np.zeros(60, np.uint8))
    start = next(start for start, end in plan.ladders if end - start == 3)
    clear, weak, strong = (plan.picture(number, photos, store, (64, 64)) for number in range(start, start + 3))
    assert plan.copies[start].kind == UNDEGRADED
    assert clear.mean() < cv2.imread(str(photos.photos[0].path)).mean()
    assert clear[:20].std() > weak[:20].std() > strong[:20].std()


def test_ladders_of_noise_stand_on_soft_parts_of_photos(photos):
    plan = planned(photos, validation=4, fit=4, soft=8)
    done = np.ones(len(plan.copies), np.uint8)
    assert plan.pairs("fit", done).degraded.tolist() == list(range(8, 16))
    soft = [plan.copies[start:end] for start, end in plan.ladders if end - start == 3]
    assert Counter(ladder[1].kind for ladder in soft) == {"noise": 6, "over_sharpened": 2}
    assert len(plan.series_pairs(done, "fit")) == 4 + 3 * 8
    store = SimpleNamespace(maps={"depth": None}, done=np.zeros(60, np.uint8))
    start = next(start for start, end in plan.ladders if end - start == 3)
    top, weak, strong = (plan.picture(number, photos, store, (64, 64)) for number in range(start, start + 3))
    photo = cv2.imread(str(photos.photos[0].path))
    assert cv2.Laplacian(top, cv2.CV_64F).var() < 0.5 * cv2.Laplacian(photo, cv2.CV_64F).var()
    near, far = (np.abs(copy.astype(float) - top).mean() for copy in (weak, strong))
    assert 0.0 < near < far


def test_ladders_of_exposure_stand_on_harsh_photos(photos):
    plan = planned(photos, validation=4, fit=4, harsh=6)
    harsh = [plan.copies[start:end] for start, end in plan.ladders if end - start == 3]
    assert Counter(ladder[1].kind for ladder in harsh) == {"under_exposure": 4, "over_exposure": 2}
    assert all(ladder[0].kind == UNDEGRADED and ladder[0].harshness == ladder[2].harshness >= 0.3 for ladder in harsh)


def test_frames_of_dead_cameras_end_the_list(photos):
    plan = planned(photos)
    done = np.ones(len(plan.copies), np.uint8)
    validation, fit = plan.dead("validation", done), plan.dead("fit", done)
    assert (len(validation), len(fit)) == (40, 200)
    assert all(plan.copies[number].kind == BLANK for number in (*validation, *fit))
    assert plan.order.tolist()[:256] == [*range(16), *validation, *fit]
    assert sorted(plan.order) == list(range(len(plan.copies)))
    assert plan.order.tolist()[256:] != list(range(16, validation[0]))
    assert all(strong == weak + 1 for weak, strong in plan.order[256:].reshape(-1, 2))  # ladders stay whole
    done[validation[0]] = 0
    assert len(plan.dead("validation", done)) == 39
    store = SimpleNamespace(maps={"depth": None}, done=np.zeros(60, np.uint8))
    frame = plan.made(int(fit[3]), photos, store, (64, 64))
    assert frame.picture.shape == (64, 64, 3)
    assert cv2.resize(frame.picture, (3, 3), interpolation=cv2.INTER_AREA).astype(float).std(axis=(0, 1)).max() < 12


@pytest.mark.parametrize(
    ("copy", "good", "shown", "unknown"),
    [
        (Copy(0, "mud", 0.5, 1), True, {"dirty"}, {"dark"}),
        (Copy(0, "noise", 0.5, 1), False, {"noisy"}, set(FAULTS) - {"noisy"}),
        (Copy(0, "rain", 0.5, 1), True, set(), {"dirty", "hazy", "noisy", "blurred"}),
        (Copy(0, "haze", 0.5, 1, stops=1.0), True, {"hazy"}, set(FAULTS) - {"hazy"}),
        (Copy(0, UNDEGRADED, 0.0, 1, stops=1.0), True, set(), set(FAULTS)),
        (Copy(0, "noise", 0.5, 1, times=2.0), True, {"noisy"}, set(FAULTS) - {"noisy"}),
        (Copy(0, BLANK, 1.0, 1), True, set(), set(FAULTS)),
    ],
)
def test_labels_assert_deny_or_leave_open(copy, good, shown, unknown):
    labels = copy.labels(good)
    for fault, label in zip(FAULTS, labels, strict=True):
        assert label == 1.0 if fault in shown else np.isnan(label) if fault in unknown else label == 0.0


def test_a_copy_loses_by_its_kind_and_strength():
    assert Copy(0, "under_exposure", 1.0, 1).taken > Copy(0, "colour_cast", 1.0, 1).taken > 0.05
    assert Copy(0, "noise", 0.5, 1).taken == pytest.approx(0.5 * Copy(0, "noise", 1.0, 1).taken)
    assert Copy(0, UNDEGRADED, 0.0, 1, stops=1.0).taken == 0.0
