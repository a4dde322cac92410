"""What the pinned packages are: licences and bill of materials of a release, which ``dist.py`` lays beside the wheel.

The metadata of every pin is asked of the package index, which most of the time takes no download of the package.
``licences.toml`` says what kind each licence is. A package of the runtime's extras under a strong copyleft is an error,
and so is one under a licence that nobody has filed yet.
"""

import functools
import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pythons import named
from resolutions import OF_CUDA, PINS, SETUP, SOURCES

from dgiqa_edge.runtime.version import VERSION

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LICENCES = tomllib.loads(Path(__file__).with_name("licences.toml").read_text(encoding="utf-8"))
KINDS = list(LICENCES["kinds"])
RUNTIME = ("cpu", "opencv", "watch", "bulk", "stores", "ray")
RUNTIME += ("openvino", "tensorrt", "tensorrt-rtx", "pycuda", "jetson")
"""Extras of which some runtime is made: what a product ships."""
SYSTEMS = (
    ("linux", "Linux", "posix", "x86_64"),
    ("linux", "Linux", "posix", "aarch64"),
    ("win32", "Windows", "nt", "AMD64"),
)

HEAD = f"""# Licences of what dgiqa-edge {VERSION} needs

dgiqa-edge itself is under Apache-2.0; its wheel names the licences of the photos and of the plotting library that it
holds. None of the packages below is in it: an extra installs them. Versions are those of constraints.txt (for the
extra jetson constraints-jetson.txt has its own), licences what each package's metadata states. Wheels may hold
libraries under others, whose texts come with them: FFmpeg under the LGPL in opencv-python-headless, GCC's runtime under
the GPL with its exception in scipy.

| package | version | licence | kind | extras |
|---|---|---|---|---|"""


class LicenceError(Exception):
    """What is wrong with the licences, a line each."""


class Pin(NamedTuple):
    """A line of ``constraints.txt``: a version, and the marker of where it goes, "" for everywhere."""

    name: str
    version: str
    marker: str


class Package(NamedTuple):
    """A version of a package as its metadata has it: an SPDX expression, and lines of ``Requires-Dist``."""

    licence: str
    requires: tuple[str, ...]


Packages = Mapping[Pin, Package]


def pins(text: str) -> list[Pin]:
    """Of a file of pins; a name is there several times where Pythons differ."""
    lines = re.findall(r"^([\w.-]+)==([^\s;]+)(?: *; *(.+))?", text, re.MULTILINE)
    return [Pin(canonicalize_name(name), version, marker) for name, version, marker in lines]


def from_metadata(said: Mapping[str, Any]) -> Package:
    """Of metadata in its JSON form.

    Raises:
        LicenceError: it states no licence that ``licences.toml`` knows.
    """
    name = canonicalize_name(said["name"])
    return Package(LICENCES["read"].get(name) or _stated(name, said), tuple(said.get("requires_dist", ())))


def _stated(name: str, said: Mapping[str, Any]) -> str:
    if expression := said.get("license_expression"):
        return str(expression)
    classifiers = [one for one in said.get("classifier", ()) if one.startswith("License :: ")]
    words = [(said.get("license") or "").strip(), *(one.removeprefix("License :: ") for one in classifiers)]
    known = {one: one for ids in LICENCES["kinds"].values() for one in ids} | LICENCES["spelled"]
    found = {known[word] for word in words if word in known}
    exact = found - {"LicenseRef-BSD"} or found
    if len(exact) == 1:
        return exact.pop()
    if re.fullmatch(r"[\w.-]+( (AND|OR|WITH) [\w.-]+)+", words[0]):
        return words[0]
    raise LicenceError(f"{name} states its licence as {[word[:60] for word in words]}: file it in tests/licences.toml")


def installed(name: str) -> Package | None:
    """Of an installed distribution; ``None`` where it is not installed."""
    try:
        return from_metadata(metadata.metadata(name).json)
    except metadata.PackageNotFoundError:
        return None


def from_index(pinned: Sequence[Pin]) -> dict[Pin, Package]:
    """What the package index says of pins.

    Raises:
        LicenceError: the index does not answer, or a package states no licence that is known.
    """
    found = {pin: _by_hand(pin.name) for pin in pinned if pin.name in SOURCES}
    options = ("--dry-run", "--ignore-installed", "--ignore-requires-python", "--no-deps", "--only-binary=:all:")
    # One version of each name at a time: pip takes no more.
    while rest := {pin.name: pin for pin in pinned if pin not in found}:
        asked = [f"{pin.name}=={pin.version}" for pin in rest.values()]
        command = [sys.executable, "-m", "pip", "install", "-qq", *options, "--report=-", *asked]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LicenceError(f"the package index does not say what is pinned:\n{done.stderr[-1000:]}")
        told = [one["metadata"] for one in json.loads(done.stdout)["install"]]
        found |= {rest[canonicalize_name(said["name"])]: from_metadata(said) for said in told}
    return {pin: found[pin] for pin in pinned}


def _by_hand(name: str) -> Package:
    return Package(LICENCES["read"][name], tuple(LICENCES["needs"][name]))


def kind(expression: str) -> str:
    """One of :data:`KINDS`.

    Raises:
        LicenceError: ``licences.toml`` does not know one of its licences.
    """
    from license_expression import Licensing

    licensing = Licensing()

    def rank(node: Any) -> int:
        if isinstance(node, licensing.OR | licensing.AND):
            return (min if isinstance(node, licensing.OR) else max)(map(rank, node.args))
        for place, ids in enumerate(LICENCES["kinds"].values()):
            if any(fnmatchcase(node.render(), one) for one in ids):
                return place
        raise LicenceError(f"the licence {node.render()} is not in tests/licences.toml: read it, and file it there")

    return KINDS[rank(licensing.parse(expression))]


_requirement = functools.cache(Requirement)


def needed(wanted: Iterable[str], packages: Mapping[str, Package | None], environment: Mapping[str, str]) -> set[str]:
    """Names of all packages that requirements come to where the markers' ``environment`` is."""
    reached: set[tuple[str, str]] = set()
    queue = [(line, "") for line in wanted]
    while queue:
        line, of_extra = queue.pop()
        requirement = _requirement(line)
        if requirement.marker and not requirement.marker.evaluate({**environment, "extra": of_extra}):
            continue
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) not in reached:
                reached.add((name, extra))
                package = packages.get(name)
                queue += [(one, extra) for one in package.requires] if package else []
    return {name for name, _ in reached}


def environments() -> list[dict[str, str]]:
    """What markers see on each Python that ``setup.py`` names, on Linux and Windows."""
    found = []
    for python in named():
        for platform, system, os_name, machine in SYSTEMS:
            place = {"sys_platform": platform, "platform_system": system, "os_name": os_name}
            version = {"python_version": python, "python_full_version": f"{python}.1", "implementation_version": python}
            found.append({**default_environment(), **place, **version, "platform_machine": machine})
    return found


def of_extras(packages: Packages) -> dict[str, set[Pin]]:
    """The pins that each extra of ``setup.py`` needs on some Python and system.

    Raises:
        LicenceError: an extra needs what is not pinned.
    """
    found: dict[str, set[Pin]] = {extra: set() for extra in SETUP["extras_require"]}
    for environment in environments():
        here = {pin.name: pin for pin in packages if not pin.marker or Marker(pin.marker).evaluate(environment)}
        known = {name: packages[pin] for name, pin in here.items()}
        for extra, lines in SETUP["extras_require"].items():
            names = needed([*SETUP["install_requires"], *lines], known, environment)
            names = {name for name in names if not OF_CUDA.match(name)}
            if absent := sorted(names - here.keys()):
                where = f"extra {extra}, Python {environment['python_version']}"
                raise LicenceError(f"constraints.txt does not pin {', '.join(absent)} ({where}): make constraints")
            found[extra] |= {here[name] for name in names}
    return found


def refusals(packages: Packages, extras: Mapping[str, set[Pin]]) -> list[str]:
    """Packages that no extra of the runtime may have, in lines."""
    return [
        f"{pin.name} {pin.version} ({packages[pin].licence}), of the extra {extra}: the runtime takes no {KINDS[-1]}"
        for extra in RUNTIME
        for pin in sorted(extras[extra])
        if kind(packages[pin].licence) == KINDS[-1]
    ]


def table(packages: Packages, extras: Mapping[str, set[Pin]]) -> str:
    """Package, version, licence, kind and extras of every pin, as Markdown."""
    rows = [
        f"| {pin.name} | {pin.version} | {package.licence} | {kind(package.licence)} | "
        f"{', '.join(extra for extra in extras if pin in extras[extra])} |"
        for pin, package in packages.items()
    ]
    return "\n".join([HEAD, *rows, ""])


def bill(packages: Packages, epoch: int) -> str:
    """The bill of materials, CycloneDX 1.6 as JSON: every pin, its licence, what it needs; ``epoch``: its time."""
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.license import LicenseExpression
    from cyclonedx.output.json import JsonV1Dot6
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    from packageurl import PackageURL

    def component(name: str, version: str, licence: str, kind: ComponentType) -> Component:
        url = PackageURL("pypi", name=name, version=version)
        licences = [LicenseExpression(licence)]
        return Component(name=name, version=version, type=kind, purl=url, bom_ref=str(url), licenses=licences)

    root = component("dgiqa-edge", VERSION, SETUP["license"], ComponentType.APPLICATION)
    parts = {
        pin: component(pin.name, pin.version, package.licence, ComponentType.LIBRARY)
        for pin, package in packages.items()
    }
    bom = Bom(components=parts.values())
    bom.metadata.component = root
    bom.metadata.timestamp = datetime.fromtimestamp(epoch, timezone.utc)
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, f"{root.purl}@{epoch}")
    wanted = [*SETUP["install_requires"], *(line for lines in SETUP["extras_require"].values() for line in lines)]
    for one, lines in [(root, wanted), *((parts[pin], package.requires) for pin, package in packages.items())]:
        required = [_requirement(line) for line in lines]
        names = {canonicalize_name(each.name) for each in required if "extra ==" not in str(each.marker)}
        bom.register_dependency(one, [part for pin, part in parts.items() if pin.name in names])
    text: str = JsonV1Dot6(bom).output_as_string(indent=2)
    if problem := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise LicenceError(f"the bill of materials breaks its schema: {str(problem).partition(chr(10))[0]}")
    return text + "\n"


def write(folder: Path, epoch: int) -> None:
    """Write both into a folder.

    Raises:
        LicenceError: the index does not answer, or a licence is unknown or refused.
    """
    packages = from_index(pins(PINS["desktop"].read_text(encoding="utf-8")))
    extras = of_extras(packages)
    if problems := refusals(packages, extras):
        raise LicenceError("\n".join(problems))
    (folder / "licences.md").write_text(table(packages, extras), encoding="utf-8")
    (folder / f"dgiqa_edge-{VERSION}.cdx.json").write_text(bill(packages, epoch), encoding="utf-8")
