"""``dgiqa-edge doctor``: what this machine has, which engines it can run, and whether a given bundle runs on it."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..ground.error_text import one_line
from ..ground.terminal import coloured
from .json_output import add_json_option
from .progress import Progress
from .which_bundle import add_bundle_option, named_bundle

if TYPE_CHECKING:
    from ..bundle.bundle import Bundle
    from ..engines.backend import Capability
    from ..machine.survey import Survey

SUMMARY = "show GPU, driver, TensorRT, JetPack, power mode and CPU, and what can run here"
EXTRA = "cpu"

_EPILOG = """\
example:
  dgiqa-edge doctor build/demo/bundle

With a bundle, every backend of it is loaded and the golden frame is replayed on it. The exit code is 0 when one
of them runs here, 4 when this machine lacks something, 3 when the bundle itself is damaged or its engines are wrong.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EPILOG
    add_bundle_option(parser, default="none is tried")
    add_json_option(parser, "the report")


def run(args: argparse.Namespace) -> int:
    """Print the report; the exit code is that of the bundle's trial."""
    from ..engines.registry import capabilities, survey
    from ..machine.opencv import hidden_system_opencv

    found = survey()
    able = capabilities(found)
    path = named_bundle(args)
    with Progress("trying the bundle"):
        trial, code = (None, 0) if path is None else _try_bundle(path)
    if args.json:
        report: dict[str, Any] = {**found.to_json(), "can_run": [capability.to_json() for capability in able]}
        if trial is not None:
            report["bundle"] = trial
        args.json.write(report)
    for line in _lines(found, able, trial):
        print(line)
    hidden = hidden_system_opencv()
    if hidden is not None:
        print(f"\nto do       {hidden}")
    return code


def _try_bundle(path: Path) -> tuple[dict[str, Any], int]:
    """Load the bundle with every backend it has engines for; the report, and the exit code."""
    from ..bundle.bundle import load_bundle
    from ..errors import DgiqaEdgeError

    try:
        bundle = load_bundle(path)
    except DgiqaEdgeError as error:
        return {"path": str(path), "error": one_line(error), "backends": []}, error.exit_code
    trials, codes = [], []
    for backend in dict.fromkeys(engine.backend for engine in bundle.manifest.engines):
        trial, code = _try_backend(bundle, backend)
        trials.append(trial)
        codes.append(code)
    return {"path": str(path), "error": None, "backends": trials}, 0 if 0 in codes else codes[0]


def _try_backend(bundle: "Bundle", backend: str) -> tuple[dict[str, Any], int]:
    from ..bundle.records import plain
    from ..errors import DgiqaEdgeError
    from ..scoring.scorer import Scorer

    try:
        with Scorer(bundle, backend=backend, verify="always") as scorer:
            deviation, engines = scorer.deviation, scorer.describe()
    except DgiqaEdgeError as error:
        return {"backend": backend, "runs": False, "reason": one_line(error)}, error.exit_code
    assert deviation is not None
    return {"backend": backend, "runs": True, "golden_deviation": plain(deviation), "engines": engines}, 0


def _lines(found: "Survey", able: "list[Capability]", trial: dict[str, Any] | None) -> Iterator[str]:
    width = max(len(name) for name in found.facts)
    for name, fact in found.facts.items():
        yield f"{name:<{width}}  {fact}"
    yield ""
    for capability in able:
        if capability.runs:
            precisions, presets = ", ".join(capability.precisions), ", ".join(capability.presets)
            yield f"{coloured('can run', 'green')}     {capability.backend}: {precisions}; presets {presets}"
            yield from (f"            note: {note}" for note in capability.notes)
        else:
            yield f"{coloured('cannot run', 'red')}  {capability.backend}: {capability.reason}"
    if trial is not None:
        yield ""
        yield from _trial_lines(trial)


def _trial_lines(trial: dict[str, Any]) -> Iterator[str]:
    if trial["error"] is not None:
        yield f"bundle      {trial['error']}"
    for backend in trial["backends"]:
        if backend["runs"]:
            deviation = backend["golden_deviation"]
            faults = f", faults within {deviation['faults_max']:.2g}" if "faults_max" in deviation else ""
            yield (
                f"bundle      {trial['path']} runs here with {backend['backend']}: golden frame's score within "
                f"{deviation['score']:.2g} of FP32, depth within {deviation['depth_mean_levels']:.2g} grey levels"
                f"{faults}"
            )
        else:
            yield f"bundle      does not run here with {backend['backend']}: {backend['reason']}"
