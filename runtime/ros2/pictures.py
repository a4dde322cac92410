"""From ``sensor_msgs`` to pictures as the scorer takes them. Messages are read by their fields: ROS is not imported."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError
from ..frames.images import decode_image

# encoding -> channels, and OpenCV's conversion to BGR; "" for none. Names are those of sensor_msgs.
_ENCODINGS = {
    "bgr8": (3, ""),
    "8UC3": (3, ""),
    "rgb8": (3, "COLOR_RGB2BGR"),
    "bgra8": (4, "COLOR_BGRA2BGR"),
    "8UC4": (4, "COLOR_BGRA2BGR"),
    "rgba8": (4, "COLOR_RGBA2BGR"),
    "mono8": (1, "COLOR_GRAY2BGR"),
    "8UC1": (1, "COLOR_GRAY2BGR"),
    "uyvy": (2, "COLOR_YUV2BGR_UYVY"),
    "yuv422": (2, "COLOR_YUV2BGR_UYVY"),
    "yuyv": (2, "COLOR_YUV2BGR_YUY2"),
    "yuv422_yuy2": (2, "COLOR_YUV2BGR_YUY2"),
    # OpenCV names a Bayer pattern by its second row
    "bayer_rggb8": (1, "COLOR_BayerBG2BGR"),
    "bayer_bggr8": (1, "COLOR_BayerRG2BGR"),
    "bayer_gbrg8": (1, "COLOR_BayerGR2BGR"),
    "bayer_grbg8": (1, "COLOR_BayerGB2BGR"),
}
_WIDE = "mono16"  # 16UC1 is mostly a depth in millimetres


def picture(message: Any) -> NDArray[np.uint8]:
    """Of a ``sensor_msgs/Image``: uint8 [H, W, 3] BGR. Of 16 bits the upper 8 count.

    Raises:
        SourceError: an encoding that is no picture (depth, floats), or one that is not known here; too few bytes.
    """
    import cv2

    wide = message.encoding == _WIDE
    channels, conversion = (1, "COLOR_GRAY2BGR") if wide else _ENCODINGS.get(message.encoding, (0, ""))
    if not channels:
        raise SourceError(f"images of encoding {message.encoding!r} are not read: publish bgr8, rgb8 or mono8")
    height, width, step = message.height, message.width, message.step
    used = width * channels * (2 if wide else 1)
    content = np.frombuffer(message.data, np.uint8)
    halved = channels == 2 and width % 2  # two pixels share their colours
    if not height or not width or halved or step < used or content.size < height * step:
        raise SourceError(
            f"an image of {width}x{height} {message.encoding} with a step of {step} has {content.size} bytes: "
            "its publisher is wrong"
        )
    rows = np.ascontiguousarray(content[: height * step].reshape(height, step)[:, :used])
    if wide:
        rows = rows.reshape(height, width, 2)[:, :, 0 if message.is_bigendian else 1]
    pixels = rows.reshape(height, width, channels)
    return pixels if not conversion else np.asarray(cv2.cvtColor(pixels, getattr(cv2, conversion)), np.uint8)


def compressed_picture(message: Any) -> NDArray[np.uint8]:
    """Of a ``sensor_msgs/CompressedImage`` (JPEG, PNG): uint8 [H, W, 3] BGR.

    Raises:
        SourceError: it cannot be decoded.
    """
    return decode_image(bytes(message.data))
