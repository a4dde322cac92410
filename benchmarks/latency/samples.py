"""Raw samples of a latency measurement, one row per frame, grouped in blocks with a yardstick reading between them.

Recording only: what percentiles and warnings follow from them is decided elsewhere.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from dgiqa_edge.runtime.gate.cues import CueMeter
from dgiqa_edge.runtime.gate.gate import Gate
from dgiqa_edge.runtime.gate.policy import GatePolicy
from dgiqa_edge.runtime.gate.reading import Reading
from dgiqa_edge.runtime.scoring.scorer import Scorer

from .frame_feed import DecodedFrame, FrameFeed
from .yardstick import Yardstick

FEWEST_PER_BLOCK = 3


@dataclass(frozen=True, eq=False)
class LatencySamples:
    """Float64 arrays of one row per scored frame; ``yardstick_ms`` has one value per block.

    Attributes:
        start_s: when scoring began, seconds after the measurement's start.
        latency_ms: frame in memory to score and depth, wall clock.
        cpu_ms: processor time of all threads of this process meanwhile.
        decode_ms: decoding this frame's JPEG before, not part of the latency.
        gate_ms: measuring the frame's cues and taking the gate's verdict after, not part of the latency.
        stages_ms: stage -> its part of the latency.
        block: number of the block, int64.
    """

    start_s: np.ndarray
    latency_ms: np.ndarray
    cpu_ms: np.ndarray
    decode_ms: np.ndarray
    gate_ms: np.ndarray
    stages_ms: dict[str, np.ndarray]
    block: np.ndarray
    yardstick_ms: np.ndarray

    def __len__(self) -> int:
        return len(self.latency_ms)

    @property
    def end_to_end_ms(self) -> np.ndarray:
        """Encoded camera frame to the gate's verdict."""
        return self.decode_ms + self.latency_ms + self.gate_ms

    @property
    def blocks(self) -> list[np.ndarray]:
        """Latencies of each block, in order."""
        return [self.latency_ms[self.block == number] for number in range(len(self.yardstick_ms))]


@dataclass
class _Rows:
    start_s: list[float] = field(default_factory=list)
    latency_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    decode_ms: list[float] = field(default_factory=list)
    gate_ms: list[float] = field(default_factory=list)
    stages_ms: list[dict[str, float]] = field(default_factory=list)
    block: list[int] = field(default_factory=list)


def merged(parts: Sequence[LatencySamples]) -> LatencySamples:
    """The samples of several servers as one measurement's, in the order in which scoring began."""
    first_block = np.cumsum([0, *(len(part.yardstick_ms) for part in parts)])
    order = np.argsort(np.concatenate([part.start_s for part in parts]), kind="stable")

    def joined(name: str) -> np.ndarray:
        return np.asarray(np.concatenate([getattr(part, name) for part in parts])[order])

    return LatencySamples(
        **{name: joined(name) for name in ("start_s", "latency_ms", "cpu_ms", "decode_ms", "gate_ms")},
        stages_ms={
            name: np.concatenate([part.stages_ms.get(name, np.zeros(len(part))) for part in parts])[order]
            for name in dict.fromkeys(name for part in parts for name in part.stages_ms)
        },
        block=np.concatenate([part.block + start for part, start in zip(parts, first_block[:-1], strict=True)])[order],
        yardstick_ms=np.concatenate([part.yardstick_ms for part in parts]),
    )


class FrameServer:
    """Scores one prepared frame per call and records what it cost.

    ``serve`` is the timed work. ``rest`` does what is no part of it: it takes the gate's verdict on the frame just
    scored (with its default policy), ends a block, reads the yardstick, and decodes the next frame. ``slowdown``
    lengthens each frame by that factor with busy waiting: it exists to check that ``compare`` sees a slower engine.
    ``cpu_clock`` tells the processor time: of the process, or ``time.thread_time`` where servers of one thread each
    work side by side.
    """

    def __init__(
        self,
        scorer: Scorer,
        feed: FrameFeed,
        yardstick: Yardstick | None,
        block_s: float,
        slowdown: float = 1.0,
        cpu_clock: Callable[[], float] = time.process_time,
    ) -> None:
        self._cpu_clock = cpu_clock
        self.scorer = scorer
        self._feed = feed
        self._yardstick = yardstick
        self._block_s = block_s
        self._slowdown = slowdown
        self._rows = _Rows()
        self._yardsticks: list[float] = []
        self._in_block = 0
        self._gate, self._cues = Gate(GatePolicy()), CueMeter()
        self._frame: DecodedFrame = feed.next()
        self.begin(time.perf_counter())

    @property
    def served(self) -> int:
        """Frames recorded since ``begin``."""
        return len(self._rows.latency_ms)

    def begin(self, origin: float) -> None:
        """Forget what was recorded so far (warm-up); times count from ``origin`` (``time.perf_counter``)."""
        self._rows, self._yardsticks, self._in_block, self._score = _Rows(), [], 0, 0.0
        self._origin = self._block_start = origin

    def serve(self) -> float:
        """Score the prepared frame; returns the latency in milliseconds."""
        cpu, start = self._cpu_clock(), time.perf_counter()
        quality = self.scorer.score(self._frame.frame)
        if self._slowdown > 1.0:
            until = start + (time.perf_counter() - start) * self._slowdown
            while time.perf_counter() < until:
                pass
        latency_ms = (time.perf_counter() - start) * 1e3
        rows, timings = self._rows, quality.timings
        rows.cpu_ms.append((self._cpu_clock() - cpu) * 1e3)
        rows.start_s.append(start - self._origin)
        rows.latency_ms.append(latency_ms)
        rows.decode_ms.append(self._frame.decode_ms)
        rows.block.append(len(self._yardsticks))
        self._score = quality.score
        engines = dict(timings.engines_ms)
        rows.stages_ms.append(
            {"resize": timings.resize_ms, **engines, "other": latency_ms - timings.resize_ms - sum(engines.values())}
        )
        self._in_block += 1
        return latency_ms

    def rest(self) -> bool:
        """Judge the frame just scored and prepare the next; returns whether a block ended here."""
        start = time.perf_counter()
        self._gate.update(Reading(self._score, self._cues.measure(self._frame.frame)), start)
        self._rows.gate_ms.append((time.perf_counter() - start) * 1e3)
        ended = self._in_block >= FEWEST_PER_BLOCK and time.perf_counter() - self._block_start >= self._block_s
        if ended:
            self.end_block()
        self._frame = self._feed.next()
        return ended

    def start_block(self) -> None:
        """A block begins now; another server may have run since the last one ended."""
        self._block_start = time.perf_counter()

    def end_block(self) -> None:
        """Close the block with a reading of the yardstick."""
        if self._in_block:
            self._yardsticks.append(self._yardstick.measure_ms() if self._yardstick else float("nan"))
            self._in_block = 0
        self.start_block()

    def samples(self) -> LatencySamples:
        """Everything since ``begin``; a block still open is closed first. Each ``serve`` needs its ``rest`` before."""
        self.end_block()
        rows = self._rows
        names = list(dict.fromkeys(name for stages in rows.stages_ms for name in stages))
        return LatencySamples(
            start_s=np.array(rows.start_s),
            latency_ms=np.array(rows.latency_ms),
            cpu_ms=np.array(rows.cpu_ms),
            decode_ms=np.array(rows.decode_ms),
            gate_ms=np.array(rows.gate_ms),
            stages_ms={name: np.array([stages.get(name, 0.0) for stages in rows.stages_ms]) for name in names},
            block=np.array(rows.block, np.int64),
            yardstick_ms=np.array(self._yardsticks),
        )
