"""Plots as shapes: scales end on round ticks, points land where they belong, text is escaped."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.ground.pages.html import environment
from dgiqa_edge.runtime.ground.pages.svg import Plot, scale, tick_text


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.booleans())
def test_a_scale_encloses_its_values_and_ends_on_ticks(values, from_zero):
    found = scale(values, "x", from_zero)
    slack = 1e-9 * max(1.0, *(abs(value) for value in values))
    assert found.low - slack <= min(values)
    assert found.high + slack >= max(values)
    assert found.low < found.high
    assert found.ticks[0] == pytest.approx(found.low)
    assert found.ticks[-1] == pytest.approx(found.high)
    assert 2 <= len(found.ticks) <= 14


def test_values_that_are_no_numbers_do_not_move_a_scale():
    assert scale([1.0, float("nan"), 3.0], "x").low == 1.0
    assert scale([], "x").low < scale([], "x").high


@pytest.mark.parametrize(
    ("value", "step", "text"),
    [(0.0, 0.2, "0.0"), (1.25, 0.25, "1.25"), (2.5, 2.5, "2.5"), (1500.0, 500.0, "1500"), (-0.0, 1.0, "0")],
)
def test_ticks_have_the_decimals_of_their_step(value, step, text):
    assert tick_text(value, step) in (text, "0")


def test_points_land_between_the_axes_and_the_result_is_well_formed():
    plot = Plot(scale([0, 10], "time, <s>"), scale([0, 1], "a & b"), 'a "title"')
    (left, bottom), (right, top) = plot.at(np.array([0.0, 10.0]), np.array([0.0, 1.0]))
    assert left < right
    assert top < bottom
    plot.line(np.array([0.0, 10.0]), np.array([0.0, 1.0]), "blue", "name <1>")
    plot.dots(np.array([5.0]), np.array([0.5]), "orange", "dots")
    plot.columns(np.array([0.0, 1.0, 2.0]), np.array([0.5, 1.0]), "green")
    plot.mark_x(9.9, "right & edge")
    plot.mark_y(0.5, "middle")
    root = ElementTree.fromstring(
        environment("dgiqa_edge.runtime.ground.pages", "watch", bool).get_template("parts.html.j2").module.draw(plot)
    )
    texts = "".join(root.itertext())
    assert "time, <s>" in texts
    assert "name <1>" in texts
    assert "right & edge" in texts


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 1)), min_size=1, max_size=5))
def test_no_note_lies_upon_another_and_all_lie_in_the_plot(points):
    plot, placed = Plot(scale([0, 10], "x"), scale([0, 1], "y"), "title"), []
    for x, y in points:
        plot.note(x, y, "nano int8", placed)
    for number, (left, right, row) in enumerate(placed):
        assert 0 <= left < right <= plot.width
        assert 0 < row <= plot.bottom
        for start, end, other in placed[:number]:
            assert right <= start or end <= left or abs(row - other) >= 15
