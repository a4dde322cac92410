"""A Jetson's GStreamer elements: which there are on which machine, and some that run; ``jetson_elements.c`` says how.

``ELEMENTS`` holds those that our pipelines name: a Jetson's as NVIDIA documents them (Accelerated GStreamer of Jetson
Linux 35 and 36; for 38 the notes of its multimedia samples), the others from Debian's packages that the README names.
"""

import shutil
import subprocess
from pathlib import Path

_COMMON = {"decodebin", "deinterlace", "fdsink", "jpegdec", "rtspsrc", "v4l2src", "videoconvert", "y4menc"}
_JETSON = _COMMON | {"nvarguscamerasrc", "nvjpegdec", "nvv4l2decoder", "nvvidconv"}

ELEMENTS = {"desktop": _COMMON, "jetpack 5": _JETSON, "jetpack 6": _JETSON, "jetpack 7": _JETSON - {"nvjpegdec"}}
JETSONS = ("jetpack 5", "jetpack 6", "jetpack 7")


def compile_jetson_elements(folder: Path) -> Path | None:
    """The plugin in a folder; None without a C compiler or GStreamer's headers."""
    compiler, config = shutil.which("cc"), shutil.which("pkg-config")
    if compiler is None or config is None:
        return None
    asked = [config, "--cflags", "--libs", "gstreamer-video-1.0", "gstreamer-base-1.0"]
    flags = subprocess.run(asked, capture_output=True, text=True, check=False)
    if flags.returncode != 0:
        return None
    library = folder / "libgstjetsonelements.so"
    source = Path(__file__).with_suffix(".c")
    options = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC"]
    subprocess.run([compiler, *options, "-o", library, source, *flags.stdout.split()], check=True)
    return library
