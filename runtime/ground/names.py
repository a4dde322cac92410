"""How a file's name is shown, and how a name becomes one. On Linux a file's name is any bytes but ``/`` and 0: no valid
text, line breaks, escape codes.
"""

import json
import os
import re
from pathlib import PurePath
from typing import Any

# What Python keeps of bytes that its file system's encoding does not know, and other halves of pairs.
_SURROGATES = re.compile("[\udc80-\udcff]+|[\ud800-\udfff]")
# In JSON text: an escaped backslash, a pair that is one character, and halves of pairs, which no other parser takes.
_JSON_ESCAPE = re.compile(r"\\\\|\\ud[89ab]..\\ud[c-f]..|((?:\\udc[89a-f].)+|\\ud[89a-f]..)")


def valid(text: str | PurePath) -> str:
    r"""As it is, but for bytes of a name that are not UTF-8: those become ``\xe9``. Always encodable."""
    return _SURROGATES.sub(lambda match: _without_halves(match[0]), os.fspath(text))


def shown(text: str | PurePath) -> str:
    r"""For people, in one line: as :func:`valid`, and control characters become ``\n``, ``\x1b``, ``\u202e``.

    >>> shown("two\nlines.jpg")
    'two\\nlines.jpg'
    """
    # Not printable: controls, line ends, and what turns or hides the text around it (directions, zero width).
    return "".join(one if one.isprintable() else _escape(one) for one in valid(text))


def file_name(text: str) -> str:
    """A name, a camera's say, as one harmless part of a path; other characters become ``%XX``, so no two names meet."""
    return (
        "".join(
            character
            if character.isalnum() or character in "-_"
            else "".join(f"%{byte:02X}" for byte in character.encode())
            for character in text
        )
        or "%"
    )


def json_text(value: Any, **options: Any) -> str:
    r"""``json.dumps`` that every parser takes: of names that are not UTF-8, the odd bytes become ``\\xe9``."""
    return _JSON_ESCAPE.sub(_whole_escape, json.dumps(value, **options))


def _without_halves(halves: str) -> str:
    try:  # under LC_ALL=C Python keeps all bytes beyond ASCII so, also those that are UTF-8
        return halves.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        return "".join(map(_escape, halves))


def _escape(one: str) -> str:
    return one.encode("unicode_escape").decode("ascii")


def _whole_escape(match: "re.Match[str]") -> str:
    if match[1] is None:
        return match[0]
    return json.dumps(_without_halves(match[1].encode("ascii").decode("unicode_escape")))[1:-1]
