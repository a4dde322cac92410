"""Keeps secrets out of everything people read: logs, errors, metrics, status, reports.

Two rules. An address is taken apart where it comes in (``shown_address``), and its secrets are remembered there, so
that they are found again in whatever text a library makes of them (``masked``). The program's own streams mask what is
written to them, so that no print, log line or trace has to remember it.
"""

import contextlib
import html
import json
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote, quote_plus, unquote

from ..ground.error_text import one_line
from ..ground.names import json_text
from .shown_address import MASK, hidden_parts, is_harmless, shown_address, shown_pipeline

__all__ = ["MASK", "forget_all", "is_utf8", "masked", "masked_streams", "remember", "remember_address", "shown_address"]
__all__ += ["shown_pipeline"]

# Shorter ones are masked in addresses only: a text without every "a" says nothing.
_SHORTEST = 4
_SHORTEST_ODD = 3  # with a character that no word has
_MOST = 1 << 16
# What this program itself says in every other line; as a password it is not told from that word.
_WORDS = "connecting live stalled retrying ended failed stopped pass reject unknown score frame camera"
_OURS = frozenset(_WORDS.split())

_NAMES = r"[\w-]*(?:passw(?:or)?d|pwd|passphrase|secret|token|api[-_]?key|credential|auth|user-pw)[\w-]*"
_NAMES = rf"(?:{_NAMES}|user-id|user(?:name)?|usr|login)"
_FREE_TEXT = (
    # scheme://user:password@host up to the last @ of the line, whatever stands between; Path makes :/ of ://. One that
    # is masked already stays, so that a text may hold several.
    (re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,15}:/+)(?!/)(?!\*\*\*@[^\s@]*(?:\s|$))[^\n]*@"), rf"\1{MASK}@"),
    # GStreamer properties: user-pw="my secret"
    (re.compile(rf"(?i)\b({_NAMES})(\s*=\s*)(\"(?:[^\"\\]|\\.)*\"|'[^']*')"), rf"\1\2{MASK}"),
    # Parameters: ?password=secret, &token=..., /user=admin_password=secret_channel=1
    (re.compile(rf"(?i)(?:(?<=[?&;/_\s])|^)({_NAMES})=[^&;\s\"']*"), rf"\1={MASK}"),
)
_PARAMETER = re.compile(r"([?&])([\w.-]{1,40})=([^&\s\"']*)")

_lock = threading.Lock()
_known: dict[str, str] = {}  # secret -> what takes its place, the oldest first
_ordered: tuple[tuple[str, str, bool], ...] = ()  # the same, the longest first, and whether it must stand alone


def remember(*secrets: str) -> None:
    """Mask these from now on, in each form in which they may turn up."""
    _add(dict.fromkeys(chain.from_iterable(map(_forms, secrets)), MASK))


def remember_address(text: str) -> str:
    """Mask the secrets of a source, server or pipeline from now on; returns it as it may be shown."""
    shown = shown_address(text)
    if shown != text and _known.get(text) != shown:
        remember(*hidden_parts(text))
        _add(dict.fromkeys({str(Path(text)), *_escaped(text)}, shown))
    return shown


def forget_all() -> None:
    """For tests: what one of them has remembered must not change another's texts."""
    global _ordered
    with _lock:
        _known.clear()
        _ordered = ()


def masked(text: str) -> str:
    """The text without the secrets that are remembered, and without those of addresses that it holds itself.

    Example:
        >>> masked("rtsp://admin:p@ss@192.0.2.7/live?channel=1&token=abc gives no answer")
        'rtsp://***@192.0.2.7/live?channel=1&token=*** gives no answer'
    """
    text = _without_known(text)
    for pattern, replacement in _FREE_TEXT:
        text = pattern.sub(replacement, text)
    return _PARAMETER.sub(_shown_parameter, text)


def _shown_parameter(match: re.Match[str]) -> str:
    return match[0] if is_harmless(match[2], match[3]) else f"{match[1]}{match[2]}={MASK}"


@contextlib.contextmanager
def masked_streams() -> Iterator[None]:
    """Mask what this process writes to standard output (what is remembered) and standard error (also addresses)."""
    with (
        contextlib.redirect_stdout(_Masking(sys.stdout, _without_known)),  # type: ignore[type-var]
        contextlib.redirect_stderr(_Masking(sys.stderr, masked)),  # type: ignore[type-var]
    ):
        yield


class _Masking:
    """A text stream in front of another."""

    def __init__(self, stream: TextIO, mask: Callable[[str], str]) -> None:
        self._stream = stream
        self._mask = mask

    def write(self, text: str) -> int:
        self._stream.write(self._mask(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def is_utf8(text: str) -> bool:
    """Whether every program takes the text: one from the environment or a file's name may hold other bytes."""
    return not re.search("[\ud800-\udfff]", text)


def _is_worth_it(secret: str) -> bool:
    odd = re.search(r"\W", secret) is not None
    return len(secret) >= (_SHORTEST_ODD if odd else _SHORTEST) and secret.lower() not in _OURS


def _forms(secret: str) -> set[str]:
    plain = {secret, unquote(secret), unquote(secret, encoding="latin-1")}
    encoded = {form for text in map(_bytes, plain) for form in (quote(text, ""), quote(text), quote_plus(text))}
    escaped = chain.from_iterable(map(_escaped, plain | encoded))
    return {form for form in chain(encoded, escaped) if _is_worth_it(form)}


def _escaped(text: str) -> Iterator[str]:
    """A text as it is, and as JSON, Python, HTML and one-line messages write it."""
    yield from (text, one_line(text), repr(text)[1:-1], html.escape(text))
    yield from (json_text(text)[1:-1], json.JSONEncoder().encode(text)[1:-1])


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a pair, which no file name and no terminal gives
        return text.encode("utf-8", "surrogatepass")


def _add(replacements: dict[str, str]) -> None:
    global _ordered
    with _lock:
        if replacements.items() <= _known.items():
            return
        _known.update(replacements)
        while len(_known) > _MOST:
            del _known[next(iter(_known))]
        entries = ((secret, shown, secret.isalnum() and len(secret) < 8) for secret, shown in _known.items())
        _ordered = tuple(sorted(entries, key=lambda entry: -len(entry[0])))


def _without_known(text: str) -> str:
    for secret, shown, alone in _ordered:
        if secret in text:
            if alone:
                text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(secret)}(?![A-Za-z0-9])", MASK, text)
            else:
                text = text.replace(secret, shown)
    return text
