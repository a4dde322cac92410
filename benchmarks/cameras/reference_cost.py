"""What the comparison with a reference view costs per frame, in Python and in the native library, on one core.

    python -m dgiqa_edge.benchmarks.cameras.reference_cost [libdgiqa_edge.so]

Each figure is the median of all cues with a reference, less that without. *Still* is the common case; a *moved* view is
looked for at every shift.
"""

import ctypes
import statistics
import sys
import time
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.frames.images import read_image
from dgiqa_edge.runtime.gate.cues import CueMeter
from dgiqa_edge.runtime.gate.reference.reference import ReferenceTaker, ReferenceView
from dgiqa_edge.runtime.gate.reference.reference_file import reference_text
from dgiqa_edge.runtime.scoring.native_library import _Frame

Picture = NDArray[np.uint8]
Measure = Callable[[Picture], object]

SIZE = (1920, 1080)
ROUNDS = 40


def main(library: str | None) -> None:
    """Print the table."""
    cv2.setNumThreads(1)
    photo = read_image(SHIPPED_PHOTOS / "room_with_drum.jpg")
    still = np.asarray(cv2.resize(photo, SIZE, interpolation=cv2.INTER_LINEAR), np.uint8)
    moved = np.ascontiguousarray(np.roll(still, SIZE[0] // 10, axis=1))
    taker = ReferenceTaker()
    taker.add(still)
    reference = taker.take()
    meters: dict[str, Callable[[ReferenceView | None], Measure]] = {
        "Python": lambda given: CueMeter(reference=given).measure
    }
    if library is not None:
        native = ctypes.CDLL(library)
        meters["C++"] = lambda given: _native(native, given)
    for name, create in meters.items():
        plain, compared = create(None), create(reference)
        for case, picture in (("still", still), ("moved", moved)):
            without, with_it = _pair_ms(plain, compared, picture)
            print(f"{name:7} {case}: all cues {without:.2f} ms, with a reference {with_it - without:+.2f} ms")


def _pair_ms(plain: Measure, compared: Measure, picture: Picture) -> tuple[float, float]:
    """Medians of both, in turns, so that a busy machine troubles both alike."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for measure, found in zip((plain, compared), times, strict=True):
            began = time.perf_counter()
            measure(picture)
            found.append((time.perf_counter() - began) * 1e3)
    return statistics.median(times[0]), statistics.median(times[1])


def _native(library: ctypes.CDLL, reference: ReferenceView | None) -> Measure:
    meter = ctypes.c_void_p()
    assert library.dgiqa_cue_meter_create(ctypes.byref(meter)) == 0
    if reference is not None:
        assert library.dgiqa_cue_meter_set_reference(meter, reference_text(reference).encode()) == 0
    library.dgiqa_frame_default.restype = _Frame
    cues = (ctypes.c_double * 13)()

    def measure(picture: Picture) -> None:
        frame = library.dgiqa_frame_default()
        frame.planes[0] = picture.ctypes.data
        frame.width, frame.height = picture.shape[1], picture.shape[0]
        assert library.dgiqa_cue_meter_measure(meter, ctypes.byref(frame), cues) == 0

    return measure


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
