"""Recipes of the one-network presets: which weights they take, what they refuse, and a bundle at the end."""

import argparse

import cv2
import numpy as np
import pytest
from safetensors.torch import save_file

from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.export import networks
from dgiqa_edge.export.build.build import Build
from dgiqa_edge.export.build.recipes import PipelineRecipe, ViewsRecipe, recipe_of
from dgiqa_edge.export.options import build_options
from dgiqa_edge.export.stages.reporter import Reporter
from dgiqa_edge.export.weights.seeding import seed_weights
from dgiqa_edge.runtime import Scorer, load_bundle
from dgiqa_edge.runtime.errors import CheckpointError, ConfigurationError


def options_of(*argv):
    parser = argparse.ArgumentParser()
    build_options.configure(parser)
    return build_options.from_args(parser.parse_args(argv))


@pytest.fixture(scope="module")
def nano_weights(tmp_path_factory):
    network = networks.create("nano")
    seed_weights(network, "test")
    path = tmp_path_factory.mktemp("weights") / "nano.safetensors"
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, str(path))
    return path


def test_the_preset_decides_the_recipe(nano_weights):
    assert isinstance(recipe_of(options_of("--preset", "reference")), PipelineRecipe)
    assert isinstance(recipe_of(options_of("--preset", "nano", "--quality-weights", str(nano_weights))), ViewsRecipe)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("--depth-side", "252"), "--depth-side does not apply"),
        (("--short-side", "384"), "--short-side does not apply"),
        (("--crop-boxes", "0,0"), "use --crops"),
        (("--layout", "split"), "only --layout fused"),
        (("--depth-weights", "x.pth"), "as --quality-weights"),
        (("--depth-network", "depth_anything_v2_vits"), "--depth-network does not apply"),
    ],
)
def test_options_of_the_pipeline_are_refused(argv, message, nano_weights):
    with pytest.raises(ConfigurationError, match=message):
        recipe_of(options_of("--preset", "nano", "--quality-weights", str(nano_weights), *argv))


def test_a_build_ends_in_a_bundle_that_scores(nano_weights, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    argv = ("--int8", "--preset", "nano", "--frame", "320x256", "--crops", "2", "--threads", "2")
    argv += ("--quality-weights", str(nano_weights), "--out", str(tmp_path / "bundle"))
    result = Build(options_of(*argv), Reporter(stages=7)).run()
    manifest = load_bundle(result.bundle).manifest
    assert [network.role for network in manifest.networks] == ["both"]
    assert (manifest.geometry.crop, len(manifest.geometry.crop_boxes)) == (160, 2)
    assert sum(counts.get("int8", 0) for counts in manifest.precision.nodes.values()) > 40
    photo = cv2.imread(str(SHIPPED_PHOTOS / "cat.jpg"))
    with Scorer(result.bundle) as scorer:
        quality = scorer.score(photo)
    assert quality.crop_scores.shape == (3,)
    assert quality.score == pytest.approx(float(np.mean(quality.crop_scores)), abs=1e-3)
    assert quality.depth.shape == manifest.geometry.depth_output


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    network = networks.create("edge_head")
    seed_weights(network, "test")
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, str(path))
    with pytest.raises(CheckpointError, match="edge_head"):
        recipe_of(options_of("--preset", "nano", "--quality-weights", str(path))).module()
