"""The outage benchmark itself, small: a good camera beside dead ones is live, dies and comes back."""

from pathlib import Path

import pytest

from dgiqa_edge.benchmarks.cameras.camera_outage import cost, outage
from dgiqa_edge.benchmarks.cameras.rtsp_process import PACKAGES, server_interpreter


@pytest.fixture(autouse=True)
def server() -> None:
    if server_interpreter() is None:
        pytest.skip(f"needs an RTSP server: apt-get install {PACKAGES}")


@pytest.mark.slow
def test_a_good_camera_beside_dead_ones(bundle_dir: Path) -> None:
    found = outage(bundle_dir, good=1, dead=4, down_s=3.0)
    assert found["live_s"]["camera0"] is not None
    assert found["back_s"]["camera0"] is not None
    assert found["stop_s"] < 15


@pytest.mark.slow
def test_what_two_cameras_cost() -> None:
    found = cost(2, 2.0)
    assert found["processes"] == 3
    assert found["cpu_percent"] > 0
    assert found["frames_per_s"] > 1
    assert 20 < found["pss_mib"] < 1000
