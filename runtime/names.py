"""How a file's name is shown. On Linux it is any bytes but ``/`` and 0: no valid text, line breaks, escape codes."""

import json
import os
import re
from pathlib import PurePath
from typing import Any

_SURROGATE = re.compile("[\ud800-\udfff]")
# In JSON text: an escaped backslash, a pair that is one character, and half a pair, which no other parser takes.
_JSON_ESCAPE = re.compile(r"\\\\|\\ud[89ab]..\\ud[c-f]..|\\ud[89a-f](..)")


def valid(text: str | PurePath) -> str:
    r"""As it is, but for bytes of a name that are not UTF-8: those become ``\xe9``. Always encodable."""
    return _SURROGATE.sub(lambda match: _escape(match[0]), os.fspath(text))


def shown(text: str | PurePath) -> str:
    r"""For people, in one line: as :func:`valid`, and control characters become ``\n``, ``\x1b``, ``\u202e``.

    >>> shown("two\nlines.jpg")
    'two\\nlines.jpg'
    """
    # Not printable: controls, line ends, and what turns or hides the text around it (directions, zero width).
    return "".join(one if one.isprintable() else _escape(one) for one in os.fspath(text))


def json_text(value: Any, **options: Any) -> str:
    r"""``json.dumps`` that every parser takes: of names that are not UTF-8, the odd bytes become ``\\xe9``."""
    return _JSON_ESCAPE.sub(_whole_escape, json.dumps(value, **options))


def _escape(one: str) -> str:
    code = ord(one)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as Python keeps it
        return f"\\x{code - 0xDC00:02x}"
    return one.encode("unicode_escape").decode("ascii")


def _whole_escape(match: "re.Match[str]") -> str:
    if match[1] is None:
        return match[0]
    code = int(match[0][2:], 16)
    return f"\\\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\\\u{code:04x}"
