"""Photos with known opinions, frames for short measurements, and reports built from known numbers."""

import re
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from chromium import faint_texts

from dgiqa_edge.benchmarks.latency.frame_feed import FrameFeed
from dgiqa_edge.benchmarks.report.document import assemble
from dgiqa_edge.benchmarks.report.series import encode
from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.ground.framing import FrameSize


def readable(page: Any) -> None:
    """No sideways scrolling, not of a table either; letters that can be read; ink on paper; a title on each plot."""
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    outside = "[...document.querySelectorAll('.wide')].filter((box) => box.scrollWidth > box.clientWidth).length"
    assert page.evaluate(outside) == 0
    heights = page.evaluate(
        "[...document.querySelectorAll('svg text')].filter((one) => getComputedStyle(one).display !== 'none')"
        ".map((one) => parseFloat(getComputedStyle(one).fontSize) * one.getScreenCTM().d"
        " || parseFloat(getComputedStyle(one).fontSize) * Math.abs(one.getScreenCTM().b))"
    )
    assert all(height >= 9.5 for height in heights)
    assert faint_texts(page) == []
    untitled = "[...document.querySelectorAll('figure')].filter((one) => !one.querySelector('figcaption')).length"
    assert page.evaluate(untitled) == 0


def luminance(rgb: list[int]) -> float:
    parts = [value / 255 / 12.92 if value <= 10 else ((value / 255 + 0.055) / 1.055) ** 2.4 for value in rgb]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.fixture
def as_it_is_seen(shown: Callable[..., Any]) -> Callable[[str], None]:
    """Checks a page on a phone, on a tablet and on a desk, by day and by night."""

    def check(text: str) -> None:
        grounds = {}
        for width in (390, 800, 1280):
            for scheme in ("light", "dark"):
                page = shown(text, width, scheme)
                readable(page)
                (own,) = page.asked
                assert own.startswith("file:")
                ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
                grounds[scheme] = luminance([int(number) for number in re.findall(r"\d+", ground)])
        assert grounds["dark"] < 0.02 < 0.8 < grounds["light"]

    return check


@pytest.fixture(scope="session")
def sharp_photos() -> list[np.ndarray]:
    """Five photos of different scenes, uint8 [320, 448, 3] BGR, shrunk so that they are sharp."""
    names = ("astronaut", "cat", "coffee", "dahlia", "mountain_meadow")
    read = (cv2.imread(str(SHIPPED_PHOTOS / f"{name}.jpg")) for name in names)
    return [cv2.resize(photo, (448, 320), interpolation=cv2.INTER_AREA) for photo in read]


@pytest.fixture
def rated(tmp_path):
    """Twelve photos whose opinion score rises with their brightness, and the table that says so."""
    folder = tmp_path / "photos"
    folder.mkdir()
    lines = ["file,mos,split"]
    for index, level in enumerate(np.linspace(20, 230, 12).astype(int)):
        texture = np.random.default_rng(index).integers(-15, 16, (48, 64, 3))
        cv2.imwrite(str(folder / f"{index}.png"), np.clip(level + texture, 0, 255).astype(np.uint8))
        lines.append(f"{index}.png,{level / 255:.3f},{'test' if index < 10 else 'train'}")
    table = folder / "mos.csv"
    table.write_text("\n".join(lines) + "\n")
    return folder, table


@pytest.fixture
def photo_folder(tmp_path, make_photo):
    """Three photos of the tiny bundle's size."""
    folder = tmp_path / "frames"
    folder.mkdir()
    for seed in range(3):
        cv2.imwrite(str(folder / f"{seed}.png"), make_photo(seed))
    return folder


@pytest.fixture
def feed(photo_folder):
    return FrameFeed([photo_folder], FrameSize(48, 64))


def latency_section(latencies: np.ndarray, block: np.ndarray, yardstick: np.ndarray) -> dict[str, Any]:
    from dgiqa_edge.benchmarks.latency.latency import LatencyPlan, LatencyRun
    from dgiqa_edge.benchmarks.latency.samples import LatencySamples
    from dgiqa_edge.benchmarks.report.sections import latency_section as section

    samples = LatencySamples(
        start_s=np.cumsum(latencies) / 1e3,
        latency_ms=latencies,
        cpu_ms=latencies * 1.5,
        decode_ms=np.full(len(latencies), 2.0),
        gate_ms=np.full(len(latencies), 0.5),
        stages_ms={"resize": latencies * 0.1, "fused": latencies * 0.9},
        block=block,
        yardstick_ms=yardstick,
    )
    wall = float(latencies.sum() / 1e3)
    run = LatencyRun("single-stream", "loop", samples, latencies, 64, 0.0, wall, None)
    return {**section(run, LatencyPlan(), 2, None, None), "device_stages": []}


@pytest.fixture
def make_report() -> Callable[..., dict[str, Any]]:
    """A report of given latencies: ``make_report(latencies, per_block=10, yardstick=..., **changes)``."""

    def make(
        latencies: np.ndarray,
        per_block: int = 10,
        yardstick: np.ndarray | float = 5.0,
        session: dict[str, Any] | None = None,
        per_image: list[tuple[float, float]] | None = None,
        power_w: np.ndarray | None = None,
        facts: dict[str, Any] | None = None,
        **sections: Any,
    ) -> dict[str, Any]:
        block = np.arange(len(latencies)) // per_block
        sticks = np.broadcast_to(np.asarray(yardstick, float), (int(block[-1]) + 1,))
        latency = latency_section(np.asarray(latencies, float), block, np.array(sticks))
        pairs = per_image or []
        fidelity = {
            "images": len(pairs),
            "held_out": True,
            "score_mae": float(np.mean([abs(a - b) for a, b in pairs])) if pairs else 0.0,
            "score_max": 0.0,
            "score_srcc": None,
            "depth_mae_levels": 0.5,
            "depth_max_levels": 3.0,
            "depth_correlation": 0.999,
            "photos": [f"photo {number}" for number in range(len(pairs))],
            "per_image": [{"reference": a, "candidate": b} for a, b in pairs],
        }
        return assemble(
            tool={"name": "dgiqa-edge", "version": "0", "commit": None, "changed": None},
            argv=["dgiqa-edge", "bench", "latency"],
            subject=SUBJECT,
            environment={
                "facts": {"cpu": "Test CPU", "cpu_cores": 2, "kernel": "6.1", **(facts or {})},
                "not_found": {"gpu": "no driver"},
                "packages": {"numpy": "2"},
                "variables": {},
            },
            sections={
                "latency": latency,
                "fidelity": fidelity if pairs else None,
                "telemetry": None if power_w is None else telemetry_section(power_w, latency),
                **sections,
            },
            session=session,
        )

    return make


SUBJECT = {
    "bundle": "bundle",
    "manifest_sha256": "0" * 64,
    "created": "2026-01-31T12:00:00Z",
    "preset": "nano",
    "precision": "int8",
    "target": "onnxruntime",
    "layout": "fused",
    "frame": {"width": 64, "height": 48},
    "views": 2,
    "networks": [{"role": "both", "name": "nano", "seeded": False, "checkpoint_sha256": None}],
    "engines": [{"role": "fused", "sha256": "1" * 64, "backend": "onnxruntime", "backend_version": "1.17"}],
    "engine_bytes": 3_000_000,
    "build_argv": ["build_engine.py"],
    "notes": [],
}


def telemetry_section(power_w: np.ndarray, latency: dict[str, Any]) -> dict[str, Any]:
    times = np.linspace(0.0, latency["duration_s"], len(power_w))
    mean = float(np.mean(power_w))
    return {
        "interval_s": 0.5,
        "power": {
            "covers": "the board",
            "rails": ["VDD_IN"],
            "adapter": "tegrastats",
            "mean_w": mean,
            "peak_w": float(np.max(power_w)),
            "energy_j": mean * latency["duration_s"],
            "j_per_frame": mean * latency["duration_s"] / latency["frames"],
        },
        "throttled": [],
        "adapters": [
            {
                "name": "tegrastats",
                "failed_reads": 0,
                "notes": [],
                "channels": {"power_w.VDD_IN": {"mean": mean, "low": 0.0, "high": 9.0, "readings": len(power_w)}},
                "series": {"power_w.VDD_IN": {"time_s": encode(times), "value": encode(power_w)}},
            }
        ],
        "unavailable": {"nvml": "no GPU"},
    }
