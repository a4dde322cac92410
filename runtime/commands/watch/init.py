"""``dgiqa-edge watch init``: a first configuration, written and not tried."""

import argparse
import os
from pathlib import Path

from ...errors import ConfigurationError
from ...ground.names import shown
from ..option_types import output_file
from ..which_bundle import bundle_path

SUMMARY = "write a commented configuration for watch, ready to run"
EXTRA = "watch"
SCHEMA = Path(__file__).resolve().parents[2] / "schemas" / "watch.schema.json"

_EPILOG = """\
example:
  dgiqa-edge watch init watch.toml --bundle build/demo/bundle --camera rtsp://192.0.2.10/stream1
  dgiqa-edge watch watch.toml --check

Without --camera the drawn scene stands in it, which needs no camera. Nothing is tried and nothing overwritten. A
configuration that is called init is watched by: dgiqa-edge watch ./init
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "file",
        nargs="?",
        type=output_file,
        default=Path("watch.toml"),
        metavar="FILE",
        help="configuration to write (.toml; default: watch.toml)",
    )
    parser.add_argument(
        "--camera", action="append", default=[], metavar="URI", help="a camera or a file; again for each further one"
    )
    parser.add_argument(
        "--bundle", type=bundle_path, default=Path("bundle"), metavar="DIR", help="the bundle (default: bundle)"
    )
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")


def run(args: argparse.Namespace) -> int:
    """Write the file; 0."""
    from ...ground.atomic import write_text
    from ...settings.remote_address import is_remote
    from ...settings.shown_address import hidden_parts
    from ...watch.assembly.starter import starter_toml
    from ...watch.sources.uri import parse_uri

    file: Path = args.file
    if file.suffix.lower() != ".toml":
        raise ConfigurationError(f"{shown(file)}: the configuration is written as TOML, give a name that ends in .toml")
    if os.path.lexists(file) and not args.force:
        raise ConfigurationError(f"{shown(file)} exists: give another name, or --force to overwrite it")
    bundle = str(args.bundle) if is_remote(args.bundle) else _beside(file, str(args.bundle))
    plain_files = [parse_uri(source).scheme == "file" and ":" not in source for source in args.camera]
    sources = [
        _beside(file, source) if is_file else source for source, is_file in zip(args.camera, plain_files, strict=True)
    ]
    write_text(file, starter_toml(bundle, sources, SCHEMA))
    print(f"{shown(file)} written")
    if any(map(hidden_parts, sources)):
        print("a password may stand in it: ${NAME} in its place is taken from the environment")
    print(f"next: dgiqa-edge watch {shown(file)} --check")
    return 0


def _beside(file: Path, path: str) -> str:
    """A path from the working directory as one from the file's folder."""
    if Path(path).is_absolute() or path.startswith("~"):
        return path
    return os.path.relpath(path, file.parent)
