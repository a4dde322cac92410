"""Version requirements of engines against installed backends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.errors import BundleError
from dgiqa_edge.runtime.machine.version_requirement import satisfies

RELEASES = st.lists(st.integers(0, 40), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("version", "requirement", "met"),
    [
        ("1.17.0", ">=1.17", True),
        ("1.16.3", ">=1.17", False),
        ("1.9.0", ">=1.17", False),  # a comparison of texts would say yes
        ("10.3.0", "==10.3", True),
        ("10.3.0.26", "==10.3.0", False),
        ("8.6.1", ">=8.5,<9", True),
        ("9.0", ">=8.5, <9", False),
        ("1.20.0rc1", ">=1.20", True),
        ("1.20.0+cu126", "!=1.20", False),
        ("2.0", ">1.99", True),
        ("2.0", "<=1.99", False),
        ("anything", None, True),
        ("unknown", ">=1.0", False),
    ],
)
def test_requirements(version: str, requirement: str | None, met: bool) -> None:
    assert satisfies(version, requirement) is met


@pytest.mark.parametrize("requirement", ["", "1.17", "~=1.17", ">=", ">=1.17,", ">=1.x"])
def test_another_form_is_refused(requirement: str) -> None:
    with pytest.raises(BundleError, match="version requirement"):
        satisfies("1.17", requirement)


@given(RELEASES, RELEASES)
def test_orders_are_consistent(first: list[int], second: list[int]) -> None:
    version, other = (".".join(map(str, release)) for release in (first, second))
    assert satisfies(version, f">={other}") is not satisfies(version, f"<{other}")
    assert satisfies(version, f"<={other}") is not satisfies(version, f">{other}")
    assert satisfies(version, f"=={other}") is (satisfies(version, f">={other}") and satisfies(version, f"<={other}"))
