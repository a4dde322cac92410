"""Sensitivity on a real graph in real sessions: the block whose grid was spoilt is found, and the ranking's laws."""

from dataclasses import replace

import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.calibration.int8.observers import create_observer
from dgiqa_edge.calibration.int8.placement import DEFAULT_SCOPES, place
from dgiqa_edge.calibration.int8.ranges import observe_ranges
from dgiqa_edge.calibration.int8.scopes import blocks_of
from dgiqa_edge.calibration.int8.sensitivity import measure_block, most_sensitive, only, ranked
from dgiqa_edge.calibration.int8.targets import target_named
from dgiqa_edge.runtime.bundle.manifest import BlockRecord as BlockSensitivity
from dgiqa_edge.runtime.errors import CalibrationError

PLANTED = "quality_net/fc1"


def open_model(model):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda frame: dict(zip(names, session.run(names, {"frame": frame}), strict=True))


@pytest.fixture(scope="module")
def measured(frame_graph, frame_graph_file, frames):
    """Sensitivity of every block, with the activation range of one of them 300 times too wide."""
    placement = place(frame_graph)
    blocks = blocks_of(frame_graph.graph, placement.outputs, DEFAULT_SCOPES)
    ranges = observe_ranges(frame_graph_file, placement.tensors_to_observe(), frames, create_observer("minmax"))
    (victim,) = (node.activation for node in placement.nodes if node.output in blocks[PLANTED])
    ranges[victim] = replace(ranges[victim], low=300 * ranges[victim].low, high=300 * ranges[victim].high)
    run = open_model(frame_graph)
    reference = [run(frame) for frame in frames]
    return [
        measure_block(
            frame_graph,
            placement,
            block,
            outputs,
            ranges,
            target_named("onnxruntime"),
            open_model=open_model,
            frames=frames,
            reference=reference,
        )
        for block, outputs in blocks.items()
    ]


def test_the_spoilt_block_comes_first(measured, frame_graph):
    ranking = ranked(measured)
    assert ranking[0].block == PLANTED
    assert ranking[0].score_mae > 5 * ranking[1].score_mae
    assert sum(block.layers for block in measured) == len(place(frame_graph).nodes)


def test_a_block_behind_the_depth_map_cannot_move_it(measured):
    by_name = {block.block: block for block in measured}
    assert by_name[PLANTED].depth_mae_levels == 0.0
    assert ranked(measured, "depth_mae_levels")[0].block != PLANTED
    assert max(block.depth_mae_levels for block in measured) > 0.0


def test_a_block_of_another_graph_is_refused(frame_graph):
    with pytest.raises(CalibrationError, match="no layer would be left"):
        only(place(frame_graph), ["elsewhere"])


errors = st.floats(0, 1, allow_subnormal=False)
rankings = st.lists(errors, min_size=1, max_size=12).map(
    lambda values: ranked(BlockSensitivity(f"b{n}", 1, value, 0.0) for n, value in enumerate(values))
)


@given(rankings, st.floats(0, 1))
def test_the_chosen_blocks_hold_the_share_and_none_is_spared(ranking, share):
    chosen = most_sensitive(ranking, share)
    assert chosen == ranking[: len(chosen)]
    assert chosen
    total = sum(block.score_mae for block in ranking)
    assert sum(block.score_mae for block in chosen) >= share * total or len(chosen) == len(ranking)
    if len(chosen) > 1:
        assert sum(block.score_mae for block in chosen[:-1]) < share * total


@given(rankings)
def test_a_larger_share_takes_no_fewer_blocks(ranking):
    counts = [len(most_sensitive(ranking, share)) for share in (0.5, 0.8, 0.95)]
    assert counts == sorted(counts)
