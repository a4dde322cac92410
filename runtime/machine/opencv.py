"""OpenCV: which one is loaded, from where, what it reads video by, and what to do where it cannot be loaded.

All OpenCVs, pip's wheels and a system's, are one package ``cv2``. A system's may read video by GStreamer, as a Jetson's
does; the wheels do not, and hide it.
"""

import sys
from pathlib import Path

from ..ground.extra_packages import install_command
from .fact import Fact
from .packages import folder_of, import_or_reason, installed, version_of

_WHEELS = (
    "opencv-python-headless",
    "opencv-python",
    "opencv-contrib-python-headless",
    "opencv-contrib-python",
)
_SYSTEM_FOLDERS = ("/usr/lib/python3*/dist-packages", "/usr/local/lib/python3*/dist-packages")
_DECODERS = ("gstreamer", "ffmpeg", "v4l2")
_OF_NUMPY = ("numpy.core.multiarray", "_ARRAY_API", "NumPy 1.x")
"""What an OpenCV that was built for NumPy 1 says under NumPy 2."""


def facts() -> dict[str, Fact]:
    """Version, folder, and the ways it reads video; or what is wrong with it and how to mend that."""
    module, found = import_or_reason("cv2"), problem()
    if found is not None or isinstance(module, Fact):
        reason = Fact(None, found or "OpenCV cannot be loaded")
        return {"opencv": reason, "opencv_from": reason, "opencv_video": reason}
    file = getattr(module, "__file__", None)
    return {
        "opencv": Fact(str(getattr(module, "__version__", "of unknown version"))),
        "opencv_from": Fact(None if file is None else str(Path(file).parent), "it does not say"),
        "opencv_video": Fact([name for name in _DECODERS if opencv_has(name)]),
    }


def opencv_has(decoder: str) -> bool:
    """Whether this OpenCV was built with ``gstreamer``, ``ffmpeg`` or ``v4l2`` video input."""
    import cv2

    return bool(cv2.videoio_registry.hasBackend(opencv_backend(decoder)))


def opencv_backend(decoder: str) -> int:
    """OpenCV's number for that video input."""
    import cv2

    return int({"gstreamer": cv2.CAP_GSTREAMER, "ffmpeg": cv2.CAP_FFMPEG, "v4l2": cv2.CAP_V4L2}[decoder])


def problem() -> str | None:
    """What keeps OpenCV from working and what to do; None where it works.

    Wheels are one folder: the one installed last has overwritten the other, and uninstalling either removes files of
    both. So all must go, and one must be written anew.
    """
    wheels = _wheels()
    module = import_or_reason("cv2")
    if isinstance(module, Fact) and any(word in module.reason for word in _OF_NUMPY):
        return (
            f'{folder_of("cv2")} was built for NumPy 1, and NumPy {version_of("numpy")} is here: pip install "numpy<2"'
        )
    sound = not isinstance(module, Fact) and hasattr(module, "imdecode")
    if len(wheels) > 1 or (wheels and not sound):
        keep = wheels[0]
        shared = f"{' and '.join(wheels)} share one folder cv2"
        return (
            f"{shared if len(wheels) > 1 else f'the files of {keep} are not whole'}: "
            f"pip uninstall -y {' '.join(wheels)} && pip install --force-reinstall --no-deps "
            f'"{keep}=={version_of(keep)}"'
        )
    if sound:
        return None
    system = _of_system()
    if system is not None:
        return (
            f"this Python does not see the system's ({system}): make its environment anew with "
            f"python3 -m venv --system-site-packages, or add a wheel with {install_command('opencv')}"
        )
    return f"{module.reason if isinstance(module, Fact) else 'its files are not whole'}: {install_command('opencv')}"


def hidden_system_opencv() -> str | None:
    """What to do where a wheel without GStreamer hides a system's OpenCV; None where none does."""
    wheels, system = _wheels(), _of_system()
    if not wheels or system is None or problem() is not None or opencv_has("gstreamer"):
        return None
    return (
        f"the wheel {wheels[0]} hides the system's OpenCV ({system}), which may decode by GStreamer: "
        f"pip uninstall -y {' '.join(wheels)}, in an environment made with --system-site-packages"
    )


def _wheels() -> list[str]:
    return [name for name in _WHEELS if installed(name).value is not None]


def _of_system() -> str | None:
    """The module of a system's OpenCV that was built for this Python."""
    ours = f"cpython-{sys.version_info.major}{sys.version_info.minor}-"
    folders = (folder for pattern in _SYSTEM_FOLDERS for folder in Path("/").glob(pattern[1:]))
    modules = (file for folder in folders for file in (*folder.glob("cv2*.so"), *folder.glob("cv2/**/cv2*.so")))
    return next((str(file) for file in sorted(modules) if ours in file.name), None)
