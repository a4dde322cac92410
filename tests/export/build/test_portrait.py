"""Bundles for upright frames, from the shipped weights to scores."""

import argparse

import cv2
import numpy as np
import pytest

from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.export.build.build import Build
from dgiqa_edge.export.options import build_options
from dgiqa_edge.export.stages.reporter import Reporter
from dgiqa_edge.runtime import Scorer, load_bundle
from dgiqa_edge.runtime.frames.images import read_image
from dgiqa_edge.runtime.ground.framing import FITS

PHOTOS = sorted(SHIPPED_PHOTOS.glob("*.jpg"))[:3]


@pytest.fixture(
    scope="module",
    params=[pytest.param((480, 640), marks=pytest.mark.slow), (360, 640)],
    ids=["480x640", "360x640"],
)
def portrait(request, tmp_path_factory):
    """A bundle of ``nano``, and the width and height of its frame."""
    width, height = request.param
    folder = tmp_path_factory.mktemp("portrait")
    parser = argparse.ArgumentParser()
    build_options.configure(parser)
    argv = ["--int8", "--frame", f"{width}x{height}", "--backend", "onnxruntime"]
    argv += ["--out", str(folder / "bundle"), "--work", str(folder / "work")]
    Build(build_options.from_args(parser.parse_args(argv)), Reporter(0)).run()
    return folder / "bundle", width, height


def upright(photo: np.ndarray, width: int, height: int) -> np.ndarray:
    """The middle of a photo in that aspect, as high as the photo."""
    wide = photo.shape[0] * width // height
    left = (photo.shape[1] - wide) // 2
    return np.ascontiguousarray(photo[:, left : left + wide])


def test_the_manifest_has_upright_sizes(portrait):
    bundle, width, height = portrait
    manifest = load_bundle(bundle).manifest
    geometry = manifest.geometry
    assert (manifest.frame.width, manifest.frame.height, manifest.fit) == (width, height, build_options.DEFAULT_FIT)
    for rows, columns in (geometry.whole_view, geometry.depth_input, geometry.depth_output):
        assert rows > columns
        assert abs(rows / columns - height / width) < 0.45  # to a step of 32 pixels
    assert geometry.crop_boxes == (((width - 160) // 2, (height - 160) // 2),)
    assert manifest.fidelity.score_mae < 0.01


def test_upright_frames_are_scored_alike_by_every_fit_and_others_keep_their_aspect(portrait):
    bundle, width, height = portrait
    photos = [upright(read_image(photo), width, height) for photo in PHOTOS]
    frames = [cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA) for photo in photos]
    scores, lying = [set() for _ in frames], [[] for _ in frames]
    for fit in FITS:
        with Scorer(bundle, threads=1, fit=fit) as scorer:
            for number, frame in enumerate(frames):
                larger = cv2.resize(frame, (2 * width, 2 * height), interpolation=cv2.INTER_LINEAR)
                quality = scorer.score(frame)
                assert quality.depth.shape[0] > quality.depth.shape[1]
                assert quality.depth_box is None and quality.frame_box is None
                scores[number] |= {quality.score, scorer.score(larger).score}
                lying[number].append(scorer.score(np.ascontiguousarray(np.rot90(frame))))
    assert max(map(len, scores)) <= 2  # the frame, and the larger one brought back to its size
    for stretched, padded, cropped in lying:
        assert stretched.depth_box is None and stretched.frame_box is None
        rows, columns = padded.picture_depth.shape
        assert abs(rows / columns - width / height) < 0.1 and columns == padded.depth.shape[1]
        assert cropped.frame_box.height == width and cropped.frame_box.width < width
        assert len({stretched.score, padded.score, cropped.score}) == 3
