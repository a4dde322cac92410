import numpy as np
import pytest
import torch

from dgiqa_edge.export.networks.nano import VIEW_RULE
from dgiqa_edge.export.networks.views import crop_view, plan_views, whole_view
from dgiqa_edge.runtime.frames.fit import fit_frame
from dgiqa_edge.training.data.frame_views import FrameBatches, frame_views

SIZES = ((240, 320), (512, 512))


def photo(row):
    return np.random.default_rng(row).integers(0, 256, (300, 300, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", SIZES)
def test_views_are_those_of_the_fitted_frame(size):
    whole, crops = frame_views([photo(0), photo(1)], size)
    views = plan_views(size, VIEW_RULE)
    fitted = fit_frame(photo(1), *size)
    assert np.array_equal(whole[1].numpy(), whole_view(fitted, views.whole))
    assert np.array_equal(crops[1].numpy(), crop_view(fitted, views.crops[0]))


def batches(share):
    return FrameBatches(photo, np.arange(9), SIZES, 3, share)


def test_sizes_take_turns_and_a_seed_says_all():
    first, again = (list(batches(0.5).epoch((1, 2), 4)) for _ in range(2))
    assert [size for size, _ in first] == [*SIZES, *SIZES]
    for (_, one), (_, other) in zip(first, again, strict=True):
        assert torch.equal(one[0], other[0])
        assert torch.equal(one[1], other[1])
    _, (whole, crops) = next(batches(0.5).epoch((1, 3), 1))
    assert whole.shape[0] == crops.shape[0] == 3
    assert not torch.equal(whole, first[0][1][0])


def test_the_share_says_how_many_are_degraded():
    plain = [view for row in range(9) for view in frame_views([photo(row)], SIZES[0])[0]]
    originals = plain + [view.flip(2) for view in plain]

    def known(share):
        _, (whole, _) = next(batches(share).epoch((5,), 1))
        return [any(torch.equal(view, original) for original in originals) for view in whole]

    assert all(known(0.0))
    assert not any(known(1.0))
