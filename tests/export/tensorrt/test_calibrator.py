"""Calibrators read real frames once, and a cache is used for what it was made of and for nothing else."""

import json

import numpy as np
import pytest
from stand_ins import fake_tensorrt

from dgiqa_edge.export.tensorrt.calibrator import CacheKey, create_calibrator, load_cache, save_cache
from dgiqa_edge.export.tensorrt.frame_buffer import frame_buffer
from dgiqa_edge.runtime.errors import CalibrationError

KEY = CacheKey("graph", "images", "entropy", "8.6.0")


class Buffer:
    address = 4096

    def __init__(self, error=None):
        self.uploaded, self.error = [], error

    def upload(self, array):
        if self.error:
            raise self.error
        self.uploaded.append(array.copy())


@pytest.fixture
def frames():
    return [np.full((1, 2, 2, 3), index, np.uint8) for index in range(3)]


@pytest.mark.parametrize("kind", ["entropy", "minmax"])
def test_each_frame_is_uploaded_once_and_the_scales_are_kept(tmp_path, frames, kind):
    trt, buffer, cache = fake_tensorrt.FakeTensorRt("8.6.0"), Buffer(), tmp_path / "cache.json"
    calibrator = create_calibrator(trt, kind, frames, buffer, cache, KEY)
    assert calibrator.get_batch_size() == 1
    assert [calibrator.get_batch(["frame"]) for _ in range(4)] == [[4096]] * 3 + [None]
    np.testing.assert_array_equal(buffer.uploaded, frames)
    calibrator.write_calibration_cache(b"scales")
    assert calibrator.failure is None
    again = create_calibrator(trt, kind, frames, buffer, cache, KEY)
    assert again.read_calibration_cache() == b"scales"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"graph_sha256": "other"}, "another graph"),
        ({"image_set_sha256": "other"}, "another image set"),
        ({"calibrator": "minmax"}, "another calibrator"),
        ({"tensorrt": "8.5.3"}, "TensorRT 8.6.0"),
        ({"graph_sha256": "other", "image_set_sha256": "other"}, "another graph, another image set"),
    ],
)
def test_a_cache_of_something_else_is_refused(tmp_path, frames, changes, words):
    cache = tmp_path / "cache.json"
    save_cache(cache, KEY, b"scales")
    wanted = CacheKey(**{**KEY.__dict__, **changes})
    with pytest.raises(CalibrationError, match=f"belongs to {words}: remove it"):
        create_calibrator(fake_tensorrt.FakeTensorRt("8.6.0"), "entropy", frames, Buffer(), cache, wanted)
    assert cache.exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: json.dumps({**json.loads(text), "scales": "AAAA"}),
        lambda text: json.dumps({**json.loads(text), "schema_version": 9}),
        lambda text: json.dumps({"key": {}}),
        lambda text: "[]",
    ],
)
def test_a_damaged_cache_is_refused(tmp_path, damage):
    cache = tmp_path / "cache.json"
    save_cache(cache, KEY, b"scales")
    cache.write_text(damage(cache.read_text()))
    with pytest.raises(CalibrationError, match="damaged"):
        load_cache(cache, KEY)


def test_no_cache_is_no_error(tmp_path):
    assert load_cache(tmp_path / "none.json", KEY) is None


@pytest.mark.parametrize(
    ("names", "error", "words"),
    [(["frame", "depth"], None, "a frame graph takes 'frame'"), (["frame"], RuntimeError("sticky"), "sticky")],
)
def test_a_failure_inside_a_callback_is_kept_for_the_builder(tmp_path, frames, names, error, words):
    trt, cache = fake_tensorrt.FakeTensorRt("8.6.0"), tmp_path / "cache.json"
    calibrator = create_calibrator(trt, "minmax", frames, Buffer(error), cache, KEY)
    assert calibrator.get_batch(names) is None
    assert isinstance(calibrator.failure, CalibrationError)
    assert words in str(calibrator.failure)
    calibrator.write_calibration_cache(b"scales of a broken run")
    assert not cache.exists()


class FakeCuda:
    """Host memory in the place of device memory, with every allocation counted."""

    def __init__(self):
        self.memory, self.log = {}, []

    def current(self):
        import contextlib

        return contextlib.nullcontext()

    def allocate(self, size_bytes):
        self.memory[4096] = bytearray(size_bytes)
        return 4096

    def free(self, address):
        self.log.append("free")
        del self.memory[address]

    def pinned(self, shape, dtype):
        return np.empty(shape, dtype)

    def free_pinned(self, array):
        self.log.append("free_pinned")

    def create_stream(self):
        return "stream"

    def destroy_stream(self, stream):
        self.log.append("destroy_stream")

    def upload(self, address, host, stream):
        self.memory[address][:] = host.tobytes()

    def synchronize(self, stream):
        self.log.append("synchronize")


def test_a_frame_buffer_uploads_waits_and_frees_everything(frames):
    cuda = FakeCuda()
    with frame_buffer(cuda, (1, 2, 2, 3)) as buffer:
        buffer.upload(frames[2])
        assert bytes(cuda.memory[buffer.address]) == frames[2].tobytes()
        assert cuda.log == ["synchronize"]
    assert cuda.memory == {}
    assert cuda.log[1:] == ["destroy_stream", "free_pinned", "free"]
