"""``dgiqa-edge gate``: thresholds tuned on photos, a policy tried on recorded frames, and the published defaults.

Each action is a module beside this one.
"""

import argparse

from ..action import Action, add_actions
from . import defaults, reference, tune
from . import run as run_

SUMMARY = (
    "the camera gate: tune thresholds on photos, try a policy on frames, take a reference view, print the defaults"
)
EXTRA = "cpu"
_MODULES = {"tune": tune, "run": run_, "reference": reference, "defaults": defaults}

_EPILOG = """\
example:
  dgiqa-edge gate defaults > policy.toml
  dgiqa-edge gate tune --good good/ --bad bad/ --bundle build/demo/bundle --out policy.toml --plot roc.png
  dgiqa-edge gate run --bundle build/demo/bundle --policy policy.toml video.mp4 --json
  dgiqa-edge gate run --bundle build/demo/bundle video.mp4 --labels labels.csv --html film.html
  dgiqa-edge gate reference video.mp4 --out reference.json
  dgiqa-edge gate reference --config watch.toml --camera front --profile night
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    actions = (Action(name, it.SUMMARY, it.configure, it.run) for name, it in _MODULES.items())
    add_actions(parser, actions, _EPILOG)


def run(args: argparse.Namespace) -> int:
    """Run the action; 0, or 3 when some photo or frame could not be read."""
    code: int = args.perform(args)
    return code
