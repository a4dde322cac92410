"""Values in the text of a pipeline."""

import pytest

from dgiqa_edge.runtime.watch.media.pipeline_text import rate_text


@pytest.mark.parametrize(
    ("fps", "text"),
    [
        (30, "30/1"),
        (30.0, "30/1"),
        (29.97, "30000/1001"),
        (59.94, "60000/1001"),
        (23.976, "24000/1001"),
        (12.5, "25/2"),
        (0.1, "1/10"),
        (7.5, "15/2"),
        (999, "999/1"),
    ],
)
def test_a_rate_as_caps_have_it(fps: float, text: str) -> None:
    assert rate_text(fps) == text
