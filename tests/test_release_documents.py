"""What a release is described by: its versions agree and are in order, its forms and its citation can be read."""

import re
from datetime import date

import pytest
import pythons
import yaml
from places import ROOT

from dgiqa_edge.runtime.version import VERSION

UNRELEASED = "Unreleased"
SECTIONS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
"""Of Keep a Changelog, in its order."""
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def numbers(version):
    return tuple(map(int, version.split(".")))


def flaws(changelog, version):
    """What is wrong with a changelog's headings when the code is of that version."""
    headings = re.findall(r"^## (.*)$", changelog, re.MULTILINE)
    found = [
        f"odd heading {one!r}"
        for one in headings
        if not re.fullmatch(rf"{UNRELEASED}|\d+\.\d+\.\d+ - \d{{4}}-\d\d-\d\d", one)
    ]
    released = [one.split(" - ") for one in headings if " - " in one]
    versions, days = [numbers(one[0]) for one in released], [date.fromisoformat(one[1]) for one in released]
    if UNRELEASED in headings[1:]:
        found.append(f"{UNRELEASED} is not at the top")
    if versions != sorted(set(versions), reverse=True) or days != sorted(days, reverse=True):
        found.append("versions are not in order, newest first")
    if versions and numbers(version) < versions[0]:
        found.append(f"the code is of {version}, older than the newest release")
    if UNRELEASED not in headings and numbers(version) not in versions:
        found.append(f"no heading for {version}")
    return found


def test_the_changelog_has_the_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert flaws(text, VERSION) == []
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        sections = re.findall(r"^### (.*)$", part, re.MULTILINE)
        assert sections == [one for one in SECTIONS if one in sections]


@pytest.mark.parametrize(
    ("headings", "version", "found"),
    [
        (["Unreleased"], "0.1.0", []),
        (["0.1.0 - 2030-01-02"], "0.1.0", []),
        (["Unreleased", "0.10.0 - 2030-02-01", "0.9.1 - 2030-01-02"], "0.11.0", []),
        (["0.1.0 - 2030-01-02"], "0.2.0", ["no heading for 0.2.0"]),
        (["Unreleased", "0.2.0 - 2030-01-02"], "0.1.0", ["the code is of 0.1.0, older than the newest release"]),
        (["0.9.0 - 2030-01-02", "0.10.0 - 2030-01-01"], "0.10.0", ["versions are not in order, newest first"]),
        (["0.2.0 - 2030-01-01", "0.1.0 - 2030-01-02"], "0.2.0", ["versions are not in order, newest first"]),
        (["0.1.0 - 2030-01-02", "Unreleased"], "0.1.0", ["Unreleased is not at the top"]),
        (["Unreleased", "v0.1"], "0.1.0", ["odd heading 'v0.1'"]),
    ],
)
def test_headings_out_of_order_are_seen(headings, version, found):
    assert flaws("".join(f"## {one}\n\n### Added\n- a\n" for one in headings), version) == found


def test_the_citation_says_what_its_format_wants():
    """The keys that version 1.2.0 of the Citation File Format demands, and ours."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["cff-version"] == "1.2.0"
    assert cited["version"] == VERSION
    assert cited["type"] == "software"
    assert cited["license"] in (ROOT / "setup.py").read_text(encoding="utf-8")
    (paper,) = cited["references"]
    for one in (cited, paper):
        assert one["title"] and all("name" in author or "family-names" in author for author in one["authors"])
    assert cited["message"] and paper["type"] == "article"
    assert paper["url"] in (ROOT / "README.md").read_text(encoding="utf-8")
    known = {
        "cff-version",
        "message",
        "title",
        "abstract",
        "type",
        "authors",
        "version",
        "license",
        "keywords",
        "references",
    }
    assert cited.keys() <= known | {"date-released"}


@pytest.mark.parametrize("file", FORMS, ids=lambda file: file.stem)
def test_a_form_can_be_filled_in(file):
    form = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert form.keys() == {"name", "description", "labels", "body"}
    asked = [one for one in form["body"] if one["type"] != "markdown"]
    assert {one["type"] for one in asked} <= {"input", "textarea", "dropdown", "checkboxes"}
    assert len({one["id"] for one in asked}) == len(asked) > 2
    assert all(one["attributes"]["label"] for one in asked)
    assert any(one.get("validations", {}).get("required") for one in asked)
    assert "dgiqa-edge doctor" in str(asked)


def test_there_is_a_form_for_each_kind():
    assert [file.stem for file in FORMS] == ["accuracy", "bug", "device"]


def test_users_of_the_wheel_are_told_of_this_version():
    commands = pythons.wheel_commands()
    assert f"dgiqa_edge-{VERSION}-py3-none-any.whl[cpu]" in commands
    for command in ("--version", "doctor", "gate defaults", "score --bundle bundle"):
        assert f"dgiqa-edge {command}" in commands
