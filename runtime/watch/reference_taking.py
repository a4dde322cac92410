"""A reference view taken of a source by command: of all frames of a file or a folder, of some seconds of a camera."""

import time
from collections.abc import Iterator

from ..errors import SourceError
from ..gate.reference.reference import ReferenceTaker, ReferenceView
from .sources.protocol import End, Frame, Source

MOST_VIEWS = 120
LIVE_S = 10.0
_PAUSE_S = 0.02


def take_reference(source: Source, seconds: float | None = None, give_up_s: float = 20.0) -> ReferenceView:
    """The reference view of a source, which is opened and closed.

    Args:
        seconds: of frames at most; None takes all of a file, and 10 s of a camera.
        give_up_s: seconds without a frame after which a camera is lost.

    Raises:
        SourceError: it cannot be opened, gives no frame, or is lost.
        MachineError: this machine lacks what the source needs.
        UnsuitableReferenceError: what it shows makes no reference view.
    """
    taker = ReferenceTaker()
    every = 1
    try:
        source.open()
        limit_s = LIVE_S if seconds is None and source.live else seconds
        for number, frame in enumerate(_frames(source, limit_s, give_up_s)):
            if number % every == 0:
                taker.add(frame.image)
            if len(taker) > MOST_VIEWS:
                taker.thin()
                every *= 2
    finally:
        source.close()
    return taker.take()


def _frames(source: Source, limit_s: float | None, give_up_s: float) -> Iterator[Frame]:
    began = last = time.monotonic()
    while True:
        result, now = source.read(), time.monotonic()
        if isinstance(result, End):
            if source.live:
                raise SourceError(f"{source.describe()['source']} is lost ({result.reason}): try again")
            return
        if isinstance(result, Frame):
            last = now
            at = now - began if source.live or result.t_s is None else result.t_s
            if limit_s is not None and at > limit_s:
                return
            yield result
        elif now - last > give_up_s:
            raise SourceError(f"{source.describe()['source']} gives no frame ({result.reason}): look at the camera")
        else:
            time.sleep(_PAUSE_S if source.live else 0.0)
