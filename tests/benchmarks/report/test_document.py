"""The report document against its published schema."""

import json

import jsonschema
import numpy as np
import pytest
from places import ROOT

from dgiqa_edge.benchmarks.report.document import read_report, with_section, write_report
from dgiqa_edge.benchmarks.report.facts import fidelity_table
from dgiqa_edge.runtime.errors import ConfigurationError

SCHEMA = json.loads((ROOT / "benchmarks" / "schemas" / "report.schema.json").read_text(encoding="utf-8"))
VALUES = np.random.default_rng(0).normal(20.0, 0.5, 700)


def test_the_schema_is_itself_valid_and_accepts_a_report(make_report, tmp_path):
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    path = tmp_path / "report.json"
    report = make_report(VALUES, per_image=[(0.5, 0.51), (0.7, 0.69)], power_w=np.full(40, 6.0))
    write_report(path, report)
    jsonschema.validate(json.loads(path.read_text()), SCHEMA)
    assert read_report(path) == report


def test_fidelity_of_faults_is_shown_where_the_bundle_has_it(make_report):
    report = make_report(VALUES, per_image=[(0.5, 0.51)])
    assert not any(name == "faults" for name, _ in fidelity_table(report).rows)
    report["fidelity"]["faults_mae"] = 0.0125
    jsonschema.validate(report, SCHEMA)
    assert ("faults", "mean absolute difference of their probabilities 0.01250") in fidelity_table(report).rows


def test_every_absent_section_has_its_reason(make_report):
    report = make_report(VALUES)
    for name in ("telemetry", "accuracy", "fidelity", "soak"):
        assert report[name] is None
        assert report["not_measured"][name]
    whole = with_section(report, "accuracy", {"measured": []})
    assert "accuracy" not in whole["not_measured"]
    assert "accuracy" in report["not_measured"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema_version": 2}, "update dgiqa-edge"),
        ({"kind": "something"}, "no benchmark report"),
        ({"surprise": 1}, "breaks the report schema"),
        ({"warnings": [{"code": "x"}]}, "breaks the report schema"),
    ],
)
def test_a_foreign_or_broken_report_is_refused(make_report, tmp_path, change, words):
    path = tmp_path / "report.json"
    path.write_text(json.dumps({**make_report(VALUES), **change}))
    with pytest.raises(ConfigurationError, match=words):
        read_report(path)


def test_a_report_that_breaks_the_schema_never_reaches_the_disk(make_report, tmp_path):
    path = tmp_path / "report.json"
    with pytest.raises(ConfigurationError, match="breaks the report schema"):
        write_report(path, {**make_report(VALUES), "argv": "one string"})
    assert not path.exists()


@pytest.mark.parametrize(
    ("content", "words"), [(None, "cannot be read"), ("{", "not valid JSON"), ("[]", "no benchmark")]
)
def test_a_file_that_is_no_report_is_named(tmp_path, content, words):
    path = tmp_path / "file.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match=words):
        read_report(path)
