"""What somebody declares healthy, by command: the reference view of a source, and what is normal for it.

Of all frames of a file or a folder, of some seconds of a camera.
"""

import logging
import time
from collections import Counter
from collections.abc import Iterator

from ..errors import SourceError
from ..gate.baseline import Baseline, BaselineTaker
from ..gate.cues import CueMeter
from ..gate.gate import Gate
from ..gate.policy import GatePolicy, StartPolicy
from ..gate.reading import Reading
from ..gate.reference.reference import ReferenceTaker, ReferenceView
from ..gate.regions import WHOLE, Regions
from ..gate.verdict import State
from ..quality import FrameScorer
from .seen import Seen
from .sources.protocol import End, Frame, Source

MOST_VIEWS = 120
LIVE_S = 10.0
_PAUSE_S = 0.02
_MIXED = 0.1
_PUBLISHED = GatePolicy(start=StartPolicy(readings=1))
_LOG = logging.getLogger(__name__)


def take_reference(
    source: Source,
    seconds: float | None = None,
    give_up_s: float = 20.0,
    scorer: FrameScorer | None = None,
    regions: Regions = WHOLE,
) -> tuple[ReferenceView, Baseline | None]:
    """The reference view of a source, which is opened and closed; and its normal, where there is a scorer.

    Frames of two kinds are warned of: those that the published policy rejects for one reason are more than a tenth of
    them, and yet not nearly all.

    Args:
        seconds: of frames at most; None takes all of a file, and 10 s of a camera.
        give_up_s: seconds without a frame after which a camera is lost.
        scorer: of the bundle to which the baseline belongs; None takes none.
        regions: what of the frames counts for the baseline.

    Raises:
        SourceError: it cannot be opened, gives no frame, or is lost.
        MachineError: this machine lacks what the source needs.
        UnsuitableReferenceError: what it shows makes no reference view, or is nothing that can be normal.
    """
    taker, normal = ReferenceTaker(), BaselineTaker()
    rejected: Counter[str] = Counter()
    meter, seen = CueMeter(regions), Seen(regions)
    every = 1
    try:
        source.open()
        limit_s = LIVE_S if seconds is None and source.live else seconds
        all_frames = None if source.live else source.describe().get("frames")
        for number, frame in enumerate(_frames(source, limit_s, give_up_s)):
            if number == all_frames:  # what follows is its beginning again: loop = true
                break
            if number % every == 0:
                taker.add(frame.image)
            if scorer is not None:
                quality = scorer.score(seen.picture(frame.image))
                reading = Reading(quality.score, meter.measure(frame.image), quality.faults)
                normal.add(reading.values())
                verdict = Gate(_PUBLISHED).update(reading, 0.0)  # each frame by itself
                rejected[verdict.reason] += verdict.state is State.REJECT
            if len(taker) > MOST_VIEWS:
                taker.thin()
                every *= 2
    finally:
        source.close()
    # The normal first: of a picture that is black it says so, a view only that it is dark.
    baseline = None if scorer is None else normal.take()
    reference = taker.take()
    if baseline is not None:
        _warn_of_two_kinds(rejected, baseline.samples)
    return reference, baseline


def _warn_of_two_kinds(rejected: Counter[str], frames: int) -> None:
    mixed = [f"{count} {why}" for why, count in rejected.most_common() if _MIXED < count / frames <= 1.0 - _MIXED]
    if mixed:
        _LOG.warning(
            "warning: the frames are of two kinds: of %d the published policy rejects %s; that passes as normal from "
            "now on: where it is not, take frames without it",
            frames,
            ", ".join(mixed),
        )


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
