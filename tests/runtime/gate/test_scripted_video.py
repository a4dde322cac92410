"""A scripted real video, a real ``nano`` INT8 bundle, thresholds tuned on other photos: the gate follows the script.

``pytest -s`` prints the delays in frames.
"""

import json
import os
import subprocess
import sys

import cv2
import pytest
from places import ROOT

from dgiqa_edge.calibration.degradations.kinds import degrade
from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.gate.cues import CueMeter
from dgiqa_edge.runtime.gate.gate import Gate
from dgiqa_edge.runtime.gate.policy import GatePolicy
from dgiqa_edge.runtime.gate.reading import Reading
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.watch.sources.scripted import ScriptedSource, parse_script

FPS = 10
SEGMENT = 25  # frames
WIDTH, HEIGHT = 480, 360
SCRIPT = (
    ("clean", None, 0.0),
    ("blur", "defocus", 0.7),
    ("dark", "low_light", 0.8),
    ("haze", "haze", 0.9),
    ("clean", None, 0.0),
)
SETTLED_REASON = {"clean": "good", "blur": "blurred", "dark": "too dark", "haze": "hazy"}
SCENES = ("pagoda", "mountain_path")
# 3 readings and 0.5 s without a fault before the first pass; half a second of it too before passing again.
MOST_FRAMES = {"first pass": 10, "reject": 4, "pass again": 12}

pytestmark = pytest.mark.slow


def run(*arguments):
    finished = subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
        env={**os.environ},
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("gate")


@pytest.fixture(scope="module")
def bundle(work):
    run(
        *(ROOT / "export" / "build_engine.py", "--int8", "--frame", f"{WIDTH}x{HEIGHT}"),
        *("--out", work / "bundle", "--work", work / "stages"),
    )
    return work / "bundle"


@pytest.fixture(scope="module")
def policy(work, bundle):
    """Tuned on windows of the photos that show neither scene, and their degraded copies at other strengths."""
    photos = [path for path in sorted(SHIPPED_PHOTOS.glob("*.jpg")) if not path.stem.startswith(SCENES)]
    for folder in ("good", "bad"):
        (work / folder).mkdir()
    for seed, path in enumerate(photos):
        photo = cv2.imread(str(path))
        top, left = ((side - wanted) // 2 for side, wanted in zip(photo.shape[:2], (HEIGHT, WIDTH), strict=True))
        window = photo[max(top, 0) :, max(left, 0) :][:HEIGHT, :WIDTH]
        cv2.imwrite(str(work / "good" / f"{path.stem}.png"), window)
        for kind in ("defocus", "low_light", "haze"):
            for strength in (0.6, 1.0):
                copy = degrade(window, kind, strength, seed)
                cv2.imwrite(str(work / "bad" / f"{path.stem}-{kind}-{strength}.png"), copy)
    tune = ("-m", "dgiqa_edge.runtime.commands.cli", "gate", "tune", "--bundle", bundle, "--out", work / "policy.toml")
    print(run(*tune, "--good", work / "good", "--bad", work / "bad"))
    return work / "policy.toml"


def write_video(file, photo):
    """A slow pan over the photo; each frame degraded anew, as the script says."""
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"MJPG"), FPS, (WIDTH, HEIGHT))
    assert writer.isOpened()
    frames = SEGMENT * len(SCRIPT)
    for index in range(frames):
        top, left = (
            (side - wanted) * index // frames for side, wanted in zip(photo.shape[:2], (HEIGHT, WIDTH), strict=True)
        )
        window = photo[top : top + HEIGHT, left : left + WIDTH]
        _, kind, strength = SCRIPT[index // SEGMENT]
        writer.write(window if kind is None else degrade(window, kind, strength, index))
    writer.release()


@pytest.mark.parametrize("scene", SCENES)
def test_the_transitions_match_the_script(scene, work, bundle, policy, record_property):
    video = work / f"{scene}.avi"
    write_video(video, cv2.imread(str(SHIPPED_PHOTOS / f"{scene}.jpg")))
    answer = run(
        *(
            "-m",
            "dgiqa_edge.runtime.commands.cli",
            "gate",
            "run",
            "--bundle",
            bundle,
            "--policy",
            policy,
            video,
            "--json",
        )
    )
    records = [json.loads(line) for line in answer.splitlines()]
    assert len(records) == SEGMENT * len(SCRIPT)
    changes = [(record["frame"], record["state"]) for record in records if record["changed"]]
    assert [state for _, state in changes] == ["pass", "reject", "pass"]
    scripted = {"first pass": 0, "reject": SEGMENT, "pass again": SEGMENT * (len(SCRIPT) - 1)}
    delays = {name: frame - scripted[name] for name, (frame, _) in zip(scripted, changes, strict=True)}
    print(f"{scene}: delay in frames at {FPS} per second: {delays}")
    record_property("delay_frames", delays)
    assert all(0 <= delay <= MOST_FRAMES[name] for name, delay in delays.items())
    for number, (name, _, _) in enumerate(SCRIPT):
        assert records[(number + 1) * SEGMENT - 1]["reason"] == SETTLED_REASON[name]


# Without blur: its score lies at the edge of the published thresholds here.
DEFAULTS = {"dark": "too dark", "bright": "over-exposed", "noise": "noisy", "haze": "hazy"}
DEFAULTS |= {"occluded": "dirty or blocked", "smear": "codec damage", "frozen": "frozen"}


@pytest.mark.parametrize("fault", DEFAULTS)
def test_the_published_policy_rejects_and_names_each_fault_of_the_scripted_scene(fault, bundle):
    source = ScriptedSource("", parse_script(f"clean:40,{fault}:90"), (640, 480), None, 0, False)
    source.open()
    gate, meter, announced = Gate(GatePolicy()), CueMeter(), []
    with Scorer(bundle) as scorer:
        for index in range(130):
            image = source.read().image
            quality = scorer.score(image) if index % 3 == 0 else None
            learned = (None, {}) if quality is None else (quality.score, quality.faults)
            verdict = gate.update(Reading(learned[0], meter.measure(image), learned[1]), index / FPS)
            announced += [(verdict.state.value, verdict.reason)] if verdict.announced else []
    assert announced[-2:] == [("pass", "good"), ("reject", DEFAULTS[fault])]
