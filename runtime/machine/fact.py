"""One fact about the machine: a value, or the reason why there is none. Nothing is ever guessed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..ground.error_text import one_line
from ..hashing import Json


@dataclass(frozen=True)
class Fact:
    """``value`` is None where the fact could not be had; ``reason`` then begins with what was tried."""

    value: Json
    reason: str = ""

    def __str__(self) -> str:
        if self.value is None:
            return f"not found: {self.reason}"
        return ", ".join(str(part) for part in self.value) if isinstance(self.value, (list, tuple)) else str(self.value)


def from_file(path: Path, parse: Callable[[str], Json]) -> Fact:
    """What ``parse`` finds in a file of the system; ``parse`` returns None where the text does not say."""
    try:
        text = path.read_bytes().decode(errors="replace")
    except OSError as error:
        return Fact(None, f"{path}: {error.strerror}")
    return from_text(text, parse, str(path))


def from_text(text: str, parse: Callable[[str], Json], where: str) -> Fact:
    """As ``from_file``, for a text that was read elsewhere, such as a command's output."""
    value = parse(text)
    return Fact(value) if value is not None else Fact(None, f"{where} does not say ({one_line(text)[:60]!r})")
