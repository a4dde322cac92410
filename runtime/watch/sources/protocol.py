"""What every source of frames offers: open, read, close. Waiting and reconnecting are ``loop/capture.py``'s work."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Surroundings:
    """``open_timeout_s``, ``read_timeout_s``: after which a family that can give up on its own does so.

    ``frame_size``: width and height at which frames are scored, for a family that can shrink them at no cost; None
    where nothing is known of that.
    """

    open_timeout_s: float = 15.0
    read_timeout_s: float = 10.0
    frame_size: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture: uint8 [H, W, 3] BGR, the caller's own to keep.

    ``t_s``: seconds by the stream's own time stamps, from its first picture in a file; None where it has none.
    """

    image: NDArray[np.uint8]
    t_s: float | None = None


@dataclass(frozen=True)
class Damaged:
    """A frame arrived and could not be decoded; the source goes on. ``t_s`` as in ``Frame``."""

    reason: str
    t_s: float | None = None


@dataclass(frozen=True)
class Stall:
    """No frame for now; the source is still open and may be read again."""

    reason: str


@dataclass(frozen=True)
class End:
    """No more frames: the end of a file, or a live source's connection is lost. Only ``close`` is left.

    ``whole``: False where there should have been more, as in a file that is cut off.
    """

    reason: str
    whole: bool = True


ReadResult = Frame | Damaged | Stall | End


class Source(Protocol):
    """One place that frames come from. ``interrupt`` is for any thread, the rest for one at a time."""

    @property
    def live(self) -> bool:
        """Whether ``End`` means a lost connection, to be opened again, rather than the end of the frames."""
        ...

    @property
    def interval_s(self) -> float | None:
        """Least seconds between two reads; ``None``: the source sets the pace, or there is none. Known once open."""
        ...

    def open(self) -> None:
        """Connect; allowed again after ``close`` and after it has failed.

        Raises:
            SourceError: not there, refused, or not decodable now; a live source may be tried again.
            MachineError: this machine lacks what the family needs.
        """
        ...

    def read(self) -> ReadResult:
        """The next frame, or why there is none. Raises nothing on bad data; may wait for the camera."""
        ...

    def close(self) -> None:
        """Free everything; further calls do nothing."""
        ...

    def interrupt(self) -> None:
        """Wake a read that waits, where the family can; never waits itself."""
        return

    def describe(self) -> dict[str, Any]:
        """JSON-ready facts: ``family``, ``source`` (no credentials), ``decoder``, and the family's own."""
        ...
