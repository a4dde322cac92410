"""The policy reader accepts and refuses what the vectors say; the native runtime is held to the same ones."""

import json

import pytest
from places import VECTORS

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.gate.policy_file import parse_policy

FOLDER = VECTORS / "gate_policy"
ACCEPTED = json.loads((FOLDER / "accepted.json").read_text())
REFUSED = json.loads((FOLDER / "refused.json").read_text())


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: json.dumps(case["settings"])[:60])
def test_settings_mean_the_whole_policy(case):
    assert parse_policy(case["settings"]).to_mapping() == case["policy"]
    assert parse_policy(case["policy"]).to_mapping() == case["policy"]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: json.dumps(case["settings"])[:60])
def test_what_breaks_a_rule_is_refused_with_key_and_rule(case):
    with pytest.raises(ConfigurationError) as refusal:
        parse_policy(case["settings"])
    assert str(refusal.value).startswith(case["key"])
    assert case["rule"] in str(refusal.value)
