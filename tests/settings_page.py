"""Writes what is made of the settings of a watch file: ``docs/configuration.md`` and the schema for editors.

``python tests/settings_page.py`` writes both; a test compares them. All that they say comes from the program
(``runtime/watch/assembly/reference.py``).
"""

import json
from pathlib import Path

from places import ROOT

from dgiqa_edge.runtime.watch.assembly.reference import Explained, reference
from dgiqa_edge.runtime.watch.assembly.schema import watch_schema

PAGE = ROOT / "docs" / "configuration.md"
SCHEMA = ROOT / "runtime" / "schemas" / "watch.schema.json"
_INTRODUCTION = """\
# Configuration

**What you get:** every setting of the file that `dgiqa-edge watch` reads, with its default. The tables are made from
the program itself (`python tests/settings_page.py`); a test fails where they differ from it.

`dgiqa-edge watch init` writes such a file to begin with. `dgiqa-edge watch reference KEY` prints lines of this page
(`gate.frozen`, `stall_timeout_s`, `mqtt`; all without a key). `dgiqa-edge watch reference --schema` prints a JSON
Schema, by which editors complete and check the file (`runtime/schemas/watch.schema.json`).

The file is TOML, YAML or JSON; the names are the same. Relative paths count from the file's own folder, `~` is your
home folder. An unknown key, a wrong type or a value out of range is an error that names the key and the rule: nothing
is ignored in silence. `dgiqa-edge watch FILE --check` tries all of it and starts nothing.

The `[gate]` section is also a file of its own, the *policy*: `dgiqa-edge gate defaults` prints it, `gate tune` writes
it, `gate run --policy` reads it. There its settings stand without `gate.` before them.
"""


def page() -> str:
    """The page's text."""
    lines = [_INTRODUCTION.strip()]
    for group in reference():
        lines += ["", f"## {group.heading}", "", *([group.about, ""] if group.about else [])]
        if group.settings:
            lines += ["| key | type | default | allowed | what it is for |", "|---|---|---|---|---|"]
        lines += [_row(it) for it in group.settings] or ["None."]
    return "\n".join([*lines, ""])


def schema() -> str:
    """The schema's text."""
    return json.dumps(watch_schema(), indent=2) + "\n"


def _row(it: Explained) -> str:
    default = "required" if it.setting.required else f"`{it.default}`" if it.default else ""
    allowed = ", ".join(f"`{word}`" for word in it.setting.choices) or it.allowed
    return f"| `{it.name}` | {it.setting.kind} | {default} | {allowed} | {it.meaning} |"


def written() -> dict[Path, str]:
    """Each file with the text that it should hold."""
    return {PAGE: page(), SCHEMA: schema()}


if __name__ == "__main__":
    for file, text in written().items():
        file.write_text(text, encoding="utf-8")
