"""The last line of a run: what was skipped, for want of what, and how to get it."""

import ast
import re

import pytest
from places import ROOT
from skips import KINDS, OTHER, kind_of, summary

pytest_plugins = ("pytester",)


@pytest.mark.parametrize(
    ("reason", "want"),
    [
        ("openvino is not installed: extra openvino", "openvino"),
        ("could not import 'openvino': No module named 'openvino'", "openvino"),
        ("the extra tensorrt-rtx is not installed here", "TensorRT-RTX"),
        ("could not import 'torch': no, the export room needs torch", "the extra export"),
        ("needs ffmpeg (apt-get install ffmpeg)", "system packages"),
        ("no Chromium: apt-get install chromium", "system packages"),
        ("../shared/data/weights is not here", "development data in ../shared"),
        ("no native library: build it, or name it in DGIQA_EDGE_LIBRARY", "the native library or a bundle"),
        ("no NVIDIA driver", "an NVIDIA GPU"),
        ("PyTorch finds no CUDA GPU here", "an NVIDIA GPU"),
        ("matplotlib is not installed", "packages of the extra dev"),
        ("this OpenCV does not write .jp2", OTHER.want),
    ],
)
def test_a_reason_is_of_a_kind(reason, want):
    assert kind_of(reason).want == want


def test_kinds_are_counted_the_largest_first():
    said = summary(["no NVIDIA driver", "openvino is not installed", "no NVIDIA driver"])
    assert said == (
        "3 tests skipped: 2 without an NVIDIA GPU (make gpu-check on a machine with one); "
        "1 without openvino (pip install -c constraints.txt -e '.[openvino]')"
    )
    assert summary(["something else"]) == "1 test skipped: 1 without what their reasons say (pytest -rs)"
    assert summary([]) == ""


def test_the_extras_and_targets_that_it_names_exist():
    got = " ".join(kind.get for kind in KINDS)
    setup = ast.unparse(ast.parse((ROOT / "setup.py").read_text(encoding="utf-8")))
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = [
        target
        for some in re.findall(r"make ([a-z -]+?)(?: on |;|$| pip| apt| it | modprobe)", got)
        for target in some.split()
    ]
    assert named
    assert set(named) <= set(targets)
    for extra in re.findall(r"\.\[([a-z-]+)\]", got):
        assert f"'{extra}'" in setup
    assert (ROOT / ".ci" / "apt-packages").is_file()
