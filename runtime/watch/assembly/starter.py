"""The text of a first configuration: cameras, one sink and the dashboard at work, the other settings as comments.

Comments come from ``reference.py``, so that they say what the program reads.
"""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from .reference import Explained, Group, plain, reference, toml_value

SCENE = "test://?script=clean:100,dark:50,clean:100,blur:50&fps=10&loop=true"
_WIDTH = 110
_SINK = {"type": "json_lines", "path": "events.jsonl", "announced_only": True}


def starter_toml(bundle: str, sources: Sequence[str], schema: Path | None) -> str:
    """A configuration as TOML.

    Args:
        bundle: as the file is to name it.
        sources: of the cameras; the drawn scene where there is none.
        schema: of the file, for the line by which editors find it.
    """
    groups = {group.heading: group for group in reference()}
    sinks = [group.only for group in groups.values() if group.place == "sinks[]"]
    lines = [] if schema is None else [f"#:schema {schema.as_uri()}"]
    lines += _comment("What dgiqa-edge watch does. A line with one '#' before its key is a setting at its default.")
    lines += _comment("Relative paths count from this file's folder. All settings: dgiqa-edge watch reference")
    lines += ["", *_settings(groups["The file"], {"bundle": bundle})]
    for number, source in enumerate(sources or (SCENE,), start=1):
        given = {"name": f"camera-{number}", "source": source}
        whole = _settings(groups["[[cameras]]"], given, brief=number > 1)
        lines += ["", "[[cameras]]", *whole]
    lines += ["", "[gate.score]", *_settings(groups["[gate]"], {}, below="score.")]
    lines += _comment("The gate's other settings: dgiqa-edge watch reference gate")
    lines += ["", "[[sinks]]", *_settings(groups["Sink json_lines"], _SINK)]
    lines += _comment(f"One more [[sinks]] for each of: {', '.join(sinks)}. Theirs: dgiqa-edge watch reference mqtt")
    for heading, given in (("[dashboard]", {"listen": "127.0.0.1:8080"}), ("[engine]", {})):
        lines += ["", heading, *_settings(groups[heading], given)]
    return "\n".join([*lines, ""])


def _settings(group: Group, given: Mapping[str, object], brief: bool = False, below: str = "") -> list[str]:
    """``given`` at work, each other one in a comment with its meaning, unless ``brief``."""
    lines: list[str] = []
    for it in group.settings:
        name = it.name.removeprefix(below)
        if not it.name.startswith(below) or ("section" in it.setting.kind and name not in given):
            continue
        if name in given:
            lines += [] if brief else _comment(plain(it.meaning))
            lines.append(f"{name} = {toml_value(given[name])}")
        elif not brief:
            lines += [*_comment(plain(it.meaning)), f"# {name} = {it.default or _empty(it)}"]
    return lines


def _empty(it: Explained) -> str:
    """What may stand there, where there is no default."""
    return f"<{', '.join(filter(None, (it.setting.kind, it.allowed)))}>"


def _comment(text: str) -> Iterable[str]:
    return [f"## {line}" for line in textwrap.wrap(text, _WIDTH - 3, break_long_words=False)]
