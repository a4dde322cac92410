"""The configuration as Triton's own protocol reads it, what lies beside it, and what is not exported."""

from dataclasses import replace

import numpy as np
import pytest

from dgiqa_edge.export.triton.config import FLAVOURS, Serving, graph_batch, model_config
from dgiqa_edge.runtime.bundle.bundle import load_bundle
from dgiqa_edge.runtime.bundle.golden import load_golden
from dgiqa_edge.runtime.commands.cli import main
from dgiqa_edge.runtime.engines.remote.model import HASH, MANIFEST
from dgiqa_edge.runtime.errors import EngineCompatibilityError

messages = pytest.importorskip(
    "tritonclient.grpc.model_config_pb2", reason="tritonclient is not installed: extra triton"
)
HEIGHT, WIDTH = 48, 64


def export(bundle, out, *options):
    return main(["export", "triton", str(bundle), "--out", str(out), *options])


def parsed(folder):
    from google.protobuf import text_format

    return text_format.Parse((folder / "config.pbtxt").read_text(), messages.ModelConfig())


def tensors(listed):
    return {it.name: (messages.DataType.Name(it.data_type), list(it.dims)) for it in listed}


OUTPUTS = {
    "crop_scores": ("TYPE_FP32", [2]),
    "depth": ("TYPE_UINT8", [HEIGHT // 2, WIDTH // 2]),
    "faults": ("TYPE_FP32", [2]),
    "coverage": ("TYPE_FP32", [2, 4, 2]),
}


@pytest.mark.parametrize("flavour", ["python", "onnxruntime", "openvino"])
def test_triton_reads_what_is_exported(flavour, make_bundle, tmp_path):
    pytest.importorskip("openvino" if flavour == "openvino" else "onnxruntime")
    bundle = load_bundle(make_bundle(faults=True))
    assert export(bundle.path, tmp_path, "--flavour", flavour, "--name", "eye", "--instances", "2") == 0
    folder, version = tmp_path / "eye", str(int(bundle.sha256[:8], 16))
    config = parsed(folder)
    assert (config.name, config.backend) == ("eye", flavour)
    assert [str(number) for number in config.version_policy.specific.versions] == [version]
    assert {child.name for child in folder.iterdir()} == {"config.pbtxt", version, "warmup"}
    (group,) = config.instance_group
    assert (group.count, group.kind) == (2, messages.ModelInstanceGroup.KIND_CPU)
    assert config.parameters[HASH].string_value == bundle.sha256
    assert config.parameters[MANIFEST].string_value == (bundle.path / "bundle.json").read_text()
    model = folder / version / config.default_model_filename
    (warm_up,) = config.model_warmup
    warm = warm_up.inputs["frame"]
    golden = load_golden(bundle.file(bundle.manifest.golden.file)).frame
    assert np.array_equal(np.fromfile(folder / "warmup" / warm.input_data_file, np.uint8), golden.ravel())
    if flavour == "python":
        assert config.max_batch_size == 8
        assert config.dynamic_batching.max_queue_delay_microseconds == 500
        assert tensors(config.input) == {"frame": ("TYPE_UINT8", [-1, -1, 3]), "image": ("TYPE_STRING", [1])}
        assert tensors(config.output) == {"score": ("TYPE_FP32", [1]), **OUTPUTS}
        assert list(warm.dims) == [HEIGHT, WIDTH, 3]
        assert load_bundle(folder / version / "bundle").sha256 == bundle.sha256
        compile(model.read_text(), "model.py", "exec")
    else:  # a graph of one frame: the batch is a side like any other
        assert config.max_batch_size == 0
        assert not config.HasField("dynamic_batching")
        assert tensors(config.input) == {"frame": ("TYPE_UINT8", [1, HEIGHT, WIDTH, 3])}
        whole = {name: (kind, [1, *dims]) for name, (kind, dims) in OUTPUTS.items()}
        assert tensors(config.output) == {"score": ("TYPE_FP32", [1]), **whole}
        assert list(warm.dims) == [1, HEIGHT, WIDTH, 3]
        assert model.read_bytes() == bundle.file(bundle.manifest.graphs[0].file).read_bytes()


def test_a_plan_runs_on_a_gpu(bundle_dir):
    serving = Serving("eye", FLAVOURS["tensorrt"], max_batch=0, queue_delay_s=0.0, instances=1)
    config = model_config(load_bundle(bundle_dir), serving)
    assert (config.backend, config.default_model_filename) == ("tensorrt", "model.plan")
    assert config.instance_group[0].kind == messages.ModelInstanceGroup.KIND_GPU
    assert tensors(config.output)["score"] == ("TYPE_FP32", [1])


def test_a_graph_of_several_frames_gets_batches_of_what_waits(bundle_dir):
    bundle = load_bundle(bundle_dir)
    graph = FLAVOURS["onnxruntime"]

    def taking(least, most):
        return replace(bundle, document={**bundle.document, "batch": {"least": least, "most": most}})

    assert graph_batch(bundle, graph, 8) == 0
    assert graph_batch(taking(1, 4), graph, 8) == 4
    assert graph_batch(taking(1, 16), graph, 8) == 8
    assert graph_batch(taking(4, 4), FLAVOURS["python"], 8) == 8
    with pytest.raises(EngineCompatibilityError, match="4 frames at once and no fewer"):
        graph_batch(taking(4, 4), graph, 8)
    config = model_config(bundle, Serving("eye", graph, max_batch=4, queue_delay_s=0.002, instances=1))
    assert config.dynamic_batching.max_queue_delay_microseconds == 2000
    assert tensors(config.input) == {"frame": ("TYPE_UINT8", [HEIGHT, WIDTH, 3])}
    (score,) = (it for it in config.output if it.name == "score")
    assert list(score.dims) == [1]
    assert score.HasField("reshape")
    assert list(score.reshape.shape) == []


def test_files_are_named_as_tritons_backends_look_for_them():
    """Of its documentation of the model repository; the wheel that the tests have runs the Python backend alone."""
    assert {name: flavour.file for name, flavour in FLAVOURS.items()} == {
        "python": "model.py",
        "onnxruntime": "model.onnx",
        "openvino": "model.onnx",
        "tensorrt": "model.plan",
    }


@pytest.mark.parametrize(
    ("options", "code", "problem"),
    [
        (["--flavour", "tensorrt"], 4, "no 'fused' engine for backend 'tensorrt'"),
        (["--name", "../eye"], 2, "is no name of a model"),
        (["--name", "mine"], 2, "was not exported from a bundle"),
        (["--max-batch", "0"], 2, "no whole number"),
    ],
)
def test_what_cannot_be_exported_leaves_nothing_behind(options, code, problem, bundle_dir, tmp_path, capsys):
    mine = tmp_path / "out" / "mine"
    mine.mkdir(parents=True)
    (mine / "config.pbtxt").write_text('name: "mine"')
    assert export(bundle_dir, tmp_path / "out", *options) == code
    assert problem in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["mine", "config.pbtxt"]
    assert (mine / "config.pbtxt").read_text() == 'name: "mine"'


@pytest.mark.parametrize("flavour", ["python", "onnxruntime"])
def test_a_bundle_whose_replay_fails_is_not_exported(flavour, make_bundle, tmp_path, capsys):
    assert export(make_bundle(golden_shift=0.2), tmp_path / "out", "--flavour", flavour) == 3
    assert "golden frame's score is 0.2 off" in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*"))


def test_two_engines_are_for_our_runtime(make_bundle, tmp_path, capsys):
    bundle = make_bundle(layout="split")
    assert export(bundle, tmp_path / "out", "--flavour", "onnxruntime") == 4
    assert "export the python flavour" in capsys.readouterr().err
    assert export(bundle, tmp_path / "out", "--name", "eye") == 0
    assert tensors(parsed(tmp_path / "out" / "eye").output)["score"] == ("TYPE_FP32", [1])


def test_a_model_takes_the_place_of_the_one_before(make_bundle, tmp_path):
    first, second = (load_bundle(make_bundle(faults=faults)) for faults in (False, True))
    for bundle in (first, second, second):
        assert export(bundle.path, tmp_path, "--name", "eye") == 0
    versions = [child.name for child in (tmp_path / "eye").iterdir() if child.name.isdecimal()]
    assert versions == [str(int(second.sha256[:8], 16))]
