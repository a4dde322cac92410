"""Which family of sources reads which URI. A new family is one file and one line here."""

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from ...settings.section import Section
from .image_files import is_image, means_images
from .protocol import Source, Surroundings
from .uri import SourceUri, merged_options, parse_uri

Creator = Callable[[SourceUri, Section, Surroundings], Source]

# scheme -> module beside this one with a function `create`: imported when a source needs it.
_FAMILIES: Mapping[str, str] = {
    "v4l2": ".v4l2",
    "csi": ".csi",
    "rtsp": ".rtsp",
    "rtsps": ".rtsp",
    "http": ".mjpeg",
    "https": ".mjpeg",
    "gst": ".gstreamer",
    "test": ".scripted",
}
_VIDEO_FILE = ".video_file"
_IMAGE_FILES = ".image_files"


def create_source(
    text: str,
    options: Mapping[str, Any] | None = None,
    surroundings: Surroundings | None = None,
    *,
    folder: Path | None = None,
    path: str = "options",
) -> Source:
    """A source, not opened yet.

    Args:
        text: a URI or a path, see ``uri.py``.
        options: of the family, beside those in the URI's query.
        surroundings: time-outs.
        folder: what relative paths are relative to.
        path: dotted path of the options in their settings file, for messages.

    Raises:
        ConfigurationError: an unknown scheme or option.
        MachineError: this machine lacks what the family needs.
    """
    uri = parse_uri(text, folder)
    create = cast(Creator, importlib.import_module(_module_of(uri), __package__).create)
    return create(uri, merged_options(uri, options or {}, path), surroundings or Surroundings())


def is_finite(text: str, folder: Path | None = None) -> bool:
    """Whether a source is made of files, each of whose frames there is time to score."""
    return parse_uri(text, folder).scheme == "file"


def _module_of(uri: SourceUri) -> str:
    if uri.scheme != "file":
        return _FAMILIES[uri.scheme]
    return _IMAGE_FILES if means_images(uri.address) or is_image(Path(uri.address)) else _VIDEO_FILE
