"""``dgiqa-edge gate defaults``: the published policy."""

import argparse

SUMMARY = "print the published policy as TOML, to edit"


def configure(parser: argparse.ArgumentParser) -> None:
    """Nothing to declare."""


def run(args: argparse.Namespace) -> int:
    """Print it; 0."""
    from ...gate.policy import GatePolicy
    from ...gate.policy_file import policy_toml

    print(policy_toml(GatePolicy(), ["The published policy of the camera gate."]), end="")
    return 0
