"""Examples run: those of the docstrings, each with a bundle and photos at hand, and the program of the docs."""

import asyncio
import doctest
import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import house
import numpy as np
import pytest
from pythons import api_program

import dgiqa_edge
from dgiqa_edge.runtime.errors import MachineError
from dgiqa_edge.runtime.scoring.native_library import load_library

WITH_EXAMPLES = [
    file.relative_to(house.ROOT).with_suffix("").as_posix().replace("/", ".")
    for file in house.python_files()
    if file.is_relative_to(house.ROOT / "runtime") and ">>> " in file.read_text(encoding="utf-8")
]


def native_library() -> None:
    try:
        load_library()
    except MachineError as error:
        pytest.skip(str(error))


def watch_loop() -> None:
    pytest.skip("it takes a watch loop at work: watch/dashboard has tests of its own")


NEED_MORE = {"runtime.scoring.native_library": native_library, "runtime.watch.dashboard.dashboard": watch_loop}


@pytest.fixture
def at_hand(make_bundle: Callable[..., Path], make_photo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of an example."""
    make_bundle().rename(tmp_path / "bundle")
    (tmp_path / "photos").mkdir()
    photo = np.asarray(make_photo(seed=1) // 4 + 120, np.uint8)
    for name in ("photo.png", "photo.jpg", "photos/1.png", "photos/2.png"):
        cv2.imwrite(str(tmp_path / name), photo)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_a_docstrings_examples_do_what_they_say(name: str, at_hand: Path) -> None:
    module = importlib.import_module(f"dgiqa_edge.{name}")
    if name in NEED_MORE:
        NEED_MORE[name]()
    offered = {public: getattr(dgiqa_edge, public) for public in dgiqa_edge.__all__}
    names = {"Path": Path, "asyncio": asyncio, **offered, **vars(module)}
    result = doctest.testmod(module, globs=names)
    assert result.failed == 0
    assert result.attempted > 0


def test_the_examples_of_the_api_are_among_them() -> None:
    expected = {"runtime.scoring.scorer", "runtime.api.camera", "runtime.api.gate", "runtime.results_table"}
    assert expected <= set(WITH_EXAMPLES)


def test_the_program_of_the_docs_runs(at_hand: Path) -> None:
    (at_hand / "build" / "demo").mkdir(parents=True)
    (at_hand / "bundle").rename(at_hand / "build" / "demo" / "bundle")
    (at_hand / "photos" / "3.png").write_text("not an image")
    photo = cv2.resize(cv2.imread(str(at_hand / "photo.png")), (128, 96))
    writer = cv2.VideoWriter(str(at_hand / "video.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 10.0, (128, 96))
    for number in range(60):
        writer.write(photo if number < 25 else photo // 16)
    writer.release()
    run = subprocess.run(
        [sys.executable, "-c", api_program()], capture_output=True, text=True, check=False, cwd=at_hand
    )
    assert run.returncode == 0, run.stderr
    said = run.stdout.splitlines()
    assert said[0].startswith("Quality(image='photo.jpg', score=0.")
    assert [line.split()[0] for line in said[1:4]] == ["photos/1.png", "photos/2.png", "photos/3.png"]
    assert "could not be scored" in said[3]
    assert [line.partition(": ")[2].partition(",")[0] for line in said[4:]] == ["pass", "reject"]
    assert (at_hand / "build" / "scores.csv").read_text().count("\n") == 4


@pytest.mark.slow
def test_the_program_of_the_docs_is_typed_to_the_last(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    pytest.importorskip("torch", reason="PyTorch is not installed")
    pytest.importorskip("PIL", reason="Pillow is not installed")
    script = tmp_path / "sample.py"
    script.write_text(f"{api_program()}\n{OTHER_IMAGES}")
    (tmp_path / "dgiqa_edge").symlink_to(house.ROOT)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", script]
    options = ["--follow-imports", "silent", "--config-file", "/dev/null"]
    checked = subprocess.run(
        [*command, *options], capture_output=True, text=True, check=False, cwd=tmp_path, env={"MYPYPATH": str(tmp_path)}
    )
    problems = [line for line in checked.stdout.splitlines() if "error:" in line]
    assert len(problems) == 2, checked.stdout + checked.stderr
    assert 'incompatible type "list[int]"' in problems[0]
    assert '"Unscored"' in problems[1]


OTHER_IMAGES = """
import numpy as np
import torch
from PIL import Image
from dgiqa_edge import Frame, Verdict

async def all_kinds(scorer: Scorer, gate: Gate, frame: Frame) -> Verdict:
    array = np.zeros((4, 4, 3), np.float32)
    await scorer.score_async(Image.open("photo.jpg"))
    scorer.score(torch.zeros(3, 4, 4))
    scorer.score(array, rgb=True)
    scorer.score(frame.image)
    depth: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] = scorer.score(array).depth_as(array)
    scorer.score([1, 2])  # wrong
    for result in scorer.score_many([array, "photo.jpg"]):
        print(depth, result.score)  # may be an Unscored
    return gate.judge(None, 1.0)
"""
