"""The programs of this machine that read what OpenCV cannot, interlaced video above all, and deinterlace it.

OpenCV's wheels from 4.13 on bring an FFmpeg whose picture conversion refuses interlaced frames. The ``ffmpeg`` program
reads them, and so does GStreamer where it has a decoder for the format. Progressive frames in between stay as they are.
"""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from ....errors import SourceError
from .gst_launch import has_gst_launch, launched_pipeline, missing_element
from .launched import LaunchedDecoder
from .pipelines import DEINTERLACE

FFMPEG = "ffmpeg"
# Luma of limited range and BT.601, which is what OpenCV turns back into BGR. Numbering the time stamps keeps ffmpeg
# from repeating or dropping frames to hold a rate.
_FILTERS = "yadif=deint=interlaced,scale=out_color_matrix=bt601:out_range=tv,format=yuv420p,setpts=N/25/TB"
REMEDY = (
    "its frames are interlaced, which OpenCV's own FFmpeg cannot convert from 4.13 on: apt-get install ffmpeg (or "
    "gstreamer1.0-libav), or make it progressive (a camera: in its settings; a file: ffmpeg -i IN -vf yadif OUT)"
)
_STANDARD_INPUT = "/proc/self/fd/0"
_PROTOCOLS = "file,pipe,fd,crypto,tls,tcp,udp,rtp,rtsp,http,https"


@dataclass(frozen=True)
class VideoInput:
    """What is to be read. ``limit_s``: for the first picture; ``file``: what is read from standard input, where the
    input is a file, which may then have any name; ``address`` and ``gst_source``: how FFmpeg and GStreamer name it.
    """

    shown: str
    limit_s: float
    address: str = field(repr=False)
    gst_source: str = field(repr=False)
    file: Path | None = None


def file_input(path: Path, shown: str, limit_s: float) -> VideoInput:
    """A video file."""
    return VideoInput(shown, limit_s, f"file:{_STANDARD_INPUT}", f"filesrc location={_STANDARD_INPUT}", path)


def deinterlacer(video: VideoInput) -> LaunchedDecoder:
    """The first program here that can, not started.

    Raises:
        SourceError: there is none.
    """
    if shutil.which(FFMPEG):
        return _by_ffmpeg(video)
    if has_gst_launch() and not any(missing_element(name) for name in ("deinterlace", "y4menc")):
        body = f"{video.gst_source} ! decodebin"
        return launched_pipeline(body, video.shown, video.limit_s, between=DEINTERLACE, feed=video.file or "")
    raise SourceError(f"{video.shown} cannot be decoded by this OpenCV, and no other decoder is here: {REMEDY}")


def _by_ffmpeg(video: VideoInput) -> LaunchedDecoder:
    feed: str | Path
    if video.file is not None:
        given, feed = ["-nostdin", "-i", video.address], video.file
    else:
        # A playlist of one: an address among the arguments would be seen by every user of the machine.
        given = ["-protocol_whitelist", _PROTOCOLS, "-f", "concat", "-safe", "0", "-i", "pipe:0"]
        quoted = video.address.replace("'", r"'\''")
        feed = f"ffconcat version 1.0\nfile '{quoted}'\n"
    end = ["-an", "-sn", "-dn", "-vf", _FILTERS, "-r", "25", "-f", "yuv4mpegpipe"]
    command = [FFMPEG, "-v", "error", "-nostats", *given, *end]
    return LaunchedDecoder(command, "pipe:{}", video.shown, f"reinstall {FFMPEG}", video.limit_s, feed)
