"""What the gate is given per frame: the learned score and faults, and the classical cues. Data only."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType

from ..errors import ConfigurationError


@dataclass(frozen=True)
class Cues:
    """Classical measurements of one frame, by ``CueMeter`` in ``cues.py``; shares are in [0, 1].

    Attributes:
        luminance: grey level (0..255) that 95 % of the pixels do not exceed.
        shadows: share of pixels darker than grey level 32.
        clipped: share of pixels with a channel at 250 or more.
        sharpness: gradient energy at full size as a multiple of that at half size; 0.25 is blurred, 0.5 sharp.
        noise: standard deviation of the noise, grey levels.
        haze: how veiled even the dark places are, in [0, 1].
        contrast: grey levels between the 5th and the 95th percentile.
        occlusion: share of the picture without any texture.
        change: least mean absolute difference to one of the last frames, grey levels (``change.py``); ``None`` where
            there is none to compare.
        smear: share of the picture that looks made up by a decoder.
        moved: share of the picture's width by which the view has moved away from the reference view.
        likeness: of the picture to the reference view at the best shift, in [-1, 1].
        cast: distance of the picture's colours from the reference view's, percent of the grey level; 100 for a picture
            without any colour. All three are ``None`` where there is no reference, or nothing that can be compared.
    """

    luminance: float | None = None
    shadows: float | None = None
    clipped: float | None = None
    sharpness: float | None = None
    noise: float | None = None
    haze: float | None = None
    contrast: float | None = None
    occlusion: float | None = None
    change: float | None = None
    smear: float | None = None
    moved: float | None = None
    likeness: float | None = None
    cast: float | None = None

    def __post_init__(self) -> None:
        for name in CUE_NAMES:
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise ConfigurationError(f"the cue {name} is {value}: a cue is a finite number or None")


CUE_NAMES = tuple(item.name for item in fields(Cues))


@dataclass(frozen=True)
class Reading:
    """One frame for the gate.

    Attributes:
        score: learned quality in [0, 1]; ``None`` where the frame was not scored.
        cues: ``None`` where they were not measured.
        faults: the probability of each fault that the bundle reads, by the bundle's name for it; empty where it reads
            none.

    Raises:
        ConfigurationError: a score or a probability outside [0, 1] or not a number.
    """

    score: float | None = None
    cues: Cues | None = None
    faults: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if self.score is not None and not 0.0 <= self.score <= 1.0:
            raise ConfigurationError(f"the score is {self.score}: it must be a number from 0 to 1")
        for name, probability in self.faults.items():
            if not 0.0 <= probability <= 1.0:
                raise ConfigurationError(
                    f"the probability of {name!r} is {probability}: it must be a number from 0 to 1"
                )

    def values(self) -> dict[str, float | None]:
        """What there is for each check by its name; a cue that found nothing is None."""
        found: dict[str, float | None] = {f"faults.{name}": value for name, value in self.faults.items()}
        if self.cues is not None:
            found |= vars(self.cues)
        return found if self.score is None else {**found, "score": self.score}


NO_SIGNAL = Reading()
