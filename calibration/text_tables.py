"""Lists of files and tables of ratings as people save them: with a byte-order mark, in UTF-16, with Windows' line ends.

The one reader of such text in the project: what a spreadsheet or an editor adds must not cost or invent an entry.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from dgiqa_edge.runtime.errors import ReportError
from dgiqa_edge.runtime.ground.input_file import file_bytes

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_QUOTES = ("''", '""')


def text_of(path: Path) -> str:
    """The text of a file, its byte-order mark left out.

    Raises:
        ReportError: it cannot be read, or is not text in UTF-8 or UTF-16.
    """
    try:
        content = file_bytes(path)
    except OSError as error:
        raise ReportError(f"cannot read {path} ({error.strerror}): check the name") from error
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ReportError(f"{path} is not UTF-8 text: save it as UTF-8") from error
    if "\0" in text:
        raise ReportError(f"{path} holds zero bytes, so it is no UTF-8 text: save it as UTF-8")
    return text


def listed_names(path: Path) -> list[str]:
    """The entries of a list, one per line: blank lines and those that begin with ``#`` left out, quotes taken off.

    Raises:
        ReportError: see :func:`text_of`.
    """
    lines = (line.strip() for line in re.split(r"\r\n|\r|\n", text_of(path)))
    return [_unquoted(line) for line in lines if line and not line.startswith("#")]


def table_rows(path: Path, columns: tuple[str, ...] = ()) -> list[tuple[int, dict[str, str]]]:
    """Rows of a comma-separated table with their line numbers; the first line names the columns.

    Args:
        columns: those that must be there.

    Raises:
        ReportError: see :func:`text_of`; or a column is missing, or a row has not as many cells as the first line.
    """
    reader = csv.reader(io.StringIO(text_of(path), newline=""), skipinitialspace=True)
    try:
        filled = list(_filled(reader))
    except csv.Error as error:
        raise ReportError(f"{path}, line {reader.line_num}: {error}") from error
    header = filled[0][1] if filled else []
    missing = [column for column in columns if column not in header]
    if missing:
        raise ReportError(
            f"{path} lacks the column {', '.join(missing)}: its first line must name {', '.join(columns)}"
        )
    for line, cells in filled[1:]:
        if len(cells) != len(header):
            raise ReportError(f"{path}, line {line}, has not as many cells as the first line: correct it")
    return [(line, dict(zip(header, cells, strict=True))) for line, cells in filled[1:]]


def _filled(reader: "csv._reader") -> Iterator[tuple[int, list[str]]]:  # type: ignore[name-defined]
    for cells in reader:
        stripped = [cell.strip() for cell in cells]
        if any(stripped):
            yield reader.line_num, stripped


def _unquoted(line: str) -> str:
    return line[1:-1] if len(line) > 2 and line[0] + line[-1] in _QUOTES else line
