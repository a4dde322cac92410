"""What a run's last line says of the tests that were skipped: how many, for want of what, and how to get it."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple


class Kind(NamedTuple):
    """Skips for one want: ``reason`` finds it in their reasons; ``get`` says how to have it, "" where nobody can."""

    reason: str
    want: str
    get: str


KINDS = (
    Kind(
        r"has a GPU|is a GPU|this onnxruntime has|OpenCV has GStreamer|^root reads",
        "what this machine is too good for",
        "",
    ),
    Kind(r"make ray-test", "Ray and an S3 server", "make ray-test"),
    Kind(r"make ros2-test", "ROS 2", "make ros2-test"),
    Kind(r"make home-assistant-test", "a Home Assistant", "make home-assistant-test"),
    Kind(r"tensorrt.rtx", "TensorRT-RTX", "pip install -c constraints.txt -e '.[tensorrt-rtx]'"),
    Kind(r"shared|development|rated photos|encoder weights", "development data in ../shared", "it does not ship"),
    Kind(r"openvino", "openvino", "pip install -c constraints.txt -e '.[openvino]'"),
    Kind(
        r"torch\b.*install|export room|scipy|hub\b", "the extra export", "pip install -c constraints.txt -e '.[export]'"
    ),
    Kind(r"native library|no built bundle", "the native library or a bundle", "make native demo"),
    Kind(
        r"chromium|mosquitto|Prometheus:|openssl|rtsp|ffmpeg|gst|GStreamer|C compiler|cmake|nlohmann|python3-opencv",
        "system packages",
        "apt-get install $(cat .ci/apt-packages)",
    ),
    Kind(r"v4l2loopback", "a v4l2loopback device", "modprobe v4l2loopback video_nr=10"),
    Kind(r"gpu|cuda|nvidia|driver|tensorrt", "an NVIDIA GPU", "make gpu-check on a machine with one"),
    Kind(r"not installed|could not import|comes with the extra", "packages of the extra dev", "make venv"),
)
OTHER = Kind("", "what their reasons say", "pytest -rs")


def kind_of(reason: str) -> Kind:
    """The first that fits."""
    return next((kind for kind in KINDS if re.search(kind.reason, reason, re.IGNORECASE)), OTHER)


def summary(reasons: Iterable[str]) -> str:
    """``"3 tests skipped: 2 without openvino (pip install ...); 1 ..."``, most first; "" without any."""
    counts = Counter(kind_of(reason) for reason in reasons)
    parts = [
        f"{count} without {kind.want}" + (f" ({kind.get})" if kind.get else "") for kind, count in counts.most_common()
    ]
    total = counts.total()
    return f"{total} {'test' if total == 1 else 'tests'} skipped: {'; '.join(parts)}" if parts else ""
