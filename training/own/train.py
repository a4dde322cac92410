"""From photos and opinions to weights of the user's own, with evidence of what they gained: the order of the steps."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dgiqa_edge.export.build.recipes import Recipe, recipe_of
from dgiqa_edge.export.weights.network_source import SHIPPED_WEIGHTS
from dgiqa_edge.runtime.commands.progress import Progress
from dgiqa_edge.runtime.errors import CheckpointError
from dgiqa_edge.runtime.ground.atomic import write_text
from dgiqa_edge.runtime.ground.names import json_text

from .features import Found, found_in
from .fit import KEPT, Candidate, chosen, fitted
from .goals import Goal, goal_of
from .held_out import BETTER, WITHIN_NOISE, HeldOut, gains, held_out
from .opinions import FEW, Opinions, named
from .plot import draw
from .report import Report
from .seen import seen
from .weights import write_weights

if TYPE_CHECKING:
    from dgiqa_edge.export.options.build_options import BuildOptions

FEATURES = ".features"
REPORT, PAGE, PLOT = "report.json", "report.md", "scatter.png"


@dataclass(frozen=True)
class Wish:
    """What the user asked for; ``folds`` parts of photos are held out in turn."""

    opinions: Opinions
    table: str
    out: Path
    folds: int
    seed: int


def train(options: "BuildOptions", wish: Wish, tell: Callable[[str], None]) -> tuple[Path, Report]:
    """Fit the last layers of the network of ``options`` to the opinions; write weights and report below ``wish.out``.

    Returns:
        The weights file and the report.

    Raises:
        ConfigurationError: a network whose last layers are not known.
        CheckpointError: weights are missing, damaged, or filled from a seed.
        SourceError: no photo can be read.
        ReportError: too few photos are left.
    """
    begun = time.monotonic()
    recipe = recipe_of(options)
    unknown = next((source for source in recipe.sources if source.seeded), None)
    if unknown is not None:
        raise CheckpointError(
            f"{options.preset} needs its {unknown.role} weights to learn from what it sees: give "
            f"--{unknown.role}-weights FILE (dgiqa-edge weights fetch {unknown.name})"
        )
    found, opinions = _look(options, recipe, wish, tell)
    goal, scale = goal_of(opinions)
    with Progress("held-out fits") as progress:
        tick = progress.counter("held-out fits", wish.folds)
        judged = held_out(found.readings, goal, opinions.groups, wish.folds, wish.seed, tick)
    final = chosen(found.readings, goal, opinions.groups, wish.seed)
    change = fitted(found.readings, goal, [final])[final]
    told = gains(judged, goal, scale, wish.seed)
    known = int(seen(found.fingerprints).sum())
    report = Report(
        base=options.preset,
        weights={str(source.weights): str(source.sha256) for source in recipe.sources},
        frame=f"{options.frame[1]}x{options.frame[0]}",
        fit=options.fit,
        table=wish.table,
        seed=wish.seed,
        opinions=opinions,
        held_out=judged,
        gains=told,
        final=final,
        own=change.scores(found.readings),
        warnings=_warnings(recipe, known, goal, judged, told[0].verdict, final),
        seconds=time.monotonic() - begun,
        known=known,
    )
    quality = recipe.sources[-1]
    assert quality.weights is not None
    file = wish.out / f"{quality.name.replace('_', '-')}-own.safetensors"
    write_weights(quality.load(), change, file, _metadata(report, quality.name, quality.weights.name))
    write_text(wish.out / REPORT, json_text(report.to_json(), indent=1) + "\n")
    write_text(wish.out / PAGE, report.markdown())
    draw(report, wish.out / PLOT)
    return file, report


def _look(options: "BuildOptions", recipe: Recipe, wish: Wish, tell: Callable[[str], None]) -> tuple[Found, Opinions]:
    opinions = wish.opinions
    with Progress("photos") as progress:
        tick = progress.counter("photos", len(opinions.photos))
        found = found_in(opinions, options, recipe, wish.out / FEATURES, tick)
    left = opinions.among(found.kept)
    if found.unread:
        left = replace(left, notes=(*left.notes, f"{len(found.unread)} photos cannot be read: {named(found.unread)}"))
    for note in left.notes:
        tell(note)
    return found, left.check()


def _warnings(recipe: Recipe, known: int, goal: Goal, judged: HeldOut, verdict: str, final: Candidate) -> list[str]:
    warnings = []
    photos = len(judged.own)
    if known:
        warnings.append(
            f"{known} of {photos} photos look like photos that nano and edge were trained on (BIQ2021's train split): "
            "the base's figures on them are too good, and what is gained there says nothing of other photos"
        )
    quality = recipe.sources[-1].weights
    if quality is not None and quality.resolve().parent != SHIPPED_WEIGHTS.resolve():
        warnings.append(
            f"what {quality.name} was trained on is not known here: if on these photos, its figures are too good"
        )
    if photos < FEW:
        warnings.append(f"{photos} photos are few: with fewer than about {FEW} most gains drown in noise")
    against = goal.within(judged.parts)
    if goal.sets_the_scale and against.agreement(judged.base) < -against.chance:
        warnings.append("the scores run against the base's: is a higher score better? If lower is, turn them round")
    if final == KEPT:
        warnings.append("nothing was changed, for no change did better on photos held out: the weights are the base's")
    if verdict == WITHIN_NOISE:
        warnings.append(
            "the gain is within noise: more photos, or photos on which you differ from the base, would tell"
        )
    elif verdict != BETTER:
        warnings.append("own scores are worse than the base's: use the base")
    return warnings


def _metadata(report: Report, network: str, base: str) -> dict[str, str]:
    """What the weights file says of itself; a bundle repeats ``licence`` and ``remark``."""
    photos, first = len(report.own), report.gains[0]
    figure = (
        f"{first.name} {first.own.value:.3f}, {report.base} {first.base.value:.3f} on photos held out: {first.verdict}"
    )
    facts = f"last layers fitted to opinions of the user's own on {photos} photos ({report.table}); {figure}"
    licence = f"the user's own: {base} with last layers fitted to {photos} photos; the base's licence holds"
    remark = "" if report.is_shown or report.final == KEPT else f"own scores are not shown to be better: {figure}"
    return {
        "network": network,
        "base": base,
        "trained": facts,
        "licence": licence,
        **({"remark": remark} if remark else {}),
    }
