"""The node in a real ROS 2: a camera publishes, others listen, over the middleware. ``make ros2-test`` has one."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import pytest
from stand_ins import environment

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.ros2 import node as ros2

rclpy = pytest.importorskip("rclpy", reason="no ROS 2: make ros2-test")

DOMAIN = {"ROS_DOMAIN_ID": str(os.getpid() % 100), "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
GIVEN_OR_TAKEN = ("received", "passed", "held", "skipped")


@pytest.fixture(scope="module")
def ros() -> Iterator[None]:
    os.environ.update(DOMAIN)
    rclpy.init()
    yield
    rclpy.try_shutdown()


@pytest.fixture
def site(ros: None, make_photo: Any) -> Iterator[SimpleNamespace]:
    """A camera that publishes ``image`` 20 times a second, bright or dark, and what others hear."""
    from diagnostic_msgs.msg import DiagnosticArray
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.qos import qos_profile_sensor_data
    from sensor_msgs.msg import CompressedImage, Image

    node = rclpy.create_node("site")
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    here = SimpleNamespace(node=node, executor=executor, passed=[], statuses=[], sent=0, shows="bright", kind="raw")
    photo = make_photo(seed=5, height=96, width=128)
    pictures = {"bright": photo, "dark": photo // 12}
    raw = node.create_publisher(Image, "image", qos_profile_sensor_data)
    packed = node.create_publisher(CompressedImage, "image/compressed", qos_profile_sensor_data)
    node.create_subscription(Image, "image_passed", here.passed.append, 10)  # reliable: it is sent so
    node.create_subscription(CompressedImage, "image_passed/compressed", here.passed.append, qos_profile_sensor_data)
    node.create_subscription(DiagnosticArray, "/diagnostics", lambda it: here.statuses.extend(it.status), 10)

    def publish() -> None:
        if here.shows == "nothing":
            return
        pixels = pictures[here.shows]
        if here.kind == "raw":
            message = Image(height=96, width=128, encoding="bgr8", step=384, data=pixels.tobytes())
        else:
            message = CompressedImage(format="png", data=cv2.imencode(".png", pixels)[1].tobytes())
        message.header.frame_id = f"{here.shows} {here.sent}"
        here.sent += 1
        (raw if here.kind == "raw" else packed).publish(message)

    node.create_timer(0.05, publish)
    thread = threading.Thread(target=executor.spin, daemon=True)
    thread.start()
    yield here
    executor.shutdown()
    thread.join(10)
    node.destroy_node()


@pytest.fixture
def gate(site: SimpleNamespace) -> Iterator[Callable[..., Any]]:
    """Make a node with a camera's gate in the site's executor."""
    made: list[tuple[Any, Any]] = []

    def make(**parameters: object) -> Any:
        overrides = [rclpy.parameter.Parameter(name, value=value) for name, value in parameters.items()]
        node = rclpy.create_node("dgiqa_edge", parameter_overrides=overrides)
        made.append((node, None))
        made[-1] = (node, ros2.CameraGate(node))
        site.executor.add_node(node)
        return made[-1][1]

    yield make
    for node, running in made:
        site.executor.remove_node(node)
        if running is not None:
            running.close()
        node.destroy_node()


def facts(status: Any) -> dict[str, str]:
    return {it.key: it.value for it in status.values}


@pytest.mark.parametrize("kind", ["raw", "compressed"])
def test_what_passes_is_sent_on_and_the_rest_is_held(
    site: SimpleNamespace, gate: Callable[..., Any], bundle_dir: Path, wait_for: Callable[..., Any], kind: str
) -> None:
    site.kind = kind
    running = gate(bundle=str(bundle_dir), compressed=kind == "compressed", camera="front", timeout_s=1)
    wait_for(lambda: len(site.passed) > 5, 40)
    site.shows = "dark"
    wait_for(lambda: site.statuses and site.statuses[-1].message == "too dark", 20)
    assert site.statuses[-1].level == b"\x02"
    assert site.statuses[-1].name == "dgiqa_edge: front"
    assert facts(site.statuses[-1])["fault.too_dark"] == "true"
    site.shows = "nothing"
    wait_for(lambda: site.statuses[-1].message == "no signal", 20)
    assert site.statuses[-1].level == b"\x03"
    running.close()
    counts = running.counts()
    assert counts.received == counts.passed + counts.held + counts.skipped
    assert counts.passed > 5
    assert counts.held > 5
    assert counts.received <= site.sent
    wait_for(lambda: len(site.passed) == counts.passed)
    assert all(message.header.frame_id.startswith(("bright", "dark")) for message in site.passed)
    # a dark one may pass until the gate has smoothed it; every one that came before was bright
    kinds = [message.header.frame_id.split()[0] for message in site.passed]
    assert kinds == sorted(kinds)


def test_what_is_no_picture_is_told(
    site: SimpleNamespace, gate: Callable[..., Any], bundle_dir: Path, wait_for: Callable[..., Any]
) -> None:
    from sensor_msgs.msg import Image

    site.shows = "nothing"
    gate(bundle=str(bundle_dir), timeout_s=60.0)
    publisher = site.node.create_publisher(Image, "image", 10)

    def said() -> bool:
        publisher.publish(Image(height=4, width=4, encoding="32FC1", step=16, data=bytes(64)))
        return any("encoding '32FC1' are not read" in status.message for status in site.statuses)

    wait_for(said)
    assert not site.passed


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({}, "the parameter bundle is missing"),
        ({"bundle": "b", "timeout_s": "long"}, "timeout_s is 'long': give one such as 5.0"),
        ({"bundle": "b", "threads": -1}, "threads counts from 0"),
        ({"bundle": 7}, "bundle is 7"),
    ],
)
def test_a_wrong_parameter_is_named(gate: Callable[..., Any], parameters: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        gate(**parameters)


def command(*parameters: str) -> list[str]:
    arguments = [word for parameter in parameters for word in ("-p", parameter)]
    return [sys.executable, "-m", "dgiqa_edge.runtime.ros2", "--ros-args", *arguments]


def test_the_program_runs_until_it_is_stopped(
    site: SimpleNamespace, bundle_dir: Path, wait_for: Callable[..., Any]
) -> None:
    program = subprocess.Popen(
        command(f"bundle:={bundle_dir}", "timeout_s:=5"), stderr=subprocess.PIPE, text=True, env=environment(**DOMAIN)
    )
    wait_for(lambda: len(site.passed) > 3 or program.poll() is not None, 60)
    program.terminate()
    _, said = program.communicate(timeout=30)
    assert program.returncode == 0, said
    assert len(site.passed) > 3
    time.sleep(0.1)


def test_the_program_says_what_is_wrong(tmp_path: Path, ros: None) -> None:
    done = subprocess.run(
        command(f"bundle:={tmp_path}"), capture_output=True, text=True, env=environment(**DOMAIN), timeout=60
    )
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert str(tmp_path) in done.stderr
