"""When an array counts as being on the device already: never when anything may have written to it since."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dgiqa_edge.runtime.engines.cuda.binding import connect
from dgiqa_edge.runtime.engines.cuda.tensors import DeviceTensors
from dgiqa_edge.runtime.engines.protocol import TensorSpec
from dgiqa_edge.runtime.errors import BundleError

SPEC = TensorSpec("depth", "uint8", (1, 4, 4))


@pytest.fixture
def tensors(gpu: SimpleNamespace) -> Any:
    made = DeviceTensors(connect("cuda-python"))
    made.join()
    yield made
    made.leave()


def frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def uploads(tensors: Any, gpu: SimpleNamespace, first: np.ndarray, second: np.ndarray) -> int:
    """How many of the two are copied to the device."""
    tensor = tensors.tensor(SPEC)
    with tensors.cuda.current():
        before = gpu.state.calls["cudaMemcpyAsync"]
        tensors.upload(tensor, first)
        tensors.upload(tensor, second)
        tensors.cuda.synchronize(tensors.stream)
    return int(gpu.state.calls["cudaMemcpyAsync"] - before)


def test_the_same_read_only_array_is_copied_once(tensors: Any, gpu: SimpleNamespace) -> None:
    array = frozen(np.ones((1, 4, 4), np.uint8))
    assert uploads(tensors, gpu, array, array) == 1
    assert uploads(tensors, gpu, array, array[0][np.newaxis]) == 0, "a view of it is the same memory"


def test_whatever_can_be_written_to_is_copied_each_time(tensors: Any, gpu: SimpleNamespace) -> None:
    array = np.ones((1, 4, 4), np.uint8)
    assert uploads(tensors, gpu, array, array) == 2
    assert uploads(tensors, gpu, frozen(array[:]), frozen(array[:])) == 2, "read-only views of a camera's buffer"
    assert uploads(tensors, gpu, frozen(array.copy()), frozen(array.copy())) == 2, "equal is not the same"


@pytest.mark.parametrize("second", [lambda a: a[:, ::-1], lambda a: a.transpose(0, 2, 1)], ids=["flip", "transpose"])
def test_other_views_of_the_same_memory_are_other_content(tensors: Any, gpu: SimpleNamespace, second: Any) -> None:
    array = frozen(np.arange(16, dtype=np.uint8).reshape(1, 4, 4))
    assert uploads(tensors, gpu, array, second(array)) == 2


def test_memory_that_belongs_to_something_else_is_not_trusted(tensors: Any, gpu: SimpleNamespace) -> None:
    memory = bytearray(16)
    first, second = (frozen(np.frombuffer(memory, np.uint8).reshape(1, 4, 4)) for _ in range(2))
    assert uploads(tensors, gpu, first, second) == 2


def test_what_was_taken_is_known_until_the_tensor_is_written(tensors: Any, gpu: SimpleNamespace) -> None:
    tensor = tensors.tensor(SPEC)
    taken = frozen(tensors.take(tensor, len(tensor.host)))
    assert uploads(tensors, gpu, taken, taken) == 0
    other = frozen(np.ones((1, 4, 4), np.uint8))
    assert uploads(tensors, gpu, other, taken) == 2


def test_two_specifications_of_one_name_are_refused(tensors: Any) -> None:
    tensors.tensor(SPEC)
    with pytest.raises(BundleError, match=r"disagree on 'depth': uint8 \[1, 4, 4\] and uint8 \[1, 2, 2\]"):
        tensors.tensor(TensorSpec("depth", "uint8", (1, 2, 2)))
