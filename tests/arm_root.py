"""An arm64 root for ``tests/arm.py``: Debian 12 by mmdebstrap, under qemu-user; what it lacks to be made is said.

It is kept in ``build/arm`` (or where ``DGIQA_ARM_CACHE`` says) for as long as what it was made of stays the same.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from places import ROOT

CACHE = Path(os.environ.get("DGIQA_ARM_CACHE", ROOT / "build" / "arm")).resolve()
FOLDER = CACHE / "root"
SITE = FOLDER / "usr" / "local" / "lib" / "python3.11" / "dist-packages"
"""Where pip of that Debian's Python installs."""
SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
"""Where this machine's own apt names none."""
PACKAGES = (
    "python3",
    "gstreamer1.0-tools",
    "gstreamer1.0-plugins-base",
    # For the cross build: headers and libraries to link with.
    "libstdc++-12-dev",
    "libgstreamer-plugins-base1.0-dev",
    "libjpeg62-turbo-dev",
    "libpng-dev",
    "nlohmann-json3-dev",
    "doctest-dev",
)
EXTRAS = "cpu,test"
BINFMT = Path("/proc/sys/fs/binfmt_misc")
INSIDE = ROOT / "tests" / "in_arm_root.sh"
PROGRAMS = {
    "mmdebstrap": "mmdebstrap",
    "qemu-aarch64-static": "qemu-user-static",
    "aarch64-linux-gnu-g++": "g++-aarch64-linux-gnu",
    "cmake": "cmake",
    "dpkg-shlibdeps": "dpkg-dev",
}
"""What has to be on PATH, and Debian's package of it."""


def lacking() -> str:
    """Why there can be no such root here, with the remedy; empty where there can."""
    if platform.machine() == "aarch64":
        return "this machine is aarch64 itself: make test and make native-test are its tests"
    if os.geteuid() != 0:
        return "a root of another architecture takes root's rights: run it as root, or in a container"
    absent = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if absent:
        return f"apt-get install {' '.join(absent)}"
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        return "this container may not mount: start it with --privileged or CAP_SYS_ADMIN"
    if not _emulated():
        return "the kernel runs no aarch64 programs: apt-get install binfmt-support, and `update-binfmts --enable`"
    if not _made(FOLDER, _of_debian()) and not _reached(mirror()):
        return f"{mirror()} does not answer, and no root is kept in {CACHE}"
    return ""


def _emulated() -> bool:
    """Whether the kernel hands aarch64 programs to qemu; where nobody has told it to, it is told."""
    handler = BINFMT / "qemu-aarch64"
    if not handler.exists():
        if not (BINFMT / "register").exists():
            subprocess.run(["mount", "-t", "binfmt_misc", "none", BINFMT], capture_output=True, check=False)
        if shutil.which("update-binfmts"):
            subprocess.run(["update-binfmts", "--enable", "qemu-aarch64"], capture_output=True, check=False)
    return handler.exists() and "enabled" in handler.read_text()


def mirror() -> str:
    """Debian's mirror that this machine's apt uses, or the one that is everyone's."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Identifier: Packages"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
    return next((one.rstrip("/") for one in said if one.rstrip("/").endswith("/debian")), MIRROR)


def _reached(address: str) -> bool:
    """By apt's own downloader, which knows the machine's proxies."""
    with tempfile.TemporaryDirectory() as folder:
        to = ["download-file", f"{address}/dists/{SUITE}/InRelease", f"{folder}/InRelease"]
        done = subprocess.run(["/usr/lib/apt/apt-helper", *to], capture_output=True, check=False)
    return done.returncode == 0


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _of_debian() -> str:
    return _digest(SUITE, *PACKAGES)


def _of_packages() -> str:
    files = ("setup.py", "constraints.txt")
    return _digest(_of_debian(), EXTRAS, *((ROOT / name).read_text(encoding="utf-8") for name in files))


def _made(folder: Path, of: str) -> bool:
    stamp = folder.with_name(f"{folder.name}.made_of")
    return stamp.is_file() and stamp.read_text() == of


def _stamp(folder: Path, of: str) -> None:
    folder.with_name(f"{folder.name}.made_of").write_text(of)


def make() -> bool:
    """Debian's packages; False where they were there."""
    if _made(FOLDER, _of_debian()):
        return False
    remove()
    CACHE.mkdir(parents=True, exist_ok=True)
    command = ["mmdebstrap", "--quiet", "--mode=root", "--architectures=arm64", "--variant=extract"]
    # Debian's own way to a merged /usr is a Perl script of minutes under emulation.
    merged = "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr"
    wanted = ["--include=?essential", f"--include={','.join(PACKAGES)}"]
    kept = "--skip=check/qemu,cleanup/apt"
    run([*command, merged, kept, *wanted, SUITE, FOLDER, f"deb {mirror()} {SUITE} main"])
    archives = FOLDER / "var" / "cache" / "apt" / "archives"
    record(sorted(archives.glob("*.deb")), FOLDER / "var" / "lib" / "dpkg")
    shutil.rmtree(archives)
    (FOLDER / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (FOLDER / "etc" / "group").write_text("root:x:0:\n")
    _stamp(FOLDER, _of_debian())
    return True


def record(packages: Sequence[Path], database: Path) -> None:
    """Tell dpkg's database that packages which were unpacked are installed.

    Their own scripts do not run: emulated they take longer than all the rest, and set up what is not used here.
    """
    for package in packages:
        said = output(["dpkg-deb", "--field", package])
        fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", said, re.MULTILINE))
        name = fields["Package"]
        if fields.get("Multi-Arch") == "same":
            name += ":" + fields["Architecture"]
        with (database / "status").open("a", encoding="utf-8") as status:
            status.write(f"\n{said.strip()}\nStatus: install ok installed\n")
        with tempfile.TemporaryDirectory() as folder:
            run(["dpkg-deb", "--control", package, folder])
            for told in ("shlibs", "symbols"):
                if (Path(folder) / told).is_file():
                    shutil.copy(Path(folder) / told, database / "info" / f"{name}.{told}")
        (database / "info" / f"{name}.list").write_text("/.\n")


def remove() -> None:
    """Delete the root; never what a program that died left mounted in it."""
    for stamp in CACHE.glob("*.made_of"):
        stamp.unlink()
    if FOLDER.exists():
        run(["rm", "-rf", "--one-file-system", FOLDER])


def install(wheel: Path) -> None:
    """The project's wheel, and what it needs for aarch64 by our pins: uv resolves for another machine, pip does not."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    where = ["--python-version=3.11", "--python-platform=aarch64-manylinux_2_36", "--target", SITE]
    command = [uv, "pip", "install", "--quiet", "--no-config", "--only-binary=:all:", *where]
    if not SITE.is_dir() or not _made(SITE, _of_packages()):
        shutil.rmtree(SITE, ignore_errors=True)
        run([*command, "--constraint", ROOT / "constraints.txt", f"{wheel}[{EXTRAS}]"])
        _stamp(SITE, _of_packages())
    run([*command, "--no-deps", "--reinstall", wheel])


def output(command: Sequence[str | Path], **more: Any) -> str:
    """What a program of this machine says; the job ends where it fails."""
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    done = subprocess.run(command, cwd=ROOT, check=False, **{**both, **more})
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}\nstatus {done.returncode}")
    return done.stdout


def run(command: Sequence[str | Path], **more: Any) -> None:
    """The same, for what it does."""
    output(command, **more)


def inside(command: Sequence[str | Path], environment: Mapping[str, str] = {}) -> subprocess.CompletedProcess[str]:
    """Run a program of the root, emulated."""
    return subprocess.run(
        [INSIDE, FOLDER, *command],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
