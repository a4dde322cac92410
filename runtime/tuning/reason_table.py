"""A confusion table: what the gate calls photos whose fault is known. Each photo is judged on its own, without time."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..gate.gate import Gate
from ..gate.policy import DwellPolicy, GatePolicy, SmoothingPolicy, StartPolicy
from ..gate.reading import Reading
from ..gate.verdict import State
from ..ground.terminal import aligned

PASSES = "passes"
Table = Mapping[str, Mapping[str, int]]


def reason_table(photos: Iterable[tuple[str, Reading]], policy: GatePolicy) -> Table:
    """How many photos of each label were called what: a reason of rejection, or ``PASSES``."""
    table: dict[str, Counter[str]] = {}
    for label, reading in photos:
        table.setdefault(label, Counter())[called(reading, policy)] += 1
    return {label: dict(calls) for label, calls in table.items()}


def called(reading: Reading, policy: GatePolicy) -> str:
    """What the gate calls one photo: a reason of rejection, or ``PASSES``."""
    at_once = replace(
        policy,
        smoothing=SmoothingPolicy("none"),
        dwell=DwellPolicy(0.0, 0.0, 0.0),
        start=replace(StartPolicy(), readings=1),
    )
    verdict = Gate(at_once).update(reading, 0.0)
    return verdict.reason if verdict.state is State.REJECT else PASSES


def table_text(table: Table) -> str:
    """A line per label, a column per reason that occurs; ``PASSES`` comes first."""
    reasons = {reason for calls in table.values() for reason in calls}
    columns = [PASSES, *sorted(reasons - {PASSES})]
    rows = [[label, *(str(calls.get(name, ".")) for name in columns)] for label, calls in table.items()]
    return "\n".join(aligned([["photos of", *columns], *rows]))
