"""Reading, recognising, fitting and converting weights files; small stand-ins for the networks, one real file."""

import argparse
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from places import SHARED
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from dgiqa_edge.export import networks
from dgiqa_edge.export.weights import checkpoints
from dgiqa_edge.export.weights.checkpoint_files import read_checkpoint
from dgiqa_edge.export.weights.seeding import seed_weights
from dgiqa_edge.runtime.errors import CheckpointError, ConfigurationError, MachineError

REAL = SHARED / "data" / "weights" / "depth_anything_v2_vits.fp16.safetensors"


def state_of(name):
    module = networks.create(name)
    seed_weights(module, "test")
    return module.state_dict()


def assert_same(left, right):
    assert list(left) == list(right)
    for key in left:
        torch.testing.assert_close(left[key], right[key], atol=0, rtol=0)


def as_parameters(state):
    return {key: nn.Parameter(t) if t.is_floating_point() else t for key, t in state.items()}


@pytest.mark.parametrize("wrap", [
    pytest.param(lambda s: s, id="plain"),
    pytest.param(lambda s: {"state_dict": s, "epoch": 3, "optimizer": {"state": {0: torch.zeros(3)}}}, id="training"),
    pytest.param(lambda s: {"model": s, "best_srcc": 0.93}, id="model"),
    pytest.param(lambda s: {"model_state_dict": s, "optimizer_state_dict": {}}, id="model_state_dict"),
    pytest.param(lambda s: {"params": s}, id="params"),
    pytest.param(lambda s: {"model": {"state_dict": s}}, id="nested"),
    pytest.param(lambda s: {f"module.{key}": t for key, t in s.items()}, id="data parallel"),
    pytest.param(lambda s: {"model": {f"module._orig_mod.model.{key}": t for key, t in s.items()}}, id="compiled"),
    pytest.param(lambda s: {**s, "epoch": 3}, id="extras"),
    pytest.param(as_parameters, id="parameters"),
])  # fmt: skip
def test_wrappers_and_prefixes_are_stripped(quality_state, tmp_path, wrap):
    path = tmp_path / "w.pth"
    torch.save(wrap(quality_state), path)
    assert_same(read_checkpoint(path).state, quality_state)


@pytest.mark.parametrize("suffix", ["pth", "pt", "bin", "safetensors", "weights"])
def test_the_content_decides_the_format(quality_state, tmp_path, suffix):
    for save in (torch.save, save_file):
        path = tmp_path / f"w.{suffix}"
        save(quality_state, str(path))
        assert_same(dict(sorted(read_checkpoint(path).state.items())), dict(sorted(quality_state.items())))


def test_a_header_length_that_looks_like_a_pickle_is_safetensors(quality_state, tmp_path):
    """One header length in 32 begins with the byte 0x80, as a pickle does."""
    path = tmp_path / "w.safetensors"
    for padding in range(300):
        save_file(quality_state, str(path), metadata={"padding": "x" * padding})
        if path.read_bytes()[0] == 0x80:
            break
    assert path.read_bytes()[0] == 0x80
    assert read_checkpoint(path).file_format == "safetensors"


def test_the_older_torch_format_is_read(quality_state, tmp_path):
    path = tmp_path / "w.pth"
    torch.save(quality_state, path, _use_new_zipfile_serialization=False)
    assert_same(read_checkpoint(path).state, quality_state)


@pytest.mark.parametrize("stored", [torch.float16, torch.bfloat16, torch.float64])
def test_floats_come_out_as_float32(quality_state, tmp_path, stored):
    path = tmp_path / "w.safetensors"
    save_file({k: t.to(stored) if t.is_floating_point() else t for k, t in quality_state.items()}, str(path))
    read = read_checkpoint(path)
    assert {str(t.dtype) for k, t in read.state.items() if "num_batches" not in k} == {"torch.float32"}
    assert read.state["1.num_batches_tracked"].dtype == torch.int64
    assert read.stored_types == tuple(sorted({str(stored).removeprefix("torch."), "int64"}))
    assert read.file_format == "safetensors"


class RunsCode:
    def __reduce__(self):
        return (Path.touch, (Path(self.marker),))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_code_in_a_checkpoint_is_not_run(tmp_path):
    marker = tmp_path / "code-was-run"
    payload = RunsCode()
    payload.marker = str(marker)
    for name, save in (("zip.pth", torch.save), ("raw.pth", lambda o, p: Path(p).write_bytes(pickle.dumps(o)))):
        path = tmp_path / name
        save({"state_dict": {"w": torch.zeros(1)}, "extra": payload}, path)
        with pytest.raises(CheckpointError, match="never run"):
            read_checkpoint(path)
        assert not marker.exists()


def test_training_arguments_are_named_in_the_refusal(tmp_path):
    path = tmp_path / "w.pth"
    torch.save({"model": {"w": torch.zeros(1)}, "args": argparse.Namespace(lr=0.1)}, path)
    with pytest.raises(CheckpointError, match=r"needs argparse\.Namespace to be loaded.*save its state dict alone"):
        read_checkpoint(path)


def html(path):
    path.write_text("<!DOCTYPE html><html>Not found</html>")


def lfs_pointer(path):
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")


def plain_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("photo.jpg", b"x")


def torchscript(path):
    torch.jit.trace(nn.Linear(2, 2), torch.zeros(1, 2)).save(str(path))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("write", "message"), [
    (lambda path: path.write_bytes(b""), "is empty: download it again"),
    (lambda path: path.mkdir(), "is a directory"),
    (lambda path: None, "does not exist"),
    (html, "is not a checkpoint .it begins with '<!DOCTYPE html><"),
    (lfs_pointer, "Git LFS pointer"),
    (plain_zip, "zip archive without weights"),
    (torchscript, "TorchScript program"),
    (lambda path: torch.save([torch.zeros(1)], path), "holds a list, not a state dict"),
    (lambda path: torch.save({"epoch": 3, "lr": 0.1}, path), "holds no weights .its entries: epoch, lr."),
    (lambda path: save_file({}, str(path)), "holds no tensors"),
    (lambda path: np.savez(path.with_suffix(".npz"), a=1) or path.with_suffix(".npz").rename(path), "without weights"),
])  # fmt: skip
def test_what_is_no_checkpoint_is_said_in_one_line(tmp_path, write, message):
    path = tmp_path / "w.pth"
    write(path)
    with pytest.raises(CheckpointError, match=message) as caught:
        read_checkpoint(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_fill_copies_every_entry(quality_state, quality_file):
    module = networks.create("dgiqa")
    checkpoints.fill(module, read_checkpoint(quality_file).state, quality_file)
    assert_same(module.state_dict(), quality_state)


def test_missing_unexpected_and_reshaped_keys_are_named(quality_state):
    del quality_state["0.weight"], quality_state["0.bias"]
    quality_state |= {f"extra.{index}": torch.zeros(1) for index in range(5)}
    quality_state["2.weight"] = torch.zeros(7, 4)
    module = networks.create("dgiqa")
    with pytest.raises(CheckpointError) as caught:
        checkpoints.fill(module, quality_state, Path("w.pth"))
    message = str(caught.value)
    assert "w.pth does not fit dgiqa (9 keys): " in message
    assert "2 missing: 0.weight, 0.bias;" in message
    assert "5 unexpected: extra.0, extra.1, extra.2, ...;" in message
    assert "1 of another shape: 2.weight (file 7x4, network 1x4)." in message
    assert "It resembles dgiqa (6 of 9 keys)" in message
    assert not any(tensor.any() for tensor in module.state_dict().values())


def test_a_checkpoint_of_another_network_is_recognised(toy_networks):
    with pytest.raises(CheckpointError, match=r"looks like depth_anything_v1_vits or depth_anything_v2_vits \(4 of 4"):
        checkpoints.fill(networks.create("dgiqa"), state_of("depth_anything_v2_vits"), Path("w.pth"))


@pytest.mark.parametrize(("key", "expected"), [
    ("neck.reassemble_stage.layers.0.projection.weight", "transformers"),
    ("patch_embed.proj.weight", "a vision transformer alone"),
    ("conv1.weight", "none of dgiqa, depth_anything_v1_vits, depth_anything_v2_vits; its first keys are conv1.weight"),
])  # fmt: skip
def test_a_foreign_layout_is_described(toy_networks, key, expected):
    with pytest.raises(CheckpointError, match=expected):
        checkpoints.fitting({key: torch.zeros(1)}, Path("w.pth"))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(quality_state, value):
    quality_state["2.weight"][0, 1] = value
    with pytest.raises(CheckpointError, match=r"2\.weight holds values that are not finite"):
        checkpoints.fill(networks.create("dgiqa"), quality_state, Path("w.pth"))


@pytest.mark.parametrize("stored", [torch.float8_e4m3fn, torch.float8_e5m2, torch.bfloat16])
def test_small_floats_and_views_are_read(quality_state, tmp_path, stored):
    path = tmp_path / "w.pth"
    small = {k: t.to(stored) if t.ndim > 1 else t for k, t in quality_state.items()}
    small["2.weight"] = torch.stack([small["2.weight"].float()] * 2, -1)[..., 0].to(stored)
    torch.save(small, path)
    assert_same(
        read_checkpoint(path).state, {key: t.float() if t.is_floating_point() else t for key, t in small.items()}
    )


def test_quantized_numbers_are_refused(quality_state):
    quality_state["2.weight"] = torch.zeros(1, 4, dtype=torch.int8)
    with pytest.raises(CheckpointError, match=r"2\.weight holds int8 numbers"):
        checkpoints.fill(networks.create("dgiqa"), quality_state, Path("w.pth"))


@pytest.mark.parametrize(("file", "named"), [
    ("depth_anything_v2_vits.pth", "depth_anything_v2_vits"),
    ("Depth-Anything-V2-Small.safetensors", "depth_anything_v2_vits"),
    ("depth_anything_vits14.pth", "depth_anything_v1_vits"),
    ("depth_anything_v1_vits.pth", "depth_anything_v1_vits"),
    ("weights.pth", None),
    ("dgiqa_koniq.pth", None),
])  # fmt: skip
def test_a_file_name_tells_the_version(toy_networks, tmp_path, file, named):
    path = tmp_path / file
    torch.save(state_of("depth_anything_v1_vits"), path)
    versions = ["depth_anything_v1_vits", "depth_anything_v2_vits"]
    assert checkpoints.named_network(path, versions) == named
    assert checkpoints.fitting(read_checkpoint(path).state, path) == ([named] if named else versions)
    for version in versions:
        module = networks.create(version)
        if named in (None, version):
            checkpoints.fill(module, read_checkpoint(path).state, path)
        else:
            with pytest.raises(CheckpointError, match=f"calls itself {named}"):
                checkpoints.fill(module, read_checkpoint(path).state, path)


def test_a_metric_model_is_refused(toy_networks):
    path = Path("depth_anything_v2_metric_hypersim_vits.pth")
    with pytest.raises(CheckpointError, match="metric model"):
        checkpoints.fill(networks.create("depth_anything_v2_vits"), state_of("depth_anything_v2_vits"), path)


def test_metadata_outweighs_the_file_name(toy_networks, tmp_path):
    source, renamed = tmp_path / "depth_anything_v2_vits.pth", tmp_path / "depth_anything_v1_vits.safetensors"
    torch.save(state_of("depth_anything_v2_vits"), source)
    checkpoints.convert(source, renamed)
    with pytest.raises(CheckpointError, match="calls itself depth_anything_v2_vits"):
        checkpoints.fill(networks.create("depth_anything_v1_vits"), read_checkpoint(renamed).state, renamed)


@pytest.mark.parametrize("half", [False, True])
def test_convert_keeps_the_numbers_and_says_where_they_came_from(quality_state, quality_file, tmp_path, half):
    destination = tmp_path / "out" / "quality.safetensors"
    assert checkpoints.convert(quality_file, destination, half=half) == "dgiqa"
    stored = load_file(str(destination))
    for key, tensor in quality_state.items():
        expected = tensor.half() if half and tensor.is_floating_point() else tensor
        torch.testing.assert_close(stored[key], expected, atol=0, rtol=0)
    with safe_open(str(destination), framework="numpy") as file:
        metadata = file.metadata()
    assert metadata["network"] == "dgiqa"
    assert metadata["source"] == "quality.pth"
    assert len(metadata["source_sha256"]) == 64
    assert sorted(path.name for path in destination.parent.iterdir()) == ["quality.safetensors"]


def test_convert_leaves_an_ambiguous_version_open(toy_networks, tmp_path):
    source, destination = tmp_path / "w.pth", tmp_path / "w.safetensors"
    torch.save(state_of("depth_anything_v1_vits"), source)
    both = "depth_anything_v1_vits|depth_anything_v2_vits"
    assert checkpoints.convert(source, destination) == both
    assert len(checkpoints.fitting(read_checkpoint(destination).state, destination)) == 2
    assert checkpoints.convert(source, destination, network="depth_anything_v2_vits") == "depth_anything_v2_vits"
    assert checkpoints.fitting(read_checkpoint(destination).state, destination) == ["depth_anything_v2_vits"]


def test_convert_refuses_what_it_would_spoil(quality_state, quality_file, tmp_path):
    destination = tmp_path / "w.safetensors"
    with pytest.raises(ConfigurationError, match=r"must end in \.safetensors"):
        checkpoints.convert(quality_file, tmp_path / "w.pth")
    quality_state["2.weight"][0, 0] = 1e5
    torch.save(quality_state, quality_file)
    with pytest.raises(CheckpointError, match=r"2\.weight reaches 100000, beyond float16"):
        checkpoints.convert(quality_file, destination, half=True)
    torch.save({"other": torch.zeros(1)}, quality_file)
    with pytest.raises(CheckpointError, match="fits no known network"):
        checkpoints.convert(quality_file, destination)
    assert [path.name for path in tmp_path.iterdir()] == ["quality.pth"]


def test_a_full_disk_leaves_nothing_behind(quality_file, tmp_path, monkeypatch):
    import safetensors.torch

    def full(*_args, **_settings):
        raise safetensors.SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(safetensors.torch, "save_file", full)
    with pytest.raises(MachineError, match="disk full"):
        checkpoints.convert(quality_file, tmp_path / "w.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["quality.pth"]


@pytest.fixture(scope="module")
def real_depth_state():
    return state_of("depth_anything_v1_vits")


def test_identify_among_the_real_networks(real_depth_state):
    matches = checkpoints.identify(real_depth_state)
    assert [match.name for match in matches if match.complete] == ["depth_anything_v1_vits", "depth_anything_v2_vits"]
    assert matches[0].matching == matches[0].expected == matches[0].given == 239
    assert all(match.matching < 239 for match in matches[2:])


def test_a_real_checkpoint_of_another_size_is_recognised(real_depth_state):
    with pytest.raises(CheckpointError, match=r"looks like depth_anything_v1_vits or .*239 of 239 keys"):
        checkpoints.check_fit("depth_anything_v2_vitb", real_depth_state, Path("w.pth"))


@pytest.mark.skipif(not REAL.is_file(), reason="../shared/data/weights is not here")
def test_the_real_file_is_recognised_and_loads_strictly():
    read = read_checkpoint(REAL)
    assert read.stored_types == ("float16",)
    assert [m.name for m in checkpoints.identify(read.state) if m.complete] == [
        "depth_anything_v1_vits",
        "depth_anything_v2_vits",
    ]
    assert checkpoints.fitting(read.state, REAL) == ["depth_anything_v2_vits"]
    module = networks.create("depth_anything_v2_vits")
    checkpoints.fill(module, read.state, REAL)
    torch.manual_seed(0)
    with torch.no_grad():
        depth = module(torch.nn.functional.interpolate(torch.randn(1, 3, 6, 6), size=(126, 140), mode="bicubic"))
    assert bool(depth.isfinite().all())
    assert depth.std() > 0.1
    with pytest.raises(CheckpointError, match="calls itself depth_anything_v2_vits"):
        checkpoints.fill(networks.create("depth_anything_v1_vits"), read.state, REAL)
