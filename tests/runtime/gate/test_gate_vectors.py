"""The gate answers as the vectors say; the generated ones are those of the script beside them."""

import json

import pytest
from places import VECTORS
from vectors.gate import make_vectors

from dgiqa_edge.runtime.gate.gate import Gate
from dgiqa_edge.runtime.gate.policy_file import parse_policy

FOLDER = VECTORS / "gate"
FILES = sorted(FOLDER.glob("*.json"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_verdict_is_the_expected_one(file):
    document = json.loads(file.read_text())
    gate = Gate(parse_policy(document["policy"]), make_vectors.baseline_of(document["baseline"]))
    assert document["steps"]
    for index, step in enumerate(document["steps"]):
        answer = make_vectors.played(gate, step)
        assert {key: answer[key] for key in step["expect"]} == {
            key: pytest.approx(value, abs=1e-12) if isinstance(value, float) else value
            for key, value in step["expect"].items()
        }, f"step {index}"


def test_the_generated_files_are_those_of_the_script(tmp_path):
    make_vectors.write(tmp_path)
    generated = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert generated == {file.name: file.read_text() for file in FILES if not file.stem.startswith("hand_")}


def test_the_vectors_reach_every_state_and_reason():
    from dgiqa_edge.runtime.gate.gate import REASONS

    steps = [step["expect"] for file in FILES for step in json.loads(file.read_text())["steps"]]
    assert {step["reason"] for step in steps if "reason" in step} == set(REASONS)
    assert {step["state"] for step in steps if "state" in step} == {"pass", "reject", "unknown"}
    assert any("raises" in step for step in steps)
    assert len([file for file in FILES if file.stem.startswith("hand_")]) >= 3
