"""What a decoder writes on its error output."""

import pytest

from dgiqa_edge.runtime.watch.sources.decoding.complaints import Complaints


@pytest.mark.parametrize(
    ("said", "count", "unwritten", "text"),
    [
        (b"[swscaler @ 0x55e] Cannot convert\n (Invalid argument): fmt:yuv\n", 1, 1, "swscaler: Cannot convert"),
        (b"[tcp @ 0x55e] refused\n[tcp @ 0x55f] refused\n", 2, 0, "tcp: refused"),
        (
            b"[ WARN:0@0.05] global cap.cpp:212 open VIDEOIO(FFMPEG): backend is generally available but can't be used "
            b"to capture by name\n",
            0,
            0,
            "",
        ),
        (b"no line end", 0, 0, ""),
    ],
)
def test_what_a_decoder_says(said: bytes, count: int, unwritten: int, text: str) -> None:
    complaints = Complaints()
    for half in (said[:9], said[9:]):
        complaints.add(half)
    assert (complaints.count, complaints.unwritten, complaints.text()) == (count, unwritten, text)
