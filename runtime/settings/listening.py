"""What is asked of settings while they are read: key, type, default and range, from the readers themselves.

``Section`` marks its readers with ``asked``; nothing is written twice, and nothing is kept unless somebody listens.
"""

import contextlib
import dataclasses
import functools
import inspect
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, TypeVar, cast

Read = TypeVar("Read", bound=Callable[..., Any])

SIZE = "WIDTHxHEIGHT"
_NUMBERED = re.compile(r"\[\d+\]")


@dataclasses.dataclass(frozen=True)
class Setting:
    """One key as it is read.

    Attributes:
        path: dotted, with ``[]`` behind each list of sections (``cameras[].name``).
        kind: a word for its type, as ``asked`` was given it.
        default: None where it has none; ``required`` then says whether it must be given.
        choices: the only words that it takes, where there are such.
        low, high: bounds of a number, which may be infinite.
    """

    path: str
    kind: str
    default: Any = None
    required: bool = False
    choices: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf


_HEARD: ContextVar[dict[str, Setting] | None] = ContextVar("heard", default=None)


@contextlib.contextmanager
def listening() -> Iterator[dict[str, Setting]]:
    """What this thread asks of any section meanwhile, by path; where one reader calls another, the outer one counts."""
    heard: dict[str, Setting] = {}
    token = _HEARD.set(heard)
    try:
        yield heard
    finally:
        _HEARD.reset(token)


def asked(kind: str, needed: bool = False) -> Callable[[Read], Read]:
    """Mark a reader, a function of a section, a key and rules, as one of settings of this kind.

    ``needed``: without a default the key has to be there.
    """

    def marked(read: Read) -> Read:
        signature = inspect.signature(read)

        @functools.wraps(read)
        def reading(*given: Any, **named: Any) -> Any:
            heard = _HEARD.get()
            if heard is None:
                return read(*given, **named)
            rules = signature.bind(*given, **named)
            rules.apply_defaults()
            setting = _setting(given[0].path_of(rules.arguments["key"]), kind, needed, rules.arguments)
            heard[setting.path] = setting
            token = _HEARD.set(None)
            try:
                return read(*given, **named)
            finally:
                _HEARD.reset(token)

        return cast(Read, reading)

    return marked


def _setting(path: str, kind: str, needed: bool, rules: Mapping[str, Any]) -> Setting:
    default, choices = rules.get("default"), rules.get("choices")
    default = getattr(default, "value", default)
    high = rules.get("high", math.inf)
    return Setting(
        path=_NUMBERED.sub("[]", path),
        kind=kind,
        default=None if default == "" else list(default) if isinstance(default, tuple) else default,
        required=needed and default in (None, ""),
        choices=_words(choices),
        low=rules.get("low", -math.inf),
        high=math.inf if high == 2**31 - 1 else high,
    )


def _words(choices: Sequence[str] | None) -> tuple[str, ...]:
    return () if choices is None else tuple(str(getattr(word, "value", word)) for word in choices)
