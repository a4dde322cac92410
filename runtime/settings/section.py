"""One section of a settings mapping, read strictly: each value has a type and a range, no key goes unread.

It knows nothing of what the settings mean. Every complaint names the key by its full path and states the rule.
"""

import difflib
import math
import reprlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ..errors import ConfigurationError
from ..ground.quantities import frame_size
from .credentials import masked, remember_address
from .listening import SIZE, asked

Word = TypeVar("Word", bound=str)


class Section:
    """Reads the keys of one mapping; ``finish`` refuses those that nobody asked for.

    Args:
        values: what the file holds here.
        path: of this section, dotted, for messages (``cameras.front.gate``).

    Raises:
        ConfigurationError: from every method: a wrong type, a value out of range, an unknown key.

    Example:
        >>> section = Section({"readings": 3}, "gate.start")
        >>> section.integer("readings", 5, low=1)
        3
        >>> section.finish()
    """

    def __init__(self, values: Any, path: str) -> None:
        if not isinstance(values, Mapping):
            raise ConfigurationError(f"{path or 'the settings'} is {_shown(values)}: give a section of named settings")
        self.path = path
        self._values = values
        self._asked: list[str] = []

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def path_of(self, key: str) -> str:
        """The dotted path of one of this section's keys."""
        return f"{self.path}.{key}" if self.path else key

    @asked("number")
    def number(self, key: str, default: float, low: float = -math.inf, high: float = math.inf) -> float:
        """A finite number with ``low <= number <= high``."""
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._refusal(key, f"give a number{_between(low, high)}")
        try:
            number = float(value)
        except OverflowError:
            raise self._refusal(key, f"give a number{_between(low, high)}") from None
        if not (math.isfinite(number) and low <= number <= high):
            raise self._refusal(key, f"give a number{_between(low, high)}")
        return number

    @asked("number")
    def optional_number(
        self, key: str, default: float | None, low: float = -math.inf, high: float = math.inf
    ) -> float | None:
        """As :meth:`number`; an absent key without a default is None."""
        if key not in self and default is None:
            self._ask(key)
            return None
        return self.number(key, 0.0 if default is None else default, low, high)

    @asked("whole number")
    def integer(self, key: str, default: int, low: int, high: int = 2**31 - 1) -> int:
        """A whole number with ``low <= number <= high``."""
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self._refusal(key, f"give a whole number{_between(low, high)}")
        return value

    @asked("whole number")
    def optional_integer(self, key: str, low: int, high: int = 2**31 - 1) -> int | None:
        """As :meth:`integer`; an absent key is None."""
        if key in self:
            return self.integer(key, low, low, high)
        self._ask(key)
        return None

    @asked("true, false")
    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self._take(key, default)
        if not isinstance(value, bool):
            raise self._refusal(key, "give true or false")
        return value

    @asked("text", needed=True)
    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty; without a default the key must be there."""
        value = self._take(key, default)
        if value is None:
            raise ConfigurationError(f"{self.path_of(key)} is missing: give a text")
        if not isinstance(value, str) or not value.strip():
            raise self._refusal(key, "give a text that is not empty")
        return value

    @asked("path", needed=True)
    def file_path(self, key: str, folder: Path) -> Path:
        """A path: below ``folder`` where it is relative, in the user's own where it starts with ``~``."""
        try:
            return folder / Path(self.text(key)).expanduser()
        except RuntimeError:
            raise self._refusal(key, "this user has no home folder, give a path without '~'") from None

    @asked("path")
    def optional_path(self, key: str, folder: Path) -> Path | None:
        """As :meth:`file_path`; an absent key is None."""
        if key in self:
            return self.file_path(key, folder)
        self._ask(key)
        return None

    @asked("one of", needed=True)
    def choice(self, key: str, default: str, choices: Sequence[str]) -> str:
        """One of the given words."""
        value = self._take(key, default)
        if not isinstance(value, str) or value not in choices:
            raise self._refusal(key, f"give one of {', '.join(choices)}{_meant(value, choices)}")
        return value

    @asked("one of")
    def optional_choice(self, key: str, choices: Sequence[Word]) -> Word | None:
        """As :meth:`choice`; an absent key is None."""
        if self.optional_text(key) is None:
            return None
        return choices[choices.index(self.choice(key, "", choices))]

    @asked("text")
    def optional_text(self, key: str) -> str | None:
        """As :meth:`text`; an absent key is None."""
        if key in self:
            return self.text(key)
        self._ask(key)
        return None

    @asked("list of texts")
    def texts(self, key: str, default: Sequence[str], choices: Sequence[str] | None = None) -> tuple[str, ...]:
        """A list of texts, each at most once; where ``choices`` are given, of those words."""
        value = self._take(key, list(default))
        allowed = "a list of texts" if choices is None else f"a list out of {', '.join(choices)}"
        if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
            raise self._refusal(key, f"give {allowed}")
        for item in value:
            if choices is not None and item not in choices:
                raise self._refusal(key, f"give {allowed}{_meant(item, choices)}")
            if value.count(item) > 1:
                raise self._refusal(key, f"{item!r} stands in it twice, keep one")
        return tuple(value)

    @asked("section")
    def section(self, key: str) -> "Section":
        """The section below this one; an absent one is empty."""
        return Section(self._take(key, {}), self.path_of(key))

    @asked("list of sections")
    def sections(self, key: str) -> "list[Section]":
        """The list of sections below this one, each with its number in the path; an absent one is empty."""
        values = self._take(key, [])
        if not isinstance(values, list):
            raise self._refusal(key, "give a list of sections")
        return [Section(value, f"{self.path_of(key)}[{number}]") for number, value in enumerate(values)]

    @asked("list")
    def listed(self, key: str) -> list[Any]:
        """A list whose items somebody else checks; an absent one is empty."""
        values = self._take(key, [])
        if not isinstance(values, list):
            raise self._refusal(key, "give a list")
        return list(values)

    @asked("section")
    def mapping(self, key: str) -> dict[str, Any]:
        """Settings that somebody else reads, under names that are texts; absent: empty."""
        values = self._take(key, {})
        if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
            raise self._refusal(key, "give a section of named settings")
        return dict(values)

    @asked("section")
    def optional_mapping(self, key: str) -> dict[str, Any] | None:
        """As :meth:`mapping`; an absent key is None."""
        if key in self:
            return self.mapping(key)
        self._ask(key)
        return None

    def all_values(self) -> dict[str, Any]:
        """Everything in this section, for somebody else to read; counts as asked for."""
        for key in self._values:
            self._ask(key)
        return dict(self._values)

    def finish(self) -> None:
        """Refuse keys that no method was called for."""
        for key in self._values:
            if key not in self._asked:
                hint = _meant(key, self._asked) or f": known are {', '.join(self._asked)}"
                raise ConfigurationError(f"{self.path_of(str(key))} is not a setting{hint}")

    def _ask(self, key: str) -> None:
        self._asked.append(key)

    def _take(self, key: str, default: Any) -> Any:
        self._ask(key)
        return self._values.get(key, default)

    def _refusal(self, key: str, rule: str) -> ConfigurationError:
        return ConfigurationError(f"{self.path_of(key)} is {_shown(self._values.get(key))}: {rule}")


@asked(SIZE)
def size_option(options: Section, key: str = "size") -> tuple[int, int] | None:
    """Width and height of an option such as ``1280x720``; None where it is absent."""
    if key not in options:
        options.optional_number(key, None)
        return None
    size = frame_size(options.text(key))
    if size is None:
        raise ConfigurationError(
            f"{options.path_of(key)} is {options.text(key)!r}: give WIDTHxHEIGHT, such as 1280x720"
        )
    return size


def _between(low: float, high: float) -> str:
    if math.isinf(low) and math.isinf(high):
        return ""
    if math.isinf(high) or high == 2**31 - 1:
        return f" of at least {low:g}"
    return f" from {low:g} to {high:g}"


def _meant(given: Any, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(str(given), known, n=1)
    return f": did you mean {close[0]!r}?" if close else ""


class _Shown(reprlib.Repr):
    """A value in a message: short, whatever refers to itself in it, and without secrets."""

    def __init__(self) -> None:
        super().__init__()
        self.maxother = self.maxlong = 60

    def repr_str(self, text: str, level: int) -> str:
        return repr(remember_address(text))


def _shown(value: Any) -> str:
    text = masked(_Shown().repr(value))
    return text if len(text) <= 60 else f"{text[:57]}..."
