"""The ladder in the manifest: read back typed, refused where malformed, absent in old bundles, shown as a table."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dgiqa_edge.runtime import load_bundle
from dgiqa_edge.runtime.bundle.checks import SCHEMA_FILE
from dgiqa_edge.runtime.bundle.ladder_table import STATUS_WORDS, ladder_lines
from dgiqa_edge.runtime.bundle.manifest import LadderRecord
from dgiqa_edge.runtime.bundle.records import plain
from dgiqa_edge.runtime.errors import BundleError

FIGURES = ("score_mae", "score_max", "score_srcc", "depth_mae_levels", "depth_correlation", "p50_ms")


def rung(name: str, status: str, **figures: Any) -> dict[str, Any]:
    precision = name.partition("-")[0]
    empty = {"size_bytes": None, **dict.fromkeys(FIGURES), "float_blocks": []}
    told = {"name": name, "precision": precision, "backend": "onnxruntime", "status": status, "reason": "why"}
    return {**told, **empty, **figures}


def ladder() -> dict[str, Any]:
    return {
        "device": "ONNX Runtime 1.20 on a CPU",
        "budget": {"score_mae": 0.01, "score_max": None, "srcc": 0.99, "depth_corr": None, "depth_mae": None},
        "latency_target_ms": 10.0,
        "photos": 8,
        "held_out": True,
        "runs": 15,
        "threads": 2,
        "rungs": [
            rung("int8", "over_budget", score_mae=0.02, score_srcc=0.97, p50_ms=5.25, size_bytes=3 << 20),
            rung("int8-mixed-50", "accepted", score_mae=0.009, p50_ms=6.0, float_blocks=["network/trunk/blocks.0"]),
            rung("fp16", "unsupported"),
            rung("fp32", "slower", score_mae=0.0, p50_ms=9.0, backend="openvino"),
        ],
        "sensitivity": {
            "figure": "score_mae",
            "photos": 8,
            "blocks": [
                {"block": "network/trunk/blocks.0", "layers": 4, "score_mae": 0.0084, "depth_mae_levels": 0.5},
                {"block": "network/head", "layers": 1, "score_mae": 0.001, "depth_mae_levels": 0.0},
            ],
        },
    }


def with_ladder(document: dict[str, Any]) -> None:
    document["ladder"] = ladder()


def test_a_ladder_is_read_back_as_it_was_written(make_bundle: Callable[..., Path]) -> None:
    record = load_bundle(make_bundle(edit=with_ladder)).manifest.ladder
    assert isinstance(record, LadderRecord)
    assert json.loads(json.dumps(plain(record))) == ladder()


def test_rungs_of_older_bundles_name_no_backend(make_bundle: Callable[..., Path]) -> None:
    def edit(document: dict[str, Any]) -> None:
        with_ladder(document)
        for entry in document["ladder"]["rungs"]:
            del entry["backend"]

    record = load_bundle(make_bundle(edit=edit)).manifest.ladder
    assert record is not None and {entry.backend for entry in record.rungs} == {""}
    assert ladder_lines(record)[1].split()[:2] == ["int8", "-"]


@pytest.mark.parametrize("edit", [None, lambda document: document.update(ladder=None)])
def test_bundles_without_a_ladder_stay_readable(make_bundle: Callable[..., Path], edit: Any) -> None:
    assert load_bundle(make_bundle(edit=edit)).manifest.ladder is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("rungs",), []),
        (("rungs", 0, "status"), "maybe"),
        (("rungs", 0, "precision"), "int4"),
        (("rungs", 0, "p50_ms"), -1.0),
        (("rungs", 0, "score_srcc"), 1.5),
        (("budget", "srcc"), "0.99"),
        (("sensitivity", "figure"), "guess"),
        (("runs",), 0),
        (("extra",), 1),
    ],
)
def test_a_malformed_ladder_is_refused_by_its_field(
    make_bundle: Callable[..., Path], path: tuple[Any, ...], value: Any
) -> None:
    def edit(document: dict[str, Any]) -> None:
        with_ladder(document)
        place = document["ladder"]
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    with pytest.raises(BundleError, match="ladder"):
        make_bundle(edit=edit)


def test_the_table_shows_every_rung_and_what_it_was_judged_by(make_bundle: Callable[..., Path]) -> None:
    record = load_bundle(make_bundle(edit=with_ladder)).manifest.ladder
    assert record is not None
    lines = ladder_lines(record)
    assert [line.split()[0] for line in lines[1:5]] == ["int8", "int8-mixed-50", "fp16", "fp32"]
    assert [line.split()[1] for line in lines[:5]] == ["backend", *["onnxruntime"] * 3, "openvino"]
    assert lines[1].split()[2:7] == ["3.0", "MiB", "0.02000", "-", "0.9700"]
    assert lines[1].endswith("5.2 ms  over budget: why")
    assert lines[3].endswith("not supported here: why")
    assert "budget score_mae=0.01,srcc=0.99; latency target 10 ms" in lines[5]
    assert "8 held-out photos, p50 of 15 runs" in lines[6]
    assert "network/trunk/blocks.0 0.00840, network/head 0.00100" in lines[7]


def test_rungs_that_read_faults_have_a_column_for_them(make_bundle: Callable[..., Path]) -> None:
    def edit(document: dict[str, Any]) -> None:
        with_ladder(document)
        document["ladder"]["rungs"][0]["faults_mae"] = 0.0125

    record = load_bundle(make_bundle(edit=edit)).manifest.ladder
    assert record is not None
    lines = ladder_lines(record)
    place = lines[0].index("faults MAE")
    assert lines[1][place : place + 10] == "   0.01250"
    assert lines[2][place : place + 10] == "         -"
    without = load_bundle(make_bundle(edit=with_ladder)).manifest.ladder
    assert without is not None and "faults" not in "".join(ladder_lines(without))


def test_every_status_of_the_schema_has_its_words() -> None:
    schema = json.loads(SCHEMA_FILE.read_text())["properties"]["ladder"]["properties"]
    assert set(STATUS_WORDS) == set(schema["rungs"]["items"]["properties"]["status"]["enum"])
