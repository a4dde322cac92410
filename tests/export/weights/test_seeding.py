"""Seeded weights: the same everywhere, different by seed and key, and healthy in the real networks."""

import numpy as np
import pytest
import torch

from dgiqa_edge.export import networks
from dgiqa_edge.export.weights.seeding import seed_weights, seeded_array


def test_an_entry_depends_on_seed_and_key_only():
    first = seeded_array("blocks.0.fc1.weight", (4, 8), "demo")
    torch.manual_seed(5)
    np.random.default_rng(5).random()
    assert np.array_equal(first, seeded_array("blocks.0.fc1.weight", (4, 8), "demo"))
    assert not np.array_equal(first, seeded_array("blocks.0.fc1.weight", (4, 8), "other"))
    assert not np.array_equal(first, seeded_array("blocks.1.fc1.weight", (4, 8), "demo"))


def test_the_numbers_are_fixed_across_versions():
    """Bundles, reports and caches name a seed: the numbers behind it must not change with a release."""
    values = seeded_array("fc1.weight", (2, 2), "demo")
    expected = [[-0.4497540295, -0.1915921271], [1.7713726759, -0.2913064659]]
    np.testing.assert_allclose(values, expected, rtol=1e-6)


@pytest.mark.parametrize(("key", "shape", "mean", "std"), [
    ("norm.weight", (4000,), 1.0, 0.05),
    ("norm.bias", (4000,), 0.0, 0.05),
    ("norm.running_mean", (4000,), 0.0, 0.05),
    ("norm.running_var", (4000,), 1.0, 0.0),
    ("ls1.gamma", (4000,), 0.4, 0.05),
    ("pos_embed", (1, 100, 40), 0.0, 0.3),
    ("fc1.weight", (40, 100), 0.0, 0.1),
    ("conv.weight", (40, 25, 2, 2), 0.0, 0.1),
    ("head.fc.weight", (40, 100), 0.0, 0.6),
    ("whole.statistics_deviation", (40,), 1.0, 0.0),
    ("depth_head.scratch.output_conv2.2.bias", (4000,), 4.0, 0.05),
])  # fmt: skip
def test_every_kind_of_entry_has_its_spread(key, shape, mean, std):
    values = seeded_array(key, shape, "demo")
    assert values.dtype == np.float32
    assert values.mean() == pytest.approx(mean, abs=0.05 * std + 1e-6 + std * 0.05)
    assert values.std() == pytest.approx(std, rel=0.1, abs=1e-6)


def test_batch_counters_are_whole_zeros():
    counter = seeded_array("norm.num_batches_tracked", (), "demo")
    assert counter.dtype == np.int64
    assert counter == 0


@pytest.mark.parametrize("name", ["dgiqa", "depth_anything_v2_vits"])
def test_real_networks_give_finite_and_varied_outputs(name):
    module = networks.create(name)
    seed_weights(module, "demo")
    assert all(tensor.any() for key, tensor in module.state_dict().items() if "num_batches" not in key)
    torch.manual_seed(0)
    # Two smooth fields and two noisy ones: an untrained network tells them apart if anything.
    fields = torch.nn.functional.interpolate(torch.randn(2, 3, 5, 5), size=(224, 224), mode="bicubic")
    images = torch.cat((fields, torch.randn(2, 3, 224, 224)))
    with torch.no_grad():
        output = module(images, images.flip(0)) if name == "dgiqa" else module(images[:1, :, :56, :70])
    assert bool(output.isfinite().all())
    assert output.std() > (0.005 if name == "dgiqa" else 0.1)
    assert (output > 0).float().mean() > 0.5
