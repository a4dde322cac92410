"""Whether a source gives a frame now, within a time that a driver cannot stretch."""

import threading
from dataclasses import dataclass

from ...errors import DgiqaEdgeError, SourceError
from ...ground.error_text import one_line
from ..sources.protocol import Frame, Source


@dataclass(frozen=True)
class Probe:
    """``size`` width, height of its first frame; else ``problem``, and ``error`` where opening raised it.

    ``may_come_back``: waiting may mend the error; nothing that this machine lacks comes by itself.
    """

    size: tuple[int, int] | None = None
    problem: str = ""
    error: DgiqaEdgeError | None = None

    @property
    def may_come_back(self) -> bool:
        return isinstance(self.error, SourceError)


def probe(source: Source, timeout_s: float) -> Probe:
    """Open, read one frame, close. A source that hangs is interrupted and left behind."""
    answers: list[Probe] = []
    thread = threading.Thread(target=lambda: answers.append(_first_frame(source)), name="probe", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if thread.is_alive():
        source.interrupt()
        thread.join(1.0)
    return answers[0] if answers else Probe(problem=f"no answer within {timeout_s:g} s")


def _first_frame(source: Source) -> Probe:
    try:
        source.open()
        result = source.read()
    except DgiqaEdgeError as error:
        return Probe(problem=one_line(error), error=error)
    finally:
        source.close()
    if isinstance(result, Frame):
        height, width = result.image.shape[:2]
        return Probe(size=(width, height))
    return Probe(problem=result.reason)
