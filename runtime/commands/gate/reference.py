"""``dgiqa-edge gate reference``: what an operator declares healthy, a camera's view and what is normal for it."""

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ConfigurationError
from ...ground.names import shown
from ..option_types import input_path, number, output_file
from ..progress import Progress
from ..which_bundle import named_bundle
from .scoring import add_scorer_options

if TYPE_CHECKING:
    from ...watch.assembly.config import CameraSettings, WatchSettings

SUMMARY = "take the view a camera is meant to have, and with a bundle what is normal for it"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the action's options."""
    parser.add_argument("source", nargs="?", metavar="SOURCE", help="video file, images, or a camera's URI")
    parser.add_argument("--config", type=input_path, metavar="FILE", help="a watch file whose camera it is, instead")
    parser.add_argument("--camera", metavar="NAME", help="of the watch file")
    add_scorer_options(parser, default="that of the watch file; without either the view alone is taken")
    parser.add_argument(
        "--out", type=output_file, metavar="FILE", help="the reference view (default: in the watch file's 'baselines')"
    )
    parser.add_argument(
        "--baseline",
        type=output_file,
        metavar="FILE",
        help="what is normal for the camera (default: in the watch file's 'baselines')",
    )
    parser.add_argument(
        "--seconds",
        type=number(0.0, above=True),
        metavar="S",
        help="of frames at most (default: all of a file, 10 of a camera)",
    )


def run(args: argparse.Namespace) -> int:
    """Take and keep both; 0. Where one cannot be had none is written."""
    from ...frames.images import quiet_decoder
    from ...gate.baseline_file import save_baseline
    from ...gate.reference.reference_file import save_reference
    from ...gate.regions import WHOLE
    from ...ground.atomic import check_output
    from ...scoring.fallback import FallbackScorer
    from ...scoring.scorer import Scorer
    from ...update.slots import is_slots
    from ...watch.assembly.baseline_keeper import BaselineKeeper, reference_file
    from ...watch.assembly.parts import camera_source
    from ...watch.reference_taking import take_reference
    from ...watch.sources.registry import create_source
    from ..watch.scorers import open_scorer

    if (args.source is None) == (args.config is None) or (args.config is None) != (args.camera is None):
        raise ConfigurationError("give a source, or --config FILE and --camera NAME")
    named = named_bundle(args)
    if args.config is None and (named is None) != (args.baseline is None):
        raise ConfigurationError("--bundle DIR and --baseline FILE go together: what is normal belongs to one bundle")
    settings, camera = (None, None) if args.config is None else _camera(args.config, args.camera)
    folder = None if settings is None else settings.baselines
    out = args.out or (reference_file(folder, camera.name) if folder is not None and camera is not None else None)
    if out is None:
        raise ConfigurationError("--out FILE is missing: where the reference view is to be written")
    check_output(out)
    quiet_decoder()
    with ExitStack() as stack:
        scorer: Scorer | FallbackScorer | None = None
        kept = args.baseline
        if named is not None:
            scorer = Scorer(named, threads=args.threads, fit=args.fit)
        elif settings is not None and (kept or folder):
            scorer = open_scorer(settings)
        if scorer is not None:
            stack.callback(scorer.close)
        if scorer is not None and kept is None:
            if folder is None or settings is None or camera is None:
                raise ConfigurationError("--baseline FILE is missing: the watch file names no folder 'baselines'")
            keeper = BaselineKeeper(folder, scorer.bundle, for_each=is_slots(settings.bundle))
            kept = keeper.baseline_file(camera.name)
        if kept is not None:
            check_output(kept)
        if settings is None or camera is None:
            source, regions = create_source(args.source), WHOLE
        else:
            source, regions = camera_source(camera, settings.folder), camera.regions
        with Progress("looking at the camera"):
            reference, baseline = take_reference(source, args.seconds, scorer=scorer, regions=regions)
        if baseline is not None and scorer is not None:
            save_baseline(kept, baseline, scorer.bundle.sha256)
    save_reference(out, reference)
    print(f"{shown(out)}: reference view of {reference.frames} frames of {reference.width}x{reference.height}")
    if baseline is not None:
        print(f"{shown(kept)}: what is normal, of {baseline.samples} frames")
    return 0


def _camera(file: Path, name: str) -> "tuple[WatchSettings, CameraSettings]":
    from ...watch.assembly.config import load_watch_settings

    settings = load_watch_settings(file)
    camera = next((one for one in settings.cameras if one.name == name), None)
    if camera is None:
        known = ", ".join(one.name for one in settings.cameras)
        raise ConfigurationError(f"--camera: {file} has no camera {shown(name)!r}, known are {known}")
    return settings, camera
