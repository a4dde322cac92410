"""The commands around DGIQA, from photos to weights that a build takes and to figures."""

import json

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from dgiqa_edge.calibration.images.image_sources import find_files, is_image
from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.export import networks
from dgiqa_edge.export.networks import create, dgiqa
from dgiqa_edge.export.weights.network_source import NetworkSource
from dgiqa_edge.export.weights.seeding import seed_weights
from dgiqa_edge.training.__main__ import main
from dgiqa_edge.training.data.datasets import TEST_CSV, TRAIN_CSV, read_photo

TRAIN, TEST = 10, 8


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Some of the photos that ship, the better the sharper, as a data set; seeded depth weights; a configuration."""
    folder = tmp_path_factory.mktemp("job")
    (folder / "data" / "Images").mkdir(parents=True)
    files = [file for file in find_files(str(SHIPPED_PHOTOS)) if is_image(file)][: TRAIN + TEST]
    for (name, rows), blurs in zip(((TRAIN_CSV, files[:TRAIN]), (TEST_CSV, files[TRAIN:])), (TRAIN, TEST), strict=True):
        lines = ["Image Name,MOS"]
        for number, file in enumerate(rows):
            photo = cv2.GaussianBlur(cv2.resize(read_photo(file), (512, 512)), (0, 0), 0.5 + 1.5 * number)
            cv2.imwrite(str(folder / "data" / "Images" / f"{file.stem}.png"), photo)
            lines.append(f"{file.stem}.png,{0.9 - 0.8 * number / blurs:.3f}")
        (folder / "data" / name).write_text("\n".join(lines) + "\n")
    depth = create("depth_anything_v2_vits")
    seed_weights(depth, "commands")
    save_file(depth.state_dict(), folder / "depth.safetensors")
    (folder / "job.toml").write_text(
        'data = "data"\nencoder = "depth.safetensors"\nimagenet = "none"\ncache = "cache"\nthreads = 1\n'
        "[dgiqa]\nepochs = 3\nbatch = 4\npasses = 3\ncrops = 1\naugment = false\ndropout = 0.0\ndrop_path = 0.0\n"
        "weight_decay = 0.0\ndepth_side = 56\n"
    )
    assert main(["depth", "--config", str(folder / "job.toml"), "--part", "train"]) == 0
    return folder


def overfitted(place, out, capsys, *more):
    """Rows of the curves of a run that trains and validates on eight photos, and what it said."""
    arguments = ["dgiqa", "--config", str(place / "job.toml"), "--out", str(out), "--overfit", "8"]
    assert main([*arguments, "--device", "cpu", *more]) == 0
    lines = (out / "curves.csv").read_text().splitlines()
    names = lines[0].split(",")
    return [dict(zip(names, map(float, line.split(",")), strict=True)) for line in lines[1:]], capsys.readouterr().out


@pytest.fixture
def small(monkeypatch, small_sizes):
    """Everything takes the shrunken network for the published one."""
    monkeypatch.setattr(dgiqa, "PUBLISHED", small_sizes)
    networks.signature.cache_clear()
    yield
    networks.signature.cache_clear()


def test_a_run_says_what_it_starts_from_and_leaves_weights_that_a_build_takes(small, place, tmp_path, capsys):
    weights = tmp_path / "dgiqa.safetensors"
    rows, said = overfitted(place, tmp_path / "run", capsys, "--weights", str(weights))
    assert len(rows) == 3
    assert "start: random: the published code starts both Swin-T from ImageNet" in said
    assert "8 photos, cpu, float32" in said
    assert json.loads((tmp_path / "run" / "config.json").read_text())["start"] == "random"
    network = NetworkSource.of("quality", "dgiqa", weights, "unused").load()
    kept = torch.load(tmp_path / "run" / "best.pt", weights_only=True)["network"]
    for key, value in network.state_dict().items():
        torch.testing.assert_close(value, kept[key], rtol=1e-3, atol=1e-6)  # matrices are written as float16

    _, said = overfitted(place, tmp_path / "on", capsys, "--start", str(weights))
    assert "start: the weights of dgiqa.safetensors" in said


def test_a_run_starts_from_imagenet_where_the_configuration_names_a_file(small, place, tmp_path, capsys):
    torch.manual_seed(0)
    swin = {key.replace("layers_", "layers."): value for key, value in dgiqa.DGIQA().backbone.state_dict().items()}
    save_file(swin, place / "swin.safetensors")
    (place / "swin.toml").write_text('swin = "swin.safetensors"\n' + (place / "job.toml").read_text())
    arguments = ["dgiqa", "--config", str(place / "swin.toml"), "--out", str(tmp_path), "--overfit", "8"]
    assert main(arguments) == 0
    assert "start: both Swin-T from swin.safetensors, the rest random" in capsys.readouterr().out


def test_the_test_split_is_scored_once_its_depth_is_there(small, place, tmp_path, capsys):
    weights, config = tmp_path / "dgiqa.safetensors", ["--config", str(place / "job.toml")]
    torch.manual_seed(0)
    save_file(dgiqa.DGIQA().state_dict(), weights)
    evaluate = ["evaluate", *config, "--model", "dgiqa", "--weights", str(weights), "--json", str(tmp_path / "r.json")]
    assert main([*evaluate, "--part", "test"]) == 2
    assert f"only 0 of {TEST} photos have depth: run `depth --part test`" in capsys.readouterr().err
    assert main(["depth", *config, "--part", "test"]) == 0
    assert main([*evaluate, "--part", "test"]) == 0
    report = json.loads((tmp_path / "r.json").read_text())
    assert (report["model"], report["part"]) == ("dgiqa", "test")
    assert -1.0 <= report["agreement"]["srcc"]["value"] <= 1.0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--overfit", "9"], 2, "only 8 photos to fit have depth: run `depth --part train` first"),
        (["--overfit", "4", "--start", "depth.safetensors"], 3, "does not hold the weights of dgiqa"),
    ],
)
def test_mistakes_are_named(small, place, tmp_path, capsys, monkeypatch, arguments, code, said):
    monkeypatch.chdir(place)
    assert main(["dgiqa", "--config", "job.toml", "--out", str(tmp_path), *arguments]) == code
    assert said in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(3600)  # a minute on a core of its own
def test_the_published_network_learns_a_few_photos_by_heart(place, tmp_path, capsys):
    """The whole network on a CPU, briefly; `training/cards/reference.md` has the longer proof."""
    weights = tmp_path / "dgiqa.safetensors"
    rows, _ = overfitted(place, tmp_path / "run", capsys, "--overfit", "4", "--weights", str(weights))
    assert rows[-1]["loss"] < 0.5 * rows[0]["loss"]
    assert np.isfinite([value for row in rows for value in row.values()]).all()
    assert not NetworkSource.of("quality", "dgiqa", weights, "unused").load().training
