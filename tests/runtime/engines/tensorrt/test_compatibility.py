"""Which engines fit which machines: a table, and the rules that hold for every version."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgiqa_edge.runtime.bundle.manifest import Requirements
from dgiqa_edge.runtime.engines.tensorrt.compatibility import Machine, obstacles
from dgiqa_edge.runtime.errors import BundleError

ORIN = Machine(
    gpu="Orin",
    sm="87",
    integrated=True,
    driver_cuda="12.6",
    driver="540.4.0",
    tensorrt="10.3.0",
    platform="linux-aarch64",
)
DESKTOP = Machine(
    gpu="NVIDIA GeForce RTX 4090",
    sm="89",
    integrated=False,
    driver_cuda="12.4",
    driver="550.54.14",
    tensorrt="10.3.0",
    platform="linux-x86_64",
)


def requirements(machine: Machine, **changed: Any) -> Requirements:
    """What an engine built on ``machine`` states."""
    return replace(
        Requirements(f"=={machine.tensorrt}", None, machine.sm, machine.platform, cuda=machine.driver_cuda), **changed
    )


@pytest.mark.parametrize(
    ("machine", "changed", "words"),
    [
        (ORIN, {}, []),
        (ORIN, {"backend_version": None, "sm": None, "platform": None, "cuda": None}, []),
        (ORIN, {"sm": "8.7"}, []),
        (ORIN, {"backend_version": "==10.3.0.26"}, []),
        (ORIN, {"backend_version": "==10.3"}, []),
        (ORIN, {"backend_version": "==8.6.2"}, ["built with TensorRT 8.6.2 (here 10.3.0)"]),
        (ORIN, {"backend_version": "==10.3.1"}, ["built with TensorRT 10.3.1"]),
        (ORIN, {"backend_version": ">=10.4"}, ["built with TensorRT >=10.4"]),
        (ORIN, {"backend_version": ">=10.1"}, []),
        (ORIN, {"sm": "89", "device": "RTX 4090"}, ["built for SM 89, RTX 4090 (here SM 87, Orin)"]),
        (ORIN, {"platform": "linux-x86_64"}, ["built for linux-x86_64 (here linux-aarch64)"]),
        (DESKTOP, {"cuda": "13.0"}, ["needs a driver for CUDA 13.0 (here one for CUDA 12.4)"]),
        (DESKTOP, {"cuda": "12.9"}, []),
        (DESKTOP, {"cuda": "11.8"}, []),
        (DESKTOP, {"driver_min": "560.28"}, ["the NVIDIA driver 560.28 or newer (here 550.54.14)"]),
        (DESKTOP, {"driver_min": "550.54.14"}, []),
        (ORIN, {"driver_min": "560.28"}, []),
        (DESKTOP, {"sm": "80", "compatibility": "ampere_plus"}, []),
        (DESKTOP, {"sm": "80", "compatibility": "same_compute_capability"}, ["built for SM 80"]),
        (DESKTOP, {"sm": "80", "compatibility": "exact"}, ["built for SM 80"]),
        (DESKTOP, {"sm": "80"}, ["built for SM 80"]),
        (replace(DESKTOP, sm="75"), {"sm": "80", "compatibility": "ampere_plus"}, ["built for SM 80"]),
        (ORIN, {"sm": "80", "compatibility": "ampere_plus"}, ["built for SM 80"]),
        (
            ORIN,
            {"backend_version": "==8.6.0", "sm": "90", "platform": "linux-x86_64"},
            ["linux-x86_64", "TensorRT 8.6.0", "SM 90"],
        ),
    ],
)
def test_every_obstacle_is_named(machine: Machine, changed: dict[str, Any], words: list[str]) -> None:
    found = obstacles(requirements(machine, **changed), machine)
    assert len(found) == len(words)
    for obstacle, expected in zip(found, words, strict=True):
        assert expected in obstacle


@pytest.mark.parametrize(
    ("built", "here", "fits"),
    [
        ("10.3.0", "10.3.0", True),
        ("10.3.0", "10.16.1", True),
        ("10.16.1", "10.3.0", False),
        ("10.3.0", "11.1.0", True),
        ("8.6.1", "10.3.0", True),
        ("8.6.1", "11.1.0", False),
        ("8.5.3", "8.6.1", False),
        ("11.1.0", "10.16.1", False),
    ],
)
def test_version_compatible_plans_run_on_later_versions(built: str, here: str, fits: bool) -> None:
    machine = replace(DESKTOP, tensorrt=here)
    for operator in ("==", ">="):
        changed = {"backend_version": f"{operator}{built}", "version_compatible": True}
        assert (not obstacles(requirements(machine, **changed), machine)) is fits
    locked = requirements(machine, backend_version=f"=={built}")
    assert (not obstacles(locked, machine)) is (built == here)


def test_what_cannot_be_read_is_not_held_against_the_engine() -> None:
    blind = replace(DESKTOP, driver_cuda=None, driver=None)
    assert not obstacles(requirements(blind, cuda="13.0", driver_min="999"), blind)


def test_a_requirement_that_is_none_is_a_damaged_bundle() -> None:
    with pytest.raises(BundleError, match="not of the form"):
        obstacles(requirements(ORIN, backend_version="ten"), ORIN)


versions = st.tuples(st.integers(8, 12), st.integers(0, 20), st.integers(0, 9)).map(lambda v: ".".join(map(str, v)))


@settings(deadline=None)
@given(versions, versions)
def test_a_locked_plan_runs_on_its_own_release_only(built: str, here: str) -> None:
    machine = replace(DESKTOP, tensorrt=here)
    assert (not obstacles(requirements(machine, backend_version=f"=={built}"), machine)) is (built == here)


@settings(deadline=None)
@given(versions, st.integers(0, 999))
def test_a_build_number_changes_nothing(release: str, build: int) -> None:
    for ours, theirs in ((release, f"{release}.{build}"), (f"{release}.{build}", release)):
        machine = replace(DESKTOP, tensorrt=theirs)
        assert not obstacles(requirements(machine, backend_version=f"=={ours}"), machine)
