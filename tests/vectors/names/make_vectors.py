"""Names of files, any bytes, and how both languages show them."""

import json
import os
import random
import unicodedata
from pathlib import Path

from dgiqa_edge.runtime.ground.names import shown, valid

BY_HAND = [
    b"plain.jpg",
    b"caf\xe9.jpg",
    "café.jpg".encode(),
    b"two\nlines.jpg",
    b"tab\tname",
    b"return\r",
    b"esc\x1b[2J.png",
    b"del\x7f",
    b"c1\xc2\x85",
    "direction\u202egpj.exe".encode(),
    "zero\u200bwidth".encode(),
    "line\u2028separator".encode(),
    "soft\u00adhyphen".encode(),
    "\ufeffmark".encode(),
    "tag\U000e0041".encode(),
    "no\u00a0break".encode(),
    "wide\u3000blank".encode(),
    "private\ue000".encode(),
    "\U0001f600.png".encode(),
    b"\\backslash.png",
    b"quo'te\".png",
    b"surrogate\xed\xa0\x80",
    b"beyond\xf4\x90\x80\x80",
    b"beyond\xf5\x80\x80\x80",
    b"overlong\xc0\xaf",
    b"overlong\xe0\x80\xaf",
    b"cut\xe2\x82",
    b"cut\xf0\x9f\x98",
    b"\xff\xfe",
    b"\x80",
]
RANDOM = 250


def names() -> list[bytes]:
    """Every name, the same on each run."""
    choice = random.Random(12)
    pieces = [bytes([byte]) for byte in range(1, 256) if byte != ord("/")]
    pieces += [letter.encode() for letter in ("é", "中", "\U0001f600", "\u202e", "\u0600", "\ufffb")]
    made = [b"".join(choice.choices(pieces, k=choice.randint(1, 24))) for _ in range(RANDOM)]
    return BY_HAND + [name for name in made if not has_unassigned(name)]


def has_unassigned(name: bytes) -> bool:
    """Whether a letter has no meaning yet: whether it is shown depends on the version of Unicode."""
    return any(unicodedata.category(letter) == "Cn" for letter in os.fsdecode(name))


def write(folder: Path) -> None:
    """Write ``cases.json`` into ``folder``."""
    lines = [
        json.dumps({"bytes": name.hex(), "valid": valid(os.fsdecode(name)), "shown": shown(os.fsdecode(name))})
        for name in names()
    ]
    text = "[\n  " + ",\n  ".join(lines) + "\n]\n"
    (folder / "cases.json").write_text(text, encoding="utf-8")
