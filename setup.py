"""Packaging: ``__init__.py`` beside this file is ``dgiqa_edge``, the fixed top-level folders are its subpackages."""

import re
import sys
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
ROOMS = ("export", "calibration", "runtime", "benchmarks", "training")
OWN_FILES = ("__init__.py", "py.typed")
LINKS = ".editable"


def version() -> str:
    text = (HERE / "runtime" / "version.py").read_text(encoding="utf-8")
    return re.search(r'VERSION = "([^"]+)"', text).group(1)


def package_dir() -> dict[str, str]:
    """Where packages lie; for an editable install a folder of links that spells the import names out.

    Setuptools would otherwise install an import hook, which type checkers and editors cannot follow.
    """
    rooms = {"dgiqa_edge": "."} | {f"dgiqa_edge.{room}": room for room in ROOMS}
    if "editable_wheel" not in sys.argv:
        return rooms
    links = HERE / LINKS / "dgiqa_edge"
    links.mkdir(parents=True, exist_ok=True)
    try:
        for name in (*OWN_FILES, *ROOMS):
            (links / name).unlink(missing_ok=True)
            (links / name).symlink_to(Path("..", "..", name), target_is_directory=name in ROOMS)
    except OSError:  # Windows without the right to make links: imports work, type checkers see nothing
        return rooms
    return {"": LINKS}


def packages() -> list[str]:
    """Every room and its subpackages, under the name ``dgiqa_edge.<room>``."""
    names = ["dgiqa_edge"]
    for room in ROOMS:
        names.append(f"dgiqa_edge.{room}")
        names += [f"dgiqa_edge.{room}.{sub}" for sub in find_packages(str(HERE / room))]
    return names


PACKAGE_DIR = package_dir()
# In every extra for a desktop, and no hard dependency: a Jetson's system has an OpenCV with GStreamer, which the wheel
# would hide.
OPENCV = ["opencv-python-headless>=4.8"]
ONNXRUNTIME = ["onnxruntime>=1.17"]
CPU = [*ONNXRUNTIME, *OPENCV]
# Without PyTorch, so that it can be had where an engine runs.
DEBUG = [*CPU, "onnx>=1.16", "polygraphy>=0.49"]
EXPORT = [
    *DEBUG,
    "torch>=2.4",
    "onnxsim>=0.4.36",
    "safetensors>=0.4",
    "huggingface_hub>=0.24",
    "scipy>=1.10",
]
TRAINING = EXPORT
# LoadGen has wheels for x86-64 only; elsewhere the project's own loop drives the queries.
LOADGEN = "mlcommons-loadgen>=5; sys_platform == 'linux' and platform_machine == 'x86_64'"
PLOTS = ["matplotlib>=3.7"]
PAGES = ["Jinja2>=3.1"]
REPORTS = [*PLOTS, *PAGES, "scipy>=1.10"]
BENCH = sorted({*CPU, *REPORTS, "nvidia-ml-py>=12", LOADGEN})
# cryptography: who signed a bundle that comes over the air.
SERVICES = [
    "cryptography>=42",
    "starlette>=0.37",
    "uvicorn>=0.29",
    "paho-mqtt>=2",
    "prometheus-client>=0.20",
    "PyYAML>=6",
]
WATCH = [*OPENCV, *SERVICES, *PLOTS, *PAGES]
TENSORRT = ["tensorrt>=8.5", "cuda-python>=12", *OPENCV]
# Beside JetPack, which has TensorRT and OpenCV: its OpenCV was built for NumPy 1, its driver takes CUDA 12.
JETSON = sorted({*ONNXRUNTIME, *REPORTS, *SERVICES, "cuda-python>=12,<13", "numpy<2"})
# Users install NVIDIA's wheels under NVIDIA's licence; nothing of them is ours to pass on.
TENSORRT_RTX = ["tensorrt_rtx_cu13_libs>=1.7,<1.8", "tensorrt_rtx_cu13_bindings>=1.7,<1.8"]
COMPLETION = ["shtab>=1.7"]
# The protocol of KServe and Triton; without tritonclient's own HTTP, whose event loop is for one thread.
TRITON = ["tritonclient[grpc]>=2.45", "urllib3>=2", *OPENCV]
OPENVINO = ["openvino>=2024.4", *OPENCV]
# `score-many`: results, on one machine.
BULK = [*CPU, "fsspec>=2023.6", "pyarrow>=14"]
# The same, of pictures in S3 and Google Cloud Storage; fsspec names the packages of other stores.
STORES = [*BULK, "gcsfs>=2023.6", "s3fs>=2023.6"]
# The same, on many machines.
RAY = [*STORES, "ray[data]>=2.40"]
# What the runtime's tests need, on any Python that it names; the rest of the tests needs `dev`.
TEST = ["hypothesis>=6", "jsonschema>=4", "onnx>=1.16", "psutil", "pytest-timeout", "pytest>=8"]
# Of `make ray-test`, in an environment of its own too: 800 MB; moto is an S3 server.
RAY_TEST = [*RAY, *TEST, "flask>=3", "flask-cors>=4", "moto[s3]>=5"]
# Of `make dist`, which runs it in an environment of its own: nobody else needs its thirty packages.
RELEASE = ["twine>=6.1"]
# The documentation site: `make docs`.
DOCS = ["mkdocs>=1.6,<2", "mkdocs-material>=9.5", "mkdocstrings-python>=1.10"]
# cuda-bindings imports without a GPU: what our code calls of it is compared with the real package.
DEV = [
    *TEST,
    *DOCS,
    "cuda-bindings",
    "cyclonedx-python-lib>=11",
    "mypy",
    "packaging>=24",
    "playwright>=1.40",
    "pytest-xdist>=3.5",
    "ruff",
    "setuptools>=77",
    "uv>=0.5",
]

setup(
    name="dgiqa-edge",
    version=version(),
    description="Depth-guided image quality assessment on the edge: export, INT8 engines, runtime",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    # With the licences of what others made and the wheel holds.
    license_files=["LICENSE", "calibration/PHOTOS.md", "runtime/watch/dashboard/static/uPlot.LICENSE.txt"],
    python_requires=">=3.10",
    # The oldest and the newest are tested (tests/pythons.py).
    classifiers=[f"Programming Language :: Python :: {version}" for version in PYTHONS],
    packages=packages(),
    package_dir=PACKAGE_DIR,
    script_name="setup.py",  # it lies beside the package's own files and is none of them; pip calls it otherwise
    package_data={
        "dgiqa_edge": ["py.typed"],
        "dgiqa_edge.runtime": [
            "schemas/*.json",
            "examples/*",
            "watch/dashboard/static/*",
            "py.typed",
        ],
        "dgiqa_edge.runtime.engines.tensorrt": ["*.toml"],
        "dgiqa_edge.runtime.machine": ["*.toml"],
        "dgiqa_edge.runtime.gate": ["defaults.json"],
        "dgiqa_edge.runtime.ground": ["limits.json"],
        "dgiqa_edge.runtime.ground.pages": ["templates/*"],
        "dgiqa_edge.runtime.tuning": ["templates/*"],
        "dgiqa_edge.calibration": ["photos/*.jpg", "py.typed"],
        "dgiqa_edge.benchmarks": ["schemas/*.json", "py.typed"],
        "dgiqa_edge.benchmarks.report": ["templates/*"],
        "dgiqa_edge.export": ["py.typed"],
        "dgiqa_edge.export.weights": ["*.safetensors"],
        "dgiqa_edge.training": ["configs/*.toml", "py.typed"],
        "dgiqa_edge.training.own": ["*.npy"],
    },
    install_requires=[
        "numpy>=1.24",
        "tomli>=2; python_version < '3.11'",
    ],
    extras_require={
        "cpu": CPU,
        "opencv": OPENCV,
        "jetson": JETSON,
        "export": EXPORT,
        "debug": DEBUG,
        "completion": COMPLETION,
        "bench": BENCH,
        "training": TRAINING,
        "watch": WATCH,
        "tensorrt": TENSORRT,
        "tensorrt-rtx": TENSORRT_RTX,
        "openvino": OPENVINO,
        "triton": TRITON,
        "bulk": BULK,
        "stores": STORES,
        "ray": RAY,
        # The customer's listed CUDA binding; it compiles against libcuda, so it is a choice, not a default.
        "pycuda": ["pycuda"],
        "test": TEST,
        "ray-test": RAY_TEST,
        "release": RELEASE,
        "docs": DOCS,
        "dev": sorted({*CPU, *BULK, *EXPORT, *TRAINING, *BENCH, *WATCH, *OPENVINO, *TRITON, *COMPLETION, *DEV}),
    },
    entry_points={
        "console_scripts": ["dgiqa-edge = dgiqa_edge.runtime.commands.cli:main"],
        # What `bench peers` times beside a bundle; a room offers one as it adds a command.
        "dgiqa_edge.peers": [
            "PyTorch eager FP32 = dgiqa_edge.export.build.torch_peer:eager",
            "PyTorch torch.compile FP32 = dgiqa_edge.export.build.torch_peer:compiled",
        ],
        # What `inspect` can tell beside the manifest; a room offers one as it adds a command.
        "dgiqa_edge.inspections": ["capability = dgiqa_edge.export.tensorrt.capability:inspect"],
        # A room adds a command by one line here: the runtime never imports a higher floor by name.
        "dgiqa_edge.commands": [
            "score = dgiqa_edge.runtime.commands.score",
            "score-many = dgiqa_edge.runtime.commands.score_many",
            "watch = dgiqa_edge.runtime.commands.watch",
            "gate = dgiqa_edge.runtime.commands.gate",
            "inspect = dgiqa_edge.runtime.commands.inspect",
            "bundle = dgiqa_edge.runtime.commands.bundle",
            "doctor = dgiqa_edge.runtime.commands.doctor",
            "export = dgiqa_edge.export.commands.export",
            "completion = dgiqa_edge.runtime.commands.completion",
            "weights = dgiqa_edge.export.commands.weights",
            "build = dgiqa_edge.export.commands.build",
            "debug = dgiqa_edge.export.commands.debug",
            "bench = dgiqa_edge.benchmarks.commands.bench",
            "demo = dgiqa_edge.benchmarks.commands.demo",
            "train = dgiqa_edge.training.own.command",
        ],
    },
)
