"""The scripted scene: deterministic, and each fault looks like its name."""

from typing import Any

import numpy as np
import pytest

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.watch.sources import Damaged, End, Frame, Stall, create_source
from dgiqa_edge.runtime.watch.sources.scripted import PICTURES, Step, parse_script


def play(uri: str, count: int) -> list[Any]:
    source = create_source(uri)
    source.open()
    return [source.read() for _ in range(count)]


def image_of(kind: str) -> np.ndarray:
    return play(f"test://?script={kind}:1&size=320x240", 1)[0].image


def test_steps_follow_each_other_and_end() -> None:
    results = play("test://?script=clean:2,stall:1,damaged:1,frozen:1&size=64x48", 6)
    assert [type(result) for result in results] == [Frame, Frame, Stall, Damaged, Frame, End]
    assert np.array_equal(results[4].image, results[1].image)
    assert not np.array_equal(results[0].image, results[1].image)


def test_the_same_uri_gives_the_same_pictures() -> None:
    uri = "test://?script=clean:1,noise:1,dark:1&size=96x64&seed=7"
    for first, second in zip(play(uri, 3), play(uri, 3), strict=True):
        assert np.array_equal(first.image, second.image)
    assert not np.array_equal(play(uri, 1)[0].image, play(uri.replace("seed=7", "seed=8"), 1)[0].image)


def test_a_lost_connection_goes_on_where_it_was() -> None:
    source = create_source("test://?script=clean:1,lost:1,clean:1&size=64x48")
    assert source.live
    source.open()
    assert [type(source.read()) for _ in range(2)] == [Frame, End]
    source.close()
    source.open()
    assert [type(source.read()) for _ in range(2)] == [Frame, End]
    assert not source.live


def test_it_loops() -> None:
    results = play("test://?script=clean:1,stall:1&size=64x48&loop=true", 6)
    assert [type(result) for result in results] == [Frame, Stall] * 3


@pytest.mark.parametrize(("query", "interval_s"), [("", 0.1), ("?fps=4", 0.25), ("?fps=0", None)])
def test_pace(query: str, interval_s: float | None) -> None:
    assert create_source(f"test://{query}").interval_s == interval_s


def test_faults_look_like_their_names() -> None:
    clean = image_of("clean").astype(float)
    edges = lambda image: float(np.abs(np.diff(image.astype(float), axis=1)).mean())  # noqa: E731
    assert image_of("dark").mean() < 0.2 * clean.mean()
    assert image_of("bright").mean() > 1.5 * clean.mean()
    assert edges(image_of("blur")) < 0.5 * edges(clean)
    assert edges(image_of("noise")) > 2 * edges(clean)
    assert image_of("haze").std() < 0.6 * clean.std()
    assert image_of("occluded").std() < 0.2 * clean.std()
    assert not image_of("black").any()
    assert np.array_equal(image_of("smear")[120], image_of("smear")[200])


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize("size", ["16x16", "17x33", "640x16"])
def test_any_size_can_be_drawn(kind: str, size: str) -> None:
    width, height = map(int, size.split("x"))
    assert play(f"test://?script={kind}:1&size={size}", 1)[0].image.shape == (height, width, 3)


@pytest.mark.parametrize("script", ["", "clean", "clean:0", "clean:-1", "foggy:3", "clean:3,", "clean:1e9"])
def test_scripts_that_are_none(script: str) -> None:
    with pytest.raises(ConfigurationError, match=r"options\.script"):
        create_source("test://", {"script": script})


def test_a_script_as_steps() -> None:
    assert parse_script("clean:3, blur:2") == (Step("clean", 3), Step("blur", 2))


@pytest.mark.parametrize(
    "uri", ["test://scene", "test://?size=0x0", "test://?size=640x15", "test://?fps=-1", "test://?color=red"]
)
def test_uris_that_are_none(uri: str) -> None:
    with pytest.raises(ConfigurationError):
        create_source(uri)
