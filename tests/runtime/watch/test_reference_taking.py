"""A reference view taken of images and of a camera, by the function and by the command."""

import json

import cv2
import numpy as np
import pytest

from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.bundle.bundle import load_bundle
from dgiqa_edge.runtime.commands.cli import main
from dgiqa_edge.runtime.errors import SourceError, UnsuitableReferenceError
from dgiqa_edge.runtime.gate.reference.reference_file import load_reference
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.watch.assembly.baseline_keeper import BaselineKeeper
from dgiqa_edge.runtime.watch.assembly.config import load_watch_settings
from dgiqa_edge.runtime.watch.reference_taking import MOST_VIEWS, take_reference
from dgiqa_edge.runtime.watch.sources.protocol import End, Frame, Stall
from dgiqa_edge.runtime.watch.sources.registry import create_source

PAGODA = SHIPPED_PHOTOS / "pagoda.jpg"
PICTURE = cv2.imread(str(PAGODA))


class Scripted:
    """Gives these results one after the other."""

    interval_s = None

    def __init__(self, results, live=True):
        self.live = live
        self._results = iter(results)
        self.closed = False

    def open(self):
        pass

    def read(self):
        return next(self._results)

    def close(self):
        self.closed = True

    def describe(self):
        return {"source": "scripted"}


def test_all_frames_of_a_file_count_and_few_are_kept():
    results = [Frame(PICTURE, number / 25.0) for number in range(3 * MOST_VIEWS)]
    source = Scripted([*results, End("its end")], live=False)
    reference, baseline = take_reference(source)
    assert baseline is None
    assert MOST_VIEWS // 2 < reference.frames <= MOST_VIEWS
    assert source.closed


def test_seconds_of_a_file_are_those_of_its_time_stamps():
    results = [Frame(PICTURE, number / 10.0) for number in range(50)]
    assert take_reference(Scripted([*results, End("its end")], live=False), seconds=1.0)[0].frames == 11


def test_a_camera_that_is_lost_or_silent_is_an_error():
    with pytest.raises(SourceError, match="is lost"):
        take_reference(Scripted([Frame(PICTURE), End("cable")]))
    with pytest.raises(SourceError, match="gives no frame"):
        take_reference(Scripted([Stall("nothing came")] * 100), give_up_s=0.05)


def test_images_are_a_source():
    assert take_reference(create_source(str(PAGODA)))[0].frames == 1


@pytest.mark.parametrize(
    "source", ["test://?script=clean:7&loop=true", f"{PAGODA.as_uri()}?loop=true", "{video}?loop=true"]
)
def test_what_begins_again_at_its_end_is_taken_once(tmp_path, source):
    video = tmp_path / "video.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*"MJPG"), 5, PICTURE.shape[1::-1])
    for number in range(7):
        writer.write(swaying(number))
    writer.release()
    reference, _ = take_reference(create_source(source.format(video=video.as_uri())))
    assert reference.frames in (1, 7)


def swaying(number):
    return np.roll(PICTURE, number % 3, axis=1)


def test_what_is_normal_is_taken_of_the_same_frames(bundle_dir):
    results = [Frame(swaying(number), number / 10.0) for number in range(10)]
    with Scorer(bundle_dir) as scorer:
        _, baseline = take_reference(Scripted([*results, End("its end")], live=False), scorer=scorer)
        score = scorer.score(PICTURE).score
    assert baseline.samples == 10
    assert {"score", "luminance", "occlusion", "sharpness"} <= set(baseline.spreads)
    assert baseline.spreads["score"].median == pytest.approx(score, abs=0.01)


@pytest.mark.parametrize(
    "pictures, says",
    [
        ([PICTURE // 255] * 10, "it is black"),
        ([PICTURE // 255 + 140] * 10, "it is covered"),
        ([PICTURE] * 10, "it is frozen"),
        ([PICTURE], "1 frames are too few"),
    ],
)
def test_a_dead_camera_is_nothing_that_can_be_normal(bundle_dir, pictures, says):
    results = [Frame(picture, number / 10.0) for number, picture in enumerate(pictures)]
    with Scorer(bundle_dir) as scorer, pytest.raises(UnsuitableReferenceError, match=says):
        take_reference(Scripted([*results, End("its end")], live=False), scorer=scorer)


@pytest.mark.parametrize(
    ("dark", "blown", "says"),
    [
        (4, 4, "of 20 the published policy rejects 4 too dark, 4 over-exposed; that passes as normal"),
        (3, 0, "of 20 the published policy rejects 3 too dark;"),
        (2, 2, None),  # a tenth
        (0, 20, None),  # all of one kind are what somebody declares normal
    ],
)
def test_frames_of_two_kinds_are_warned_of(bundle_dir, caplog, dark, blown, says):
    pictures = [swaying(number) for number in range(20)]
    pictures[:dark] = [picture // 8 for picture in pictures[:dark]]
    for picture in pictures[dark : dark + blown]:
        picture[: len(picture) // 2] = 255
    results = [Frame(picture, number / 10.0) for number, picture in enumerate(pictures)]
    with Scorer(bundle_dir) as scorer:
        take_reference(Scripted([*results, End("its end")], live=False), scorer=scorer)
    assert says in caplog.text if says else not caplog.text


def test_the_command_writes_it_where_it_is_told(tmp_path, capsys):
    out = tmp_path / "reference.json"
    assert main(["gate", "reference", str(PAGODA), "--out", str(out)]) == 0
    assert f"{out}: reference view of 1 frames of {PICTURE.shape[1]}x{PICTURE.shape[0]}" in capsys.readouterr().out
    assert load_reference(out).frames == 1


def test_the_command_takes_a_camera_of_a_watch_file(tmp_path, bundle_dir, capsys):
    config = tmp_path / "watch.json"
    for number in range(6):
        cv2.imwrite(str(tmp_path / f"{number}.png"), swaying(number))
    camera = {"name": "front", "source": str(tmp_path / "*.png")}
    config.write_text(json.dumps({"bundle": str(bundle_dir), "baselines": "kept", "cameras": [camera]}))
    (tmp_path / "kept").mkdir()
    assert main(["gate", "reference", "--config", str(config), "--camera", "front"]) == 0
    assert "a running watch takes it at its next start" in capsys.readouterr().out
    assert load_reference(tmp_path / "kept" / "front.reference.json").frames == 6
    keeper, (known,) = BaselineKeeper(tmp_path / "kept", load_bundle(bundle_dir)), load_watch_settings(config).cameras
    assert known.policy.baseline.learn_minutes == 0.0
    assert keeper.load(known)[None].samples == 6, "watch loads it whatever its policy learns"


def test_the_command_takes_a_profile_of_its_own(tmp_path, bundle_dir, capsys):
    config = tmp_path / "watch.json"
    for number in range(6):
        cv2.imwrite(str(tmp_path / f"{number}.png"), swaying(number))
    camera = {"name": "front", "source": str(tmp_path / "*.png"), "profiles": [{"name": "night"}]}
    config.write_text(json.dumps({"bundle": str(bundle_dir), "baselines": "kept", "cameras": [camera]}))
    taken = ["gate", "reference", "--config", str(config), "--camera", "front", "--profile"]
    assert main([*taken, "night"]) == 0
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {"front.night.json", "front.night.reference.json"}
    keeper, (known,) = BaselineKeeper(tmp_path / "kept", load_bundle(bundle_dir)), load_watch_settings(config).cameras
    baselines, references = keeper.load(known), keeper.load_references(known)
    assert (baselines[None], baselines["night"].samples) == (None, 6)
    assert references.keys() == {"night"}
    assert main([*taken, "day"]) == 2
    assert "front has no profile 'day', known are night" in capsys.readouterr().err


def test_normal_is_written_and_read_beside_a_bundle(tmp_path, bundle_dir, capsys):
    for number in range(6):
        cv2.imwrite(str(tmp_path / f"{number}.png"), swaying(number))
    view, normal, frames = tmp_path / "view.json", tmp_path / "normal.json", str(tmp_path / "*.png")
    taken = ["gate", "reference", frames, "--out", str(view), "--bundle", str(bundle_dir), "--baseline", str(normal)]
    assert main(taken) == 0
    assert f"{normal}: what is normal, of 6 frames" in capsys.readouterr().out
    judged = ["gate", "run", frames, "--bundle", str(bundle_dir), "--reference", str(view), "--baseline", str(normal)]
    assert main(judged) == 0
    normal.write_text(normal.read_text().replace('"scorer_id": "', '"scorer_id": "x'))
    assert main(judged) == 3
    assert "learned with another bundle" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, problem",
    [
        (["--out", "x.json"], "give a source, or --config FILE and --camera NAME"),
        ([str(PAGODA)], "--out FILE is missing: where the reference view is to be written; a folder 'baselines'"),
        (["--config", "{config}", "--camera", "back"], "known are front"),
        ([str(PAGODA), "--out", "{out}", "--profile", "night"], "--profile NAME is of a camera of a watch file"),
        (["--config", "{config}", "--camera", "front"], "--out FILE is missing"),
        (["{wall}", "--out", "{out}"], "uniform"),
        ([str(PAGODA), "--out", "{out}", "--baseline", "{normal}"], "--bundle DIR and --baseline FILE go together"),
        ([str(PAGODA), "--out", "{out}", "--bundle", "{bundle}"], "--bundle DIR and --baseline FILE go together"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(tmp_path, capsys, words, problem):
    config, wall, out = tmp_path / "watch.json", tmp_path / "wall.png", tmp_path / "out.json"
    config.write_text(json.dumps({"bundle": "bundle", "cameras": [{"name": "front", "source": str(PAGODA)}]}))
    cv2.imwrite(str(wall), PICTURE // 255 + 140)
    places = {"config": config, "wall": wall, "out": out, "bundle": tmp_path, "normal": tmp_path / "n.json"}
    assert main(["gate", "reference", *(word.format(**places) for word in words)]) in (2, 3)
    assert problem in capsys.readouterr().err
    assert not out.exists()
