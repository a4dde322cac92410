"""Measurements of a real bundle through real sessions: what is recorded, never how long it took."""

import numpy as np
import pytest

from dgiqa_edge.benchmarks.latency.frame_feed import FrameFeed
from dgiqa_edge.benchmarks.latency.latency import LatencyPlan, measure_in_turn, warm_up
from dgiqa_edge.benchmarks.latency.samples import FrameServer
from dgiqa_edge.benchmarks.latency.yardstick import Yardstick
from dgiqa_edge.runtime import Scorer
from dgiqa_edge.runtime.errors import ConfigurationError, SourceError
from dgiqa_edge.runtime.ground.framing import FrameSize

SHORT = LatencyPlan(duration_s=0.3, min_queries=64, warm_up_s=0.0, warm_up_queries=2, block_s=0.02)


def test_every_frame_leaves_one_row_and_every_block_one_yardstick(bundle_dir, feed):
    with Scorer(bundle_dir) as scorer:
        (run,) = measure_in_turn([FrameServer(scorer, feed, Yardstick(), SHORT.block_s)], SHORT)
    samples = run.samples
    assert len(samples) >= 64
    assert run.wall_s >= 0.3
    assert len(samples.blocks) == len(samples.yardstick_ms) >= 2
    assert all(len(block) >= 3 for block in samples.blocks[:-1])
    assert np.all(np.diff(samples.start_s) > 0)
    assert (samples.yardstick_ms > 0).all()
    assert set(samples.stages_ms) == {"resize", "fused", "other"}
    parts = sum(samples.stages_ms.values())
    assert parts == pytest.approx(samples.latency_ms)
    assert (samples.gate_ms > 0).all()
    assert (samples.end_to_end_ms > samples.latency_ms + samples.decode_ms).all()
    assert run.queries_ms is samples.latency_ms


def test_a_split_bundle_times_depth_and_quality_apart(make_bundle, feed):
    with Scorer(make_bundle(layout="split")) as scorer:
        server = FrameServer(scorer, feed, None, 1.0)
        server.serve()
        server.rest()
        assert set(server.samples().stages_ms) == {"resize", "depth", "quality", "other"}


def test_two_bundles_take_turns_within_the_same_seconds(bundle_dir, feed):
    with Scorer(bundle_dir) as scorer:
        servers = [FrameServer(scorer, feed, Yardstick(), SHORT.block_s, slowdown) for slowdown in (1.0, 1.5)]
        first, second = measure_in_turn(servers, SHORT)
    assert len(first.samples.blocks) == len(second.samples.blocks)
    starts = [
        np.array([run.samples.start_s[run.samples.block == number][0] for number in range(2)])
        for run in (first, second)
    ]
    assert starts[0][0] < starts[1][0] < starts[1][1] < starts[0][1]  # A B, then B A
    assert first.load is second.load


def test_warm_up_is_thrown_away(bundle_dir, feed):
    with Scorer(bundle_dir) as scorer:
        server = FrameServer(scorer, feed, None, 1.0)
        assert warm_up(server, SHORT) > 0
        assert server.served == 2
        server.begin(0.0)
        assert server.served == 0


def test_a_slowed_server_is_slower_by_its_factor(bundle_dir, feed):
    with Scorer(bundle_dir) as scorer:
        server = FrameServer(scorer, feed, None, 1.0, slowdown=3.0)
        for _ in range(5):
            server.serve()
            server.rest()
        samples = server.samples()
    engine = samples.stages_ms["fused"] + samples.stages_ms["resize"]
    assert (samples.latency_ms >= 2.5 * engine).all()


@pytest.mark.parametrize(
    ("warm_ms", "duration_s", "queries"), [(10.0, 60.0, 662), (181.0, 60.0, 662), (182.0, 60.0, 64), (3000.0, 60.0, 64)]
)
def test_p99s_queries_are_made_only_where_they_fit(warm_ms, duration_s, queries):
    assert LatencyPlan(duration_s=duration_s).queries_for(warm_ms) == queries
    assert LatencyPlan(duration_s=duration_s, min_queries=7).queries_for(warm_ms) == 7


@pytest.mark.parametrize("settings", [{"duration_s": -1.0}, {"min_queries": 0}, {"block_s": -0.1}])
def test_a_plan_that_makes_no_sense_is_refused(settings):
    with pytest.raises(ConfigurationError):
        LatencyPlan(**settings)


def test_frames_cycle_and_keep_the_bundles_size(photo_folder):
    feed = FrameFeed([photo_folder], FrameSize(24, 32))
    frames = [feed.next().frame for _ in range(4)]
    assert [frame.shape for frame in frames] == [(24, 32, 3)] * 4
    assert np.array_equal(frames[0], frames[3])
    assert not np.array_equal(frames[0], frames[1])
    assert feed.names == ("0.png", "1.png", "2.png")


def test_frames_that_cannot_be_had_are_refused(tmp_path):
    with pytest.raises(SourceError, match="no photo"):
        FrameFeed([], FrameSize(24, 32))
    with pytest.raises(SourceError, match="nothing"):
        FrameFeed([tmp_path / "nothing.jpg"], FrameSize(24, 32))
