"""MJPEG streams as cameras send them, cut into any chunks, and damaged."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.watch.media.multipart import MultipartError, MultipartReader, boundary_of

BODIES = [b"\xff\xd8first\xff\xd9", b"\xff\xd8second\r\nwith a line end\xff\xd9", b""]


class Chunks:
    """A stream that gives at most ``size`` bytes per read."""

    def __init__(self, content: bytes, size: int) -> None:
        self._stream = io.BytesIO(content)
        self._size = size

    def read1(self, size: int, /) -> bytes:
        return self._stream.read(min(size, self._size))


def stream(bodies: list[bytes], with_length: bool, line_end: bytes = b"\r\n", closing: bool = True) -> bytes:
    content = b""
    for body in bodies:
        content += b"--frame" + line_end + b"Content-Type: image/jpeg" + line_end
        content += b"Content-Length: %d" % len(body) + line_end if with_length else b""
        content += line_end + body + line_end
    return content + (b"--frame--" + line_end if closing else b"")


def read_all(content: bytes, chunk: int = 7, boundary: bytes | None = b"--frame") -> list[bytes | str]:
    reader = MultipartReader(Chunks(content, chunk), boundary)
    found: list[bytes | str] = []
    while True:
        try:
            body = reader.read()
        except MultipartError as error:
            found.append(str(error))
            continue
        if body is None:
            return found
        found.append(body)


@pytest.mark.parametrize("with_length", [True, False])
@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("chunk", [1, 2, 5, 1000])
def test_bodies_come_whole_whatever_the_chunks(with_length: bool, line_end: bytes, chunk: int) -> None:
    assert read_all(stream(BODIES, with_length, line_end), chunk) == BODIES


def test_a_boundary_that_the_header_does_not_tell_is_learned() -> None:
    assert read_all(b"\r\n" + stream(BODIES, True), boundary=None) == BODIES


@pytest.mark.parametrize(
    ("header", "boundary"),
    [
        ("multipart/x-mixed-replace; boundary=frame", b"--frame"),
        ("multipart/x-mixed-replace;boundary=--frame", b"--frame"),
        ('multipart/x-mixed-replace; boundary="a b"; x=y', b"--a b"),
        ("multipart/x-mixed-replace", None),
        ("multipart/x-mixed-replace; boundary=", None),
    ],
)
def test_boundary_of_the_header(header: str, boundary: bytes | None) -> None:
    assert boundary_of(header) == boundary


def test_a_frame_is_given_before_the_next_boundary_arrives() -> None:
    """Waiting for it would make every frame one frame late."""
    reader = MultipartReader(Chunks(stream(BODIES[:1], True, closing=False)[:-2], 1000), b"--frame")
    assert reader.read() == BODIES[0]


@pytest.mark.parametrize("excess", [*range(1, 24), 200, 10_000])
@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_a_stated_length_that_is_too_long_swallows_no_frame(excess: int, chunk: int) -> None:
    content = stream(BODIES[:2], True).replace(b"Content-Length: 9", b"Content-Length: %d" % (9 + excess))
    first, second = read_all(content, chunk)
    assert isinstance(first, bytes)
    assert first.rstrip(b"\r\n") == BODIES[0]
    assert second == BODIES[1]


def test_a_stated_length_that_is_too_short_costs_one_frame_only() -> None:
    content = stream(BODIES[:2], True).replace(b"Content-Length: 9", b"Content-Length: 4")
    assert read_all(content) == [BODIES[0][:4], BODIES[1]]


@pytest.mark.parametrize("with_length", [True, False])
def test_an_end_in_the_middle_of_a_picture_is_said(with_length: bool) -> None:
    content = stream(BODIES[:2], with_length)
    cut = content[: content.index(b"line end")]
    assert read_all(cut)[0] == BODIES[0]
    assert "ended after" in str(read_all(cut)[1])


def test_headers_without_end_are_damage() -> None:
    found = read_all(b"--frame\r\n" + b"x" * 20_000 + b"\r\n" + stream(BODIES[:1], True), chunk=4096)
    assert "headers do not end" in str(found[0])
    assert found[-1] == BODIES[0]


@given(st.binary(max_size=400), st.integers(1, 50), st.booleans())
def test_any_bytes_end(content: bytes, chunk: int, learned: bool) -> None:
    read_all(content, chunk, None if learned else b"--frame")


@given(st.lists(st.binary(max_size=60).map(lambda body: body.replace(b"--frame", b"")), max_size=5), st.integers(1, 40))
def test_counted_bodies_survive_any_content(bodies: list[bytes], chunk: int) -> None:
    assert read_all(stream(bodies, True), chunk) == bodies


@given(st.binary(min_size=1, max_size=40), st.integers(1, 30))
def test_the_reader_finds_its_way_back_after_noise(noise: bytes, chunk: int) -> None:
    content = (
        stream(BODIES[:2], True, closing=False) + noise.replace(b"--frame", b"") + b"\r\n" + stream(BODIES[:1], True)
    )
    found = read_all(content, chunk)
    assert found[:2] == BODIES[:2]
    assert found[-1] == BODIES[0]
