"""Scores and depth maps of photos by a bundle, by whatever Python runs this: ``arm_scores.py OUT BUNDLE PHOTO...``."""

import sys

import cv2
import numpy as np

from dgiqa_edge.runtime import Scorer


def main(out: str, bundle: str, *photos: str) -> None:
    """Write ``scores`` and ``depth`` (uint8, one map a photo) as an ``.npz``; the golden frame is replayed first."""
    with Scorer(bundle, threads=2, allow_spinning=False, verify="always") as scorer:
        found = [scorer.score(cv2.imread(photo)) for photo in photos]
    np.savez(out, scores=[one.score for one in found], depth=np.stack([one.depth for one in found]))


if __name__ == "__main__":
    main(*sys.argv[1:])
