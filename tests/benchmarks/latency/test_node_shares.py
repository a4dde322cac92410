"""Shares inside a graph, from a real profile and from events with known times."""

import pytest

from dgiqa_edge.benchmarks.latency.node_shares import node_shares, shares_from_events
from dgiqa_edge.runtime import Scorer


def event(name, microseconds, kind="Node"):
    return {"cat": kind, "name": name, "dur": microseconds}


def test_nodes_belong_to_the_network_at_the_head_of_their_name():
    shares = shares_from_events(
        [
            event("/depth_net/blocks.0/MatMul_kernel_time", 60),
            event("/quality_net/Conv_kernel_time", 30),
            event("/Resize_kernel_time", 8),
            event("SkipLayerNormalization_2_kernel_time", 2),
            event("/depth_net/blocks.0/MatMul_fence_before", 999),
            event("model_run", 999, "Session"),
        ]
    )
    assert shares == {
        "depth network": 60.0,
        "quality network": 30.0,
        "resizing, crops and pooling in the graph": 8.0,
        "nodes without a name of their own (fused)": 2.0,
    }
    assert shares_from_events([]) == {}


def test_a_real_profile_adds_up(bundle_dir):
    with Scorer(bundle_dir, threads=1) as scorer:
        assert sum(node_shares(scorer, threads=1).values()) == pytest.approx(100.0)


def test_engines_without_that_profiler_have_no_shares(make_bundle):
    with Scorer(make_bundle(layout="split"), threads=1) as scorer:
        assert node_shares(scorer, threads=1) is None
