"""What scores of photos should be: near the user's, or in the order of the user's pairs. Arrays only."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from dgiqa_edge.calibration.agreement import srcc

from .opinions import Opinions, pairs_among

LOW, HIGH = 0.05, 0.95
_FLOOR = 1e-6


class Goal(Protocol):
    """What a fit minimises and held-out photos are judged by."""

    sets_the_scale: bool

    def loss(self, scores: np.ndarray) -> tuple[float, np.ndarray]:
        """Of scores [photos]: the mean error and its gradient [photos]."""
        ...

    def errors(self, scores: np.ndarray) -> np.ndarray:
        """The error of each thing said."""
        ...

    @property
    def chance(self) -> float:
        """The agreement that scores without any relation to what was said stay below, two standard errors up."""
        ...

    def agreement(self, scores: np.ndarray) -> float:
        """How well scores put things in order; 1 is perfect."""
        ...

    def among(self, rows: np.ndarray) -> "Goal":
        """What was said of some photos, numbered as ``rows``."""
        ...

    def within(self, parts: np.ndarray) -> "Goal":
        """What was said of photos of one and the same part, int64 [photos]."""
        ...


@dataclass(frozen=True)
class NearScores:
    """Scores [photos] in [0, 1] to come near to."""

    wanted: np.ndarray
    sets_the_scale = True

    def loss(self, scores: np.ndarray) -> tuple[float, np.ndarray]:
        off = scores - self.wanted
        return float(np.mean(off * off)), 2.0 * off / len(off)

    def errors(self, scores: np.ndarray) -> np.ndarray:
        return np.asarray((scores - self.wanted) ** 2)

    @property
    def chance(self) -> float:
        return 2.0 / float(np.sqrt(len(self.wanted)))

    def agreement(self, scores: np.ndarray) -> float:
        return srcc(scores, self.wanted)

    def among(self, rows: np.ndarray) -> "NearScores":
        return NearScores(self.wanted[rows])

    def within(self, parts: np.ndarray) -> "NearScores":
        return self


@dataclass(frozen=True)
class InOrder:
    """Pairs [pairs, 2] of ``photos`` photos, the better one first: logistic loss of the difference of their logits."""

    pairs: np.ndarray
    photos: int
    sets_the_scale = False

    def loss(self, scores: np.ndarray) -> tuple[float, np.ndarray]:
        gradient = np.zeros(len(scores))
        if not len(self.pairs):
            return 0.0, gradient
        kept = np.clip(scores, _FLOOR, 1.0 - _FLOOR)
        ahead = self._ahead(kept)
        steps = -0.5 * (1.0 - np.tanh(0.5 * ahead)) / len(self.pairs)
        better, worse = self.pairs.T
        np.add.at(gradient, better, steps)
        np.add.at(gradient, worse, -steps)
        return float(np.mean(np.logaddexp(0.0, -ahead))), gradient / (kept * (1.0 - kept))

    def errors(self, scores: np.ndarray) -> np.ndarray:
        return np.asarray(np.logaddexp(0.0, -self._ahead(np.clip(scores, _FLOOR, 1.0 - _FLOOR))))

    def right(self, scores: np.ndarray) -> np.ndarray:
        """Whether each pair is in order, a tie is not: float64 [pairs]."""
        better, worse = self.pairs.T
        return (scores[better] > scores[worse]).astype(np.float64)

    @property
    def chance(self) -> float:
        return 0.5 + 1.0 / float(np.sqrt(len(self.pairs)))

    def agreement(self, scores: np.ndarray) -> float:
        return float(self.right(scores).mean())

    def among(self, rows: np.ndarray) -> "InOrder":
        return InOrder(pairs_among(self.pairs, rows, self.photos), len(rows))

    def within(self, parts: np.ndarray) -> "InOrder":
        better, worse = parts[self.pairs].T
        return InOrder(self.pairs[better == worse], self.photos)

    def _ahead(self, scores: np.ndarray) -> np.ndarray:
        logits = np.log(scores / (1.0 - scores))
        better, worse = self.pairs.T
        return np.asarray(logits[better] - logits[worse])


@dataclass(frozen=True)
class Scale:
    """The user's units: scores from ``lowest`` to ``highest`` lie from 0.05 to 0.95."""

    lowest: float
    highest: float

    @property
    def unit(self) -> float:
        """The user's units in one of the network's."""
        return (self.highest - self.lowest) / (HIGH - LOW)

    def mapped(self, scores: np.ndarray) -> np.ndarray:
        """Of the user's to the network's."""
        return LOW + (scores - self.lowest) / self.unit


def goal_of(opinions: Opinions) -> tuple[Goal, Scale | None]:
    """What opinions come to."""
    if opinions.pairs is not None:
        return InOrder(opinions.pairs, len(opinions.photos)), None
    assert opinions.scores is not None
    scale = Scale(float(opinions.scores.min()), float(opinions.scores.max()))
    return NearScores(scale.mapped(opinions.scores)), scale
