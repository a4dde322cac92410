"""``dgiqa-edge bundle``: who made a bundle, and how it comes to a device over the air."""

import argparse

from ..action import add_actions
from . import delivery, signing

SUMMARY = "bundles over the air: sign, verify, pack, pull into a slot, go back"
EXTRA = "watch"

_EPILOG = """\
example:
  dgiqa-edge bundle keygen --out release
  dgiqa-edge bundle sign build/demo/bundle --key release.key.pem
  dgiqa-edge bundle pack build/demo/bundle --out bundle.tar
  dgiqa-edge bundle pull https://updates.example/bundle.tar --slots bundles --require-signature release.pub.pem
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_actions(parser, (*signing.ACTIONS, *delivery.ACTIONS), _EPILOG)


def run(args: argparse.Namespace) -> int:
    """Carry the action out; 0."""
    code: int = args.perform(args)
    return code
