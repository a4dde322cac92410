"""Which photos the networks that ship were trained on: BIQ2021's train split, known by fingerprints of its pictures.

A fingerprint is a difference hash: 64 bits, each whether one cell of a 9x8 thumbnail is brighter than its neighbour. It
outlives renaming, recompression and resizing, not cropping. ``python -m dgiqa_edge.training.own.seen FOLDER`` writes
the list anew from a checkout of BIQ2021. What a network of the user's own saw is not known here.
"""

import sys
from pathlib import Path

import numpy as np

from dgiqa_edge.runtime.ground.atomic import atomic_file

LIST = Path(__file__).with_name("biq2021_train.npy")
NEAR_BITS = 2
"""So many of the 64 bits may differ: a picture that was saved anew is known, mostly; one of a burst may be, too."""
_ROWS, _COLUMNS = 8, 9
_ONES = np.array([number.bit_count() for number in range(256)], np.uint8)


def fingerprint(picture: np.ndarray) -> np.ndarray:
    """Of a picture, uint8 [H, W, 3] BGR: uint8 [8], 64 bits."""
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    cells = cv2.resize(grey, (_COLUMNS, _ROWS), interpolation=cv2.INTER_AREA).astype(np.int16)
    return np.packbits(cells[:, 1:] > cells[:, :-1])


def distances(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Bits in which each fingerprint [N, 8] differs from the nearest of others [M, 8]: int64 [N]."""
    if not len(theirs):
        return np.full(len(ours), 8 * _ROWS)
    return np.array([_ONES[theirs ^ one].sum(axis=1, dtype=np.int64).min() for one in ours], np.int64)


def seen(ours: np.ndarray) -> np.ndarray:
    """Which of our fingerprints [N, 8] the networks that ship were trained on, as far as can be told: bool [N]."""
    return distances(ours, np.load(LIST)) <= NEAR_BITS


def main(folder: Path) -> int:
    """Write the list."""
    from ..data.datasets import read_biq2021, read_photo

    photos = [photo.path for photo in read_biq2021(folder).photos if photo.split == "train"]
    found = np.unique(np.stack([fingerprint(read_photo(path)) for path in photos]), axis=0)
    with atomic_file(LIST) as partial, partial.open("wb") as stream:
        np.save(stream, found)
    print(f"{len(photos)} photos, {len(found)} fingerprints, {LIST.stat().st_size} bytes: {LIST}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
