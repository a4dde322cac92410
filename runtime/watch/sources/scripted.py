"""A source that follows a script: ``test://?script=clean:30,blur:30,stall:20,lost:1,clean:30&size=640x480&fps=10``.

Each step is a kind and a number of frames. Pictures come from ``scene.py``; ``frozen`` repeats the one before,
``damaged`` gives frames that cannot be decoded, ``stall`` none, ``lost`` ends the connection once per frame of it.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ConfigurationError
from ...settings.section import Section, size_option
from .protocol import Damaged, End, Frame, ReadResult, Source, Stall, Surroundings
from .uri import SourceUri

if TYPE_CHECKING:
    from .scene import Scene

PICTURES = ("clean", "blur", "dark", "bright", "noise", "haze", "occluded", "black", "smear", "night", "infrared")
EVENTS = ("frozen", "damaged", "stall", "lost")
_STEP = re.compile(r"([a-z]+):([1-9][0-9]{0,8})")
_LEAST_SIDE = 16
_DEFAULT_SCRIPT = "clean:30,blur:30,dark:30,haze:30"


@dataclass(frozen=True)
class Step:
    """``kind``, one of ``PICTURES`` or ``EVENTS``, for that many ``frames``."""

    kind: str
    frames: int


def create(uri: SourceUri, options: Section, surroundings: Surroundings) -> Source:
    """A scripted source.

    Options: ``script``, ``size`` (640x480), ``fps`` (10; 0: as fast as frames are taken), ``seed``, ``loop``.

    Raises:
        ConfigurationError: an option of the wrong kind, or a step that is none.
    """
    if uri.address.strip("/"):
        raise ConfigurationError(f"the source {uri.shown!r} has a path: write test://?script=clean:30,blur:30")
    steps = parse_script(options.text("script", _DEFAULT_SCRIPT), options.path_of("script"))
    size = size_option(options) or (640, 480)
    if min(size) < _LEAST_SIDE:
        raise ConfigurationError(
            f"{options.path_of('size')} is {size[0]}x{size[1]}: give at least {_LEAST_SIDE} a side"
        )
    fps = options.number("fps", 10.0, 0.0, 1000.0)
    seed = options.integer("seed", 0, low=0)
    loop = options.flag("loop", False)
    options.finish()
    return ScriptedSource(uri.shown, steps, size, 1.0 / fps if fps else None, seed, loop)


def parse_script(text: str, path: str = "script") -> tuple[Step, ...]:
    """The steps of a script.

    Raises:
        ConfigurationError: names the step.
    """
    steps = []
    for part in text.split(","):
        match = _STEP.fullmatch(part.strip())
        if match is None or match[1] not in PICTURES + EVENTS:
            raise ConfigurationError(
                f"{path}: {part.strip()[:40]!r} is no step: give KIND:FRAMES with a kind of "
                f"{', '.join(PICTURES + EVENTS)}"
            )
        steps.append(Step(match[1], int(match[2])))
    return tuple(steps)


class ScriptedSource:
    """Goes through the steps; the place in the script survives ``close``, as a camera's day does."""

    def __init__(
        self,
        shown: str,
        steps: tuple[Step, ...],
        size: tuple[int, int],
        interval_s: float | None,
        seed: int,
        loop: bool,
    ) -> None:
        self.live = any(step.kind == "lost" for step in steps)
        self.interval_s = interval_s
        self._shown = shown
        self._kinds = [(step.kind, step.frames) for step in steps]
        self._size = size
        self._seed = seed
        self._loop = loop
        self._position = 0
        self._length = sum(step.frames for step in steps)
        self._scene: Scene | None = None
        self._last: Frame | None = None

    def open(self) -> None:
        from .scene import Scene

        self._scene = self._scene or Scene(self._size, self._seed)

    def read(self) -> ReadResult:
        if self._scene is None:
            return End("the source is not open")
        kind = self._kind_at(self._position)
        if kind is None:
            self.live = False
            return End(f"the script is at its end, {self._length} steps")
        index, self._position = self._position, self._position + 1
        if kind == "lost":
            return End("the script says: connection lost")
        if kind == "stall":
            return Stall("the script says: no frame")
        if kind == "damaged":
            return Damaged("the script says: a damaged frame")
        if kind != "frozen" or self._last is None:
            self._last = Frame(self._picture("clean" if kind == "frozen" else kind, index))
        return Frame(self._last.image.copy())

    def close(self) -> None:
        """The scene is kept: drawing it again would give the same one."""

    def interrupt(self) -> None:
        """Reading does not wait."""

    def describe(self) -> dict[str, Any]:
        return {"family": "test", "source": self._shown, "decoder": "none", "frames": self._length}

    def _kind_at(self, position: int) -> str | None:
        if self._loop:
            position %= self._length
        for kind, frames in self._kinds:
            if position < frames:
                return kind
            position -= frames
        return None

    def _picture(self, kind: str, index: int) -> np.ndarray:
        from .scene import FAULTS

        assert self._scene is not None
        return FAULTS[kind](self._scene.picture(index), np.random.default_rng((self._seed, index, 1)))
