"""Writes the vectors of profiles from the Python gate; ``README.md`` has the format."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dgiqa_edge.runtime.gate.policy_file import parse_policy
from dgiqa_edge.runtime.gate.profiles.profiled_gate import ProfiledGate
from dgiqa_edge.runtime.gate.profiles.settings import parse_profiles
from dgiqa_edge.runtime.gate.reading import Cues, Reading
from dgiqa_edge.runtime.settings.section import Section

Step = dict[str, Any]
FPS = 5
POLICY = {"smoothing": {"method": "none"}}
DUSK = {
    "name": "dusk",
    "when": "picture:dark",
    "gate": {
        "score": {"reject_below": 0.2, "accept_above": 0.25},
        "cues": {
            "luminance": {"reject_below": 16, "accept_above": 24},
            "shadows": {"reject_above": 0.98, "accept_below": 0.95},
        },
    },
}
LAMP = {"name": "lamp", "when": "picture:grey", "gate": {"cues": {"noise": {"role": "off"}}}}
LOOKS = {
    "day": {"luminance": 200.0, "shadows": 0.1, "chroma": 30.0, "noise": 1.0, "occlusion": 0.1},
    "night": {"luminance": 30.0, "shadows": 0.9, "chroma": 6.0, "noise": 2.0, "occlusion": 0.2},
    "grey": {"luminance": 180.0, "shadows": 0.2, "chroma": 0.2, "noise": 7.0, "occlusion": 0.1},
    "black": {"luminance": 1.0, "shadows": 1.0, "chroma": 0.0, "noise": 0.5, "occlusion": 1.0},
    "between": {"luminance": 85.0, "shadows": 0.5, "chroma": 3.0, "noise": 1.0, "occlusion": 0.1},
    "blown": {"luminance": 254.0, "shadows": 0.0, "chroma": 30.0, "noise": 1.0, "clipped": 0.9, "occlusion": 0.1},
    "still": {"luminance": 200.0, "shadows": 0.1, "chroma": 30.0, "noise": 1.0, "change": 0.0, "occlusion": 0.1},
    "still night": {"luminance": 30.0, "shadows": 0.9, "chroma": 6.0, "noise": 2.0, "change": 0.008, "occlusion": 0.2},
    "covered": {"luminance": 128.0, "shadows": 0.0, "chroma": 0.0, "noise": 0.5, "occlusion": 1.0},
    "stamped": {"luminance": 128.0, "shadows": 0.0, "chroma": 0.0, "noise": 0.5, "occlusion": 0.93},
    "plain": {"luminance": 180.0, "shadows": 0.2, "chroma": 0.2, "noise": 7.0, "occlusion": 0.9},
}
SITE = {"name": "site", "when": "mqtt:mode=site"}


def frames(*parts: tuple[str | None, float], local_s: float = 43200.0) -> list[Step]:
    """So many seconds of each look; None is a camera without signal."""
    steps: list[Step] = []
    for look, seconds in parts:
        for _ in range(round(seconds * FPS)):
            t = len(steps) / FPS
            cues, score = (None, None) if look is None else (LOOKS[look], 0.7)
            steps.append({"t": t, "local_s": (local_s + t) % 86400.0, "score": score, "cues": cues})
    return steps


def told(steps: list[Step], *messages: tuple[int, str, str]) -> list[Step]:
    """The steps, some of which come after a message."""
    for index, topic, payload in messages:
        steps[index]["tell"] = [topic, payload]
    return steps


def cases() -> Iterator[tuple[str, str, dict[str, Any], list[Step]]]:
    """Name, what it is about, settings, steps."""
    both = {"profiles": [DUSK, LAMP]}
    yield (
        "round",
        "day, night, infra-red and back: nothing is named",
        both,
        frames(("day", 3), ("night", 9), ("grey", 9), ("day", 9)),
    )
    yield (
        "headlamp",
        "bright for a moment at night, and a dim moment by day: no switch",
        both,
        frames(("night", 3), ("day", 1.4), ("night", 3), ("day", 9), ("night", 1), ("between", 1), ("day", 3)),
    )
    yield (
        "between",
        "what lies between the levels changes nothing",
        both,
        frames(("day", 2), ("between", 6), ("night", 8), ("between", 8)),
    )
    yield (
        "faults",
        "what was rejected stays so; a fault within a switch is named when it settles; black for good is rejected",
        both,
        frames(("day", 3), ("blown", 3), ("night", 3), ("black", 8), ("grey", 9), ("black", 4), ("day", 9)),
    )
    yield (
        "restless",
        "a picture that never settles is judged after all",
        {**both, "switch": {"hold_s": 1, "settle_s": 1}},
        frames(("day", 2), *[("night", 1.2), ("day", 1.2)] * 8),
    )
    yield (
        "lost",
        "a loss of signal is told within a switch; the pictures after it ask anew",
        both,
        frames(("day", 2), ("night", 1), (None, 2), ("night", 6), (None, 1), ("day", 8)),
    )
    yield (
        "clock",
        "by the clock, over midnight, with a quiet switch",
        {"profiles": [{"name": "late", "when": "23:59-0:01", "gate": DUSK["gate"]}], "switch": {"settle_s": 2}},
        frames(("day", 20), ("night", 25), ("day", 20), local_s=86330.0)[::5]
        + [{**step, "t": step["t"] + 70.0, "local_s": 60.0 + step["t"]} for step in frames(("day", 8))],
    )
    yield (
        "message",
        "by messages, the last of each topic",
        {"profiles": [{"name": "site", "when": "mqtt:site/mode=a=b"}, LAMP], "switch": {"settle_s": 1}},
        told(
            frames(("day", 8), ("grey", 8)),
            *((5, "site/mode", "a"), (10, "other", "a=b"), (15, "site/mode", "a=b"), (30, "site/mode", "off")),
        ),
    )
    yield (
        "published",
        "what is published for night and infra-red needs a name alone",
        {"profiles": [{"name": "night"}, {"name": "infra-red", "gate": {"score": {"role": "off"}}}]},
        frames(("day", 2), ("night", 7), ("grey", 7), ("black", 3)),
    )
    yield (
        "frozen",
        "frozen is frozen in every profile, and one that does not use it only hides it",
        {"profiles": [SITE, {"name": "blind", "when": "mqtt:mode=blind", "gate": {"frozen": {"role": "off"}}}]},
        told(
            frames(("day", 3), ("still", 24), ("day", 4)),
            (50, "mode", "site"),
            (75, "mode", "blind"),
            (105, "mode", "day"),
        ),
    )
    yield (
        "stillness",
        "the time of stillness before a switch and within it counts, by the settings of the profile in force",
        {
            "profiles": [
                {**SITE, "gate": {"frozen": {"after_s": 9.0}}},
                {"name": "night", "gate": {"frozen": {"after_s": 6.0, "change_at_most": 0.004}}},
            ]
        },
        told(
            frames(("day", 3), ("still", 14), ("day", 6), ("still night", 14), ("still", 12)),
            (20, "mode", "site"),
            (90, "mode", "day"),
        ),
    )
    yield (
        "covered",
        "a cover without colours is judged by the profile in force, with text burnt in too; a grey view is infra-red",
        {"profiles": [{"name": "night"}, {"name": "infra-red"}]},
        frames(("covered", 2), ("day", 3), ("covered", 6), ("day", 3), ("stamped", 3), ("day", 2), ("night", 7))
        + [{**step, "t": step["t"] + 26.0} for step in frames(("covered", 4), ("night", 3), ("plain", 7), ("grey", 8))],
    )
    yield "none", "without profiles nothing has one", {}, frames(("day", 2), ("night", 2))
    draw = random.Random(7)
    looks = [*LOOKS, None]
    parts = [(draw.choice(looks), draw.choice((0.2, 0.6, 1.4, 3.0, 7.0))) for _ in range(80)]
    yield (
        "random",
        "anything after anything",
        {"profiles": [DUSK, LAMP, {"name": "noon", "when": "12:00-12:01"}]},
        frames(*parts),
    )


def document(name: str, note: str, settings: dict[str, Any], steps: list[Step]) -> dict[str, Any]:
    """A vector with the answers of the Python gate."""
    own = parse_policy(POLICY)
    gate = ProfiledGate(own, parse_profiles(Section(settings, ""), own))
    return {"name": name, "note": note, "policy": POLICY, "settings": settings, "steps": list(played(gate, steps))}


def played(gate: ProfiledGate, steps: list[Step]) -> Iterator[Step]:
    """Each step with the verdict that the gate gives."""
    for step in steps:
        if "tell" in step:
            gate.tell(*step["tell"])
        cues = None if step["cues"] is None else Cues(**step["cues"])
        verdict = gate.update(Reading(step["score"], cues), step["t"], step["local_s"])
        answer = {key: getattr(verdict, key) for key in ("reason", "cue", "changed", "announced", "profile")}
        yield {**step, "expect": {"state": verdict.state.value, **answer}}


def write(folder: Path) -> None:
    """Write every vector into a folder."""
    for case in cases():
        made = document(*case)
        steps = ",\n".join(json.dumps(step) for step in made.pop("steps"))
        (folder / f"{made['name']}.json").write_text(f'{json.dumps(made)[:-1]},\n"steps": [\n{steps}\n]}}\n')
