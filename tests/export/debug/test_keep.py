"""Bisection finds the fewest blocks, with few runs."""

from types import SimpleNamespace

import pytest

from dgiqa_edge.export.debug.keep import fewest, ranked

BLOCKS = [f"network/{number}" for number in range(100)]


@pytest.mark.parametrize(
    ("needed", "kept", "most_runs"),
    [
        ((), (), 1),
        ((0,), (0,), 3),
        ((0, 1), (0, 1), 5),
        ((2,), (2,), 8),
        ((0, 5), (0, 5), 14),
        ((63,), (63,), 30),
    ],
)
def test_the_fewest_blocks_are_found(needed, kept, most_runs):
    runs = []

    def passes(chosen):
        runs.append(chosen)
        return {BLOCKS[index] for index in needed} <= set(chosen)

    found = fewest(BLOCKS, passes)
    assert set(needed) <= {BLOCKS.index(block) for block in found}
    if len(found) <= 16:
        assert found == tuple(BLOCKS[index] for index in kept)
    assert len(runs) <= most_runs


def test_where_all_blocks_do_not_suffice_none_is_named():
    assert fewest(BLOCKS, lambda chosen: False) is None
    assert fewest([], lambda chosen: False) is None


def judged(block, excess, made_in=""):
    return SimpleNamespace(block=block, made_in=made_in or block, distance=SimpleNamespace(excess=excess))


def test_blocks_are_tried_by_their_own_worst_tensor():
    found = ranked(["a", "b", "c", "d"], [judged("c", 2.0), judged("b", 0.5), judged("b", 3.0), judged("", 9.0, "d")])
    assert found == ["d", "b", "c", "a"]
