"""The pictures of ``docs/pictures/``: each is made by a command, shown by a page, and small."""

import re

import documents
import pytest
import screenshots
from places import ROOT

README_S = "demo.jpg"  # sharp photos, and the first thing that is seen
LARGEST, ALL_OF_THEM = 120_000, 750_000
PICTURE = re.compile(r"!\[(?P<words>[^\]]*)\]\((?P<path>[^)]+)\)\n\n?(?P<caption>[^\n]*)")


def test_no_picture_is_left_over_and_none_is_missing() -> None:
    there = {path.name for path in screenshots.PICTURES.iterdir()}
    assert there == set(screenshots.IN_DOCS), "make screenshots"


def test_they_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in screenshots.PICTURES.iterdir()}
    assert {name: size for name, size in sizes.items() if size > LARGEST and name != README_S} == {}
    assert sum(sizes.values()) < ALL_OF_THEM


@pytest.mark.parametrize("name", sorted(screenshots.IN_DOCS))
def test_a_page_shows_it_with_words_for_those_who_do_not_see_it(name: str) -> None:
    shown = [
        found
        for page in documents.PAGES
        for found in PICTURE.finditer((ROOT / page).read_text(encoding="utf-8"))
        if found["path"].endswith(f"pictures/{name}")
    ]
    assert shown
    for found in shown:
        assert len(found["words"].split()) >= 5
    assert any("`" in found["caption"] for found in shown), f"no line below {name} names the command"
