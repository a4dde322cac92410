"""Every list of faults and reasons in the project is the vocabulary's: policies, schemas, settings, docs, vectors."""

import json
import re
from dataclasses import fields
from fnmatch import fnmatchcase

import pytest
from places import ROOT, VECTORS

from dgiqa_edge.calibration.degradations.kinds import FAULTS as HEADS
from dgiqa_edge.runtime.gate.checks import FrozenCheck
from dgiqa_edge.runtime.gate.gate import NO_SIGNAL_REASON
from dgiqa_edge.runtime.gate.policy import CHECKS, HEAD_CHECKS
from dgiqa_edge.runtime.gate.reading import CUE_NAMES
from dgiqa_edge.runtime.gate.verdict import RunnerUp
from dgiqa_edge.runtime.gate.vocabulary import CONDITIONS, FAULTS, REASONS, head_of

SCHEMA = json.loads((ROOT / "runtime" / "schemas" / "frame_event.schema.json").read_text())
MEASURES = {
    "faults": "fault head",
    "cue": "cue",
    "reference": "reference view",
    "clock": "clock",
    "score": "score",
}


def documented() -> list[str]:
    """The table of ``docs/watch.md``."""
    rows = [
        f"| {fault.name} | {fault.says} | {', '.join(MEASURES[one] for one in fault.measured_by)} | "
        f"{'until somebody comes' if fault.lasting else 'may pass by itself'} | `{fault.onvif}` |"
        for fault in FAULTS.values()
    ]
    return ["| reason | what it means | measured by | how long | ONVIF topic |", "|---|---|---|---|---|", *rows]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=lambda fault: fault.slug)
def test_a_fault_says_what_everybody_asks(fault):
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", fault.slug)
    assert fault.says[0].isupper() and fault.says.endswith(".")
    assert fault.measured_by and set(fault.measured_by) <= set(MEASURES)
    assert (fault.head is not None) == ("faults" in fault.measured_by)
    assert re.fullmatch(r"tns(1|dgiqa):[A-Za-z]+(/[A-Za-z]+)+", fault.onvif)
    assert fault.home_assistant in ("problem", "tamper")


def test_names_slugs_and_topics_tell_faults_apart():
    assert len({fault.slug for fault in FAULTS.values()}) == len({fault.onvif for fault in FAULTS.values()}) == 13
    assert not set(FAULTS) & set(CONDITIONS)
    assert [head_of(name) for name in ("too dark", "frozen", "good")] == ["dark", None, None]


def test_each_check_finds_a_fault_that_is_measured_so():
    for name, spec in CHECKS.items():
        fault = FAULTS[spec.reason]
        of_cue = {"cue", "reference"} & set(fault.measured_by)
        assert (name in CUE_NAMES) == bool(of_cue and name not in HEAD_CHECKS and name != "score"), name
        if name in HEAD_CHECKS:
            assert name == f"faults.{fault.head}"
    found = {spec.reason for spec in CHECKS.values()} | {FrozenCheck.reason, NO_SIGNAL_REASON}
    assert found == set(FAULTS)


def test_a_cue_answers_to_the_head_of_its_own_fault():
    for name, spec in CHECKS.items():
        if spec.head is not None:
            assert f"faults.{spec.head}" in HEAD_CHECKS
            assert name in CUE_NAMES
            # Contrast has no fault of its own: what takes it away is haze.
            assert spec.head == (FAULTS[spec.reason].head or "hazy")


def test_bundles_read_the_faults_of_the_vocabulary():
    assert {fault.head for fault in FAULTS.values()} - {None} == set(HEADS)
    assert {f"faults.{head}" for head in HEADS} == set(HEAD_CHECKS)


def test_the_schema_of_events_lists_checks_and_faults():
    verdict = SCHEMA["properties"]["verdict"]["oneOf"][1]["properties"]
    runner_up = verdict["runner_up"]["oneOf"][1]["properties"]
    checks = [FrozenCheck.name, *CHECKS]
    assert verdict["cue"]["enum"] == [*checks, None]
    assert runner_up["cue"]["enum"] == [name for name in checks if name != "score"]
    assert runner_up["reason"]["enum"] == [name for name in FAULTS if name != NO_SIGNAL_REASON]
    assert set(runner_up) == {item.name for item in fields(RunnerUp)}


def test_the_settings_page_names_each_check_s_fault():
    lines = (ROOT / "docs" / "settings.toml").read_text().splitlines()
    said = dict(re.match(r'"([^"]+)\.role" = "([^:"]+)', line).groups() for line in lines if '.role" = ' in line)
    for name, spec in CHECKS.items():
        path = name if name in HEAD_CHECKS else f"cues.{name}"
        if name != "score":
            assert next(word for key, word in said.items() if fnmatchcase(path, key)) == spec.reason, path


def test_the_page_of_watch_has_the_table():
    page = (ROOT / "docs" / "watch.md").read_text().splitlines()
    table = documented()
    assert table[0] in page, "\n".join(table)
    start = page.index(table[0])
    assert page[start : start + len(table) + 1] == [*table, ""], "\n".join(table)


def test_the_vectors_know_no_other_reason():
    steps = [
        step["expect"] for file in (VECTORS / "gate").glob("*.json") for step in json.loads(file.read_text())["steps"]
    ]
    assert {step["reason"] for step in steps if "reason" in step} == set(REASONS)


def test_old_words_are_gone():
    old = re.compile("occluded lens|decode errors|low contrast")
    places = [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs").glob("*.toml")]
    places += [
        file for end in ("py", "json", "js", "html", "cpp", "hpp", "h") for file in (ROOT / "runtime").rglob(f"*.{end}")
    ]
    assert [str(file) for file in places if old.search(file.read_text(encoding="utf-8"))] == []
