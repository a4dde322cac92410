"""Sizes and positions of a frame graph, and the combinations that are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.export.frame_graph.geometry import plan
from dgiqa_edge.export.networks.published_sizes import CROP
from dgiqa_edge.runtime.errors import ConfigurationError


@given(
    height=st.integers(64, 2200),
    width=st.integers(64, 2200),
    depth_side=st.integers(4, 50).map(lambda patches: patches * 14),
    crops=st.integers(1, 24),
)
def test_a_plan_holds_its_promises_or_names_the_rule(height, width, depth_side, crops):
    try:
        geometry = plan((height, width), depth_side=depth_side, crops=crops)
    except ConfigurationError as error:
        assert "too elongated" in str(error) or "do not fit" in str(error)
        return
    assert min(geometry.depth_input) >= depth_side
    assert all(side % 14 == 0 for side in geometry.depth_input)
    assert min(geometry.quality_image) == 384
    assert len(set(geometry.crop_boxes)) == crops
    for x, y in geometry.crop_boxes:
        assert 0 <= x <= geometry.quality_image[1] - CROP
        assert 0 <= y <= geometry.quality_image[0] - CROP


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"frame": (40, 60)}, ["too small", "64"]),
        ({"frame": (100, 900)}, ["too elongated", "4 times"]),
        ({"depth_side": 300}, ["multiple of 14", "294", "308"]),
        ({"depth_side": 14}, ["at least 56"]),
        ({"short_side": 200}, ["at least 224"]),
        ({"crops": 0}, ["at least one"]),
        ({"short_side": 224, "frame": (300, 300), "crops": 9}, ["do not fit"]),
        ({"crop_boxes": [(500, 0)]}, ["(500, 0)", "0..288"]),
        ({"crop_boxes": [(-1, 0)]}, ["(-1, 0)"]),
        ({"crop_boxes": []}, ["no crop boxes"]),
    ],
)
def test_nonsense_is_refused_with_the_rule_it_breaks(options, words):
    with pytest.raises(ConfigurationError) as refusal:
        plan(**{"frame": (480, 640), **options})
    assert all(word in str(refusal.value) for word in words)
