"""Writes the ``case_*.json`` vectors beside this file from the Python gate, and its answers into ``clip_*.json``."""

import json
import random
from pathlib import Path
from typing import Any

from dgiqa_edge.runtime.errors import GateError
from dgiqa_edge.runtime.gate.baseline import Baseline, Spread
from dgiqa_edge.runtime.gate.gate import Gate
from dgiqa_edge.runtime.gate.policy_file import parse_policy
from dgiqa_edge.runtime.gate.reading import Cues, Reading

EXPECTED = ("state", "reason", "cue", "value", "threshold", "smoothed", "changed", "overdue", "announced", "runner_up")
QUICK: dict[str, Any] = {
    "smoothing": {"method": "none"},
    "dwell": {"pass_s": 0.0, "reject_s": 0.0, "cool_down_s": 0.0},
    "start": {"readings": 1},
}
FINE = {"luminance": 180.0, "shadows": 0.1, "clipped": 0.01, "sharpness": 0.6, "noise": 0.3, "haze": 0.05}
FINE |= {"contrast": 150.0, "occlusion": 0.1, "change": 4.0, "smear": 0.0}
SOUND = {"blurred": 0.1, "noisy": 0.01, "dark": 0.02, "over-exposed": 0.01, "hazy": 0.05, "flared": 0.001, "dirty": 0.1}
SOUND |= {"damaged": 0.05}
NORMAL: dict[str, Any] = {
    "samples": 100,
    "spreads": {
        name: {"low": low, "median": (low + high) / 2.0, "high": high}
        for name, (low, high) in {
            **{f"faults.{name}": (value / 2.0, value) for name, value in SOUND.items()},
            "faults.hazy": (0.5, 0.95),
            "faults.dirty": (0.2, 0.6),
            "smear": (0.0, 0.1),
            "luminance": (36.0, 60.0),
            "shadows": (0.5, 0.9),
            "occlusion": (0.7, 0.85),
            "sharpness": (0.32, 0.4),
            "score": (0.3, 0.5),
        }.items()
    },
}
Step = tuple[Any, ...]
"""Time, score, cues, and the probabilities of faults where the bundle reads some."""


def baseline_of(document: dict[str, Any] | None) -> Baseline | None:
    """The ``baseline`` of a vector file."""
    if document is None:
        return None
    return Baseline(document["samples"], {name: Spread(**spread) for name, spread in document["spreads"].items()})


def played(gate: Gate, step: dict[str, Any]) -> dict[str, Any]:
    """What the gate answers to a step, in the form of ``expect``."""
    cues = None if step["cues"] is None else Cues(**step["cues"])
    try:
        verdict = gate.update(Reading(step["score"], cues, step.get("faults", {})), step["t"])
    except GateError:
        return {"raises": True}
    return {name: value for name, value in verdict.to_dict().items() if name in EXPECTED}


def vector(
    name: str, note: str, policy: dict[str, Any], steps: list[Step], baseline: dict[str, Any] | None = None
) -> dict[str, Any]:
    gate = Gate(parse_policy(policy), baseline_of(baseline))
    given = [dict(zip(("t", "score", "cues", "faults"), step, strict=False)) for step in steps]
    played_steps = [{**step, "expect": played(gate, step)} for step in given]
    return {"name": name, "note": note, "policy": policy, "baseline": baseline, "steps": played_steps}


def scores(values: list[float], dt: float, cues: dict[str, float] | None = None) -> list[Step]:
    return [(index * dt, value, cues) for index, value in enumerate(values)]


def vectors() -> dict[str, dict[str, Any]]:
    """All generated vectors by file stem."""
    good, bad = 0.9, 0.1
    one_fault = [
        (float(index), good, {**FINE, name: value})
        for index, (name, value) in enumerate(
            fault
            for pair in (
                ("smear", 0.5, 0.0),
                ("luminance", 10.0, 180.0),
                ("shadows", 0.95, 0.1),
                ("clipped", 0.9, 0.01),
                ("occlusion", 0.99, 0.1),
                ("noise", 20.0, 0.3),
                ("haze", 0.8, 0.05),
                ("sharpness", 0.1, 0.6),
                ("contrast", 5.0, 150.0),
                ("moved", 0.3, 0.0),
                ("likeness", -0.2, 0.9),
                ("cast", 40.0, 2.0),
            )
            for fault in ((pair[0], pair[1]), (pair[0], pair[2]))
        )
    ]
    gap = [(0.0, good, FINE), (0.125, good, FINE), (0.25, None, None), (0.5, bad, FINE), (0.625, bad, FINE)]
    gap += [(0.75 + 0.125 * index, good, FINE) for index in range(12)]
    still = [(0.25 * index, good, {**FINE, "change": 0.0}) for index in range(10)]
    still += [(2.5, good, FINE), (2.75, good, {name: value for name, value in FINE.items() if name != "change"})]
    both = {**FINE, "luminance": 10.0, "sharpness": 0.1}
    learning = [(0.5 * index, 0.8, FINE) for index in range(16)] + [(8.5, 0.62, FINE), (9.0, 0.5, FINE)]
    relative = {"score": {"reject_below": 0.3, "accept_above": 0.35, "reject_ratio": 0.75, "accept_ratio": 0.85}}
    spread = {"samples": 600, "spreads": {"score": {"low": 0.7, "median": 0.8, "high": 0.9}}}
    spread["spreads"]["sharpness"] = {"low": 0.4, "median": 0.5, "high": 0.6}
    ratio_only = {"sharpness": {"role": "reject", "reject_ratio": 0.5, "accept_ratio": 0.6}}
    watch = lambda action: {**QUICK, "watchdog": {"max_reject_s": 2.0, "action": action}}  # noqa: E731
    stuck = scores([good, bad, bad, bad, bad, bad, good, good, bad], 1.0)
    return {
        "case_ema_uneven": vector(
            "exponential average at uneven times",
            "dt from 0 to 4 s, repeated times included",
            {**QUICK, "smoothing": {"method": "ema", "time_constant_s": 0.3}},
            [
                (t, score, None)
                for t, score in ((0.0, 0.8), (0.0, 0.1), (0.01, 0.1), (0.3, 0.1), (0.31, 0.9), (4.31, 0.7))
            ],
        ),
        "case_median": vector(
            "median of a window in time",
            "odd and even counts; a value exactly window_s old is out",
            {**QUICK, "smoothing": {"method": "median", "window_s": 1.0}},
            [*scores([0.9, 0.1, 0.8, 0.2, 0.2, 0.7, 0.6, 0.9], 0.25), (10.0, 0.05, None)],
        ),
        "case_faults": vector("each fault alone", "and gone again; noise, haze, ... only explain", QUICK, one_fault),
        "case_priority": vector(
            "two faults and a low score",
            "the first in the order of checks",
            QUICK,
            [(0.0, bad, both), (1.0, bad, FINE)],
        ),
        "case_explained": vector(
            "a low score explained",
            "by each cue that may not reject",
            QUICK,
            [
                (float(index), bad, {**FINE, name: value})
                for index, (name, value) in enumerate(
                    (("noise", 20.0), ("haze", 0.8), ("sharpness", 0.1), ("contrast", 5.0), ("contrast", 150.0))
                )
            ],
        ),
        "case_dwell": vector(
            "dwell and an interrupted cool-down",
            "a fault within the cool-down starts it anew",
            {**QUICK, "dwell": {"pass_s": 1.0, "reject_s": 1.0, "cool_down_s": 1.0}},
            scores([good] * 6 + [bad] * 6 + [good] * 3 + [bad] + [good] * 6 + [bad] * 6, 0.25),
        ),
        "case_no_signal": vector("signal lost and found", "published policy otherwise", {}, gap),
        "case_not_scored": vector(
            "cues without scores",
            "unknown when the last score is older than two seconds",
            {},
            [(0.25 * index, good if index < 8 else None, FINE) for index in range(20)]
            + [(5.0, good, FINE), (5.5, good, FINE)],
        ),
        "case_frozen": vector("frozen picture", "after one second", {**QUICK, "frozen": {"after_s": 1.0}}, still),
        "case_score_off": vector(
            "cues only",
            "the policy does not use the score",
            {**QUICK, "score": {"role": "off"}},
            [(0.0, None, FINE), (1.0, None, {**FINE, "luminance": 10.0}), (2.0, bad, FINE), (9.0, None, FINE)],
        ),
        "case_learning": vector(
            "a baseline learned",
            "6 samples at 1 s; then 0.75 and 0.85 of the median 0.8",
            {**QUICK, **relative, "baseline": {"learn_minutes": 0.1}},
            learning,
        ),
        "case_baseline": vector(
            "a baseline given",
            "the stricter of absolute and relative thresholds; a ratio alone waits for the baseline",
            {**QUICK, **relative, "cues": ratio_only, "baseline": {"learn_minutes": 10.0}},
            [(0.0, 0.61, FINE), (1.0, 0.59, FINE), (2.0, 0.67, FINE), (3.0, 0.68, FINE)]
            + [(4.0 + index, 0.9, {**FINE, "sharpness": value}) for index, value in enumerate((0.26, 0.24, 0.29, 0.3))],
            spread,
        ),
        "case_normal": vector(
            "what is normal for a camera",
            "dim, veiled, soft, half of it a plain wall: no fault is what is healthy here, and each begins beyond it",
            QUICK,
            normal_steps(),
            NORMAL,
        ),
        "case_normal_learned": vector(
            "a normal learned",
            "6 samples of a dim camera at 1 s; then half as bright is no fault, nor is the sharpness a third lower",
            {**QUICK, "baseline": {"learn_minutes": 0.1}},
            [(float(index), good, {**FINE, "luminance": 60.0}, SOUND) for index in range(7)]
            + [
                (10.0 + index, good, {**FINE, "luminance": level, "sharpness": sharpness}, SOUND)
                for index, (level, sharpness) in enumerate(((37.0, 0.4), (35.0, 0.4), (60.0, 0.29), (60.0, 0.4)))
            ],
        ),
        "case_normal_random": vector(
            "a long random sequence beside a normal", "published policy", {}, random_steps(400, heads=True), NORMAL
        ),
        "case_watchdog_report": vector("watchdog reports", "rejecting for two seconds", watch("report"), stuck),
        "case_watchdog_pass": vector("watchdog lets pass", "until the fault is gone", watch("pass"), stuck),
        "case_watchdog_raise": vector("watchdog raises", "on each frame from then on", watch("raise"), stuck),
        "case_heads": vector(
            "each fault that the bundle reads alone",
            "and gone again; then a black picture and a covered lens that it does not see",
            QUICK,
            [
                (float(index), good, FINE, {**SOUND, name: value})
                for index, (name, value) in enumerate(
                    (name, value) for name in SOUND for value in (0.9999, SOUND[name])
                )
            ]
            + [
                (20.0, good, {**FINE, "luminance": 5.0, "shadows": 1.0, "occlusion": 1.0}, SOUND),
                (21.0, good, FINE, SOUND),
            ]
            + [(22.0, good, {**FINE, "occlusion": 1.0, "clipped": 0.9}, SOUND), (23.0, good, FINE, SOUND)]
            + [(24.0, good, {**FINE, "clipped": 0.9, "noise": 20.0}, SOUND), (25.0, good, {**FINE, "clipped": 0.9})],
        ),
        "case_random": vector("a long random sequence", "published policy, uneven times", {}, random_steps(400)),
        "case_random_heads": vector(
            "a long random sequence with probabilities", "published policy", {}, random_steps(400, heads=True)
        ),
    }


def normal_steps() -> list[Step]:
    """The middle of :data:`NORMAL`, and each of its quantities in and beyond it; then a black and a covered picture."""
    middle = {name: spread["median"] for name, spread in NORMAL["spreads"].items()}
    cues = FINE | {name: value for name, value in middle.items() if name in FINE}
    faults = {name: middle[f"faults.{name}"] for name in SOUND}
    steps: list[Step] = [(0.0, middle["score"], cues, faults)]
    for name, values in {
        "luminance": (26.0, 20.0, 24.0, 28.0),
        "shadows": (0.97, 0.985, 0.97, 0.95),
        "occlusion": (0.96, 0.98, 0.97, 0.95),
        "smear": (0.3, 0.3, 0.6, 0.6),
        "sharpness": (0.2, 0.14, 0.17, 0.19),
    }.items():
        steps += [(float(len(steps) + at), 0.4, {**cues, name: value}, faults) for at, value in enumerate(values)]
    for name in SOUND:
        high = NORMAL["spreads"][f"faults.{name}"]["high"]
        values = high, 1.0, (1.0 + high) / 2.0, high
        steps += [(float(len(steps) + at), 0.4, cues, {**faults, name: one}) for at, one in enumerate(values)]
    steps += [(float(len(steps) + at), one, cues, faults) for at, one in enumerate((0.19, 0.15, 0.2, 0.23))]
    dead = {"luminance": 3.0, "shadows": 1.0}, {"occlusion": 1.0}
    return steps + [(float(len(steps) + at), 0.4, {**cues, **one}, faults) for at, one in enumerate(dead)]


def random_steps(count: int, heads: bool = False) -> list[Step]:
    """Slow wanderings of score and cues with sudden faults, repeated frames and gaps; seeded.

    ``heads``: with probabilities, of which up to two are high at a time; not with every frame.
    """
    draw = random.Random(20260101)
    t, level, steps = 0.0, 0.8, []
    for index in range(count):
        t += draw.choice((0.02, 0.033, 0.04, 0.1, 0.5))
        level = min(1.0, max(0.0, level + draw.uniform(-0.12, 0.12)))
        cues = {name: round(value * draw.uniform(0.8, 1.2), 6) for name, value in FINE.items()}
        if index % 50 in range(30, 40):
            name, value = (("luminance", 12.0), ("clipped", 0.7), ("smear", 0.3), ("change", 0.0))[index // 50 % 4]
            cues[name] = value
        lost = draw.random() < 0.01
        step: Step = (round(t, 6), None if lost else round(level, 6), None if lost else cues)
        if heads and not lost and draw.random() < 0.9:
            high = draw.choices(list(SOUND), k=2) if index % 40 in range(20, 35) else ()
            low = {name: round(draw.uniform(0.0, 0.3), 6) for name in SOUND}
            step = (*step, low | {name: round(draw.uniform(0.4, 1.0), 6) for name in high})
        steps.append(step)
    return steps


def clips() -> dict[str, dict[str, Any]]:
    """The readings of ``benchmarks/cameras/gate_clips`` that lie here, with the gate's answers of today."""
    found = {}
    for file in sorted(Path(__file__).parent.glob("clip_*.json")):
        document, gate = json.loads(file.read_text(encoding="utf-8")), Gate(parse_policy({}))
        document["steps"] = [{**step, "expect": played(gate, step)} for step in document["steps"]]
        found[file.stem] = document
    return found


def write(folder: Path) -> None:
    """Write all of them, one step per line; ``README.md`` has the format."""
    for stem, document in (vectors() | clips()).items():
        steps = ",\n".join(f"  {json.dumps(step)}" for step in document.pop("steps"))
        head = json.dumps(document, indent=1).removesuffix("\n}")
        (folder / f"{stem}.json").write_text(f'{head},\n "steps": [\n{steps}\n ]\n}}\n', encoding="utf-8")
