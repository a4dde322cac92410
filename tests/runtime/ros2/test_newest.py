"""Every message is counted once, whatever order they come in."""

from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.ros2.newest import Counts, Newest


@given(st.lists(st.sampled_from(["put", "pass", "hold"])))
def test_every_message_is_one_thing(steps: list[str]) -> None:
    newest, waits, number = Newest(), None, 0
    for step in steps:
        if step == "put":
            number += 1
            newest.put(number)
            waits = number
        else:
            taken = newest.take(0.0)
            assert taken == waits
            if taken is not None:
                newest.settle(step == "pass")
            waits = None
        counts = newest.counts()
        assert counts.received == number == counts.passed + counts.held + counts.skipped + (waits is not None)
    newest.close()
    newest.put(0)
    counts = newest.counts()
    assert newest.take(9.0) is None
    assert counts.received == number + 1 == counts.passed + counts.held + counts.skipped


def test_the_newest_one_is_taken() -> None:
    newest = Newest()
    newest.put("old")
    newest.put("new")
    assert newest.take(1.0) == "new"
    assert newest.counts() == Counts(received=2, skipped=1)
