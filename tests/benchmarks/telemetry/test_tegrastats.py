"""tegrastats lines recorded on devices of JetPack 5, 6 and 7 (sources stand in the data), and lines that are none."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.benchmarks.telemetry.rails import jetson_total
from dgiqa_edge.benchmarks.telemetry.tegrastats import parse_line

RECORDED = json.loads((Path(__file__).parent / "tegrastats_lines.json").read_text(encoding="utf-8"))
NAMES = [f"JetPack {record['jetpack']} {record['device']}" for record in RECORDED]


def by_name(line):
    return {str(channel): value for channel, value in line.values.items()}


def test_every_generation_was_recorded():
    assert {record["jetpack"][0] for record in RECORDED} >= {"5", "6", "7"}


@pytest.mark.parametrize("record", RECORDED, ids=NAMES)
def test_a_recorded_line_is_read_whole(record):
    parsed = parse_line(record["line"])
    assert parsed is not None
    assert parsed.unknown == ()
    values = by_name(parsed)
    assert {name: values.get(name) for name in record["values"]} == pytest.approx(record["values"])
    assert not set(record["absent"]) & values.keys()


@pytest.mark.parametrize("record", RECORDED, ids=NAMES)
def test_the_total_is_taken_only_from_rails_that_make_one(record):
    values = by_name(parse_line(record["line"]))
    rails = frozenset(name.removeprefix("power_w.") for name in values if name.startswith("power_w."))
    scope = jetson_total(rails)
    if record["total_w"] is None:
        assert scope is None
    else:
        assert sum(values[f"power_w.{rail}"] for rail in scope.rails) == pytest.approx(record["total_w"])


def test_a_new_token_is_named_and_the_rest_is_kept():
    parsed = parse_line(RECORDED[4]["line"] + " NPU_FREQ 12%@[a] WARP 9")
    assert parsed.unknown == ("NPU_FREQ", "12%@[a]", "WARP", "9")
    assert by_name(parsed)["power_w.VDD_CPU_CV"] == 1.607


def test_cores_in_an_unknown_form_are_unknown_and_not_guessed():
    parsed = parse_line("RAM 1/2MB (lfb 1x4MB) CPU [3%@700,turbo] cpu@40C")
    assert parsed.unknown == ("CPU", "[3%@700,turbo]")
    assert "load_percent.cpu" not in by_name(parsed)


@pytest.mark.parametrize("load", ["off,off", "3%@1000,off"])
def test_cores_that_are_off_do_not_count(load):
    parsed = parse_line(f"RAM 1/2MB (lfb 1x4MB) CPU [{load}]")
    assert by_name(parsed).get("load_percent.cpu") == (None if load == "off,off" else 3)


@pytest.mark.parametrize(
    "text",
    ["", "tegrastats: command not found", "RAM plenty CPU [busy", "VDD_IN 5W/5W", "RAM 1/2MB (lfb 1x4MB) GR3D_FREQ 3%"],
)
def test_what_is_no_tegrastats_line_is_refused(text):
    assert parse_line(text) is None


@given(st.text(max_size=200))
def test_no_text_breaks_the_parser(text):
    parsed = parse_line(text)
    assert parsed is None or parsed.values


@given(st.sampled_from(RECORDED), st.integers(0, 600))
def test_a_line_cut_off_anywhere_gives_only_values_of_the_whole_line(record, length):
    parsed = parse_line(record["line"][:length])
    if parsed is not None:
        whole = by_name(parse_line(record["line"]))
        kept = by_name(parsed)
        # Only the last token may have lost digits; every other value is the whole line's.
        assert sum(whole.get(name) != value for name, value in kept.items()) <= 2
