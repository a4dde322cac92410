"""What a topic holds, and when it holds something new."""

from dgiqa_edge.runtime.watch.sinks.mqtt.topics import Message


def test_what_repeats_is_what_a_topic_holds_already() -> None:
    first = Message("t", "at 1", says="True")
    assert Message("t", "at 2", says="True").repeats(first)
    assert not Message("t", "at 2", says="False").repeats(first)
    assert not Message("t", "at 1").repeats(None)
    assert not Message("t", "x", retain=False).repeats(Message("t", "x", retain=False))
