"""A reference view taken of images and of a camera, by the function and by the command."""

import json

import cv2
import pytest

from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.commands.cli import main
from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.gate.reference.reference_file import load_reference
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
    reference = take_reference(source)
    assert MOST_VIEWS // 2 < reference.frames <= MOST_VIEWS
    assert source.closed


def test_seconds_of_a_file_are_those_of_its_time_stamps():
    results = [Frame(PICTURE, number / 10.0) for number in range(50)]
    assert take_reference(Scripted([*results, End("its end")], live=False), seconds=1.0).frames == 11


def test_a_camera_that_is_lost_or_silent_is_an_error():
    with pytest.raises(SourceError, match="is lost"):
        take_reference(Scripted([Frame(PICTURE), End("cable")]))
    with pytest.raises(SourceError, match="gives no frame"):
        take_reference(Scripted([Stall("nothing came")] * 100), give_up_s=0.05)


def test_images_are_a_source():
    assert take_reference(create_source(str(PAGODA))).frames == 1


def test_the_command_writes_it_where_it_is_told(tmp_path, capsys):
    out = tmp_path / "reference.json"
    assert main(["gate", "reference", str(PAGODA), "--out", str(out)]) == 0
    assert f"{out}: reference view of 1 frames of {PICTURE.shape[1]}x{PICTURE.shape[0]}" in capsys.readouterr().out
    assert load_reference(out).frames == 1


def test_the_command_takes_a_camera_of_a_watch_file(tmp_path):
    config = tmp_path / "watch.json"
    camera = {"name": "front", "source": str(PAGODA)}
    config.write_text(json.dumps({"bundle": "bundle", "baselines": "kept", "cameras": [camera]}))
    (tmp_path / "kept").mkdir()
    assert main(["gate", "reference", "--config", str(config), "--camera", "front"]) == 0
    assert load_reference(tmp_path / "kept" / "front.reference.json").frames == 1


@pytest.mark.parametrize(
    "words, problem",
    [
        (["--out", "x.json"], "give a source, or --config FILE and --camera NAME"),
        ([str(PAGODA)], "--out FILE is missing"),
        (["--config", "{config}", "--camera", "back"], "known are front"),
        (["--config", "{config}", "--camera", "front"], "--out FILE is missing"),
        (["{wall}", "--out", "{out}"], "uniform"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(tmp_path, capsys, words, problem):
    config, wall, out = tmp_path / "watch.json", tmp_path / "wall.png", tmp_path / "out.json"
    config.write_text(json.dumps({"bundle": "bundle", "cameras": [{"name": "front", "source": str(PAGODA)}]}))
    cv2.imwrite(str(wall), PICTURE // 255 + 140)
    places = {"config": config, "wall": wall, "out": out}
    assert main(["gate", "reference", *(word.format(**places) for word in words)]) in (2, 3)
    assert problem in capsys.readouterr().err
    assert not out.exists()
