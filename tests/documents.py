"""The fenced blocks of README.md and docs/, and what each is; ``workspace.py`` runs them.

A block is one of three kinds. It runs (``sh``, ``python``); it does not, and the line above it says why
(``<!-- not run: REASON -->``); or it is no command: a file that the next command reads (``toml``, ``yaml``, ``csv``,
with its name as ``title``), or ``text`` that is shown. Above a block ``<!-- slow -->`` leaves it to the slow tests,
``<!-- set-up -->``, since it installs, to ``test_newcomer.py`` alone, and ``<!-- exit 3 -->`` says how it ends.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from places import ROOT

PAGES = ("README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))
RUN = ("sh", "python")
FILES = ("toml", "yaml", "csv")
SHOWN = ("text",)
_BLOCK = re.compile(
    r"^(?P<indent> *)(?:<!-- (?P<mark>[^\n]*) -->\n *)?```(?P<info>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_INFO = re.compile(r'(?P<language>\w+)(?: title="(?P<title>[\w./-]+)")?')


@dataclass(frozen=True)
class Block:
    """One fenced block; ``reason`` where it does not run, ``exit_code`` where it does."""

    page: str
    line: int
    language: str
    title: str
    text: str
    reason: str = ""
    slow: bool = False
    sets_up: bool = False
    exit_code: int = 0

    @property
    def runs(self) -> bool:
        return self.language in RUN and not self.reason


def blocks(page: str, text: str) -> Iterator[Block]:
    """The blocks of a page in their order.

    Raises:
        ValueError: one of a kind that there is none of.
    """
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        info, mark = _INFO.fullmatch(found["info"]), found["mark"] or ""
        language = info["language"] if info else found["info"]
        reason = mark.partition("not run: ")[2]
        known = reason or mark in ("", "slow", "set-up") or re.fullmatch(r"exit \d", mark)
        if language not in (*RUN, *FILES, *SHOWN) or not known or (mark and language not in RUN):
            raise ValueError(
                f"{page}:{line}: a block {found['info']!r} with {mark!r} is of no kind (tests/documents.py)"
            )
        body = re.sub(f"^{found['indent']}", "", found["text"], flags=re.MULTILINE)
        title = (info["title"] if info else None) or ""
        exit_code = int(mark[-1]) if mark.startswith("exit ") else 0
        yield Block(page, line, language, title, body, reason, mark == "slow", mark == "set-up", exit_code)


def of_page(page: str, root: Path = ROOT) -> list[Block]:
    """Those of a page of a checkout."""
    return list(blocks(page, (root / page).read_text(encoding="utf-8")))
