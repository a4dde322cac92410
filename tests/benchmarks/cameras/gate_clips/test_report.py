"""What the gate makes of readings: named, in time, with nothing else; and the program around it."""

import json

import cv2
import pytest
from places import ROOT

from dgiqa_edge.benchmarks.cameras.gate_clips.__main__ import main
from dgiqa_edge.benchmarks.cameras.gate_clips.clips import MEANS
from dgiqa_edge.benchmarks.cameras.gate_clips.footage import FPS
from dgiqa_edge.benchmarks.cameras.gate_clips.readings import Measured, read_readings, write_readings
from dgiqa_edge.benchmarks.cameras.gate_clips.report import (
    PROFILED,
    TITLES,
    WITH,
    WITHOUT,
    judge,
    markdown,
    reason_scores,
    rows,
)
from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.errors import ConfigurationError, SourceError
from dgiqa_edge.runtime.gate.policy import GatePolicy
from dgiqa_edge.runtime.gate.reading import NO_SIGNAL, Cues, Reading

GOOD = Reading(0.8, Cues(luminance=200.0, shadows=0.0, occlusion=0.1, change=2.0), {"dark": 0.0, "hazy": 0.0})
DARK = Reading(0.3, Cues(luminance=10.0, shadows=1.0, occlusion=0.1, change=2.0), {"dark": 1.0, "hazy": 0.0})
HAZY = Reading(0.5, Cues(luminance=200.0, shadows=0.0, occlusion=0.1, change=2.0), {"dark": 0.0, "hazy": 1.0})


def measured(fault, *parts, film=False):
    """A clip of readings, each so many frames; the fault begins with the second."""
    readings = tuple(reading for reading, frames in parts for _ in range(frames))
    return Measured("cat.jpg", film, "day", fault, parts[0][1] / FPS, len(readings) / FPS, readings)


FOUND = measured("too little light", (GOOD, 30), (DARK, 40))
MISSED = measured("too little light", (GOOD, 70))
CONFUSED = measured("too little light", (GOOD, 30), (HAZY, 40), film=True)
CLEAN = measured(None, (GOOD, 60))
LOST = measured("no signal", (GOOD, 30), (NO_SIGNAL, 40))


def outcomes(*clips):
    return [judge(clip, GatePolicy(), WITH) for clip in clips]


def test_a_clip_is_named_in_time_or_not_at_all_or_wrongly():
    found, missed, confused, clean, lost = outcomes(FOUND, MISSED, CONFUSED, CLEAN, LOST)
    assert 1.0 <= found.delay_s <= 2.0 and found.others == []
    assert missed.delay_s is None and missed.others == []
    assert confused.delay_s is None and confused.others == ["hazy"]
    assert clean.told == [] and clean.delay_s is None
    assert 1.0 <= lost.delay_s <= 2.0


def test_what_is_normal_in_the_first_seconds_is_no_fault_beside_it():
    hazy = Reading(0.5, GOOD.cues, {"dark": 0.0, "hazy": 0.9})
    clean = measured(None, (hazy, 60))
    assert [span.reason for span in judge(clean, GatePolicy(), WITHOUT).told] == ["hazy"]
    assert judge(clean, GatePolicy(), WITH).told == []
    assert judge(measured("too little light", (hazy, 30), (DARK, 40)), GatePolicy(), WITH).delay_s <= 2.0
    assert measured(None, (DARK, 60)).normal() is None


def test_rows_by_fault_footage_and_light():
    photo, film, clean = rows(outcomes(FOUND, MISSED, CONFUSED, CLEAN))
    assert (photo["fault"], photo["footage"], photo["clips"], photo["named"]) == ("too little light", "photo", 2, 1)
    assert photo["in_time"] == 1 and photo["nothing_else"] == 2
    assert (film["footage"], film["named"], film["else"]) == ("film", 0, {"hazy": 1})
    assert (clean["fault"], clean["nothing_else"], clean["seconds"]) == ("clean", 1, 6.0)


def test_reasons_over_all_clips():
    scores = reason_scores(outcomes(FOUND, MISSED, CONFUSED, CLEAN))
    assert (scores["too dark"].events, len(scores["too dark"].delays_s), scores["too dark"].precision) == (3, 1, 1.0)
    assert (scores["hazy"].events, scores["hazy"].false_alarms) == (0, 1)


def test_the_program_takes_kept_readings(tmp_path, capsys):
    kept, figures = tmp_path / "readings.jsonl", tmp_path / "figures.json"
    write_readings(kept, [FOUND, CONFUSED, CLEAN, LOST])
    assert read_readings(kept) == [FOUND, CONFUSED, CLEAN, LOST]
    assert main(["--bundle", str(tmp_path), "--readings", str(kept), "--json", str(figures)]) == 0
    shown = capsys.readouterr().out
    assert "too little light" in shown and "precision" in shown
    document = json.loads(figures.read_text())
    for title in TITLES:
        table = document[title]["clips"]
        faults = [row["fault"] for row in table]
        assert faults == (["clean"] if title == PROFILED else ["too little light"] * 2 + ["clean", "no signal"])
    assert document[WITH]["reasons"]["no signal"]["recall"] == pytest.approx(1.0)
    assert document["policy"] == GatePolicy().to_mapping()


@pytest.mark.parametrize("text", ["no JSON", "5", "{}", '{"readings": [{}]}', '{"readings": []}'])
def test_another_file_is_taken_for_none_of_readings(tmp_path, text):
    kept = tmp_path / "readings.jsonl"
    kept.write_text(text)
    with pytest.raises(SourceError, match="holds no readings of this program"):
        main(["--bundle", str(tmp_path), "--readings", str(kept)])
    assert kept.read_text() == text


def test_a_policy_that_is_missing_is_told_before_the_work(tmp_path):
    arguments = ["--bundle", str(tmp_path), "--photos", str(SHIPPED_PHOTOS), "--policy", str(tmp_path / "absent.toml")]
    with pytest.raises(ConfigurationError, match="absent"):
        main(arguments)


@pytest.mark.slow
def test_the_whole_from_a_photo_to_the_table(bundle_dir, tmp_path, capsys):
    photo, kept = tmp_path / "cat.png", tmp_path / "readings.jsonl"
    cv2.imwrite(str(photo), cv2.resize(cv2.imread(str(SHIPPED_PHOTOS / "cat.jpg")), (160, 120)))
    arguments = ["--bundle", str(bundle_dir), "--photos", str(photo), "--clean", "45", "--readings", str(kept)]
    assert main(arguments) == 0
    measured = capsys.readouterr().out
    assert len(read_readings(kept)) == 2 * len(MEANS) - 1 + 5
    assert all(fault in measured for fault in (*MEANS, "clean"))
    assert main(arguments) == 0
    assert capsys.readouterr().out == measured


def test_the_page_has_the_tables_of_the_committed_figures():
    document = json.loads((ROOT / "benchmarks" / "results" / "gate_clips.json").read_text())
    assert markdown(document) in (ROOT / "docs" / "watch.md").read_text()
    assert document["policy"] == GatePolicy().to_mapping()
