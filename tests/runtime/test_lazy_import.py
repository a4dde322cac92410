"""Importing the runtime must stay cheap: no torch, no backend, no OpenCV before they are needed."""

import importlib
import json
import subprocess
import sys

import pytest

import dgiqa_edge.runtime

HEAVY = ["asyncio", "torch", "PIL", "onnxruntime", "onnx", "cv2", "numpy"]


def loaded_after(code: str) -> list[str]:
    report = f"{code}\nimport json, sys\nprint(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    result = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, timeout=60, check=True)
    return json.loads(result.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("import dgiqa_edge", set()),
        ("from dgiqa_edge import errors, load_bundle, to_csv, GatePolicy", set()),
        ("from dgiqa_edge import Camera, Scorer", {"numpy"}),
        ("import dgiqa_edge.runtime", set()),
        ("from dgiqa_edge.runtime import errors", set()),
        ("from dgiqa_edge.runtime import load_bundle, Bundle", set()),
        ("from dgiqa_edge.runtime import Scorer, Quality", {"numpy"}),
        ("import dgiqa_edge.runtime.commands.cli", set()),
        ("from dgiqa_edge.runtime.commands.cli import main; main(['--version'])", set()),
        ("from dgiqa_edge.runtime.commands.cli import main; main(['score', '--help'])", {"numpy"}),
        ("import dgiqa_edge.runtime.frames.images, dgiqa_edge.runtime.frames.depth_picture", {"numpy"}),
    ],
)
def test_only_what_is_needed_is_loaded(code: str, allowed: set[str]) -> None:
    assert set(loaded_after(code)) <= allowed


@pytest.mark.parametrize("name", ["dgiqa_edge", "dgiqa_edge.runtime"])
def test_every_public_name_resolves_and_an_unknown_one_does_not(name: str) -> None:
    package = importlib.import_module(name)
    for public in package.__all__:
        assert getattr(package, public) is getattr(dgiqa_edge.runtime, public)
        assert public in dir(package)
    with pytest.raises(AttributeError, match=f"'{name}' has no attribute 'Scrorer'"):
        _ = package.Scrorer
