"""Clips as `nano` read them, among the gate's vectors: each fault is told in time, nothing else, clean ones nothing.

The readings are real, the verdicts are the published policy's: both languages are held to them.
"""

import json
import re

import pytest
from places import VECTORS

from dgiqa_edge.benchmarks.cameras.gate_clips.clips import MEANS
from dgiqa_edge.benchmarks.cameras.gate_clips.report import IN_TIME_S
from dgiqa_edge.runtime.gate.policy import GatePolicy
from dgiqa_edge.runtime.gate.vocabulary import FAULTS

FILES = sorted((VECTORS / "gate").glob("clip_*.json"))
LATE = {"frozen": GatePolicy().frozen.after_s + 1.4, "lost blocks": 4.0}
"""What takes longer by its nature: a picture is frozen after a while only, blocks that are lost come and go."""


def told(document):
    """The faults that people are told of, each with its time."""
    verdicts = [(step["t"], step["expect"]) for step in document["steps"]]
    return [(t, it["reason"]) for t, it in verdicts if it["announced"] and it["reason"] in FAULTS]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_clip_is_called_by_its_fault(file):
    document = json.loads(file.read_text())
    fault = document["name"].rpartition(", ")[0]
    found = told(document)
    if fault == "clean":
        assert found == []
        return
    begin = float(re.search(r"begins at ([\d.]+) s", document["note"])[1])
    assert [reason for _, reason in found] == [MEANS[fault].reason]
    assert 0.0 < found[0][0] - begin <= LATE.get(fault, IN_TIME_S)


def test_all_faults_and_all_light_are_there():
    names = [json.loads(file.read_text())["name"].rpartition(", ") for file in FILES]
    assert {fault for fault, _, _ in names} == {*MEANS, "clean"}
    assert {light for fault, _, light in names if fault == "clean"} >= {"day", "night", "infrared", "dusk"}
