"""A source's URI taken apart: family, address, and the options in its query. Opening it is the families' work."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from ...errors import ConfigurationError
from ...settings.credentials import is_utf8, remember_address
from ...settings.section import Section
from ..media.network_address import has_place, with_raw_zone

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_NETWORK = ("rtsp", "rtsps", "http", "https")
_OPTION = re.compile(r"[A-Za-z_]{1,32}")
_LONGEST = 4096
KNOWN = ("v4l2", "csi", *_NETWORK, "file", "gst", "test")


@dataclass(frozen=True)
class SourceUri:
    """``address``: for a network source the whole URI, whose query is the server's own; else what follows the scheme.

    ``options``: the query of the schemes that are ours (``v4l2``, ``csi``, ``file``, ``test``), values as numbers,
    booleans or texts. The representation holds no credentials.
    """

    scheme: str
    address: str = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    shown: str = ""


def parse_uri(text: str, folder: Path | None = None) -> SourceUri:
    """Take a source's URI apart.

    Args:
        text: a URI, or the path of a video, an image, a folder of images, or a glob.
        folder: what relative paths are relative to; the working directory where it is None.

    Raises:
        ConfigurationError: an unknown scheme, white space or control characters in a URI, or nothing after the scheme.
    """
    shown = remember_address(text)
    if not text.strip() or len(text) > _LONGEST:
        raise ConfigurationError(f"the source has {len(text)} characters: give a URI of 1 to {_LONGEST}")
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ConfigurationError(f"the source {shown!r} holds a control character: remove it")
    match = _SCHEME.fullmatch(text)
    if match is None:
        return SourceUri("file", str(_beside(folder, text)), {}, shown)
    scheme, rest = match[1].lower(), match[2]
    if scheme == "gst":
        return SourceUri(scheme, _not_empty(rest.strip(), shown), {}, shown)
    if scheme not in KNOWN or not rest.startswith("//"):
        raise ConfigurationError(
            f"the source {shown!r} has no known scheme: give {', '.join(f'{name}://' for name in KNOWN[:-2])}, "
            "gst:PIPELINE, test:// or a path"
        )
    if scheme in _NETWORK:
        if re.search(r"\s", text):
            raise ConfigurationError(f"the source {shown!r} holds white space: write it as %20")
        if not is_utf8(text):
            raise ConfigurationError(f"the source {shown!r} holds bytes that are no UTF-8: write them as %XX")
        _not_empty(re.split(r"[/?#]", rest[2:].rpartition("@")[2], maxsplit=1)[0], shown)
        if not has_place(text):
            raise ConfigurationError(
                f"the source {shown!r} has no valid host and port: correct it (/ ? # in a password are %2F %3F %23)"
            )
        return SourceUri(scheme, with_raw_zone(text), {}, shown)
    body, _, query = rest[2:].partition("?")
    options = _options(query, shown)
    if scheme != "file":
        return SourceUri(scheme, unquote(body), options, shown)
    return SourceUri(scheme, str(_beside(folder, _not_empty(unquote(body), shown))), options, shown)


def merged_options(uri: SourceUri, given: Mapping[str, Any], path: str) -> Section:
    """The options of the URI's query and those of the settings, as one section.

    Raises:
        ConfigurationError: an option stands in both.
    """
    twice = sorted(uri.options.keys() & given.keys())
    if twice:
        raise ConfigurationError(f"{path}.{twice[0]} is also in the query of {uri.shown!r}: keep one")
    return Section({**uri.options, **given}, path)


def _beside(folder: Path | None, path: str) -> Path:
    return Path(path) if folder is None else folder / path


def _not_empty(address: str, shown: str) -> str:
    if not address:
        raise ConfigurationError(f"the source {shown!r} names nothing after its scheme: complete it")
    return address


def _options(query: str, shown: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if not _OPTION.fullmatch(key):
            raise ConfigurationError(f"the source {shown!r} has an option without a plain name: give name=value")
        if key in options:
            raise ConfigurationError(f"the source {shown!r} gives {key!r} twice: keep one")
        options[key] = _typed(value)
    return options


def _typed(value: str) -> Any:
    if value in ("true", "false"):
        return value == "true"
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value
