"""Which of the packages that can run engines are installed, in which versions, and how large."""

import importlib
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from .fact import Fact

UNKNOWN = "of unknown version"


_SENDER = "openvino_telemetry"
"""Through it OpenVINO reports, as it is imported, that it is used; where it is absent OpenVINO takes a stub."""


def import_silently(name: str) -> ModuleType:
    """A package, of which nobody hears that it is used (``runtime/__init__.py`` sees to those that heed a variable)."""
    known = _SENDER in sys.modules
    if not known:
        sys.modules[_SENDER] = None  # type: ignore[assignment]  # an import of it fails
    try:
        return importlib.import_module(name)
    finally:
        if not known:
            del sys.modules[_SENDER]


def imported(name: str) -> Fact:
    """Version of a package, taken by importing it: being installed is not enough where libraries are missing."""
    module = import_or_reason(name)
    return module if isinstance(module, Fact) else Fact(str(getattr(module, "__version__", UNKNOWN)))


def import_or_reason(name: str) -> ModuleType | Fact:
    """A package, or why there is none."""
    try:
        return import_silently(name)
    except ModuleNotFoundError:
        return Fact(None, f"the package {name} is not installed")
    except Exception as error:  # a broken installation can fail in any way, and doctor is there to say so
        return Fact(None, f"the package {name} is installed but cannot be loaded ({error})")


def version_of(distribution: str) -> str | None:
    """The version of a distribution, None where it is not installed; nothing is imported."""
    from importlib import metadata

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def versions_of(distributions: Iterable[str]) -> dict[str, str]:
    """Versions of those distributions that are installed, by name."""
    return {name: version for name in distributions if (version := version_of(name)) is not None}


def installed(*distributions: str) -> Fact:
    """Versions of those distributions that are installed; nothing is imported."""
    found = [f"{name} {version}" for name, version in versions_of(distributions).items()]
    return Fact(found) if found else Fact(None, f"not installed ({', '.join(distributions)})")


def disk_bytes(*distributions: str) -> int | None:
    """Bytes of the files of those distributions that are installed, without what they depend on; None if not known."""
    from importlib import metadata

    total = 0
    for name in versions_of(distributions):
        found = metadata.distribution(name)
        files = (Path(str(found.locate_file(file))) for file in found.files or ())
        total += sum(file.stat().st_size for file in files if file.is_file())
    return total or None


def folder_of(module: str) -> str | None:
    """Folder of a module or package that is installed, None where it is not; only packages above it are imported."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:  # the package around it is missing
        return None
    if spec is None:
        return None
    return next(iter(spec.submodule_search_locations or ()), str(Path(spec.origin or "").parent))
