"""``dgiqa-edge watch reference``: every setting of a configuration, as the program reads it."""

import argparse
import textwrap

SUMMARY = "print every setting of watch's configuration: type, default, range, meaning; or its JSON Schema"
EXTRA = "watch"

_EPILOG = """\
example:
  dgiqa-edge watch reference
  dgiqa-edge watch reference gate.frozen
  dgiqa-edge watch reference mqtt
  dgiqa-edge watch reference --schema > watch.schema.json

KEY is a path (cameras.name), a part of one (stall_timeout_s), a pattern ('*_timeout_s'), or the type of a sink. The
schema is for editors, which complete and check by it: 'watch init' writes the line that names it.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EPILOG
    parser.add_argument("key", nargs="?", metavar="KEY", help="only these settings")
    parser.add_argument("--schema", action="store_true", help="print a JSON Schema of the whole file")


def run(args: argparse.Namespace) -> int:
    """Print them; 0.

    Raises:
        ConfigurationError: there is no such setting.
    """
    from ...errors import ConfigurationError
    from ...ground.names import json_text
    from ...watch.assembly.reference import Explained, Group, find, plain, reference
    from ...watch.assembly.schema import watch_schema

    if args.schema:
        if args.key is not None:
            raise ConfigurationError(f"{args.key!r} beside --schema: the schema is of the whole file, leave one out")
        print(json_text(watch_schema(), indent=2))
        return 0
    every: list[tuple[Group, Explained]] = [(group, it) for group in reference() for it in group.settings]
    shown: Group | None = None
    for group, it in every if args.key is None else find(args.key):
        if group is not shown:
            print(f"{'' if shown is None else chr(10)}{group.heading}")
            shown = group
            for line in textwrap.wrap(plain(group.about), 110):
                print(f"  {line}")
        facts = ["required" if it.setting.required else "", f"default {it.default}" if it.default else "", it.allowed]
        print(f"  {it.key}: {', '.join([it.setting.kind, *filter(None, facts)])}")
        for line in textwrap.wrap(plain(it.meaning), 106):
            print(f"      {line}")
    return 0
