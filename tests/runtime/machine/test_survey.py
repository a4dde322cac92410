"""The survey on machines that are described by files, commands and packages."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dgiqa_edge.runtime.machine import jetson, nvidia
from dgiqa_edge.runtime.machine import survey as surveying
from dgiqa_edge.runtime.machine.cuda_probe import CudaProbe, Gpu
from dgiqa_edge.runtime.machine.fact import Fact, from_file
from dgiqa_edge.runtime.machine.survey import survey

ORIN = Gpu("Orin", "87", 32 << 30, True)


@pytest.fixture
def jetson_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An AGX Orin with JetPack 6.1, as its files and commands describe it."""
    release, board = tmp_path / "nv_tegra_release", tmp_path / "model"
    release.write_text("# R36 (release), REVISION: 4.0, GCID: 37537400, BOARD: generic, EABI: aarch64\n")
    board.write_bytes(b"NVIDIA Jetson AGX Orin Developer Kit\0")
    monkeypatch.setattr(jetson, "RELEASE_FILE", release)
    monkeypatch.setattr(jetson, "MODEL_FILE", board)
    monkeypatch.setattr(surveying, "probe", lambda: CudaProbe("12.6", (ORIN,)))
    command = tmp_path / "nvpmodel"
    command.write_text("#!/bin/sh\nprintf 'NV Power Mode: MAXN\\n0\\n'\n")
    command.chmod(0o755)
    monkeypatch.setattr(jetson, "POWER_COMMAND", (str(command), "-q"))


def test_a_jetson_is_recognised(jetson_machine: None) -> None:
    facts = survey().facts
    assert facts["gpu"].value == ["Orin"]
    assert facts["sm"].value == "87"
    assert facts["gpu_memory_mib"].value == 32768
    assert facts["board"].value == "NVIDIA Jetson AGX Orin Developer Kit"
    assert facts["l4t"].value == "36.4.0"
    assert str(facts["jetpack"].value).startswith("6.1 (CUDA 12.6, TensorRT 10.3")
    assert facts["power_mode"].value == "MAXN (mode 0)"
    assert facts["driver_cuda"].value == "12.6"


def test_what_is_not_there_has_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surveying, "probe", lambda: CudaProbe(None, (), "no NVIDIA driver (none)"))
    monkeypatch.setattr(jetson, "RELEASE_FILE", tmp_path / "nothing")
    monkeypatch.setattr(nvidia, "SMI_COMMAND", (str(tmp_path / "nvidia-smi"),))
    report = survey().to_json()
    not_found = report["not_found"]
    assert isinstance(not_found, dict)
    assert not_found["gpu"] == not_found["sm"] == not_found["driver_cuda"] == "no NVIDIA driver (none)"
    assert "No such file" in str(not_found["l4t"])
    assert not_found["jetpack"] == "not a Jetson, or no Jetson Linux"
    assert "is not there" in str(not_found["power_mode"])
    facts = report["facts"]
    assert isinstance(facts, dict)
    assert all(facts[name] is None for name in not_found)


def test_a_command_that_hangs_or_fails_is_a_reason_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia, "SMI_COMMAND", (sys.executable, "-c", "print('NVIDIA-SMI has failed')"))
    monkeypatch.setattr(jetson, "RELEASE_FILE", Path("/nothing"))
    fact = survey().facts["power_mode"]
    assert fact.value is None
    assert "does not say ('NVIDIA-SMI has failed')" in fact.reason

    def hang(*arguments: Any, **settings: Any) -> None:
        raise subprocess.TimeoutExpired("nvidia-smi", 20)

    monkeypatch.setattr(subprocess, "run", hang)
    assert "does not answer" in survey().facts["power_mode"].reason


def test_an_unknown_jetson_linux_is_said(jetson_machine: None) -> None:
    jetson.RELEASE_FILE.write_text("# R99 (release), REVISION: 1.0\n")
    assert "belongs to no JetPack" in survey().facts["jetpack"].reason


def test_a_fact_reads_well() -> None:
    assert str(Fact(["a", "b"])) == "a, b"
    assert str(Fact(None, "because")) == "not found: because"
    assert from_file(Path(__file__).parent, str).value is None
