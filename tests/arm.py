"""The project on 64-bit ARM, emulated: ``make arm-test``.

In an arm64 root (``arm_root.py``): bundles built here score there as they do here, by Python and by C++; the runtime's
tests and the native library's pass there; the ``.deb`` that is cross-built here installs there and works. What cannot
be had here (root's rights, emulation, Debian's mirror) is named, and is no failure.
"""

import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import arm_root
import numpy as np
from places import ROOT

BUNDLES = ROOT / "build" / "arm-bundles"
CROSS = ROOT / "build" / "native-aarch64"
WHEELS = ROOT / "build" / "arm-wheel"
WORK = ROOT / "build" / "arm-work"
PHOTOS = sorted((ROOT / "calibration" / "photos").glob("*.jpg"))[:8]
TAIL = 60
JOBS = str(os.cpu_count() or 1)

TESTS = (
    "tests/runtime/bundle",
    "tests/runtime/engines",
    "tests/runtime/frames",
    "tests/runtime/gate/test_cue_vectors.py",
    "tests/runtime/gate/test_gate_vectors.py",
    "tests/runtime/gate/test_policy_vectors.py",
    "tests/runtime/machine",
    "tests/runtime/scoring",
)
"""Where the processor has a say: ONNX Runtime, OpenCV, NumPy, and the library that was built for it."""
LEFT_OUT = {
    "tests/runtime/api": "threads and clocks; its parts are tested where they lie",
    "tests/runtime/commands": "a process a case, each with seconds of imports under emulation",
    "tests/runtime/engines/cuda": "stand-ins that a compiler makes, and there is none",
    "tests/runtime/engines/tensorrt": "stand-ins that a compiler makes, and there is none",
    "tests/runtime/gate": "what the vectors do not hold is Python's own arithmetic, on minutes of degraded photos",
    "tests/runtime/ground": "text and files; and a process a case",
    "tests/runtime/machine/test_memory.py": "reads the kernel's /proc, which is not there",
    "tests/runtime/native": "reads source files, and configures the build",
    "tests/runtime/ros2": "messages and threads; its real node wants a ROS 2 of that machine",
    "tests/runtime/settings": "text",
    "tests/runtime/test_first_hour.py": "text, and a process a case",
    "tests/runtime/test_backoff.py": "Python's own arithmetic",
    "tests/runtime/test_errors.py": "text",
    "tests/runtime/test_examples.py": "a process a case, and what the others hold",
    "tests/runtime/test_hashing.py": "the standard library's",
    "tests/runtime/test_lazy_import.py": "the standard library's",
    "tests/runtime/test_quality.py": "Python's own arithmetic",
    "tests/runtime/test_results_table.py": "text",
    "tests/runtime/test_usage_data.py": "a process a case",
    "tests/runtime/tuning": "Python's own arithmetic",
    "tests/runtime/update": "files, sockets and clocks",
    "tests/runtime/watch": "threads, sockets and clocks, which emulation slows beyond their limits",
}
NATIVE_LEFT_OUT = {
    "test_tool": "a process a case: minutes under emulation; the installed tool is run by this job itself",
    "test_gstreamer_leaks": "test_gstreamer once more, for what no processor changes",
}
LIBRARY = "/usr/lib/aarch64-linux-gnu/libdgiqa_edge.so"
"""Of the installed package: Python's tests of the native library take it."""


@dataclass(frozen=True)
class Limits:
    """How far ARM may be from x86: kernels of ONNX Runtime round INT8 in their own ways."""

    score: float
    depth_mean: float
    depth_max: float


PRECISIONS = ("int8", "fp32")
LIMITS = {
    ("fp32", "C++"): Limits(1e-6, 0.01, 1),
    # Python fits frames by OpenCV, whose aarch64 kernels give some pixels of a shrunk photo another level: up to 2e-5.
    ("fp32", "Python"): Limits(1e-4, 0.01, 1),
    ("int8", "C++"): Limits(5e-3, 2, 16),
    ("int8", "Python"): Limits(5e-3, 2, 16),
}
"""By a bundle's precision and by who scores it; depth in levels of 255."""


@dataclass(frozen=True)
class Found:
    """What one way of scoring gave: scores, and depth maps where it has them."""

    scores: np.ndarray
    depth: np.ndarray | None = None


def row(precision: str, way: str, here: Found, there: Found) -> tuple[str, list[str]]:
    """A row of the table, and what in it is over its limit."""
    limits = LIMITS[precision, way]
    distances = {"score": (float(np.abs(there.scores - here.scores).max()), limits.score)}
    if there.depth is not None and here.depth is not None:
        apart = np.abs(there.depth.astype(int) - here.depth)
        distances["mean depth"] = float(apart.mean()), limits.depth_mean
        distances["largest depth"] = float(apart.max()), limits.depth_max
    cells = [f"{distance:.2g} ({limit:g})" for distance, limit in distances.values()] + ["-"] * (3 - len(distances))
    # Written so that NaN, which is over no limit, is not within one either.
    over = [f"{precision}, {way}: {name} differs by {distance:.3g}, the limit is {limit:g}"
            for name, (distance, limit) in distances.items() if not distance <= limit]  # fmt: skip
    return f"| {precision} | {way} | {' | '.join(cells)} |", over


def bundles() -> dict[str, Path]:
    """Built here, by the line's own command; finished stages of an earlier run are taken up."""
    made = {}
    for precision in PRECISIONS:
        made[precision] = BUNDLES / precision
        what = [f"--{precision}", "--backend", "onnxruntime", "--frame", "640x480", "--out", made[precision]]
        arm_root.run([sys.executable, "export/build_engine.py", *what])
    return made


def wheel() -> Path:
    """The project's, built here."""
    arm_root.run(["rm", "-rf", WHEELS])
    arm_root.run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", WHEELS, "."])
    return next(WHEELS.glob("*.whl"))


def by_python(bundle: Path, *, emulated: bool) -> Found:
    """By ``tests/arm_scores.py``, which replays the golden frame first."""
    out = WORK / f"{bundle.name}-{'arm' if emulated else 'x86'}.npz"
    command = ["tests/arm_scores.py", out, bundle, *PHOTOS]
    if emulated:
        there(["python3", *command])
    else:
        arm_root.run([sys.executable, *command])
    with np.load(out) as arrays:
        return Found(arrays["scores"], arrays["depth"])


def by_native(bundle: Path) -> Found:
    """By the command line of the installed ``.deb``."""
    said = there(["dgiqa-edge-native", "score", "--bundle", bundle, "--json", *PHOTOS])
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    return Found(np.array([line["score"] for line in lines]))


def there(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> str:
    """What a program of the root says; the job ends where it fails."""
    done = arm_root.inside(command, environment or {})
    if done.returncode:
        shown = "\n".join((done.stdout + done.stderr).splitlines()[-TAIL:])
        raise SystemExit(f"in the arm64 root: {' '.join(map(str, command))}\n{shown}\nstatus {done.returncode}")
    return done.stdout


def runtime_tests() -> str:
    """The runtime's tests, by the wheel that is installed there."""
    within = [f"--ignore={path}" for path in LEFT_OUT if path.rpartition("/")[0] in TESTS]
    command = ["python3", "-m", "pytest", "-q", "-m", "not slow", *TESTS, *within]
    said = there(command, {"DGIQA_EDGE_LIBRARY": LIBRARY})
    return said.splitlines()[-1].strip("= ")


def cross_build() -> str:
    """The native library, its tools, element and tests, by the preset ``aarch64``."""
    emulator = f"-DCMAKE_CROSSCOMPILING_EMULATOR={arm_root.INSIDE};{arm_root.FOLDER}"
    arm_root.run(["sh", "runtime/native/cmake/onnxruntime_headers.sh", "build/onnxruntime"])
    arm_root.run(["cmake", "--fresh", "--preset", "aarch64", f"-DCMAKE_SYSROOT={arm_root.FOLDER}", emulator])
    arm_root.run(["cmake", "--build", "--preset", "aarch64", "--parallel", JOBS])
    return "built"


def native_tests() -> str:
    """By CTest, which hands each program to the root."""
    left_out = f"^({'|'.join(NATIVE_LEFT_OUT)})$"
    how = ["--output-on-failure", "--parallel", JOBS, "--exclude-regex", left_out]
    said = arm_root.output(["ctest", "--test-dir", CROSS, *how])
    return next(line for line in said.splitlines() if "tests passed" in line)


def package() -> str:
    """The ``.deb``: made here, installed there by dpkg, which holds it to the packages that it depends on."""
    folder = CROSS / "packages"
    arm_root.run(["rm", "-rf", folder])
    arm_root.run(["cpack", "--config", CROSS / "CPackConfig.cmake", "-G", "DEB", "-B", folder])
    deb = next(folder.glob("*.deb"))
    fields = arm_root.output(["dpkg-deb", "--field", deb, "Architecture", "Depends"])
    if "Architecture: arm64\n" not in fields or "libc6 (>=" not in fields:
        raise SystemExit(f"{deb} is no package for arm64 with its dependencies:\n{fields}")
    there(["dpkg", "--install", deb])
    return f"{deb.name}, {deb.stat().st_size / 2**20:.1f} MiB; {fields.replace(chr(10), '; ').strip('; ')}"


def element(bundle: Path) -> str:
    """NV12 frames through the installed element; each one's verdict is a message on the bus."""
    frames = 5
    source = f"videotestsrc num-buffers={frames} ! video/x-raw,format=NV12,width=640,height=480"
    gate = f"dgiqagate bundle={bundle} mode=pass"
    said = there(["gst-launch-1.0", "--messages", *f"{source} ! {gate} ! fakesink".split()])
    verdicts = [line for line in said.splitlines() if " dgiqa-verdict, " in line and "score=" in line]
    if len(verdicts) < frames:
        raise SystemExit(f"dgiqagate gave {len(verdicts)} verdicts for {frames} frames:\n{said}")
    scores = re.findall(r"\bscore=\(double\)([0-9.]+)", "\n".join(verdicts))
    return f"{frames} NV12 frames, scored {', '.join(f'{float(score):.4f}' for score in scores)}"


def main() -> int:
    """Run them all; 1 where scores are too far apart."""
    reason = arm_root.lacking()
    if reason:
        print(f"make arm-test is skipped: {reason}")
        return 0
    began = time.monotonic()

    def timed(name: str, step: Callable[..., object], *arguments: object) -> object:
        started = time.monotonic()
        result = step(*arguments)
        minutes = (time.monotonic() - started) / 60
        print(f"{minutes:5.1f} min  {name}{f': {result}' if isinstance(result, str) else ''}", flush=True)
        return result

    WORK.mkdir(parents=True, exist_ok=True)
    timed("the arm64 root", lambda: "made" if arm_root.make() else "kept")
    timed("the wheel in it", lambda: arm_root.install(wheel()))
    timed("cross build", cross_build)
    built = timed("bundles", bundles)
    timed("the package", package)
    rows, over = [], []

    def compare() -> None:
        for precision, bundle in built.items():
            here = by_python(bundle, emulated=False)
            for way, found in (("Python", by_python(bundle, emulated=True)), ("C++", by_native(bundle))):
                line, wrong = row(precision, way, here, found)
                rows.append(line)
                over.extend(wrong)

    timed(f"scores of {len(PHOTOS)} photos", compare)
    print("| bundle | ARM, by | score apart from x86 (limit) | depth, mean levels | depth, largest |")
    print("|---|---|---|---|---|")
    print(*rows, *over, sep="\n", flush=True)
    timed("the element dgiqagate", element, built["int8"])
    timed("tests of the native library", native_tests)
    timed("tests of the runtime", runtime_tests)
    print(f"{(time.monotonic() - began) / 60:5.1f} min  in all")
    return int(bool(over))


if __name__ == "__main__":
    sys.exit(main())
