"""Each class of errors has its entry on the troubleshooting page, which the command line names."""

import re

import pytest
from places import ROOT

from dgiqa_edge.runtime import errors
from dgiqa_edge.runtime.watch.sinks.queued import RefusedError

CLASSES = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.DgiqaEdgeError)]


def entries() -> dict[str, str]:
    """The page's sections by their anchor, as MkDocs and GitHub make it of a heading of one word."""
    parts = re.split(r"^## (.+)$", (ROOT / errors.PAGE).read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {heading.lower(): text for heading, text in zip(parts[1::2], parts[2::2], strict=True)}


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if kind is not errors.DgiqaEdgeError])
def test_every_class_has_its_entry(kind: type[errors.DgiqaEdgeError]) -> None:
    page, _, anchor = errors.page_of(kind).partition("#")
    assert page == errors.PAGE
    told = re.match(r"\s*\*(.+?)\*", entries()[anchor], flags=re.DOTALL)
    assert told, "an entry opens with what the class is"
    assert f"Exit code {kind.exit_code}." in entries()[anchor]


def test_no_entry_is_of_a_class_that_is_gone() -> None:
    named = {entry for entry in entries() if entry.endswith("error") and " " not in entry}
    assert named == {kind.__name__.lower() for kind in CLASSES} - {"dgiqaedgeerror"}


def test_a_class_of_elsewhere_is_explained_with_the_one_above_it() -> None:
    assert errors.page_of(RefusedError) == f"{errors.PAGE}#sinkerror"
