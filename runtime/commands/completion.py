"""``dgiqa-edge completion``: a script that makes a shell complete commands, options, choices and files."""

import argparse
import contextlib
import importlib
from typing import Any

from ..ground.extra_packages import extra_package
from . import cli

SUMMARY = "print a script by which bash or zsh completes this program's commands and options"
EXTRA = "completion"
SHELLS = ("bash", "zsh")
_OF_FILES = ("input_path", "bundle_path", "bundle_folder", "output_file", "output_folder", "json_output")

_EPILOG = f"""\
example:
  eval "$({cli.PROGRAM} completion bash)"                  # in ~/.bashrc
  {cli.PROGRAM} completion zsh > ~/.zfunc/_{cli.PROGRAM}     # a folder of zsh's fpath
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EPILOG
    parser.add_argument("shell", choices=SHELLS, help="whose script to print")


def run(args: argparse.Namespace) -> int:
    """Print the script; returns 0."""
    shtab: Any = extra_package("shtab", EXTRA, "completion")
    # Before a command's own argument, whose place they may take: bash falls back to files, zsh would offer none.
    parser = whole_parser(with_actions=args.shell == "bash")
    _with_files(parser, shtab)
    print(shtab.complete(parser, shell=args.shell))
    return 0


def whole_parser(with_actions: bool = True) -> argparse.ArgumentParser:
    """Every command that is installed, in one parser; with the actions that stand in place of its argument, or not."""
    parser = argparse.ArgumentParser(prog=cli.PROGRAM)
    cli.add_globals(parser)
    commands = parser.add_subparsers()
    for name, path in cli.command_modules().items():
        with contextlib.suppress(ImportError):
            module = importlib.import_module(path)
            own = commands.add_parser(name, help=module.SUMMARY, description=module.SUMMARY)
            cli.add_globals(own)
            if with_actions and (actions := cli.actions_of(module)):
                words = own.add_subparsers()
                for word, action in actions.items():
                    action.configure(words.add_parser(word, help=action.SUMMARY))
            module.configure(own)
    return parser


def _with_files(parser: argparse.ArgumentParser, shtab: Any) -> None:
    """Have file names completed where there is neither a choice nor a number."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in dict.fromkeys(action.choices.values()):
                _with_files(below, shtab)
        elif action.nargs != 0 and not action.choices and _takes_a_file(action):
            action.complete = shtab.DIRECTORY if action.metavar == "DIR" else shtab.FILE  # type: ignore[attr-defined]


def _takes_a_file(action: argparse.Action) -> bool:
    named = getattr(action.type, "__name__", "") in _OF_FILES
    return named or (action.type is None and (not action.option_strings or action.dest in ("photos", "calib")))
