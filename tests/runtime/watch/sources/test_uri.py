"""What a source's URI means, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.watch.sources.uri import parse_uri


@pytest.mark.parametrize(
    ("text", "scheme", "address", "options"),
    [
        ("v4l2:///dev/video0", "v4l2", "/dev/video0", {}),
        (
            "v4l2:///dev/video0?size=1280x720&fps=30&fourcc=MJPG",
            "v4l2",
            "/dev/video0",
            {"size": "1280x720", "fps": 30, "fourcc": "MJPG"},
        ),
        ("csi://1?fps=30", "csi", "1", {"fps": 30}),
        ("rtsp://a:b@host:554/x?channel=1", "rtsp", "rtsp://a:b@host:554/x?channel=1", {}),
        ("RTSP://host/x", "rtsp", "RTSP://host/x", {}),
        ("http://host/v.mjpg?fps=5", "http", "http://host/v.mjpg?fps=5", {}),
        ("gst:videotestsrc ! identity", "gst", "videotestsrc ! identity", {}),
        ("test://?loop=true&fps=2.5&script=a:1", "test", "", {"loop": True, "fps": 2.5, "script": "a:1"}),
        ("file:///a/b%20c.mp4?loop=false", "file", "/a/b c.mp4", {"loop": False}),
        ("videos/a.mp4", "file", "videos/a.mp4", {}),
    ],
)
def test_parts(text: str, scheme: str, address: str, options: dict[str, Any]) -> None:
    uri = parse_uri(text)
    assert (uri.scheme, uri.address, dict(uri.options)) == (scheme, address, options)


@pytest.mark.parametrize(
    ("text", "address"),
    [("a.mp4", "/etc/watch/a.mp4"), ("file://v/a.mp4", "/etc/watch/v/a.mp4"), ("/abs/a.mp4", "/abs/a.mp4")],
)
def test_relative_paths_count_from_the_folder(text: str, address: str) -> None:
    assert parse_uri(text, Path("/etc/watch")).address == address


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "0 characters"),
        ("x" * 5000, "5000 characters"),
        ("ftp://host/a", "no known scheme"),
        ("v4l2:/dev/video0", "no known scheme"),
        ("rtsp://", "names nothing"),
        ("rtsp://user:secret@/x", "names nothing"),
        ("rtsp://u:p@host:99999/x", "no valid host and port"),
        ("rtsps://u:p@host:5x/x", "no valid host and port"),
        ("rtsp://u:p/w@host/x", "%2F %3F %23"),
        ("rtsp://u:p#w@host/x", "no valid host and port"),
        ("http://[::1/x", "no valid host and port"),
        ("file://", "names nothing"),
        ("gst:", "names nothing"),
        ("rtsp://host/a b", "white space"),
        ("rtsp://host/a\nb", "control character"),
        ("rtsp://u:p@host/a\udce9", "no UTF-8: write them as %XX"),
        ("csi://0?fps=1&fps=2", "gives 'fps' twice"),
    ],
)
def test_refusals(text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        parse_uri(text)
    assert "secret" not in str(caught.value)


@given(st.text(max_size=200))
def test_any_text_is_a_uri_or_a_clear_refusal(text: str) -> None:
    try:
        uri = parse_uri(text)
    except ConfigurationError as error:
        assert "\n" not in str(error)
    else:
        assert uri.scheme


def test_the_representation_holds_no_password() -> None:
    uri = parse_uri("rtsp://admin:verysecret@host/live")
    assert "verysecret" not in repr(uri)
    assert uri.shown == "rtsp://***@host/live"
