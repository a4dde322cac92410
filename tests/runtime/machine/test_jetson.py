"""JetPack by Jetson Linux: the newest on record of the same major that is not newer."""

import pytest

from dgiqa_edge.runtime.machine.jetson import jetpack_of_l4t


@pytest.mark.parametrize(
    ("l4t", "expected"),
    [
        ("35.1", "5.0.2"),
        ("35.4.1", "5.1"),
        ("36.3", "6.0"),
        ("36.4.0", "6.1"),
        ("36.4.4", "6.2"),
        ("36.5", "6.2"),
        ("38.4.0", "7.1"),
        ("32.7", None),
    ],
)
def test_jetpack_by_l4t(l4t: str, expected: str | None) -> None:
    found = jetpack_of_l4t(l4t)
    assert (found.version if found else None) == expected
