"""Bundles that a desktop wrote for a device, and the device: another process, which may import no more than it has."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from stand_ins import environment, nvidia
from stand_ins import small_networks as small

from dgiqa_edge.runtime.bundle.batch import BatchRange

RUNGS = ("int8", "fp16", "fp32")
VERSION = "10.13.3.9"


@pytest.fixture(scope="session")
def written(built_once, finished_stages, carried_faults):
    """``written(layout)``: a bundle that carries all precisions, made once.

    ``faults``: fused, and it reads some; ``batch``: split, and it takes up to three frames at once.
    """

    def write(layout: str) -> Path:
        def make(folder):
            shutil.copytree(finished_stages, folder / "work")
            kind = {"layout": "split", "batch": BatchRange(1, 3)} if layout == "batch" else {"layout": layout}
            small.run_build(small.for_tensorrt(folder, engine=False, rungs=RUNGS, **kind))

        return (carried_faults if layout == "faults" else built_once(layout, make)) / "bundle"

    return write


@pytest.fixture
def from_desktop(written, tmp_path):
    """``from_desktop(layout)``: a copy of a bundle that carries all precisions, under the test's folder."""

    def bring(layout: str = "fused") -> Path:
        return Path(shutil.copytree(written(layout), tmp_path / "brought"))

    return bring


@pytest.fixture
def start(driver_folder, tmp_path):
    """``start(*arguments, version=..., **environment)``: ``dgiqa-edge`` on the device, running in the test's folder."""
    running = []

    def begin(*arguments, version=VERSION, **settings):
        running.append(
            subprocess.Popen(
                [sys.executable, "-m", "stand_ins.bare_device", *map(str, arguments)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                cwd=tmp_path,
                env=environment(
                    nvidia.PACKAGES,
                    **{
                        "LD_LIBRARY_PATH": str(driver_folder),
                        "XDG_CACHE_HOME": str(tmp_path / "cache"),
                        "DGIQA_FAKE_TENSORRT": version,
                        **settings,
                    },
                ),
            )
        )
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def on_device(start):
    """``on_device(*arguments, ...)`` runs to its end; the result has ``returncode``, ``stdout`` and ``stderr``."""

    def run(*arguments, **settings):
        process = start(*arguments, **settings)
        told, said = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, told, said)

    return run
