"""Whether a bundle scores degraded copies of a photo below the photo itself: one copy per kind of degradation.

Known defects on few photos, for eyes and for a first check; agreement with people over a data set is ``accuracy.py``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dgiqa_edge.calibration.degradations.kinds import SHOWN, degrade
from dgiqa_edge.calibration.images.calibration_set import pixels_sha256
from dgiqa_edge.runtime.bundle.bundle import Bundle
from dgiqa_edge.runtime.errors import BundleError
from dgiqa_edge.runtime.frames.fit import scaled_frame
from dgiqa_edge.runtime.frames.images import read_image
from dgiqa_edge.runtime.ground.framing import framing
from dgiqa_edge.runtime.ground.strict_text import parse_json
from dgiqa_edge.runtime.scoring.scorer import Scorer

REPORT = "report.json"


@dataclass(frozen=True)
class PhotoScores:
    """Scores of one photo and of its degraded copies, by kind.

    ``observed``: whether the bundle's ranges were observed on this photo; ``None`` where the bundle does not say.
    """

    photo: Path
    observed: bool | None
    clean: float
    degraded: Mapping[str, float]

    @property
    def disordered(self) -> tuple[str, ...]:
        """Kinds whose copy does not score below the photo; an equal score counts here."""
        return tuple(kind for kind, score in self.degraded.items() if not score < self.clean)


@dataclass(frozen=True, eq=False)
class PhotoPictures:
    """What was scored: uint8 [H, W, 3] BGR at the scale of the bundle's frame, and ``depth`` uint8 [h, w], 255 nearest.

    ``shape`` is the height and width of the part of the photo that they show, before it took that scale.
    """

    shape: tuple[int, int]
    clean: np.ndarray
    depth: np.ndarray
    degraded: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class OrderReport:
    """Every photo that went in is either in ``scored`` or in ``failed`` (photo -> reason)."""

    strength: float
    scored: tuple[PhotoScores, ...]
    failed: Mapping[Path, str]

    @property
    def photos(self) -> int:
        return len(self.scored) + len(self.failed)

    @property
    def pairs(self) -> int:
        return sum(len(scores.degraded) for scores in self.scored)

    @property
    def in_order(self) -> int:
        """Pairs whose degraded copy scores below its photo."""
        return self.pairs - sum(len(scores.disordered) for scores in self.scored)

    @property
    def frames(self) -> int:
        """Frames scored, photos and copies."""
        return len(self.scored) + self.pairs

    def in_order_of(self, kind: str) -> int:
        """Photos whose copy of that kind scores below them."""
        return sum(kind in scores.degraded and kind not in scores.disordered for scores in self.scored)

    def observed(self) -> tuple[PhotoScores, ...]:
        """Photos that the bundle's ranges were observed on."""
        return tuple(scores for scores in self.scored if scores.observed)

    def to_json(self) -> dict[str, Any]:
        return {
            "strength": self.strength,
            "photos": self.photos,
            "frames": self.frames,
            "pairs": self.pairs,
            "in_order": self.in_order,
            "in_order_by_kind": {kind: self.in_order_of(kind) for kind in SHOWN},
            "scored": [
                {
                    "photo": str(scores.photo),
                    "observed_in_calibration": scores.observed,
                    "score": scores.clean,
                    "degraded": dict(scores.degraded),
                }
                for scores in self.scored
            ],
            "failed": [{"photo": str(photo), "error": reason} for photo, reason in self.failed.items()],
        }


def score_with_copies(
    scorer: Scorer, photo: Path, strength: float, observed: frozenset[str] | None = None
) -> tuple[PhotoScores, PhotoPictures]:
    """Score a photo and one copy of it per kind.

    The photo takes the scale of the bundle's frame first: a defect is as strong for a large photo as for a small one;
    haze follows the depth map that the bundle gives for the photo. Same photo, same copies.

    Args:
        strength: of the degradations, in (0, 1].
        observed: pixel keys of the photos the bundle's ranges were observed on.

    Raises:
        SourceError: the photo cannot be read.
        ConfigurationError: a strength outside (0, 1].
    """
    picture = read_image(photo)
    key = pixels_sha256(picture)
    size = scorer.bundle.manifest.frame
    frame = scaled_frame(picture, size.height, size.width, scorer.fit)
    shown = framing(picture.shape, (size.height, size.width), scorer.fit).shown
    quality = scorer.score(frame)
    copies = {kind: degrade(frame, kind, strength, int(key[:8], 16), quality.picture_depth) for kind in SHOWN}
    scores = {kind: scorer.score(copy).score for kind, copy in copies.items()}
    return (
        PhotoScores(photo, None if observed is None else key in observed, quality.score, scores),
        PhotoPictures((shown.height, shown.width), frame, quality.picture_depth, copies),
    )


def observed_pictures(bundle: Bundle) -> frozenset[str] | None:
    """Pixel keys of the photos that the bundle's ranges were observed on; ``None`` where its report does not say.

    Raises:
        BundleError: the report is not what the tool writes.
    """
    if REPORT not in bundle.manifest.files:
        return None
    file = bundle.file(REPORT)
    try:
        photos = parse_json(file.read_text(encoding="utf-8")).get("photos")
        return None if photos is None else frozenset(photo["pixels_sha256"] for photo in photos["observed"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{file} is not a report of build_engine ({error}): rebuild the bundle") from error
