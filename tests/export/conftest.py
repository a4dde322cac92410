"""Small networks with the interfaces of the real ones, so that the graph around them can be tested in seconds."""

import functools
import importlib.util
import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from places import SHARED

torch = pytest.importorskip("torch", reason="the export room needs torch")
from stand_ins import small_networks as small  # noqa: E402

from dgiqa_edge.export.stages.lock import exclusive  # noqa: E402

REFERENCE = SHARED / "reference"
RUNGS = ("int8", "fp16", "fp32")


@pytest.fixture(scope="session")
def tiny_networks():
    return small.create()


@pytest.fixture
def small_networks(monkeypatch, tiny_networks, tmp_path):
    """The real build, only with networks that trace in seconds."""
    small.put_in(monkeypatch, tiny_networks, tmp_path / "cache")


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """``made_once(name, make)``: the folder that ``make(folder)`` fills for whichever worker of the run comes first."""
    run = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        run = run.parent

    def folder_of(name, make):
        folder = run / name
        with exclusive(run / f"{name}.lock", print, name):
            if not folder.exists():
                try:
                    make(folder)
                except BaseException:
                    shutil.rmtree(folder, ignore_errors=True)
                    raise
        return folder

    return folder_of


@pytest.fixture(scope="session")
def built_once(made_once, tiny_networks):
    """The same where ``make`` builds the tiny networks."""

    def folder_of(name, make):
        def build(folder):
            with pytest.MonkeyPatch.context() as patch:
                small.put_in(patch, tiny_networks, folder / "cache")
                make(folder)

        return made_once(name, build)

    return folder_of


@pytest.fixture(scope="session")
def exported_work(built_once):
    """Stages of a finished FP32 build of the tiny networks, for tests to resume from (they copy it)."""
    return built_once("exported", lambda folder: small.run_build(small.options(folder, precision="fp32"))) / "work"


@pytest.fixture(scope="session")
def finished_stages(built_once):
    """The stages before the engine, made once: export, parity, calibration, and the graph of every precision."""

    def make(folder):
        small.run_build(small.for_tensorrt(folder, engine=False, rungs=RUNGS))

    return built_once("stages", make) / "work"


@pytest.fixture(scope="session")
def fault_options(tmp_path_factory):
    """``fault_options(folder, **changes)``: a build of the network that reads faults, seeded, for a small frame.

    ``carried``: of all precisions for a device instead.
    """
    from safetensors.torch import save_file

    from dgiqa_edge.export import networks
    from dgiqa_edge.export.weights.seeding import seed_weights

    network = networks.create("nano2")
    seed_weights(network, "test")
    weights = tmp_path_factory.mktemp("weights") / "nano2.safetensors"
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, str(weights))
    own = dict.fromkeys(("preset", "depth_network", "quality_network"), "nano2")
    sizes = {"frame": (160, 192), "depth_side": 0, "short_side": 0, "crops": 1}

    def make(folder, *, carried=False, **changes):
        start = functools.partial(small.for_tensorrt, engine=False, rungs=RUNGS) if carried else small.options
        return start(folder, **{**own, **sizes, "quality_weights": weights, **changes})

    return make


@pytest.fixture(scope="session")
def carried_faults(made_once, fault_options):
    """The ``bundle`` of all precisions for a device of the network that reads faults, and the ``work`` of its build."""
    return made_once("faults", lambda folder: small.run_build(fault_options(folder, carried=True)))


@pytest.fixture
def engine_options(tmp_path, finished_stages):
    shutil.copytree(finished_stages, tmp_path / "work")
    return lambda **changes: small.for_tensorrt(tmp_path, **changes)


@pytest.fixture
def options(tmp_path):
    return functools.partial(small.options, tmp_path)


@pytest.fixture
def build():
    return small.run_build


@pytest.fixture(scope="session")
def photos() -> list[np.ndarray]:
    """Four of the photos that ship, uint8 [H, W, 3] BGR."""
    import cv2

    from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS

    return [cv2.imread(str(path)) for path in sorted(SHIPPED_PHOTOS.glob("*.jpg"))[:4]]


def toy_quality():
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 1))


def toy_depth():
    return torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.LayerNorm(5))


@pytest.fixture
def toy_networks(monkeypatch):
    """The registry with three small networks; the two depth versions have equal keys, as the real ones."""
    from dgiqa_edge.export import networks

    registry = {
        "dgiqa": networks.Network("dgiqa", "quality", "", toy_quality),
        "depth_anything_v1_vits": networks.Network("depth_anything_v1_vits", "depth", "", toy_depth),
        "depth_anything_v2_vits": networks.Network("depth_anything_v2_vits", "depth", "", toy_depth),
    }
    networks.signature.cache_clear()
    monkeypatch.setattr(networks, "REGISTRY", registry)
    yield
    networks.signature.cache_clear()


@pytest.fixture
def quality_state(toy_networks):
    """A state dict of the small quality network, filled."""
    from dgiqa_edge.export import networks
    from dgiqa_edge.export.weights.seeding import seed_weights

    module = networks.create("dgiqa")
    seed_weights(module, "test")
    return module.state_dict()


@pytest.fixture
def quality_file(quality_state, tmp_path):
    path = tmp_path / "quality.pth"
    torch.save(quality_state, path)
    return path


@pytest.fixture(scope="session")
def reference() -> Path:
    if not (REFERENCE / "keys.json").is_file():
        pytest.skip("../shared/reference with the golden vectors is not here")
    return REFERENCE


@pytest.fixture(scope="session")
def meta(reference):
    return json.loads((reference / "meta.json").read_text())


@pytest.fixture(scope="session")
def rule_state(reference, meta):
    """Callable: the state dict that the golden rule gives for {key: shape}."""
    spec = importlib.util.spec_from_file_location("weight_rule", reference / "weight_rule.py")
    rule = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rule)

    def fill(shapes):
        return {
            key: torch.from_numpy(np.asarray(rule.rule_array(key, shape, meta["salt"])))
            for key, shape in shapes.items()
        }

    return fill


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system is not permitted here")
    yield folder
    subprocess.run(["umount", folder], check=True)
