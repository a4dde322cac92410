"""A release made and checked: ``make dist``. Wheel and sdist of the last commit, built twice, below ``build/dist/``.

Each build is of a copy of what git tracks, so that nothing else gets in. The second has another folder, time zone,
hash seed and language, and makes its wheel of the tree, where the first makes it of the sdist: both have to be the same
bytes. An sdist is packed again, for setuptools writes into it who made it and when. Then the contents are compared with
what git tracks, and twine checks the metadata. Beside them lie what ``dependencies.py`` says of the packages they need.
"""

import gzip
import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import dependencies
import house
from places import ROOT
from resolutions import SETUP

OUT = ROOT / "build" / "dist"
WORK = ROOT / "build" / "dist-work"
NOT_SHIPPED = ("runtime/native/", "runtime/containers/", "benchmarks/results/", "training/cards/")
"""Folders of the rooms that no wheel has: sources of C++, images, evidence. An sdist has them."""
# Of the package `dgiqa_edge` itself, beside its rooms.
OWN_FILES = ("__init__.py", "py.typed")
DOCUMENTS = (".md", ".png")
GENERATED = ("PKG-INFO", "setup.cfg", "dgiqa_edge.egg-info/")
"""What setuptools adds to an sdist."""
BIN = Path(sys.executable).parent


class ReleaseError(Exception):
    """What is wrong with a release, a line each."""


def git(*arguments: str, root: Path = ROOT) -> str:
    """What git prints.

    Raises:
        ReleaseError: there is no git, or no checkout of it.
    """
    try:
        done = subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise ReleaseError("git is not installed: a release is made of what it tracks") from None
    if done.returncode:
        raise ReleaseError(f"{root}: {done.stderr.strip()}: a release is made in a checkout of git")
    return done.stdout


def tracked(root: Path = ROOT) -> list[str]:
    """The files of the last commit."""
    return git("ls-tree", "-r", "-z", "--name-only", "HEAD", root=root).split("\0")[:-1]


def copy(folder: Path, root: Path = ROOT) -> None:
    """The files of the last commit, in a folder that is made; beside it is left a ``.tar`` of them."""
    folder.mkdir(parents=True)
    archive = folder.with_name(f"{folder.name}.tar")
    git("-c", "tar.umask=022", "archive", f"--output={archive}", "HEAD", root=root)
    # A umask of the builder's would be in the wheel.
    subprocess.run(["tar", "-xpf", archive, "-C", folder], check=True, umask=0o022)


def build(folder: Path, *what: str, root: Path = ROOT, **surroundings: str) -> dict[str, bytes]:
    """Build the last commit in a folder; each file by its name.

    ``what``: options of ``uv build``; without any it makes an sdist, and of that a wheel.

    Raises:
        ReleaseError: it cannot be built; says why.
    """
    shutil.rmtree(folder, ignore_errors=True)
    source, out = folder / "source", folder / "out"
    copy(source, root)
    variables = {**os.environ, "SOURCE_DATE_EPOCH": git("log", "-1", "--format=%ct", root=root).strip(), **surroundings}
    options = ("--offline", "--no-build-isolation", f"--python={sys.executable}", f"--out-dir={out}", *what)
    command = [BIN / "uv", "build", *options, source]
    done = subprocess.run(command, capture_output=True, text=True, env=variables, check=False, umask=0o022)
    if done.returncode:
        raise ReleaseError(f"the build failed:\n{done.stderr[-2000:]}")
    epoch = int(variables["SOURCE_DATE_EPOCH"])
    built = {file.name: file.read_bytes() for file in sorted(out.glob("dgiqa_edge-*"))}
    return {name: packed_again(data, epoch) if name.endswith(".tar.gz") else data for name, data in built.items()}


def packed_again(data: bytes, epoch: int) -> bytes:
    """A ``.tar.gz`` without who made it and when, in the order of names; ``epoch``: its time, seconds since 1970."""
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(data)) as old,
        gzip.GzipFile("", "wb", fileobj=packed, mtime=epoch) as out,
        tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda one: one.name):
            plain = tarfile.TarInfo(member.name)
            plain.size, plain.mtime, plain.type = member.size, epoch, member.type
            plain.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            new.addfile(plain, old.extractfile(member))
    return packed.getvalue()


def members(name: str, data: bytes) -> dict[str, bytes]:
    """The files of a wheel or an sdist, an sdist's without its top folder."""
    if name.endswith(".whl"):
        with zipfile.ZipFile(io.BytesIO(data)) as wheel:
            return {one: wheel.read(one) for one in wheel.namelist()}
    with tarfile.open(fileobj=io.BytesIO(data)) as sdist:
        files = [one for one in sdist.getmembers() if one.isfile()]
        return {one.name.partition("/")[2]: sdist.extractfile(one).read() for one in files}  # type: ignore[union-attr]


def differences(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """Where two builds differ, in lines."""
    found = [f"only one build made {name}" for name in sorted(one.keys() ^ other.keys())]
    for name in sorted(one.keys() & other.keys()):
        if one[name] != other[name]:
            left, right = members(name, one[name]), members(name, other[name])
            differing = [file for file in sorted({*left, *right}) if left.get(file) != right.get(file)]
            found.append(f"{name} differs from build to build: {', '.join(differing) or 'its order, times or rights'}")
    return found


def flaws(name: str, files: dict[str, bytes], tracked: list[str]) -> list[str]:
    """What a wheel or an sdist lacks of what git tracks, and what it has besides."""
    if name.endswith(".whl"):
        wanted = {f"dgiqa_edge/{file}" for file in tracked if _is_shipped(file)}
        found = {file for file in files if ".dist-info/" not in file}
        # The licences of all that it holds, which are not ours alone.
        wanted |= {f"licenses/{file}" for file in SETUP["license_files"]}
        found |= {file.partition(".dist-info/")[2] for file in files if ".dist-info/licenses/" in file} & wanted
    else:
        wanted, found = set(tracked), {file for file in files if not file.startswith(GENERATED)}
    return [
        *(f"{name} lacks {file}" for file in sorted(wanted - found)),
        *(f"{name} has {file}, which git does not track" for file in sorted(found - wanted)),
    ]


def _is_shipped(file: str) -> bool:
    path = PurePosixPath(file)
    return file in OWN_FILES or (
        path.parts[0] in house.ROOMS
        and len(path.parts) > 1
        and path.suffix not in DOCUMENTS
        and not file.startswith(NOT_SHIPPED)
    )


def make(root: Path = ROOT, work: Path = WORK) -> dict[str, bytes]:
    """Wheel and sdist of the last commit, by their names.

    Raises:
        ReleaseError: they cannot be built, differ from build to build, or have other contents than git.
    """
    first = build(work / "first", root=root)
    other = {"TZ": "Pacific/Auckland", "PYTHONHASHSEED": "7", "LC_ALL": "C"}
    second = build(work / "of the tree" / "second", "--sdist", "--wheel", root=root, **other)
    listed = tracked(root)
    problems = differences(first, second)
    problems += [flaw for name, data in first.items() for flaw in flaws(name, members(name, data), listed)]
    if problems:
        raise ReleaseError("\n".join(problems))
    return first


def check_metadata(files: list[Path]) -> None:
    """By twine, in an environment of its own.

    Raises:
        ReleaseError: twine does not take one of the files, or cannot be had; says why.
    """
    twine = (BIN / "uv", "tool", "run", "--quiet", "--no-python-downloads", f"--python={sys.executable}")
    pins = ("--constraints", ROOT / "constraints.txt")
    done = subprocess.run([*twine, *pins, "twine", "check", "--strict", *files], capture_output=True, text=True)
    if done.returncode:
        raise ReleaseError(f"twine check: {done.stdout}{done.stderr}")


def main() -> int:
    """Make a release; 1, and nothing below ``build/dist/``, where something is wrong with it."""
    shutil.rmtree(OUT, ignore_errors=True)
    folder = WORK / "release"
    try:
        if git("status", "--porcelain"):
            print("changes that are not committed are left out", file=sys.stderr)
        made = make()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, data in made.items():
            (folder / name).write_bytes(data)
        check_metadata(sorted(folder.iterdir()))
        dependencies.write(folder, int(git("log", "-1", "--format=%ct")))
    except (ReleaseError, dependencies.LicenceError) as error:
        print(error, file=sys.stderr)
        return 1
    OUT.parent.mkdir(exist_ok=True)
    folder.replace(OUT)
    shutil.rmtree(WORK)
    for file in sorted(OUT.iterdir()):
        print(f"{file.relative_to(ROOT)}: {file.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
