"""Blocks that the user keeps are FP32 in every precision and for every target; a block that there is not is refused."""

import shutil

import onnx
import pytest

from dgiqa_edge.calibration.int8.placement import DEFAULT_SCOPES
from dgiqa_edge.calibration.int8.quantize import quantized_outputs
from dgiqa_edge.calibration.int8.scopes import node_blocks
from dgiqa_edge.export.debug.source_graph import SourceGraph
from dgiqa_edge.export.options.tensorrt_options import TensorRtOptions
from dgiqa_edge.runtime.errors import ConfigurationError

pytestmark = pytest.mark.usefixtures("small_networks")
KEPT = ("quality_net/rgb", "depth_net/patches")


@pytest.fixture
def work(exported_work, tmp_path):
    return shutil.copytree(exported_work, tmp_path / "work")


@pytest.mark.parametrize(
    ("precision", "backend"), [("int8", "onnxruntime"), ("fp16", "onnxruntime"), ("int8", "tensorrt")]
)
def test_kept_blocks_are_fp32(options, build, work, precision, backend):
    chosen = options(precision=precision, backend=backend, keep=KEPT, work=work, tensorrt=TensorRtOptions(engine=False))
    result = build(chosen)
    exact = onnx.load(str(next(work.glob("export-*/fp32.onnx")))).graph
    blocks = dict(zip((node.name for node in exact.node), node_blocks(exact, DEFAULT_SCOPES), strict=True))
    model = onnx.load(str(result.bundle / "frame_graph.onnx"))
    graph, rounded = SourceGraph(model), quantized_outputs(model)
    reduced = {
        blocks[node.name]
        for node in model.graph.node
        if node.name in blocks and any(graph.is_half(name) or name in rounded for name in node.output)
    }
    assert reduced
    assert not reduced.intersection(KEPT)


def test_an_unknown_block_is_refused_with_those_of_a_like_name(options, build, work):
    with pytest.raises(ConfigurationError, match=r"no block depth_net/patch: did you mean depth_net/patches"):
        build(options(precision="int8", backend="onnxruntime", keep=("depth_net/patch",), work=work))
