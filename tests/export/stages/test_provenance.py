"""The code key of a stage: every file of the folders that shape it changes it."""

import shutil

import pytest
from places import ROOT

from dgiqa_edge.export.stages import provenance
from dgiqa_edge.export.stages.provenance import SHAPED_BY, code_sha256
from dgiqa_edge.export.stages.stages import Stages


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """The folders that shape any stage, in a copy that may be edited."""
    for folder in {folder for folders in SHAPED_BY.values() for folder in folders}:
        for file in (ROOT / folder).rglob("*.py"):
            target = tmp_path / file.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    monkeypatch.setattr(provenance, "_ROOMS", tmp_path)
    return tmp_path


@pytest.mark.parametrize("stage", SHAPED_BY)
def test_an_edit_of_any_file_changes_the_key(copy, stage):
    files = [file for folder in SHAPED_BY[stage] for file in sorted((copy / folder).rglob("*.py"))]
    keys = {code_sha256(*SHAPED_BY[stage])}
    for file in files:
        file.write_text(file.read_text(encoding="utf-8") + "# edited\n", encoding="utf-8")
        keys.add(code_sha256(*SHAPED_BY[stage]))
    assert len(keys) == len(files) + 1


def test_the_frame_graph_of_every_preset_shapes_the_export(copy):
    names = {file.name for folder in SHAPED_BY["export"] for file in (copy / folder).rglob("*.py")}
    assert {"view_graph.py", "geometry.py", "to_onnx.py", "nano.py", "dgiqa.py", "seeding.py", "resampling.py"} <= names


@pytest.mark.parametrize("stage", [stage for stage in SHAPED_BY if stage != "export"])
def test_what_runs_a_graph_on_photos_is_keyed_by_how_they_are_read_and_run(copy, stage):
    names = {file.name for folder in SHAPED_BY[stage] for file in (copy / folder).rglob("*.py")}
    assert {"fit.py", "framing.py", "images.py", "session.py", "calibration_set.py", "fidelity.py"} <= names


def test_a_new_file_and_a_renamed_one_change_the_key(copy):
    keys = [code_sha256("calibration")]
    (copy / "calibration" / "deeper").mkdir()
    (copy / "calibration" / "deeper" / "new.py").write_text("")
    keys.append(code_sha256("calibration"))
    (copy / "calibration" / "deeper" / "new.py").rename(copy / "calibration" / "deeper" / "renamed.py")
    keys.append(code_sha256("calibration"))
    assert len(set(keys)) == 3


def test_a_folder_that_is_gone_is_no_key(copy):
    with pytest.raises(FileNotFoundError, match="cannot be keyed"):
        code_sha256("export/nowhere")


def test_a_stage_is_made_again_once_its_code_has_changed(copy, tmp_path):
    stages, made = Stages(tmp_path / "work"), []
    for _ in range(2):
        stages.run("export", {}, lambda folder: made.append(folder) or {})
    next((copy / "export").rglob("view_graph.py")).write_text("")
    stages.run("export", {}, lambda folder: made.append(folder) or {})
    assert len(made) == 2


def test_a_stage_that_no_code_is_named_for_is_refused(tmp_path):
    with pytest.raises(KeyError, match="unheard"):
        Stages(tmp_path).run("unheard", {}, lambda folder: {})
