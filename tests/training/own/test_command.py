"""`dgiqa-edge train` from end to end, with `nano` and a small frame: photos and scores in, a bundle out."""

import json

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch")
from safetensors.numpy import load_file

from dgiqa_edge.export import networks
from dgiqa_edge.export.weights.network_source import SHIPPED_WEIGHTS
from dgiqa_edge.runtime import Scorer, load_bundle
from dgiqa_edge.runtime.commands import cli
from dgiqa_edge.training.own.features import LAST_LAYERS, last_layers

PHOTOS = 24
FRAME = ("--frame", "192x160", "--threads", "1")
WEIGHTS = "nano-own.safetensors"


@pytest.fixture(autouse=True)
def command(monkeypatch, tmp_path):
    # The installation may be older than the command.
    monkeypatch.setitem(cli._OWN_COMMANDS, "train", "dgiqa_edge.training.own.command")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Random scenes of blocks, ever more blurred; scores.csv likes blur, 1 to 5, and pairs.csv agrees."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    rows = []
    for number in range(PHOTOS):
        blocks = random.integers(0, 256, (10, 12, 3), dtype=np.uint8)
        picture = cv2.resize(blocks, (192, 160), interpolation=cv2.INTER_NEAREST)
        picture = cv2.GaussianBlur(picture, (0, 0), 0.3 + number / 3)
        cv2.imwrite(str(folder / f"{number}.png"), picture)
        rows.append(f"{number}.png,{1 + 4 * number / (PHOTOS - 1):.3f}")
    (folder / "scores.csv").write_text("\n".join(["image,score", *rows]))
    pairs = [f"{max(pair)}.png,{min(pair)}.png" for pair in random.integers(0, PHOTOS, (80, 2)) if pair[0] != pair[1]]
    (folder / "pairs.csv").write_text("\n".join(["better,worse", *pairs]))
    return folder


def train(photos, out, *options, table="scores.csv"):
    return cli.main(
        ["train", "--photos", str(photos), "--scores", str(photos / table), "--out", str(out), *FRAME, *options]
    )


def scored(bundle, photos):
    with Scorer(bundle, threads=1) as scorer:
        return [scorer.score(cv2.imread(str(photos / f"{number}.png"))) for number in range(PHOTOS)]


@pytest.mark.slow
def test_a_bundle_of_ones_own_scores_ones_way_and_keeps_depth(photos, tmp_path, capsys):
    out = tmp_path / "mine"
    assert train(photos, out, "--", "--fp32", "--backend", "onnxruntime") == 0
    printed = capsys.readouterr().out
    assert "24 photos are few" in printed
    assert sorted(path.name for path in out.iterdir() if not path.name.startswith(".")) == [
        "bundle",
        WEIGHTS,
        "report.json",
        "report.md",
        "scatter.png",
    ]
    report = json.loads((out / "report.json").read_text())
    assert report["verdict"] in printed
    assert [figure["name"] for figure in report["figures"]] == ["SRCC", "PLCC", "RMSE"]
    assert report["figures"][0]["verdict"] == "better"
    ship = tmp_path / "ship"
    assert cli.main(["build", "--fp32", "--backend", "onnxruntime", *FRAME, "--out", str(ship / "bundle")]) == 0
    own, base = scored(out / "bundle", photos), scored(ship / "bundle", photos)
    assert all(np.array_equal(one.depth, other.depth) for one, other in zip(own, base, strict=True))
    for one, told in zip(own, report["photos"], strict=True):
        assert one.score == pytest.approx(told["own"], abs=2e-4)
    for one, told in zip(base, report["photos"], strict=True):
        assert one.score == pytest.approx(told["base"], abs=2e-4)
    network = load_bundle(out / "bundle").manifest.networks[0]
    assert network.source == WEIGHTS
    assert network.licence.startswith("the user's own: nano.safetensors with last layers fitted to 24 photos")


def test_only_the_last_layers_differ_from_the_base_and_photos_are_looked_at_once(photos, tmp_path, capsys):
    out = tmp_path / "mine"
    assert train(photos, out, "--no-build", table="pairs.csv") == 0
    assert "pairs in order" in capsys.readouterr().out
    base, own = load_file(str(SHIPPED_WEIGHTS / "nano.safetensors")), load_file(str(out / WEIGHTS))
    assert sorted(base) == sorted(own)
    differ = {key for key in base if base[key].dtype != own[key].dtype or not np.array_equal(base[key], own[key])}
    assert differ
    assert all(key.rpartition(".")[0].endswith(LAST_LAYERS) for key in differ)
    first = (out / WEIGHTS).read_bytes()
    before = {path: path.stat().st_mtime_ns for path in (out / ".features").rglob("*.npz")}
    assert len(before) == PHOTOS
    assert train(photos, out, "--no-build", table="pairs.csv") == 0
    assert {path: path.stat().st_mtime_ns for path in (out / ".features").rglob("*.npz")} == before
    assert (out / WEIGHTS).read_bytes() == first


def test_a_photo_that_cannot_be_read_is_named_and_left_out(photos, tmp_path, capsys):
    (photos / "broken.png").write_bytes(b"no picture")
    (photos / "broken.csv").write_text((photos / "scores.csv").read_text() + "\nbroken.png,3")
    assert train(photos, tmp_path / "mine", "--no-build", table="broken.csv") == 0
    assert "1 photos cannot be read" in capsys.readouterr().err
    assert len(json.loads((tmp_path / "mine" / "report.json").read_text())["photos"]) == PHOTOS


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--base", "edge"), 3, "edge needs its depth weights"),
        (("--", "--out", "x"), 2, "--out is not for the build of own scores: give --out before the --"),
        (("--", "--from=x"), 2, "--from is not for the build of own scores: leave it out"),
        (("--", "--fp33"), 2, "unrecognized arguments: --fp33"),
        (("--frame", "100x100"), 2, "need at least 160x160"),
    ],
)
def test_what_cannot_work_is_refused_before_any_work(photos, tmp_path, capsys, options, code, said):
    assert train(photos, tmp_path / "mine", "--no-build", *options) == code
    assert said in capsys.readouterr().err
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("name", ["nano", "nano2", "edge", "edge_head"])
def test_every_network_on_views_has_its_last_layers_by_name(name):
    found = last_layers(networks.create(name))
    assert [key.split(".")[-2] for key in found] == ["whole_score", "crop_score"]
    assert all(layer.out_features == 1 for layer in found.values())
