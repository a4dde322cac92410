"""Importing the runtime must stay cheap: no torch, no backend, no OpenCV before they are needed."""

import json
import subprocess
import sys

import pytest

HEAVY = ["torch", "onnxruntime", "onnx", "cv2", "numpy"]


def loaded_after(code: str) -> list[str]:
    report = f"{code}\nimport json, sys\nprint(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    result = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, timeout=60, check=True)
    return json.loads(result.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
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


def test_every_public_name_resolves_and_an_unknown_one_does_not() -> None:
    import dgiqa_edge.runtime as runtime

    for name in runtime.__all__:
        assert getattr(runtime, name) is not None
        assert name in dir(runtime)
    with pytest.raises(AttributeError, match="Scrorer"):
        _ = runtime.Scrorer
