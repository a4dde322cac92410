"""Frames per second by batch size: which sizes are timed, and what is said of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dgiqa_edge.benchmarks.latency.throughput import LEAST_ROUNDS, sizes_of
from dgiqa_edge.runtime import Scorer
from dgiqa_edge.runtime.errors import ConfigurationError

MakeBundle = Callable[..., Path]


@pytest.mark.parametrize(
    ("batch", "expected"), [((1, 4), [1, 2, 4]), ((4, 4), [4]), ((1, 1), [1]), ((1, 8), [1, 2, 4, 8])]
)
def test_the_sizes_that_a_bundle_takes_are_timed(
    make_bundle: MakeBundle, batch: tuple[int, int], expected: list[int]
) -> None:
    with Scorer(make_bundle(batch=batch), verify=False) as scorer:
        assert sizes_of(scorer, [1, 2, 4, 8]) == expected


def test_a_bundle_that_takes_none_of_them_is_refused(make_bundle: MakeBundle) -> None:
    with (
        Scorer(make_bundle(batch=(4, 4)), verify=False) as scorer,
        pytest.raises(ConfigurationError, match="takes 4 frames at once, none of 1, 2: give a size that it takes"),
    ):
        sizes_of(scorer, [1, 2])


def test_the_command_prints_and_writes_a_row_for_each_size_of_each_bundle(
    make_bundle: MakeBundle, photo_folder: Path, command_line: Any, tmp_path: Path
) -> None:
    first, second, out = make_bundle(batch=(1, 4)), make_bundle(batch=(4, 4)), tmp_path / "sizes.json"
    arguments = ["--photos", photo_folder, "--threads", "1", "--duration", "0.1", "--json", out]
    finished = command_line("bench", "throughput", "--bundle", first, "--beside", second, *arguments)
    assert finished.returncode == 0, finished.stderr
    document = json.loads(out.read_text())
    rows = [(row["bundle"], row["batch"]) for row in document["sizes"]]
    assert rows == [(str(first), 1), (str(first), 2), (str(first), 4), (str(second), 4)]
    for row in document["sizes"]:
        assert row["rounds"] >= LEAST_ROUNDS
        assert row["frames_per_s"] == pytest.approx(1e3 * row["batch"] / row["p50_ms"], rel=0.05)
        assert row["times_smallest"] > 0
    assert document["threads"] == 1
    assert len(finished.stdout.splitlines()) == 2 + len(rows)
