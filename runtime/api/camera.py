"""A camera, a stream, a video or still images, to be iterated over: ``runtime/watch/sources`` opens and reads them.

It reads when it is asked, in the caller's thread, and does not connect anew on its own: threads, reconnecting and the
newest frame alone for a slow consumer are the work of ``dgiqa-edge watch``.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from ..errors import SourceError
from ..watch.sources import create_source
from ..watch.sources.protocol import Damaged, End, Frame, Stall, Surroundings

DEFAULT_FPS = 25.0
"""Of still images, which have no time of their own."""
_STALL_PAUSE_S = 0.05


class Camera:
    """Frames of one source, in their order; for one thread at a time, in a ``with`` block or with ``close``.

    It is opened by the first iteration. A file ends the iteration; a live source that is lost raises, and the next
    iteration connects anew. A frame that cannot be decoded is counted in ``damaged`` and skipped.

    A live source waits for nobody: whoever takes its frames more slowly than it gives them sees old ones.

    Args:
        source: the number of a USB camera (0 is ``/dev/video0``); a path of a video, an image, a folder of images, or a
            glob; or a URI: ``v4l2://``, ``csi://``, ``rtsp://``, ``http://`` (MJPEG), ``gst:PIPELINE``, ``test://``.
        timeout_s: seconds without a frame after which the source counts as lost.
        options: of the source's family, as ``size="1280x720"``, ``fps=30`` or ``loop=True``; each module of
            ``runtime/watch/sources`` says its own.

    Example:
        >>> with Camera("photos") as camera:
        ...     for frame in camera:
        ...         print(frame.image.shape, frame.t_s)
        (48, 64, 3) 0.0
        (48, 64, 3) 0.04

    Raises:
        ConfigurationError: an unknown scheme or option.
        MachineError: this machine lacks what the family needs.
    """

    def __init__(self, source: int | str | Path, *, timeout_s: float = 10.0, **options: Any) -> None:
        text = f"v4l2:///dev/video{source}" if isinstance(source, int) else str(source)
        self._timeout_s = timeout_s
        self._source = create_source(text, options, Surroundings(timeout_s, timeout_s))
        self._is_open = False
        self._since: float | None = None
        self._number = 0
        self.damaged = 0
        self.problem: str | None = None

    def __iter__(self) -> Iterator[Frame]:
        """Frames: ``image`` uint8 [H, W, 3] BGR, and ``t_s``, seconds from the first one.

        ``t_s`` is the video's own time; of images their number by ``fps`` (25); of a live source when it arrived, on
        one clock for all its connections.

        Raises:
            SourceError: there is nothing to read, it cannot be opened, or a live source is lost.
            MachineError: this machine lacks what the source needs.
        """
        return (result for result in self.results() if isinstance(result, Frame))

    def results(self) -> Iterator[Frame | Damaged]:
        """As the iteration, with a ``Damaged`` in the place of each frame that could not be decoded.

        At the end ``problem`` says what is missing of a file, as far as that is known; None where nothing is.
        """
        self._open()
        last = due = time.monotonic()
        since = self._since = last if self._since is None else self._since
        while True:
            interval_s = self._source.interval_s
            if interval_s is not None:
                time.sleep(max(0.0, due - time.monotonic()))
                due = max(due, time.monotonic() - interval_s) + interval_s
            result = self._source.read()
            now = time.monotonic()
            if isinstance(result, Stall):
                if now - last > self._timeout_s:
                    raise self._lost(f"no frame for {now - last:.0f} s, {result.reason}")
                time.sleep(_STALL_PAUSE_S)
                continue
            if isinstance(result, End):
                if self.live:
                    raise self._lost(result.reason)
                self.problem = None if result.whole else result.reason
                self.close()
                return
            t_s = now - since if self.live else result.t_s
            if t_s is None:
                t_s = self._number * (interval_s or 1.0 / DEFAULT_FPS)
            last = now
            self._number += 1
            self.damaged += isinstance(result, Damaged)
            yield replace(result, t_s=t_s)

    @property
    def live(self) -> bool:
        """Whether it goes on for ever, unless it is lost."""
        return self._source.live

    def describe(self) -> dict[str, Any]:
        """JSON-ready facts: ``family``, ``source`` (no credentials), ``decoder``, and the family's own."""
        return self._source.describe()

    def close(self) -> None:
        """Free the source; a later iteration opens it again. Further calls do nothing."""
        self._is_open = False
        self._source.close()

    def __enter__(self) -> "Camera":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Camera({self._source.describe()['source']!r})"

    def _open(self) -> None:
        """Anew where it is at its end or lost; an iteration that was left goes on."""
        if not self._is_open:
            self._source.open()
            self._is_open = True
            self._number = self.damaged = 0
            self.problem = None

    def _lost(self, reason: str) -> SourceError:
        self.close()
        return SourceError(f"{self._source.describe()['source']} is lost ({reason}): iterate again to connect anew")
