"""``dgiqa-edge gate reference``: what an operator declares healthy, a camera's view and what is normal for it."""

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

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
    parser.add_argument(
        "--profile", metavar="NAME", help="of the camera, for which both are (default: its own settings)"
    )
    add_scorer_options(parser, default="that of the watch file; without either the view alone is taken")
    for option, what in (("--out", "the reference view"), ("--baseline", "what is normal for the camera")):
        parser.add_argument(
            option, type=output_file, metavar="FILE", help=f"{what} (default: in the watch file's 'baselines')"
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
    if args.profile is not None and args.config is None:
        raise ConfigurationError("--profile NAME is of a camera of a watch file: give --config FILE and --camera NAME")
    named, kept = named_bundle(args), args.baseline
    if args.config is None and (named is None) != (kept is None):
        raise ConfigurationError("--bundle DIR and --baseline FILE go together: what is normal belongs to one bundle")
    watched = None if args.config is None else _watched(args.config, args.camera, args.profile)
    folder = None if watched is None else watched.settings.baselines
    out = args.out or (None if watched is None or folder is None else reference_file(folder, watched.name))
    if out is None:
        raise ConfigurationError(
            "--out FILE is missing: where the reference view is to be written; a folder 'baselines' at the top of the "
            "watch file does too"
        )
    check_output(out)
    quiet_decoder()
    with ExitStack() as stack:
        scorer: Scorer | FallbackScorer | None = None
        if named is not None:
            scorer = Scorer(named, threads=args.threads, fit=args.fit)
        elif watched is not None and (kept or folder):
            scorer = open_scorer(watched.settings)
        if scorer is not None:
            stack.callback(scorer.close)
            if kept is None:
                if watched is None or folder is None:
                    raise ConfigurationError("--baseline FILE is missing: the watch file names no folder 'baselines'")
                keeper = BaselineKeeper(folder, scorer.bundle, for_each=is_slots(watched.settings.bundle))
                kept = keeper.baseline_file(watched.name)
            check_output(kept)
        if watched is None:
            source, regions = create_source(args.source), WHOLE
        else:
            source, regions = camera_source(watched.camera, watched.settings.folder), watched.camera.regions
        with Progress("looking at the camera"):
            reference, baseline = take_reference(source, args.seconds, scorer=scorer, regions=regions)
        if baseline is not None and scorer is not None:
            save_baseline(kept, baseline, scorer.bundle.sha256)
    save_reference(out, reference)
    print(f"{shown(out)}: reference view of {reference.frames} frames of {reference.width}x{reference.height}")
    if baseline is not None:
        print(f"{shown(kept)}: what is normal, of {baseline.samples} frames")
    if folder is not None and None in (args.out, args.baseline):
        print("a running watch takes it at its next start")
    return 0


class _Watched(NamedTuple):
    """A camera of a watch file; ``name`` is that of its files, or of those of one of its profiles."""

    settings: "WatchSettings"
    camera: "CameraSettings"
    name: str


def _watched(file: Path, name: str, profile: str | None) -> _Watched:
    from ...watch.assembly.config import load_watch_settings
    from ...watch.loop.judge import kept_name

    settings = load_watch_settings(file)
    cameras = {one.name: one for one in settings.cameras}
    if name not in cameras:
        raise ConfigurationError(f"--camera: {file} has no camera {shown(name)!r}, known are {', '.join(cameras)}")
    profiles = [it.name for it in cameras[name].profiles.each]
    if profile is not None and profile not in profiles:
        raise ConfigurationError(
            f"--profile: {name} has no profile {shown(profile)!r}, known are {', '.join(profiles) or 'none'}"
        )
    return _Watched(settings, cameras[name], kept_name(name, profile))
