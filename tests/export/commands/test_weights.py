"""``dgiqa-edge weights`` through the command line's own entry."""

import json

import pytest
import torch

from dgiqa_edge.export import networks
from dgiqa_edge.export.weights import hub
from dgiqa_edge.export.weights import published as published_weights
from dgiqa_edge.export.weights.seeding import seed_weights
from dgiqa_edge.runtime.commands import cli


@pytest.fixture(scope="module")
def depth_file(tmp_path_factory):
    """A whole ViT-S checkpoint, stored small."""
    path = tmp_path_factory.mktemp("weights") / "depth.pth"
    module = networks.create("depth_anything_v1_vits")
    seed_weights(module, "command")
    torch.save({"model": {key: tensor.half() for key, tensor in module.state_dict().items()}, "epoch": 1}, path)
    return path


def run(capsys, *arguments):
    code = cli.main(["weights", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_check_says_what_the_file_is(capsys, depth_file):
    code, out, _ = run(capsys, "check", depth_file)
    assert code == 0
    assert "depth_anything_v1_vits or depth_anything_v2_vits" in out
    assert "same keys and shapes" in out
    assert "24.8 M, stored as float16" in out


def test_check_as_json(capsys, depth_file):
    code, out, _ = run(capsys, "check", depth_file, "--network", "depth_anything_v2_vits", "--json")
    description = json.loads(out)
    assert code == 0
    assert description["ok"] is True
    assert description["networks"] == ["depth_anything_v2_vits"]
    assert description["keys"] == 239
    assert description["parameters"] == 24_785_089
    assert description["format"] == "pytorch"


def test_check_against_the_wrong_network(capsys, depth_file):
    code, out, err = run(capsys, "check", depth_file, "--network", "dgiqa")
    assert (code, out) == (3, "")
    assert len(err.splitlines()) == 1
    assert "does not fit dgiqa (482 keys): 482 missing" in err
    assert "It looks like depth_anything_v1_vits or depth_anything_v2_vits (239 of 239 keys)" in err


def test_check_of_a_truncated_file(capsys, depth_file, tmp_path):
    path = tmp_path / "cut.pth"
    path.write_bytes(depth_file.read_bytes()[:1_000_000])
    code, _, err = run(capsys, "check", path)
    assert code == 3
    assert len(err.splitlines()) == 1
    assert "cut.pth is truncated" in err
    code, out, err = run(capsys, "check", path, "--json")
    assert (code, err) == (3, "")
    assert json.loads(out)["ok"] is False
    assert "truncated" in json.loads(out)["error"]


def test_convert_writes_safetensors(capsys, depth_file, tmp_path):
    destination = tmp_path / "depth.safetensors"
    code, out, _ = run(capsys, "convert", depth_file, destination, "--half", "--network", "depth_anything_v1_vits")
    assert code == 0
    assert "depth_anything_v1_vits" in out
    code, out, _ = run(capsys, "check", destination)
    assert code == 0
    assert "depth_anything_v1_vits\n" in out
    assert "metadata source_sha256" in out
    code, _, err = run(capsys, "check", destination, "--network", "depth_anything_v2_vits")
    assert code == 3
    assert "calls itself depth_anything_v1_vits" in err


@pytest.mark.parametrize(("arguments", "code", "message"), [
    (("check", "missing.pth"), 3, "missing.pth does not exist"),
    (("check", "missing.pth", "--network", "resnet"), 3, "does not exist"),
    (("convert", "a.pth", "b.onnx"), 2, "must end in .safetensors"),
    (("fetch", "dgiqa"), 3, "Dropbox"),
    (("fetch", "midas"), 2, "no published weights 'midas'"),
])  # fmt: skip
def test_bad_arguments_end_in_one_line(capsys, tmp_path, monkeypatch, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    got, out, err = run(capsys, *arguments)
    assert (got, out) == (code, "")
    assert len(err.splitlines()) == 1
    assert message in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("pinned", "note"), [(True, False), (False, True)])
def test_fetch_prints_licence_and_hash(capsys, tmp_path, monkeypatch, pinned, note):
    published = published_weights.get("depth-anything-v2-base")

    def downloaded(name, folder, **_options):
        assert name == "depth_anything_v2_vitb"
        return hub.Download(folder / published.file, published, "c" * 40, "a" * 64, pinned=pinned, fetched=True)

    monkeypatch.setattr(hub, "fetch", downloaded)
    code, out, err = run(capsys, "fetch", "depth_anything_v2_vitb", "--out", tmp_path)
    assert code == 0
    assert "CC-BY-NC-4.0" in out
    assert "CC-BY-NC-4.0" in err
    assert "a" * 64 in out
    assert ("weights.lock.json now records it for later ones" in out) == note


@pytest.mark.parametrize("arguments", [(), ("check",), ("convert",), ("fetch",)])
def test_help_has_an_example(capsys, arguments):
    code, out, _ = run(capsys, *arguments, "--help")
    assert code == 0
    assert "dgiqa-edge weights" in out.split("example", 1)[1]


def test_an_action_is_needed(capsys):
    code, out, err = run(capsys)
    assert (code, out) == (2, "")
    assert "ACTION" in err
