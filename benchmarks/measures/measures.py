"""What is measured: a bundle or a baseline as a function of a frame, and a panel that shows them the same frames.

Every frame is accounted for: each measure has scored it or has a reason why not.
"""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from dgiqa_edge.calibration.images.calibration_set import pixels_sha256
from dgiqa_edge.runtime.errors import FidelityError, SourceError
from dgiqa_edge.runtime.hashing import sha256_json
from dgiqa_edge.runtime.scoring.scorer import Scorer

from .score_store import ScoreStore

BUNDLE = "bundle"


@dataclass(frozen=True)
class Measure:
    """A quality measure.

    Attributes:
        name: as tables call it.
        source: what it is in words: preset and precision, or where its model comes from.
        key: changes with everything that its scores depend on.
        run: score of a frame uint8 [H, W, 3] BGR, higher is better; raises ``ValueError`` for a frame that it is not
            defined on.
    """

    name: str
    source: str
    key: str
    run: Callable[[np.ndarray], float] = field(repr=False)


@dataclass
class Tally:
    """One measure's results: picture -> score, picture -> why there is none; milliseconds of those scored just now."""

    scores: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    times_ms: list[float] = field(default_factory=list)

    @property
    def reused(self) -> int:
        """Scores that an earlier run had kept."""
        return len(self.scores) - len(self.times_ms)

    @property
    def p50_ms(self) -> float | None:
        """Median time of a frame in this run; ``None`` where every score was kept from an earlier one."""
        return round(float(np.median(self.times_ms)), 3) if self.times_ms else None


class Panel:
    """Measures that see the same pictures."""

    def __init__(self, measures: Sequence[Measure], store: ScoreStore) -> None:
        self.measures = tuple(measures)
        self.tallies = {measure.name: Tally() for measure in measures}
        self._store = store

    def judge(self, picture: str, frame: np.ndarray) -> None:
        """Score a frame, uint8 [H, W, 3] BGR, with every measure, under the name ``picture``."""
        pixels = pixels_sha256(frame)
        for measure in self.measures:
            tally = self.tallies[measure.name]
            known = self._store.get(measure.key, pixels)
            if known is not None:
                tally.scores[picture] = known
                continue
            start = time.perf_counter()
            try:
                score = measure.run(frame)
                if not math.isfinite(score):
                    raise ValueError("the score is not a number")
            except (ValueError, FidelityError, SourceError) as error:
                tally.failed[picture] = str(error)
                continue
            tally.times_ms.append((time.perf_counter() - start) * 1000.0)
            tally.scores[picture] = score
            self._store.put(measure.key, pixels, score)

    def fail(self, picture: str, reason: str) -> None:
        """Note that a picture could be shown to no measure."""
        for tally in self.tallies.values():
            tally.failed[picture] = reason


def bundle_measure(scorer: Scorer) -> Measure:
    """The bundle itself; a frame of another size than its own is fitted as the scorer's ``fit`` says."""
    manifest = scorer.bundle.manifest
    engines = scorer.describe()
    key = sha256_json({"bundle": bundle_sha256(scorer), "fit": scorer.fit, "engines": json.loads(json.dumps(engines))})
    source = (
        f"{manifest.preset}, {manifest.precision.name}, {manifest.frame.width}x{manifest.frame.height}, "
        f"{engines[0]['backend']} {engines[0]['backend_version']}"
    )
    return Measure(BUNDLE, source, key, lambda frame: scorer.score(frame).score)


def bundle_sha256(scorer: Scorer) -> str:
    """SHA-256 of the bundle's manifest, which holds that of every file."""
    return scorer.bundle.sha256
