"""Many images through one scorer: in order, none lost for another's sake, as many at once as is fastest; threads."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dgiqa_edge.runtime import Quality, Scorer, Unscored
from dgiqa_edge.runtime.bundle.golden import Deviation
from dgiqa_edge.runtime.engines.portable_graph import PortableEngine
from dgiqa_edge.runtime.errors import ConfigurationError, EngineCompatibilityError, SourceError
from dgiqa_edge.runtime.scoring import replay as replay_module
from dgiqa_edge.runtime.scoring import scorer_pool


@pytest.fixture(autouse=True)
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scorer_pool, "usable_cores", lambda: 4)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What each scorer was opened with, in order."""
    given: list[dict[str, Any]] = []
    real = Scorer.__init__

    def recorded(self: Scorer, bundle: Any, **options: Any) -> None:
        given.append(options)
        real(self, bundle, **options)

    monkeypatch.setattr(Scorer, "__init__", recorded)
    return given


@pytest.fixture
def photos(make_photo: Any) -> list[np.ndarray]:
    return [make_photo(seed=seed) for seed in range(12)]


@pytest.mark.parametrize(("options", "most"), [({}, 4), ({"threads": 1}, 1), ({"threads": 2}, 1)], ids=str)
def test_a_core_each_unless_it_was_said_otherwise(
    bundle_dir: Path,
    photos: list[np.ndarray],
    opened: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    most: int,
) -> None:
    barrier, real = threading.Barrier(most, timeout=30), PortableEngine.run

    def run(self: PortableEngine, inputs: Any) -> Any:
        if opened[1:] or most == 1:  # not the replay
            barrier.wait()
        return real(self, inputs)

    monkeypatch.setattr(PortableEngine, "run", run)
    with Scorer(bundle_dir, strict_size=True, allow_spinning=False, **options) as scorer:
        found = list(scorer.score_many(photos))
    assert len(found) == 12
    again = {"threads": 1, "verify": False, "strict_size": True, "allow_spinning": False}
    assert [{name: given[name] for name in again} for given in opened[1:]] == ([again] * most if most > 1 else [])


@pytest.mark.parametrize("threads", [None, 1])
def test_the_scores_are_those_of_one_by_one(bundle_dir: Path, photos: list[np.ndarray], threads: int | None) -> None:
    with Scorer(bundle_dir, threads=threads) as scorer:
        expected = [scorer.score(photo).score for photo in photos]
        assert [result.score for result in scorer.score_many(iter(photos))] == expected  # type: ignore[union-attr]


def test_a_bad_image_spares_the_others(bundle_dir: Path, tmp_path: Path, photos: list[np.ndarray]) -> None:
    file = tmp_path / "photo.png"
    cv2.imwrite(str(file), photos[0])
    with Scorer(bundle_dir) as scorer:
        bad, from_file, wrong, last = scorer.score_many(["absent.png", file, photos[1].astype(int), photos[2]])
        assert isinstance(from_file, Quality)
        assert from_file.image == str(file)
        assert from_file.size == (64, 48)
        assert from_file.score == scorer.score(photos[0]).score
    assert isinstance(bad, Unscored)
    assert bad.to_dict() == {"image": "absent.png", "error": "absent.png does not exist: check the name"}
    assert isinstance(wrong, Unscored)
    assert wrong.image is None
    assert isinstance(wrong.error, SourceError)
    assert "int64" in wrong.to_dict()["error"]
    assert isinstance(last, Quality)


def test_a_folder_is_its_images(bundle_dir: Path, tmp_path: Path, photos: list[np.ndarray]) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        cv2.imwrite(str(folder / f"{number}.png"), photos[number])
    names = [str(folder / f"{number}.png") for number in range(3)]
    with Scorer(bundle_dir) as scorer:
        for given in (folder, str(folder), f"{folder}/*.png"):
            assert [result.image for result in scorer.score_many(given)] == names
        assert [type(result) for result in scorer.score_many(tmp_path / "gone")] == [Unscored]


def test_arrays_in_rgb(bundle_dir: Path, photos: list[np.ndarray]) -> None:
    with Scorer(bundle_dir) as scorer:
        (found,) = scorer.score_many([photos[0][:, :, ::-1]], rgb=True)
        assert isinstance(found, Quality)
        np.testing.assert_array_equal(found.crop_scores, scorer.score(photos[0]).crop_scores)


def test_an_endless_iterator_is_read_a_little_ahead_and_left_in_peace(bundle_dir: Path, make_photo: Any) -> None:
    taken = 0

    def endless() -> Any:
        nonlocal taken
        while True:
            taken += 1
            yield make_photo(seed=taken % 3)

    with Scorer(bundle_dir) as scorer:
        results = scorer.score_many(endless())
        next(results)
        assert taken <= 8
        results.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]


def test_what_ends_all_scoring_is_raised(
    bundle_dir: Path, photos: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    for threads in (None, 1):
        with Scorer(bundle_dir, threads=threads) as scorer:
            pass
        with pytest.raises(ConfigurationError, match="closed"):
            list(scorer.score_many(photos))

    def fail(self: PortableEngine, inputs: Any) -> Any:
        raise EngineCompatibilityError("out of memory")

    with Scorer(bundle_dir) as scorer:
        monkeypatch.setattr(PortableEngine, "run", fail)
        with pytest.raises(EngineCompatibilityError, match="out of memory"):
            list(scorer.score_many(photos))


@pytest.mark.usefixtures("no_home")
@pytest.mark.parametrize(("verify", "replays"), [(True, 1), ("always", 1), (False, 0)])
def test_the_golden_frame_is_replayed_once_where_no_stamp_can_be_kept(
    bundle_dir: Path, photos: list[np.ndarray], monkeypatch: pytest.MonkeyPatch, verify: Any, replays: int
) -> None:
    replayed: list[Any] = []
    monkeypatch.setattr(replay_module, "compare", lambda *given: replayed.append(given) or Deviation(0.0, 0.0, 0.0, 0))
    with Scorer(bundle_dir, verify=verify) as scorer:
        list(scorer.score_many(photos))
    assert len(replayed) == replays


@pytest.fixture
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many runs of engines have begun; one that begins during another fails."""
    real, running, runs = PortableEngine.run, threading.Lock(), []

    def run(self: PortableEngine, inputs: Any) -> Any:
        assert running.acquire(blocking=False), "two runs at once"
        try:
            runs.append(threading.get_ident())
            threading.Event().wait(0.002)  # long enough for another to come
            return real(self, inputs)
        finally:
            running.release()

    monkeypatch.setattr(PortableEngine, "run", run)
    return lambda: len(runs)


def test_threads_take_turns_at_the_engines(
    bundle_dir: Path, photos: list[np.ndarray], one_at_a_time: Callable[[], int]
) -> None:
    with Scorer(bundle_dir, verify=False) as scorer:
        expected = [scorer.score(photo).score for photo in photos]
        with ThreadPoolExecutor(4) as pool:
            assert [quality.score for quality in pool.map(scorer.score, photos * 3)] == expected * 3
    assert one_at_a_time() == 4 * len(photos)


def test_the_event_loop_goes_on_while_images_are_scored(
    bundle_dir: Path, photos: list[np.ndarray], one_at_a_time: Callable[[], int]
) -> None:
    async def all_of_them(scorer: Scorer) -> tuple[list[float], int]:
        ticks, done = 0, False

        async def tick() -> None:
            nonlocal ticks
            while not done:
                ticks += 1
                await asyncio.sleep(0.001)

        beside = asyncio.create_task(tick())
        found = await asyncio.gather(*(scorer.score_async(photo[:, :, ::-1], rgb=True) for photo in photos))
        done = True
        await beside
        return [quality.score for quality in found], ticks

    with Scorer(bundle_dir, verify=False) as scorer:
        expected = [scorer.score(photo).score for photo in photos]
        scores, ticks = asyncio.run(all_of_them(scorer))
        assert scores == expected
        assert ticks > 2
        with pytest.raises(SourceError, match="absent"):
            asyncio.run(scorer.score_async("absent.png"))


def test_closing_waits_for_the_frame_that_is_being_scored(
    bundle_dir: Path, make_photo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, real = threading.Event(), threading.Event(), PortableEngine.run

    def run(self: PortableEngine, inputs: Any) -> Any:
        begun.set()
        assert go_on.wait(30)
        return real(self, inputs)

    scorer = Scorer(bundle_dir, verify=False)
    monkeypatch.setattr(PortableEngine, "run", run)
    with ThreadPoolExecutor(2) as pool:
        score = pool.submit(scorer.score, make_photo(seed=1))
        assert begun.wait(30)
        closed = pool.submit(scorer.close)
        assert closed in wait([closed], timeout=0.1).not_done
        go_on.set()
        assert 0 <= score.result(30).score <= 1
        closed.result(30)
    with pytest.raises(ConfigurationError, match="closed"):
        scorer.score(make_photo(seed=1))
