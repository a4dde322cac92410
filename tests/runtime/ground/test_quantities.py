"""Durations and sizes as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.ground.quantities import SECONDS_PER, duration_in, frame_size, mebibytes, remaining


@pytest.mark.parametrize(
    ("unit", "text", "value"),
    [
        ("s", "30", 30.0),
        ("s", "500ms", 0.5),
        ("s", "5m", 300.0),
        ("s", "5min", 300.0),
        ("s", "1h", 3600.0),
        ("s", " 1.5 h ", 5400.0),
        ("min", "30", 30.0),
        ("min", "90s", 1.5),
        ("ms", ".5s", 500.0),
        ("ms", "1e1ms", 10.0),
        ("s", "-3", -3.0),
        *(
            ("s", text, None)
            for text in ["", "s", "soon", "5 m m", "5d", "5M", "nan", "inf", "0x10", "1_0", "10ms10ms"]
        ),
    ],
)
def test_durations(unit, text, value):
    assert duration_in(unit, text) == (value if value is None else pytest.approx(value))


def test_a_number_alone_may_be_refused():
    assert duration_in("ms", "10", bare=False) is None
    assert duration_in("ms", "10ms", bare=False) == 10.0


@given(st.floats(0.0, 1e9), st.sampled_from(sorted(SECONDS_PER)))
def test_a_time_in_its_own_unit_is_itself(value, unit):
    assert duration_in(unit, f"{value!r}{unit}") == value == duration_in(unit, repr(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [("512", 512), ("512MiB", 512), ("512m", 512), ("2GiB", 2048), ("1.5G", 1536), ("1TiB", 1 << 20)]
    + [(text, None) for text in ["", "GiB", "2GB", "2 G iB", "nan", "5k"]],
)
def test_memory(text, value):
    assert mebibytes(text) == value


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1280x720", (1280, 720)),
        ("640X480", (640, 480)),
        ("1280", None),
        ("0x4", None),
        ("axb", None),
        ("1x123456", None),
    ],
)
def test_frame_sizes(text, size):
    assert frame_size(text) == size


@pytest.mark.parametrize(
    ("seconds", "words"), [(4.4, "4 s"), (89, "89 s"), (90, "2 min"), (3000, "50 min"), (9000, "2.5 h")]
)
def test_what_is_left_in_words(seconds, words):
    assert remaining(seconds) == words
