"""The ``dgiqa-edge`` program: finds a command, runs it, turns the project's errors into one line and a code.

Commands come from the entry-point group ``dgiqa_edge.commands``, so a room adds one without this module
knowing it. Only the module of the command asked for is imported; listing them imports all, which is why they
import lazily.
"""

import argparse
import contextlib
import difflib
import errno
import importlib
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import NoReturn

from ..errors import ConfigurationError, DgiqaEdgeError, MachineError, page_of
from ..ground.error_text import one_line
from ..ground.extra_packages import install_command
from ..ground.names import shown
from ..ground.terminal import coloured
from ..settings.credentials import masked_streams
from ..version import VERSION
from . import abrupt_exit
from .abrupt_exit import drop_unwritable, silence
from .json_output import alone_on_stdout, with_its_file
from .option_types import parse
from .progress import set_quiet

PROGRAM = "dgiqa-edge"
COMMAND_GROUP = "dgiqa_edge.commands"
EXIT_BUG = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
EXIT_TERMINATED = 143

# Known without package metadata: a source tree on PYTHONPATH still runs, and a start need not search all packages.
_OWN_COMMANDS = {
    "score": "dgiqa_edge.runtime.commands.score",
    "score-many": "dgiqa_edge.runtime.commands.score_many",
    "gate": "dgiqa_edge.runtime.commands.gate",
    "inspect": "dgiqa_edge.runtime.commands.inspect",
    "bundle": "dgiqa_edge.runtime.commands.bundle",
    "doctor": "dgiqa_edge.runtime.commands.doctor",
    "watch": "dgiqa_edge.runtime.commands.watch",
    "completion": "dgiqa_edge.runtime.commands.completion",
}
_GLOBAL = {
    "--quiet": "say nothing on the way: results, warnings and errors alone",
    "--debug": "show the trace of an error, and log all there is",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code.

    0 done; 2 wrong usage; 3 bad input; 4 something this machine lacks; 130 interrupted; 141 the reader of the
    output went away; 143 terminated; 1 a bug.
    """
    arguments, given = _without_globals(list(sys.argv[1:] if argv is None else argv))
    debug = "--debug" in given
    set_quiet("--quiet" in given)
    logging.getLogger("dgiqa_edge").setLevel(logging.DEBUG if debug else logging.NOTSET)
    return guarded(lambda: _dispatch(arguments), debug)


def guarded(work: Callable[[], int], debug: bool = False, extra: str = "cpu") -> int:
    """Run a program's work; whatever ends it becomes one line on stderr and :func:`main`'s exit code.

    Args:
        extra: of ``setup.py``, whose packages the work needs.
    """
    _open_closed_streams()
    _print_any_name()
    _stop_cleanly_on_sigterm()
    with masked_streams():
        code = _code_of(work, debug, extra)
    drop_unwritable()
    abrupt_exit.honour(code)
    return code


def _code_of(work: Callable[[], int], debug: bool, extra: str) -> int:
    try:
        with _packages_of(extra):
            code = _ended(work)
        sys.stdout.flush()
        return code
    except SystemExit:
        return _report("terminated", EXIT_TERMINATED, debug)
    except DgiqaEdgeError as error:
        return _report(f"error: {error} {_entry(type(error))}", error.exit_code, debug)
    except KeyboardInterrupt:
        return _report("interrupted", EXIT_INTERRUPTED, debug)
    except BrokenPipeError:
        silence(sys.stdout)
        return EXIT_BROKEN_PIPE
    except OSError as error:
        silence(sys.stdout)  # it may be the output that failed
        problem = f"error: {_system_problem(error)} {_entry(MachineError)}"
        return _report(problem, MachineError.exit_code, debug)
    except MemoryError as error:
        problem = f"error: not enough memory ({error or 'an allocation failed'}): give smaller inputs, or fewer at once"
        problem += f" {_entry(MachineError)}"
        return _report(problem, MachineError.exit_code, debug)
    except Exception as error:
        problem = f"internal error: {type(error).__name__}: {error} (a bug; --debug shows the trace)"
        return _report(problem, EXIT_BUG, debug)


def _entry(kind: type[DgiqaEdgeError]) -> str:
    """Where more is said of an error: a comment to a shell, since many a message ends with a command to copy."""
    return f"# {page_of(kind)}"


def _ended(work: Callable[[], int]) -> int:
    try:
        return work()
    except SystemExit as stop:
        if stop.code == EXIT_TERMINATED:
            raise
        # argparse: --help, --version, usage errors
        return stop.code if isinstance(stop.code, int) else EXIT_USAGE


def _system_problem(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"disk full ({error}): free some space, run it again"
    return f"the system refuses: {error}; check that path or resource, and run it again"


@contextlib.contextmanager
def _packages_of(extra: str) -> Iterator[None]:
    """A package that the block lacks is an error of the machine; says how to install the extra."""
    try:
        yield
    except (ImportError, AttributeError) as error:
        package = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
        # An OpenCV for an older NumPy names NumPy alone.
        of_opencv = package == "cv2" or (not package and any(name in str(error) for name in ("cv2", "numpy")))
        if of_opencv and (opencv := _opencv_problem()) is not None:
            raise MachineError(f"OpenCV cannot be used: {opencv}") from error
        if package in ("", "dgiqa_edge"):
            raise
        raise MachineError(f"the package {package!r} is not installed: {install_command(extra)}") from error


def _opencv_problem() -> str | None:
    from ..machine.opencv import problem

    return problem()


def command_modules() -> Mapping[str, str]:
    """Command name -> module path, from the installed entry points."""
    from importlib import metadata

    found = {entry.name: entry.value for entry in metadata.entry_points(group=COMMAND_GROUP)}
    return dict(sorted({**_OWN_COMMANDS, **found}.items()))


def _dispatch(arguments: list[str]) -> int:
    globals_part, name, rest = _split_at_command(arguments)
    modules = _OWN_COMMANDS if name in _OWN_COMMANDS else command_modules()
    _global_parser(modules, with_list=name is None).parse_args(globals_part)
    if name is None:
        _global_parser(modules, with_list=True).print_help(sys.stderr)
        return EXIT_USAGE
    if name not in modules:
        close = difflib.get_close_matches(name, modules, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"see {PROGRAM} --help"
        raise ConfigurationError(f"there is no command '{name}': {hint}")
    module = _import_command(name, modules[name])
    if rest and (action := actions_of(module).get(rest[0])) is not None:
        module, name, rest = action, f"{name} {rest[0]}", rest[1:]
    parser = _Parser(
        prog=f"{PROGRAM} {name}",
        description=module.SUMMARY,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_globals(parser)
    module.configure(parser)
    with _packages_of(module.EXTRA):
        args = parse(parser, with_its_file(rest))
        with alone_on_stdout(args):
            return int(module.run(args))


class _Parser(argparse.ArgumentParser):
    """Says in two lines what is wrong with the arguments, and where all of them are explained."""

    def error(self, message: str) -> NoReturn:
        unknown = message.partition("unrecognized arguments: ")[2].split()
        close = difflib.get_close_matches(unknown[0], _options(self), n=1) if unknown else []
        hint = f" (did you mean {close[0]}?)" if close else ""
        problem = f"{self.prog}: {coloured('error:', 'red', sys.stderr)} {shown(one_line(message))}{hint}"
        self.exit(EXIT_USAGE, f"{problem}\ntry: {self.prog} --help\n")


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Names of a parser's options, and of those below it."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _options(below)


def _without_globals(given: list[str]) -> tuple[list[str], set[str]]:
    """``--debug`` and ``--quiet`` may stand anywhere before ``--``, also behind a command's own subcommands."""
    end = given.index("--") if "--" in given else len(given)
    head = [argument for argument in given[:end] if argument not in _GLOBAL]
    return head + given[end:], set(given[:end]) & _GLOBAL.keys()


def _split_at_command(arguments: list[str]) -> tuple[list[str], str | None, list[str]]:
    """Global options, the command (None if absent), and what belongs to it."""
    for index, argument in enumerate(arguments):
        if not argument.startswith("-"):
            return arguments[:index], argument, arguments[index + 1 :]
    return arguments, None, []


def _global_parser(modules: Mapping[str, str], with_list: bool) -> argparse.ArgumentParser:
    parser = _LazyListParser(
        modules if with_list else {},
        prog=PROGRAM,
        usage=f"{PROGRAM} [--version] [--quiet] [--debug] COMMAND ...",
        description="Depth-guided image quality on the edge: build engine bundles, score images with them.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {VERSION}")
    add_globals(parser)
    return parser


class _LazyListParser(_Parser):
    """Imports the command modules only when the help that lists them is printed."""

    def __init__(self, modules: Mapping[str, str], **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]
        self._modules = modules

    def format_help(self) -> str:
        width = max(map(len, self._modules), default=0)
        lines = [f"  {name:{width}}  {_summary(module)}" for name, module in self._modules.items()]
        self.epilog = "\n".join(["commands:", *lines, "", f"'{PROGRAM} COMMAND --help' shows a command's options."])
        return super().format_help()


def _summary(module_path: str) -> str:
    try:
        return str(importlib.import_module(module_path).SUMMARY)
    except ImportError as error:
        return f"(not installed: {error})"


def _import_command(name: str, module_path: str) -> ModuleType:
    try:
        return importlib.import_module(module_path)
    except ImportError as error:
        room = module_path.split(".")[1] if module_path.startswith("dgiqa_edge.") else "dev"
        extra = {"benchmarks": "bench", "runtime": "cpu", "calibration": "export"}.get(room, room)
        raise MachineError(
            f"the command '{name}' is not installed completely ({error}): {install_command(extra)}"
        ) from error


def actions_of(command: ModuleType) -> Mapping[str, ModuleType]:
    """Modules as those of commands, by the first word that calls each in place of the command's own argument."""
    actions: Mapping[str, ModuleType] = getattr(command, "ACTIONS", {})
    return actions


def add_globals(parser: argparse.ArgumentParser) -> None:
    """Add what every command takes."""
    for option, text in _GLOBAL.items():
        parser.add_argument(option, action="store_true", help=text)


def _report(problem: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    kind, colon, said = problem.partition(": ")
    with contextlib.suppress(OSError):
        kind = coloured(f"{kind}{colon.strip()}", "red", sys.stderr)
        print(f"{PROGRAM}: {kind}{' ' * bool(colon)}{shown(one_line(said))}", file=sys.stderr)
    return code


def _open_closed_streams() -> None:
    """A program started with ``>&-`` prints nothing; the next file it opens must not become its standard output."""
    with contextlib.suppress(OSError):
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(descriptor, True)
        os.close(descriptor)
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115


def _print_any_name() -> None:
    """A file name may hold characters that the terminal's encoding lacks: printing it must not fail."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def _stop_cleanly_on_sigterm() -> None:
    """Unwind as Ctrl-C does, so that half-written files are removed; only the main thread may ask for it."""

    def stop(number: int, frame: object) -> None:
        raise SystemExit(EXIT_TERMINATED)

    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGTERM, stop)


if __name__ == "__main__":
    sys.exit(main())
