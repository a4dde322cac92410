"""Policies: the published defaults, what is refused and in which words, and that a file gives back what was written."""

import importlib.util
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgiqa_edge.runtime.errors import ConfigurationError, DgiqaEdgeError
from dgiqa_edge.runtime.gate import policy
from dgiqa_edge.runtime.gate.policy import CHECKS, GatePolicy, Role, Side
from dgiqa_edge.runtime.gate.policy_file import load_policy, parse_policy, policy_toml

DEFAULTS = Path(policy.__file__).parent / "defaults.json"


def test_an_empty_mapping_is_the_published_policy():
    assert parse_policy({}) == GatePolicy()


def changed(value):
    if isinstance(value, dict):
        return {key: changed(item) for key, item in value.items()}
    return value + 1 if type(value) in (float, int) else value


def test_every_published_number_is_that_of_the_file_which_the_native_runtime_reads_too(tmp_path):
    published = json.loads(DEFAULTS.read_text())
    assert GatePolicy().to_mapping() == published["policy"]
    other = {
        "checks": [changed(facts) for facts in published["checks"]],
        "frozen": changed(published["frozen"]),
        "policy": changed(published["policy"]),
    }
    (tmp_path / "policy.py").write_text((DEFAULTS.parent / "policy.py").read_text())
    (tmp_path / DEFAULTS.name).write_text(json.dumps(other))
    spec = importlib.util.spec_from_file_location(f"{policy.__package__}.other_policy", tmp_path / "policy.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    assert found.GatePolicy().to_mapping() == other["policy"]
    assert vars(found.FROZEN) == other["frozen"]
    for facts in other["checks"]:
        check = found.CHECKS[facts["name"]]
        rule = facts.pop("normal", None)
        assert facts == {"name": facts["name"]} | {key: getattr(check, key) for key in facts if key != "name"}
        assert check.normal == (None if rule is None else found.NormalRule(**pairs_as_tuples(rule)))


def pairs_as_tuples(rule):
    return {key: tuple(value) if isinstance(value, list) else value for key, value in rule.items()}


@pytest.mark.parametrize("name", CHECKS)
def test_every_default_has_its_thresholds_in_order(name):
    spec = CHECKS[name]
    reject, accept = spec.default.reject, spec.default.accept
    assert spec.low <= min(reject, accept) and max(reject, accept) <= spec.high
    assert accept > reject if spec.default.side is Side.BELOW else accept < reject


REFUSED = [
    ({"scores": {}}, r"gate\.scores is not a setting: did you mean 'score'\?"),
    ({"score": {"reject_under": 0.3}}, r"gate\.score\.reject_under is not a setting"),
    ({"score": {"reject_below": "0.3"}}, r"gate\.score\.reject_below is '0\.3': give a number from 0 to 1"),
    ({"score": {"reject_below": True}}, r"gate\.score\.reject_below is True: give a number"),
    ({"score": {"reject_below": float("nan")}}, r"gate\.score\.reject_below is nan"),
    ({"score": {"reject_below": 10**400}}, r"gate\.score\.reject_below"),
    (
        {"score": {"reject_below": 0.5, "accept_above": 0.4}},
        r"gate\.score\.accept_above is 0\.4: .* at least reject_below",
    ),
    ({"score": {"reject_below": 0.5}}, r"accept_above is 0\.3: it must be at least reject_below \(0\.5\)"),
    ({"score": {"role": "explain"}}, r"gate\.score\.role is 'explain': give one of reject, off"),
    ({"cues": {"noise": {"accept_below": 9, "reject_above": 5}}}, r"cues\.noise\.accept_below is 9: .* at most"),
    ({"cues": {"noise": {"reject_below": 5}}}, r"cues\.noise\.reject_below is not a setting: did you mean"),
    ({"cues": {"noise": {"reject_ratio": 2}}}, r"cues\.noise\.accept_ratio is missing: reject_ratio needs it"),
    (
        {"cues": {"noise": {"reject_ratio": 2, "accept_ratio": 1.5}}},
        r"gate\.cues\.noise\.reject_ratio needs a baseline: set gate\.baseline\.learn_minutes above 0",
    ),
    ({"cues": {"luminance": {"reject_ratio": 2}}}, r"cues\.luminance\.reject_ratio is not a setting"),
    ({"cues": {"noise": 5}}, r"gate\.cues\.noise is 5: give a section"),
    ({"cues": []}, r"gate\.cues is \[\]: give a section"),
    ({"smoothing": {"method": "mean"}}, r"gate\.smoothing\.method is 'mean': give one of ema, median, none"),
    ({"smoothing": {"method": "meadian"}}, r"did you mean 'median'\?"),
    ({"smoothing": {"time_constant_s": 0}}, r"time_constant_s is 0: give a number from 0\.001"),
    ({"dwell": {"pass_s": -1}}, r"gate\.dwell\.pass_s is -1: give a number from 0"),
    ({"start": {"readings": 0}}, r"gate\.start\.readings is 0: give a whole number from 1"),
    ({"start": {"readings": 2.5}}, r"gate\.start\.readings is 2\.5: give a whole number"),
    ({"watchdog": {"action": "raise"}}, r"gate\.watchdog\.max_reject_s is missing: action 'raise' needs it"),
    ({"watchdog": {"max_reject_s": 0.1}}, r"max_reject_s is 0\.1: it must be at least dwell\.reject_s \(0\.5\)"),
    ({"frozen": {"role": "explain"}}, r"gate\.frozen\.role is 'explain': give one of reject, off"),
    ({"baseline": {"on_unusable": "ignore"}}, r"gate\.baseline\.on_unusable is 'ignore'"),
    ([1, 2], r"gate is \[1, 2\]: give a section"),
    (None, r"gate is None: give a section"),
]


@pytest.mark.parametrize(
    ("settings", "message"), REFUSED, ids=[json.dumps(case[0], default=str)[:60] for case in REFUSED]
)
def test_what_breaks_a_rule_is_refused_with_its_path(settings, message):
    with pytest.raises(ConfigurationError, match=message) as refusal:
        parse_policy(settings, "gate")
    assert "\n" not in str(refusal.value)


def test_ratios_alone_replace_the_absolute_thresholds():
    policy = parse_policy(
        {"cues": {"sharpness": {"reject_ratio": 0.5, "accept_ratio": 0.6}}, "baseline": {"learn_minutes": 5}}
    )
    limits = policy.limits["sharpness"]
    assert (limits.reject, limits.accept, limits.reject_ratio, limits.accept_ratio) == (None, None, 0.5, 0.6)
    assert limits.role is Role.EXPLAIN


FULL = {
    "score": {"reject_below": 0.3, "accept_above": 0.45, "reject_ratio": 0.7, "accept_ratio": 0.8},
    "smoothing": {"method": "median", "window_s": 0.25},
    "watchdog": {"max_reject_s": 60, "action": "pass"},
    "baseline": {"learn_minutes": 10, "on_unusable": "relearn"},
    "cues": {"noise": {"role": "off"}, "sharpness": {"reject_ratio": 0.5, "accept_ratio": 0.6}},
}


@pytest.mark.parametrize("settings", [{}, FULL], ids=["published", "full"])
@pytest.mark.parametrize("suffix", [".toml", ".yaml", ".json"])
def test_a_file_gives_back_the_policy(tmp_path, settings, suffix):
    policy = parse_policy(settings)
    assert parse_policy(policy.to_mapping()) == policy
    file = tmp_path / f"policy{suffix}"
    if suffix == ".toml":
        file.write_text(policy_toml(policy, ["two\nlines"]))
    elif suffix == ".yaml":
        yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
        file.write_text(yaml.safe_dump(policy.to_mapping()))
    else:
        file.write_text(json.dumps(policy.to_mapping()))
    assert load_policy(file) == policy


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("policy.ini", b"", r"must end in \.toml"),
        ("policy.toml", b"[score", "is not TOML"),
        ("policy.toml", b"\xff\xfe\x00", "is not UTF-8"),
        (
            "policy.toml",
            b"[score]\nreject_below = 7",
            r"policy\.toml: score\.reject_below is 7: give a number from 0 to 1",
        ),
        ("policy.json", b"[" * 100_000, "is not JSON"),
        ("policy.json", b"[]", "holds a list"),
        ("policy.yaml", b"a: [", "is not YAML"),
        ("policy.yaml", b"a: 2020-99-99", "is not"),
        ("policy.toml", b"#" * (1 << 21), "has more than the 1048576 bytes"),
        ("missing.toml", None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_policy_is_refused_with_its_name(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigurationError, match=message) as refusal:
        load_policy(tmp_path / name)
    assert name in str(refusal.value)
    assert "\n" not in str(refusal.value)


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
keys = st.sampled_from(["score", "cues", "noise", "role", "reject_below", "reject_above", "smoothing", "method", "x"])
anything = st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4))


@settings(max_examples=50)
@given(anything)
def test_any_settings_give_a_policy_or_a_refusal(values):
    try:
        policy = parse_policy(values, "gate")
    except ConfigurationError as refusal:
        assert "gate" in str(refusal)
    else:
        assert parse_policy(policy.to_mapping()) == policy


@given(st.sampled_from([".toml", ".yaml", ".json"]), st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_file_gives_a_policy_or_a_refusal(tmp_path_factory, suffix, content):
    file = tmp_path_factory.getbasetemp() / f"any{suffix}"
    file.write_bytes(content)
    try:
        load_policy(file)
    except DgiqaEdgeError as refusal:
        assert file.name in str(refusal)
