"""What the value of a command's option may be: numbers within bounds, inputs, and outputs that can be written.

Every parser of the project takes its ``type=`` from here (a test walks them): a bare ``int`` or ``float`` takes nan
and 1e308, and a bare ``Path`` finds out after minutes of work that its folder is read-only. An output that cannot be
written is an error of the machine (exit code 4); everything else here is one of usage (2).
"""

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import ConfigurationError
from ..ground.atomic import check_folder, check_output
from ..ground.limits import MOST_COUNT, MOST_SECONDS, MOST_THREADS
from ..ground.names import shown
from ..ground.quantities import duration_in, mebibytes
from .json_output import BLANK, JsonOutput

_PosixOrWindowsPath = type(Path())


class InputPath(_PosixOrWindowsPath):  # type: ignore[valid-type,misc]
    """A path that is read."""


class OutputPath(_PosixOrWindowsPath):  # type: ignore[valid-type,misc]
    """A path that is written."""


def whole(low: int, high: int = MOST_COUNT) -> Callable[[str], int]:
    """A whole number with ``low <= number <= high``."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"{_brief(text)} is no whole number from {low} to {high}")
        return number

    return parse


def number(low: float, high: float = MOST_SECONDS, above: bool = False) -> Callable[[str], float]:
    """A finite number with ``low <= number <= high``, or ``low < number`` where it must lie ``above``."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (low <= value <= high) or (above and value == low):
            start = f"above {low:g} and at most" if above else f"from {low:g} to"
            raise argparse.ArgumentTypeError(f"{_brief(text)} is no number {start} {high:g}")
        return value

    return parse


def duration(
    unit: str, low: float = 0.0, high: float = MOST_SECONDS, *, above: bool = False, bare: bool = True
) -> Callable[[str], float]:
    """A time in ``unit`` (ms, s, min), as ``500ms``, ``30s``, ``5m``, ``1h``.

    With ``bare`` a number alone is in ``unit``, too. Bounds are those of :func:`number`, in ``unit``.
    """

    def parse(text: str) -> float:
        value = duration_in(unit, text, bare=bare)
        if value is None or not (low <= value <= high) or (above and value == low):
            start = f"above {low:g} and at most" if above else f"from {low:g} to"
            how = f"a number alone is in {unit}" if bare else "with its unit"
            raise argparse.ArgumentTypeError(
                f"{_brief(text)} is no time {start} {high:g} {unit}: write it as 500ms, 30s, 5m or 1h, {how}"
            )
        return value

    return parse


def memory(low: int, high: int) -> Callable[[str], int]:
    """An amount of memory in whole MiB, as ``512``, ``512MiB``, ``2GiB``, with ``low <= MiB <= high``."""

    def parse(text: str) -> int:
        value = mebibytes(text)
        if value is None or not low <= value <= high or value != int(value):
            raise argparse.ArgumentTypeError(
                f"{_brief(text)} is no whole number of MiB from {low} to {high}: write it as 512, 512MiB or 2GiB"
            )
        return int(value)

    return parse


threads = whole(1, MOST_THREADS)
seconds = duration("s", above=True)


def shape(text: str) -> tuple[int, int]:
    """``3:4``, width to height, as (4, 3): height and width of any scale."""
    width, _, height = text.partition(":")
    side = whole(1, 1000)
    try:
        return side(height), side(width)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"{_brief(text)} is no shape: write WIDTH:HEIGHT, as 3:4") from None


def input_path(text: str) -> Path:
    """A path to read, which need not exist yet."""
    return InputPath(text)


def output_file(text: str) -> Path:
    """A file to write: it or its nearest existing folder can be written.

    Raises:
        MachineError: it cannot.
    """
    check_output(Path(text))
    return OutputPath(text)


def output_folder(text: str) -> Path:
    """A folder to write files into, which need not exist yet.

    Raises:
        MachineError: it cannot be written.
    """
    check_folder(Path(text))
    return OutputPath(text)


def output_place(text: str) -> str:
    """As :func:`output_folder`, or the address of one in a store (``s3://bucket/scores``), which is not tried.

    Raises:
        MachineError: it cannot be written.
    """
    return text if "://" in text else str(output_folder(text).absolute())


def parse(parser: argparse.ArgumentParser, arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The parsed arguments, of which no output is also an input or a second output.

    Raises:
        ConfigurationError: one is, or an argument is blank: what an unset variable leaves must not turn a limit off.
    """
    refuse_blank(sys.argv[1:] if arguments is None else arguments)
    args = parser.parse_args(arguments)
    given = [item for value in vars(args).values() for item in (value if isinstance(value, list) else [value])]
    given = [OutputPath(it.file) if isinstance(it, JsonOutput) and it.file else it for it in given]
    taken = {os.path.realpath(path) for path in given if isinstance(path, InputPath) and path.is_file()}
    for path in (item for item in given if isinstance(item, OutputPath)):
        place = os.path.realpath(path)
        if place in taken:
            raise ConfigurationError(f"{shown(path)} would overwrite an input or another output: give it another name")
        if not path.is_dir() and not place.startswith(("/dev/", "/proc/")):
            taken.add(place)
    return args


def refuse_blank(arguments: Sequence[str]) -> None:
    """Refuse arguments without a word in them, whatever option they belong to.

    Raises:
        ConfigurationError: there is one; names the option before it.
    """
    for before, argument in zip(("", *arguments), arguments, strict=False):
        option, _, value = argument.partition("=") if argument.startswith("--") else (before, "", argument)
        of_option = option.startswith("-")
        # A file may well be named " " or ",", a limit may not.
        if not value.strip(BLANK if of_option else "") and (argument is value or "=" in argument):
            whose = option if of_option else "an argument"
            raise ConfigurationError(f"{whose} is empty (an unset variable?): give it a value, or leave it out")


def _brief(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:37]}...")
