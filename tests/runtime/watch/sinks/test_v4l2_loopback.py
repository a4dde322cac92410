"""The device itself needs a kernel module; here its structures are checked against the kernel's own header."""

import shutil
import struct
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from dgiqa_edge.runtime.errors import ConfigurationError, SinkError
from dgiqa_edge.runtime.watch.sinks import create, v4l2_loopback
from dgiqa_edge.runtime.watch.sinks.v4l2_loopback import format_request, yuv420

COMPILER = shutil.which("cc") or shutil.which("gcc")
PROBE = r"""
#include <linux/videodev2.h>
#include <stdio.h>
#include <string.h>
int main(void) {
    struct v4l2_format format;
    memset(&format, 0, sizeof format);
    format.type = V4L2_BUF_TYPE_VIDEO_OUTPUT;
    format.fmt.pix.width = 640;
    format.fmt.pix.height = 480;
    format.fmt.pix.pixelformat = V4L2_PIX_FMT_YUV420;
    format.fmt.pix.field = V4L2_FIELD_NONE;
    format.fmt.pix.bytesperline = 640;
    format.fmt.pix.sizeimage = 640 * 480 * 3 / 2;
    format.fmt.pix.colorspace = V4L2_COLORSPACE_SRGB;
    printf("%lu ", (unsigned long)VIDIOC_S_FMT);
    for (size_t at = 0; at < sizeof format; ++at) printf("%02x", ((unsigned char *)&format)[at]);
    return 0;
}
"""


@pytest.mark.skipif(
    COMPILER is None or not Path("/usr/include/linux/videodev2.h").exists(),
    reason="needs a C compiler and the kernel's headers: apt-get install gcc linux-libc-dev",
)
@pytest.mark.skipif(struct.calcsize("P") != 8, reason="the structures are those of 64-bit systems")
def test_request_and_structure_are_those_of_the_kernel_header(tmp_path: Path) -> None:
    source, program = tmp_path / "probe.c", tmp_path / "probe"
    source.write_text(PROBE)
    assert COMPILER is not None
    subprocess.run([COMPILER, str(source), "-o", str(program)], check=True)
    request, content = subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout.split()
    assert int(request) == v4l2_loopback.VIDIOC_S_FMT
    assert bytes.fromhex(content) == bytes(format_request(640, 480))


def test_a_picture_keeps_its_colours() -> None:
    frame = np.zeros((48, 64, 3), np.uint8)
    frame[:, :32] = (200, 60, 30)
    frame[:, 32:] = (20, 180, 220)
    planes = np.frombuffer(yuv420(frame), np.uint8).reshape(72, 64)
    back = cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420)
    assert np.abs(back.astype(int) - frame).mean() < 3


@pytest.mark.parametrize("device", ["/dev/video-absent", "/etc/hostname"])
def test_what_is_no_device_is_refused_with_the_command_that_makes_one(device: str) -> None:
    with pytest.raises(SinkError, match="modprobe v4l2loopback"):
        create({"type": "v4l2loopback", "camera": "front", "device": device}, "sinks.0")


def test_another_device_is_no_output(scored: object) -> None:
    sink = create({"type": "v4l2loopback", "camera": "front", "device": "/dev/null"}, "sinks.0")
    sink.put(scored())  # type: ignore[operator]
    stats = sink.close(10.0)
    assert stats.failed == 1
    assert "/dev/null is no v4l2loopback output" in (stats.last_error or "")


def test_an_odd_size_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="even"):
        create({"type": "v4l2loopback", "camera": "front", "size": "641x480"}, "sinks.0")


@pytest.mark.skipif(not Path("/dev/video10").is_char_device(), reason="no v4l2loopback device at /dev/video10")
def test_a_real_device_takes_frames(scored: object) -> None:
    sink = create({"type": "v4l2loopback", "camera": "front"}, "sinks.0")
    sink.put(scored())  # type: ignore[operator]
    assert sink.close(10.0).delivered == 1
