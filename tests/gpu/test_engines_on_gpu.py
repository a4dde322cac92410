"""FP32, FP16 and INT8 engines built on this GPU from the same graphs: right numbers, the speed-ups, one result each."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dgiqa_edge.benchmarks.report import gpu_results
from dgiqa_edge.calibration.fidelity import compare_engines
from dgiqa_edge.export.ladder.devices.check import check_engine

# nano is one network, which cannot be split; the published pipeline can.
ENGINES = (("nano", "fused"), ("reference", "fused"), ("reference", "split"))
PRECISIONS = ("fp32", "fp16", "int8")
SLOWEST = 10

Build = Callable[[str, str, str], Any]


def answers(built: Any) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """FP32's answers in the order of the frames."""
    order = iter(range(len(built.frames)))
    return lambda frame: built.answer(next(order))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("preset", "layout"), ENGINES)
def test_an_engine_keeps_its_accuracy_and_is_timed(
    built: Build, chain: Any, results: Any, preset: str, precision: str, layout: str
) -> None:
    made = built(preset, precision, layout)
    frames = [made.frames[index : index + 1] for index in range(len(made.frames))]
    with chain(made.bundle, cuda_graph=False) as plain:
        without = gpu_results.measure(lambda: plain(frames[0]), runs=results.runs)
        expected = plain(frames[0])
        layers = [layer for engine in plain.engines for layer in engine.profile(inputs_of(engine, expected))]
    with chain(made.bundle) as engines:
        facts = engines.engines[-1].describe()
        found = engines(frames[0])
        latency = gpu_results.measure(lambda: engines(frames[0]), runs=results.runs)
        fidelity = compare_engines(answers(made), engines, frames)
        slowest = sorted(layers, key=lambda layer: -layer.median_ms)[:SLOWEST]
        results.add(
            gpu_results.EngineResult(
                preset=preset,
                precision=precision,
                layout=layout,
                plan_bytes=made.plan_bytes,
                build_seconds=made.build_seconds,
                fidelity=fidelity,
                cuda_graph="; ".join(dict.fromkeys(e.describe()["cuda_graph_note"] for e in engines.engines)),
                latency=latency,
                latency_without_graph=without,
                slowest_layers=tuple(
                    (layer.name, layer.kind, "/".join(layer.output_types), layer.median_ms) for layer in slowest
                ),
                notes=made.notes,
            ),
            facts,
        )
        for name in ("score", "crop_scores", "depth"):  # recorded first: a wrong engine is a result, too
            np.testing.assert_array_equal(found[name], expected[name], err_msg="with and without a CUDA graph")
        check_engine(
            answers(made), engines, frames, portable=made.portable, precision=precision, what=f"{preset} {precision}"
        )
    assert layers
    assert sum(layer.median_ms for layer in layers) > 0


def inputs_of(engine: Any, tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {spec.name: tensors[spec.name] for spec in engine.inputs}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_both_layouts_give_the_same_scores(built: Build, chain: Any, precision: str) -> None:
    """The cut lies at an integer tensor, so what differs is only how TensorRT fuses on either side."""
    scores = []
    for layout in ("fused", "split"):
        made = built("reference", precision, layout)
        with chain(made.bundle) as engines:
            scores.append([float(engines(made.frames[i : i + 1])["score"][0]) for i in range(len(made.frames))])
    allowed = {"fp32": 2e-3, "fp16": 1e-2, "int8": 3e-2}[precision]
    np.testing.assert_allclose(scores[0], scores[1], atol=allowed)


def test_depth_stays_on_the_device(built: Build, chain: Any) -> None:
    made = built("reference", "fp32", "split")
    frame = made.frames[:1]
    with chain(made.bundle) as engines:
        depth, quality = engines.engines
        assert depth.tensors is quality.tensors
        shared = engines(frame)["score"]
        copied = quality.run({"frame": frame, "depth": engines(frame)["depth"].copy()})["score"]
    np.testing.assert_array_equal(shared, copied)


def test_the_same_frame_gives_the_same_numbers_after_others(built: Build, chain: Any) -> None:
    made = built("nano", "int8", "fused")
    with chain(made.bundle) as engines:
        first = engines(made.frames[:1])
        for index in range(1, len(made.frames)):
            engines(made.frames[index : index + 1])
        again = engines(made.frames[:1])
    for name in ("score", "crop_scores", "depth"):
        np.testing.assert_array_equal(first[name], again[name])
