"""``--json [FILE]`` of every command: its result for programs, to standard output or into a file that appears whole.

With JSON on standard output nothing else gets there: what a command prints for people goes nowhere.
"""

import argparse
import contextlib
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..ground.atomic import atomic_file, check_output, write_result
from ..ground.names import json_text

_OPTION = "--json"
_STDOUT = "-"
_NAMES = (".json", ".jsonl")
_STREAMS = ("/dev/", "/proc/")
BLANK = " \t\r\n,;"
"""What an unset variable leaves of an option's value, or of several with separators between them."""


class JsonOutput:
    """Where the result goes: ``file``, or standard output where that is None.

    Raises:
        MachineError: the file cannot be written.
    """

    def __init__(self, text: str) -> None:
        self.file = None if text == _STDOUT else Path(text)
        self._stream = sys.stdout
        if self.file is not None:
            check_output(self.file)

    def write(self, document: Any) -> None:
        """One document; what is not a number becomes null, for JSON has no NaN."""
        text = json_text(_finite(document), indent=1, allow_nan=False) + "\n"
        if self.file is None:
            print(text, end="", file=self._stream, flush=True)
        else:
            write_result(self.file, text)

    @contextlib.contextmanager
    def lines(self) -> Iterator[Callable[[Any], None]]:
        """A function that writes one document as a line, at once on standard output; a file appears at the end."""
        with contextlib.ExitStack() as stack:
            stream = self._stream
            if self.file is not None:
                partial = stack.enter_context(atomic_file(self.file))
                stream = stack.enter_context(partial.open("w", encoding="utf-8"))
            yield lambda document: print(json_text(_finite(document), allow_nan=False), file=stream, flush=True)


def add_json_option(parser: "argparse._ActionsContainer", what: str) -> None:
    """Add ``--json [FILE]``: ``what``, as JSON."""
    parser.add_argument(
        _OPTION,
        nargs="?",
        const=_STDOUT,
        type=json_output,
        metavar="FILE",
        help=f"{what}, as JSON: to standard output, which then has nothing else, or into FILE, a name in .json or "
        f".jsonl ({_OPTION}=FILE takes any)",
    )


def json_output(text: str) -> JsonOutput:
    """The ``type`` of that option."""
    return JsonOutput(text)


def with_its_file(arguments: Sequence[str]) -> list[str]:
    """The arguments with ``--json`` and its FILE in one, so that a photo behind it is not taken for FILE."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    found: list[str] = []
    rest = list(arguments[:end])
    while rest:
        argument = rest.pop(0)
        if argument == _OPTION and rest and _is_file(rest[0]):
            argument = f"{_OPTION}={rest.pop(0)}"
        elif argument == _OPTION and (not rest or rest[0].strip(BLANK)):  # a blank one is refused, with its option
            argument = f"{_OPTION}={_STDOUT}"
        found.append(argument)
    return [*found, *arguments[end:]]


@contextlib.contextmanager
def alone_on_stdout(args: argparse.Namespace) -> Iterator[None]:
    """Nothing but JSON on standard output, if it goes there."""
    output = getattr(args, "json", None)
    if not isinstance(output, JsonOutput) or output.file is not None:
        yield
        return
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123
        yield


def _is_file(text: str) -> bool:
    return text == _STDOUT or text.lower().endswith(_NAMES) or text.startswith(_STREAMS)


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
