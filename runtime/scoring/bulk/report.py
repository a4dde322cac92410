"""What a folder of results says: how scores lie, folder by folder, which pictures are worst, why others have none.

Rows are read a piece at a time. Percentiles are of a hundred steps: exact to 0.01.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import SourceError
from ...ground.names import shown
from ...quality import PROBABLE
from .plan import is_result
from .store import Store

STEPS = 100
_FAULT = "fault_"


@dataclass
class Scores:
    """Of some pictures: how many have no score, the sum of the others', and how many lie in each step of 0.01."""

    failed: int = 0
    total: float = 0.0
    steps: NDArray[np.int64] = field(default_factory=lambda: np.zeros(STEPS, np.int64))

    @property
    def scored(self) -> int:
        """How many have one."""
        return int(self.steps.sum())

    def to_dict(self) -> dict[str, Any]:
        """``scored``, ``failed``, ``mean``, ``p10``, ``p50``, ``p90``; the last four are None of none."""
        mean = self.total / self.scored if self.scored else None
        return {"scored": self.scored, "failed": self.failed, "mean": mean} | {
            f"p{share}": self._percentile(share / 100) for share in (10, 50, 90)
        }

    def _percentile(self, share: float) -> float | None:
        if not self.scored:
            return None
        return int(np.searchsorted(self.steps.cumsum(), share * self.scored)) / STEPS


@dataclass
class Report:
    """``worst``: score and path, the lowest first; ``errors``: how many pictures have each, path left out."""

    all: Scores
    folders: Mapping[str, Scores]
    faults: Mapping[str, int]
    errors: Counter[str]
    worst: Sequence[tuple[float, str]]

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        steps = self.all.steps.reshape(10, -1).sum(axis=1).tolist()
        return {
            **self.all.to_dict(),
            "histogram": [{"from": at / 10, "to": (at + 1) / 10, "pictures": count} for at, count in enumerate(steps)],
            "faults": dict(self.faults),
            "folders": [{"folder": name, **scores.to_dict()} for name, scores in sorted(self.folders.items())],
            "worst": [{"image": image, "score": score} for score, image in self.worst],
            "errors": [{"error": error, "pictures": count} for error, count in self.errors.most_common()],
        }


def read_report(place: str, worst: int) -> Report:
    """Read the results of ``score-many``.

    Args:
        worst: how many pictures of the lowest scores to name.

    Raises:
        SourceError: the folder holds none, or a damaged file.
        MachineError: a store does not answer, pyarrow is not installed.
    """
    results = Store(place)
    files = sorted(name for name in results.names() if is_result(name))
    if not files:
        raise SourceError(f"{shown(place)} holds no results of score-many: give its --out")
    report = Report(Scores(), {}, {}, Counter(), [])
    folders: dict[str, Scores] = {}
    faults: Counter[str] = Counter()
    for file in files:
        for batch in results.batches(file):
            named = [name for name in batch.schema.names if name.startswith(_FAULT)]
            if not {"image", "score", "error"} <= set(batch.schema.names):
                raise SourceError(f"{shown(place)}/{file} is no result of score-many: give the folder of its --out")
            _add(report, folders, batch, worst)
            faults.update({name: int((_values(batch, name) >= PROBABLE).sum()) for name in named})
    report.folders = folders
    report.faults = {name.removeprefix(_FAULT): count for name, count in faults.most_common()}
    return report


def _add(report: Report, folders: dict[str, Scores], batch: Any, worst: int) -> None:
    import pyarrow.compute as pc

    scores, images = _values(batch, "score"), batch.column("image")
    steps = np.minimum(np.nan_to_num(scores) * STEPS, STEPS - 1).astype(np.int64)
    failed = np.isnan(scores)
    names = pc.replace_substring_regex(images, r"/?[^/]*$", "").dictionary_encode()
    of_folder = names.indices.to_numpy()
    for number, name in enumerate(names.dictionary.to_pylist()):
        here = of_folder == number
        for one in (report.all, folders.setdefault(name, Scores())):
            one.failed += int((here & failed).sum())
            one.total += float(scores[here & ~failed].sum())
            one.steps += np.bincount(steps[here & ~failed], minlength=STEPS)
    lowest = np.argsort(scores)[:worst]  # those without a score come last
    found = [(float(scores[at]), images[at].as_py()) for at in lowest.tolist() if not failed[at]]
    report.worst = sorted([*report.worst, *found])[:worst]
    for at in np.flatnonzero(failed).tolist():
        error, image = batch.column("error")[at].as_py() or "", images[at].as_py()
        report.errors[error.removeprefix(f"{shown(image)} ")] += 1


def _values(batch: Any, name: str) -> NDArray[np.float64]:
    return np.asarray(batch.column(name).to_numpy(zero_copy_only=False), np.float64)
