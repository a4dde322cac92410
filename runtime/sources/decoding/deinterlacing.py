"""The programs of this machine that read what OpenCV cannot, interlaced video above all, and deinterlace it.

OpenCV's wheels from 4.13 on bring an FFmpeg whose picture conversion refuses interlaced frames. The ``ffmpeg`` program
reads them, and so does GStreamer where it has a decoder for the format. Progressive frames in between stay as they are.
"""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import SourceError
from ..gst_text import arguments, property_text
from .gst_launch import has_gst_launch, launched_pipeline, missing_element
from .launched import LaunchedDecoder

FFMPEG = "ffmpeg"
# Luma of limited range and BT.601, which is what OpenCV turns back into BGR. Numbering the time stamps keeps ffmpeg
# from repeating or dropping frames to hold a rate.
_FILTERS = "yadif=deint=interlaced,scale=out_color_matrix=bt601:out_range=tv,format=yuv420p,setpts=N/25/TB"
_PROTOCOLS = "file,pipe,fd,crypto,tls,tcp,udp,rtp,rtsp,http,https"


@dataclass(frozen=True)
class VideoInput:
    """What is to be read: ``address`` a path, or a network address as FFmpeg takes it; ``gst_source`` for GStreamer."""

    address: str = field(repr=False)
    shown: str
    is_file: bool
    gst_source: str = field(repr=False)


def file_input(path: Path, shown: str) -> VideoInput:
    """A video file."""
    whole = str(path.absolute())
    return VideoInput(whole, shown, True, f"filesrc location={property_text(whole)}")


def deinterlacer(video: VideoInput) -> LaunchedDecoder:
    """The first program here that can, not started.

    Raises:
        SourceError: there is none.
    """
    if shutil.which(FFMPEG):
        return _by_ffmpeg(video)
    if has_gst_launch() and not any(missing_element(name) for name in ("deinterlace", "y4menc")):
        return launched_pipeline([*arguments(video.gst_source), "!", "decodebin", "!", "deinterlace"], video.shown)
    raise SourceError(
        f"{video.shown} is interlaced, which this OpenCV's FFmpeg cannot convert, and no other decoder is here: "
        "apt-get install ffmpeg, or set the camera to progressive (a file: ffmpeg -i IN -vf yadif OUT)"
    )


def _by_ffmpeg(video: VideoInput) -> LaunchedDecoder:
    start = [FFMPEG, "-v", "error", "-nostats"]
    end = ["-an", "-sn", "-dn", "-vf", _FILTERS, "-r", "25", "-f", "yuv4mpegpipe", "pipe:1"]
    remedy = f"reinstall {FFMPEG}"
    if video.is_file:
        return LaunchedDecoder([*start, "-nostdin", "-i", f"file:{video.address}", *end], video.shown, remedy)
    # A playlist of one on standard input: an address among the arguments would be seen by every user of the machine.
    quoted = video.address.replace("'", r"'\''")
    playlist = ["-protocol_whitelist", _PROTOCOLS, "-f", "concat", "-safe", "0", "-i", "pipe:0"]
    feed = f"ffconcat version 1.0\nfile '{quoted}'\n"
    return LaunchedDecoder([*start, *playlist, *end], video.shown, remedy, feed)
