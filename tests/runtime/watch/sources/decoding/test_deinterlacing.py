"""Interlaced video, which OpenCV does not read: through another decoder, or refused with its remedy."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from places import SHARED
from stand_ins.pictures import LEVEL, encode, needs_ffmpeg

from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.watch.sources import End, Frame, create_source
from dgiqa_edge.runtime.watch.sources.decoding.deinterlacing import VideoInput, deinterlacer, file_input

FAULTS = SHARED / "faults"
INTERLACED = {
    "h264.mp4": ("-c:v", "libx264", "-flags", "+ildct+ilme", "-x264opts", "tff=1"),
    "mpeg2.mpg": ("-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-r", "25", "-b:v", "4M"),
    "mpeg2.ts": ("-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-r", "25", "-b:v", "4M"),
}


def levels(source: Any, most: int = 99) -> tuple[list[float], Any]:
    """Mean of the upper half of each frame, and how it ended."""
    source.open()
    found: list[float] = []
    result: Any = None
    while len(found) < most and not isinstance(result := source.read(), End):
        if isinstance(result, Frame):
            found.append(float(result.image[:40].mean()))
    source.close()
    return found, result


@needs_ffmpeg
@pytest.mark.parametrize("name", INTERLACED)
def test_interlaced_video_is_truly_read(bright: Path, tmp_path: Path, name: str) -> None:
    path = encode(bright, tmp_path / name, *INTERLACED[name])
    found, end = levels(create_source(str(path)))
    assert len(found) >= 10
    assert end.whole
    np.testing.assert_allclose(found, LEVEL, atol=6)


@pytest.mark.skipif(not FAULTS.is_dir(), reason="development data (../shared/faults) is not here")
@needs_ffmpeg
@pytest.mark.parametrize("name", ["interlaced.mp4", "good_i.mp4"])
def test_the_reported_interlaced_files(name: str) -> None:
    source = create_source(str(FAULTS / name))
    source.open()
    frames = []
    while isinstance(result := source.read(), Frame):
        frames.append(float(result.image.mean()))
    source.close()
    assert len(frames) == 50
    assert frames[0] == pytest.approx(114.7, abs=1.0)


@needs_ffmpeg
def test_a_video_that_becomes_interlaced_goes_on_where_it_was(bright: Path, tmp_path: Path) -> None:
    parts = [
        encode(bright, tmp_path / "0.ts", "-c:v", "mpeg2video", "-r", "25", "-b:v", "4M"),
        encode(bright, tmp_path / "1.ts", *INTERLACED["mpeg2.ts"]),
    ]
    both = tmp_path / "both.ts"
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    found, _ = levels(create_source(str(both)))
    assert len(found) == 2 * 10
    np.testing.assert_allclose(found, LEVEL, atol=6)


@needs_ffmpeg
def test_without_another_decoder_interlaced_video_is_refused_with_its_remedy(
    bright: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = encode(bright, tmp_path / "a.mp4", *INTERLACED["h264.mp4"])
    monkeypatch.setenv("PATH", "")
    source = create_source(str(path))
    try:
        source.open()
    except SourceError as error:
        assert "apt-get install ffmpeg" in str(error)
        return
    result = source.read()  # an OpenCV that reads it right (up to 4.12)
    assert isinstance(result, Frame)
    assert result.image[:40].mean() == pytest.approx(LEVEL, abs=6)
    source.close()


@needs_ffmpeg
@pytest.mark.skipif(shutil.which("gst-launch-1.0") is None, reason="needs gst-launch-1.0")
def test_gstreamer_reads_it_where_ffmpeg_is_not_here(
    bright: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = encode(bright, tmp_path / "a.mpg", *INTERLACED["mpeg2.mpg"])
    only = tmp_path / "bin"
    only.mkdir()
    for name in ("gst-launch-1.0", "gst-inspect-1.0"):
        (only / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(only))
    decoder = deinterlacer(file_input(path, "a.mpg", 30.0))
    decoder.open("")
    frames = []
    while isinstance(result := decoder.read(), Frame):
        frames.append(result.image[:40].mean())
    decoder.close()
    assert len(frames) >= 15
    np.testing.assert_allclose(frames, LEVEL, atol=6)


def test_an_address_is_in_no_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    decoder = deinterlacer(VideoInput("rtsp://***@host", 5.0, "rtsp://user:pass'word@host/live?tcp", "rtspsrc"))
    assert "word" not in " ".join(decoder._arguments)
    assert "file 'rtsp://user:pass'\\''word@host/live?tcp'" in str(decoder._feed)
