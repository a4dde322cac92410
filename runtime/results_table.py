"""Results as a table for other programs: CSV, or a data frame of pandas or polars. One row per result, in their order.

What a row cannot hold (scores of crops, the places of faults) stays in ``to_dict``.
"""

import csv
import importlib
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, Protocol

from .errors import ConfigurationError, MachineError
from .ground.atomic import write_text

Library = Literal["pandas", "polars"]
LIBRARIES: tuple[Library, ...] = ("pandas", "polars")


class Result(Protocol):
    """``Quality``, ``Unscored`` or ``Verdict``."""

    def to_dict(self) -> dict[str, Any]:
        """Its facts by name."""
        ...


def to_csv(results: Iterable[Result], file: str | Path) -> None:
    """Write results as CSV, atomically: a line of names, then a line for each; what a result has not is empty.

    Probabilities of faults are columns of their own, ``fault_blurred`` and so on.

    Example:
        >>> with Scorer("bundle") as scorer:
        ...     to_csv(scorer.score_many(["photo.png", "absent.png"]), "scores.csv")
        >>> print(Path("scores.csv").read_text())  # doctest: +ELLIPSIS
        image,score,latency_ms,width,height,error
        photo.png,0.5...,64,48,
        absent.png,,,,,absent.png does not exist: check the name
        <BLANKLINE>

    Raises:
        MachineError: the file cannot be written.
    """
    columns = _columns(results)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    write_text(Path(file), text.getvalue())


def to_frame(results: Iterable[Result], library: Library | None = None) -> Any:
    """Results as a data frame with the columns of ``to_csv``; what a result has not is null.

    Args:
        library: None takes pandas, else polars, whichever is installed.

    Raises:
        MachineError: it is not installed, or neither is.
        ConfigurationError: there is no such library.
    """
    if library is not None and library not in LIBRARIES:
        raise ConfigurationError(f"library is {library!r}: give {' or '.join(LIBRARIES)}")
    wanted = LIBRARIES if library is None else (library,)
    for name in wanted:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        return module.DataFrame(_columns(results))
    raise MachineError(f"a data frame needs {' or '.join(wanted)}: pip install {wanted[0]}, or write CSV by to_csv")


def flat(record: dict[str, Any]) -> dict[str, Any]:
    """A result's ``to_dict`` as one row."""
    row = {name: value for name, value in record.items() if not isinstance(value, dict | list)}
    return row | {f"fault_{name}": value for name, value in record.get("faults", {}).items()}


def _columns(results: Iterable[Result]) -> dict[str, list[Any]]:
    rows = [flat(result.to_dict()) for result in results]
    names = dict.fromkeys(name for row in rows for name in row)
    if "error" in names:  # a bad image may come first
        del names["error"]
        names["error"] = None
    return {name: [row.get(name) for row in rows] for name in names}
