"""A bundle's graphs are read in one place, which says what is wrong with a file that is none."""

import re

import pytest
from places import ROOT

from dgiqa_edge.export.frame_graph.graph_files import graphs_of, read_graph
from dgiqa_edge.runtime import load_bundle
from dgiqa_edge.runtime.errors import BundleError


def test_the_graphs_of_a_bundle(bundle_dir):
    graphs = graphs_of(load_bundle(bundle_dir))
    assert [(role, model.graph.name != "") for role, model in graphs.items()] == [("fused", True)]


@pytest.mark.parametrize("content", [b"", b"no graph" * 99])
def test_a_file_that_is_no_graph(tmp_path, content):
    (tmp_path / "other.onnx").write_bytes(content)
    with pytest.raises(BundleError, match=r"other\.onnx is no ONNX graph .*: build it again, or give another one"):
        read_graph(tmp_path / "other.onnx")


def test_nothing_else_reads_a_bundles_graphs():
    for path in (ROOT / "export").rglob("*.py"):
        assert not re.search(r"onnx\.load\([^\n]*bundle", path.read_text()), path
