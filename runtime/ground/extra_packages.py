"""How the packages of an extra are installed, and imported where they are first used.

No package index has this project: a hint names the checkout or the wheel that this installation came from.
"""

import importlib
import shlex
from pathlib import Path
from types import ModuleType

from ..errors import MachineError
from ..version import VERSION
from .strict_text import parse_json

DISTRIBUTION = "dgiqa-edge"
JETSON_RELEASE = Path("/etc/nv_tegra_release")
"""Of Jetson Linux alone."""
_HELD_BY_JETSON = ("cpu", "watch", "bench", "tensorrt")
"""Extras whose packages the extra ``jetson`` has too, or JetPack: theirs would hide what JetPack brings."""
_CHECKOUT = Path(__file__).resolve().parents[2]


def install_command(extra: str) -> str:
    """The command that installs an extra of ``setup.py`` beside what is installed."""
    if extra in _HELD_BY_JETSON and JETSON_RELEASE.exists():
        extra = "jetson"
    place = _origin()
    if place is None:
        return f"pip install './{DISTRIBUTION.replace('-', '_')}-{VERSION}-py3-none-any.whl[{extra}]' (its wheel file)"
    return f"pip install {'-e ' if place == _CHECKOUT else ''}{shlex.quote(f'{place}[{extra}]')}"


def update_command() -> str:
    """What brings a newer version."""
    place = _origin()
    if place == _CHECKOUT and (place / ".git").exists():
        return f"git -C {shlex.quote(str(place))} pull"
    return "pip install with the newer wheel file, or from a newer checkout"


def watch_package(module: str, purpose: str) -> ModuleType:
    """An importable module of the ``watch`` extra, as ``extra_package``."""
    return extra_package(module, "watch", purpose)


def extra_package(module: str, extra: str, purpose: str) -> ModuleType:
    """An importable module that an extra of ``setup.py`` brings.

    Raises:
        MachineError: it is not installed; names the purpose and the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MachineError(f"{purpose} needs the package {error.name or module!r}: {install_command(extra)}") from None


def _origin() -> Path | None:
    """The checkout or wheel file of this installation; ``None`` where neither is there any more."""
    if (_CHECKOUT / "setup.py").is_file():
        return _CHECKOUT
    from importlib import metadata
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    try:
        url = urlsplit(parse_json(metadata.distribution(DISTRIBUTION).read_text("direct_url.json") or "{}")["url"])
    except (metadata.PackageNotFoundError, KeyError, ValueError):
        return None
    place = Path(url2pathname(url.path))
    return place if url.scheme == "file" and place.exists() else None
