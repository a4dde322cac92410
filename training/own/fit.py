"""The fit: last layers that meet a goal and stay near the base's, by L-BFGS from the base on. Float64, no chance in it.

What is minimised is the goal's mean error plus ``strength`` times the squared distance from the base's weights, each in
units of how much its input varies over the photos. Where the goal sets a scale, one factor and one shift of all logits
are free: what a user calls 0.9 is no matter of taste that a distance should hold back. ``strength`` is chosen by
cross-validation among a dozen, of which one leaves the layers alone (``SCALED``) and one leaves everything (``KEPT``).
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from dgiqa_edge.calibration.statistics import average_ranks

from .goals import Goal
from .readout import Change, Readings, nothing, sigmoid

KEPT = "nothing changed"
SCALED = "scale and shift alone"
STRENGTHS = tuple(10.0 ** (half / 2.0) for half in range(2, -10, -1))
"""From stiff to loose."""
INNER_FOLDS = 5
_LEAST_SPREAD = 0.1
"""An input that hardly varies counts as if it varied by this share of the median one."""
_STEPS = 300
_LOST = 0.01
"""So much agreement with the order of what was said is no loss."""

Candidate = str | float


def candidates(goal: Goal) -> tuple[Candidate, ...]:
    """From least to most freedom."""
    return (KEPT, *((SCALED,) if goal.sets_the_scale else ()), *STRENGTHS)


def fitted(readings: Readings, goal: Goal, wanted: Sequence[Candidate] | None = None) -> Mapping[Candidate, Change]:
    """The change of each candidate (default: all); looser ones start where stiffer ones ended."""
    standard = _Standard(readings, goal)
    found: dict[Candidate, Change] = {}
    start = standard.start()
    for candidate in candidates(goal):
        if candidate == KEPT:
            found[candidate] = nothing(readings)
            continue
        start = standard.minimised(start, np.inf if candidate == SCALED else float(candidate))
        found[candidate] = standard.change(start)
        if wanted is not None and all(one in found for one in wanted):
            break
    return found


def chosen(readings: Readings, goal: Goal, groups: np.ndarray, seed: int) -> Candidate:
    """The candidate of least freedom within a standard error of the one that does best on photos held out.

    None that puts them in order less well than the base, and ``KEPT`` where the order that does best is no better than
    chance.
    """
    parts = folds(groups, INNER_FOLDS, seed)
    scores = {one: np.zeros(len(readings)) for one in candidates(goal)}
    places = {one: np.zeros(len(readings)) for one in candidates(goal)}
    for rest, held in divided(parts):
        for candidate, change in fitted(readings.of(rest), goal.among(rest)).items():
            of_all = change.scores(readings)
            scores[candidate][held] = of_all[held]
            places[candidate][held] = average_ranks(of_all)[held]
    judged = goal.within(parts)
    errors = {one: judged.errors(of) for one, of in scores.items()}
    if not len(errors[KEPT]):
        return KEPT
    agreement = {one: judged.agreement(of) for one, of in places.items()}
    ordered = [one for one in candidates(goal) if agreement[one] >= agreement[KEPT] - _LOST]
    best = min(ordered, key=lambda one: float(errors[one].mean()))
    if agreement[best] <= judged.chance:
        return KEPT
    return next(one for one in ordered if _is_near(errors[one] - errors[best]))


def folds(groups: np.ndarray, count: int, seed: int) -> np.ndarray:
    """The part, 0 to ``count`` - 1, of each photo, int64 [photos]; photos of a group share one, unless it is too large.

    A group of more photos than two parts have is divided: pairs may join all photos to one.
    """
    random = np.random.default_rng(seed)
    names, sizes = np.unique(groups, return_counts=True)
    too_large = names[sizes > 2 * len(groups) / count]
    own = np.where(np.isin(groups, too_large), groups.max() + 1 + np.arange(len(groups)), groups)
    names, sizes = np.unique(own, return_counts=True)
    order = random.permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]
    part, filled = np.zeros(len(names), np.int64), np.zeros(count)
    for name in order:
        part[name] = filled.argmin()
        filled[part[name]] += sizes[name]
    return part[np.searchsorted(names, own)]


def divided(parts: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(rows to learn from, rows held out), part by part."""
    for part in np.unique(parts):
        yield np.flatnonzero(parts != part), np.flatnonzero(parts == part)


def _is_near(worse: np.ndarray) -> bool:
    """Whether errors are worse by no more than a standard error."""
    return bool(worse.mean() <= worse.std() / np.sqrt(len(worse)))


class _Standard:
    """The problem in standard units: parameters are scale, shift, and a step per input of every layer."""

    def __init__(self, readings: Readings, goal: Goal) -> None:
        self.readings, self.goal = readings, goal
        self.means, self.spreads, self.inputs = [], [], []
        for layer in readings.layers:
            flat = layer.inputs.reshape(-1, layer.inputs.shape[2])
            mean, spread = flat.mean(axis=0), flat.std(axis=0)
            varying = spread[spread > 0]
            floor = _LEAST_SPREAD * float(np.median(varying)) if len(varying) else 1.0
            self.means.append(mean)
            # An input that never varied has no step: what it does in other photos is not known.
            self.spreads.append(np.where(spread > 0, np.maximum(spread, floor), np.inf))
            self.inputs.append((layer.inputs - mean) / self.spreads[-1])
        self.ends = np.cumsum([0, *(len(mean) for mean in self.means)])
        self.base = np.concatenate([layer.logits for layer in readings.layers], axis=1)

    def start(self) -> np.ndarray:
        return np.concatenate(([1.0, 0.0], np.zeros(self.ends[-1])))

    def minimised(self, start: np.ndarray, strength: float) -> np.ndarray:
        """The parameters; an infinite strength leaves all steps at zero."""
        from scipy import optimize

        first = 0 if self.goal.sets_the_scale else 2
        last = 2 if np.isinf(strength) else len(start)

        def loss(free: np.ndarray) -> tuple[float, np.ndarray]:
            whole = start.copy()
            whole[first:last] = free
            value, gradient = self._loss(whole, 0.0 if np.isinf(strength) else strength)
            return value, gradient[first:last]

        options = {"maxiter": _STEPS, "ftol": 1e-12, "gtol": 1e-8}
        ended = optimize.minimize(loss, start[first:last], jac=True, method="L-BFGS-B", options=options)
        found = start.copy()
        found[first:last] = ended.x
        return found

    def change(self, parameters: np.ndarray) -> Change:
        """The same in the layers' own units."""
        scale, shift = float(parameters[0]), float(parameters[1])
        steps = tuple(step / spread for step, spread in zip(self._steps(parameters), self.spreads, strict=True))
        shifts = tuple(shift - float(mean @ step) for mean, step in zip(self.means, steps, strict=True))
        return Change(scale, steps, shifts)

    def _steps(self, parameters: np.ndarray) -> list[np.ndarray]:
        return [parameters[2 + low : 2 + high] for low, high in zip(self.ends[:-1], self.ends[1:], strict=True)]

    def _loss(self, parameters: np.ndarray, strength: float) -> tuple[float, np.ndarray]:
        steps = self._steps(parameters)
        moved = np.concatenate([inputs @ step for inputs, step in zip(self.inputs, steps, strict=True)], axis=1)
        views = sigmoid(parameters[0] * self.base + parameters[1] + moved + self.readings.offset)
        value, by_score = self.goal.loss(views.mean(axis=1))
        by_logit = by_score[:, np.newaxis] * views * (1.0 - views) / views.shape[1]
        gradient = [np.array([np.sum(by_logit * self.base), np.sum(by_logit)])]
        first = 0
        for inputs, step in zip(self.inputs, steps, strict=True):
            part = by_logit[:, first : first + inputs.shape[1]]
            gradient.append(np.tensordot(part, inputs, axes=2) + 2.0 * strength * step)
            first += inputs.shape[1]
        return value + strength * float(parameters[2:] @ parameters[2:]), np.concatenate(gradient)
