"""The texts of GStreamer pipelines: from where pictures come to BGR in main memory, by the elements that are here.

A Jetson's decoders and its camera leave pictures in device memory (caps ``memory:NVMM``), which ``videoconvert`` cannot
read. ``nvvidconv`` brings them to main memory; on its way it scales, turns and converts without the processor. What
stands here of NVIDIA's elements is from its documents and sources for JetPack 5 to 7; it has not run on a Jetson yet.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ...media.pipeline_text import arguments

CONVERTER = "nvvidconv"
# Elements that decode JPEG in hardware, as they stand in a pipeline. Thor's nvv4l2decoder does not.
JPEG_DECODERS: Mapping[str, str] = {"nvv4l2decoder": "nvv4l2decoder mjpeg=1", "nvjpegdec": "nvjpegdec"}
DEINTERLACE = "deinterlace fields=top"  # progressive pictures stay as they are

_LEAVES_IN_DEVICE = re.compile(r"(uri)?decodebin3?|nv\w+")
_LEAVES_IN_MAIN = frozenset({CONVERTER, "nvvideoconvert", "videoconvert", "videoconvertscale"})
_RAW, _DEVICE = "video/x-raw", "memory:NVMM"
# Its default is the nearest pixel, which aliases into what looks like noise; ten taps shrink to a tenth.
_TEN_TAPS = 3
_SWAPS_SIDES = 2  # odd flip methods turn by a quarter or mirror along a diagonal

Here = Callable[[str], bool]


@dataclass(frozen=True)
class Ending:
    """Where pictures go. ``wants``: the format that ``elements`` turn into theirs with the least work."""

    wants: str
    elements: str


# The converter's BGRx to BGR is half the processor time of I420 to BGR; y4menc takes I420 as it is.
TO_OPENCV = Ending("BGRx", "videoconvert ! video/x-raw,format=BGR ! appsink max-buffers=2 drop=false sync=false")
TO_PIPE = Ending("I420", "videoconvert ! video/x-raw,format=I420,colorimetry=bt601 ! y4menc ! fdsink sync=false")


@dataclass(frozen=True)
class Asked:
    """What the converter does on the way. ``size``: width, height, once turned; ``flip``: its ``flip-method``."""

    size: tuple[int, int] | None = None
    flip: int = 0


def whole_pipeline(body: str, ending: Ending, here: Here, asked: Asked | None = None, between: str = "") -> str:
    """``body`` up to its ending.

    Args:
        body: a pipeline without its sink.
        here: whether GStreamer on this machine has an element of that name.
        between: elements that need main memory, before the ending.
    """
    parts = [body]
    if ends_in_device_memory(body) and here(CONVERTER):
        parts += _to_main_memory(ending.wants, asked or Asked())
    return " ! ".join([*parts, *([between] if between else []), ending.elements])


def ends_in_device_memory(pipeline: str) -> bool:
    """Whether what comes out of a pipeline may lie in NVIDIA's device memory: the last word on memory decides."""
    found = False
    for word in arguments(pipeline):
        name = word.removeprefix("caps=").strip('"')
        if name.startswith(_RAW):
            found = _DEVICE in name
        elif name in _LEAVES_IN_MAIN:
            found = False
        elif _LEAVES_IN_DEVICE.fullmatch(name):
            found = True
    return found


def shrunk(size: tuple[int, int], frame: tuple[int, int] | None) -> tuple[int, int]:
    """The smallest size of the same shape that is no smaller than the frame, even on each side; never a larger one.

    Args:
        size: what there is, width and height.
        frame: what is needed; None: not known.
    """
    if frame is None:
        return size
    width, height = size
    by_width = frame[0] * height >= frame[1] * width
    wanted = (frame[0], -(-frame[0] * height // width)) if by_width else (-(-frame[1] * width // height), frame[1])
    even = wanted[0] + wanted[0] % 2, wanted[1] + wanted[1] % 2
    return even if even[0] < width and even[1] < height else size


def turned(size: tuple[int, int], flip: int) -> tuple[int, int]:
    """Width and height after the converter's ``flip-method``."""
    return (size[1], size[0]) if flip % _SWAPS_SIDES else size


def _to_main_memory(wanted: str, asked: Asked) -> list[str]:
    converter, caps = CONVERTER, f"{_RAW},format={wanted}"
    if asked.flip:
        converter += f" flip-method={asked.flip}"
    if asked.size is not None:
        converter += f" interpolation-method={_TEN_TAPS}"
        caps += f",width={asked.size[0]},height={asked.size[1]}"
    return [converter, caps]
