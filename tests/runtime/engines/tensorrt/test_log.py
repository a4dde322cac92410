"""TensorRT's messages, by the operation that they came from."""

import gc

import pytest

from dgiqa_edge.runtime.engines.tensorrt.log import logger, uncollected

ERROR, WARNING = 1, 2


class Package:
    class ILogger:
        pass


def test_a_message_explains_the_operation_during_which_it_came_and_no_other():
    collector, messages = logger(Package())
    collector.log(ERROR, "CUDA error 35, of nobody's")
    with messages.during() as first:
        collector.log(WARNING, "careful")
        collector.log(ERROR, "the\ncause")
        with messages.during() as inner:
            collector.log(ERROR, "its own")
        collector.log(ERROR, "a consequence")
    collector.log(ERROR, "between")
    with messages.during() as second:
        pass
    assert (first.reason(), inner.reason(), second.reason()) == ("the cause", "its own", "TensorRT gave no reason")


def test_a_flood_of_messages_keeps_the_first():
    collector, messages = logger(Package())
    with messages.during() as said:
        for index in range(1000):
            collector.log(ERROR, f"{index}")
    assert said.reason() == "0"
    assert len(said.errors) < 100


def test_garbage_waits_until_the_outermost_block_ends_also_by_an_error():
    seen = []

    @uncollected()
    def call():
        seen.append(gc.isenabled())
        raise RuntimeError

    assert gc.isenabled()
    with uncollected():
        with pytest.raises(RuntimeError):
            call()
        seen.append(gc.isenabled())
    assert seen == [False, False]
    assert gc.isenabled()
