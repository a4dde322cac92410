"""``dgiqa-edge gate reference``: what an operator declares healthy."""

import argparse

from ...ground.names import shown
from ..option_types import input_path, number, output_file
from ..progress import Progress

SUMMARY = "take the view a camera is meant to have, to tell when it was moved"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the action's options."""
    parser.add_argument("source", nargs="?", metavar="SOURCE", help="video file, images, or a camera's URI")
    parser.add_argument("--config", type=input_path, metavar="FILE", help="a watch file whose camera it is, instead")
    parser.add_argument("--camera", metavar="NAME", help="of the watch file")
    parser.add_argument(
        "--out", type=output_file, metavar="FILE", help="the reference view (default: in the watch file's 'baselines')"
    )
    parser.add_argument(
        "--seconds",
        type=number(0.0, above=True),
        metavar="S",
        help="of frames at most (default: all of a file, 10 of a camera)",
    )


def run(args: argparse.Namespace) -> int:
    """Take and keep it; 0."""
    from ...errors import ConfigurationError
    from ...frames.images import quiet_decoder
    from ...gate.reference.reference_file import save_reference
    from ...ground.atomic import check_output
    from ...watch.assembly.baseline_keeper import reference_file
    from ...watch.assembly.config import load_watch_settings
    from ...watch.assembly.parts import camera_source
    from ...watch.reference_taking import take_reference
    from ...watch.sources.registry import create_source

    if (args.source is None) == (args.config is None) or (args.config is None) != (args.camera is None):
        raise ConfigurationError("give a source, or --config FILE and --camera NAME")
    out = args.out
    if args.config is None:
        source = create_source(args.source)
    else:
        settings = load_watch_settings(args.config)
        camera = next((one for one in settings.cameras if one.name == args.camera), None)
        if camera is None:
            known = ", ".join(one.name for one in settings.cameras)
            raise ConfigurationError(f"--camera: {args.config} has no camera {shown(args.camera)!r}, known are {known}")
        if out is None and settings.baselines is not None:
            out = reference_file(settings.baselines, camera.name)
        source = camera_source(camera, settings.folder)
    if out is None:
        raise ConfigurationError("--out FILE is missing: where the reference view is to be written")
    check_output(out)
    quiet_decoder()
    with Progress("looking at the camera"):
        reference = take_reference(source, args.seconds)
    save_reference(out, reference)
    print(f"{shown(out)}: reference view of {reference.frames} frames of {reference.width}x{reference.height}")
    return 0
