"""The node: it subscribes to a camera's images, judges the newest one, sends on those that pass, and tells diagnostics.

=================== =============================================================================================
topic
=================== =============================================================================================
``image``           subscribed: ``sensor_msgs/Image``; with the parameter ``compressed``, ``image/compressed``
``image_passed``    published: each message that passes, as it came; likewise
``/diagnostics``    published: ``diagnostic_msgs/DiagnosticArray``, each second, and where state or reason change
=================== =============================================================================================

Quality of service is REP 2003's: a subscriber of sensor data takes what it can get, the newest five; what is sent on is
sent with the system's default, as a camera's driver does, so that every subscriber can have it.

Scoring has a thread of its own, and takes the newest image; ``newest.py`` counts all of them. Time is the machine's
monotonic clock at arrival: stamps go back where a recording starts again.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError, DgiqaEdgeError, MachineError, SourceError
from ..gate.policy import GatePolicy
from ..gate.policy_file import load_policy
from ..gate.profiles.profiled_gate import ProfiledGate
from ..gate.verdict import State, Verdict
from ..scoring.scorer import Scorer
from ..watch.frame_judge import FrameJudge
from .diagnostics import level, values
from .newest import Counts, Newest
from .pictures import compressed_picture, picture

NAME = "dgiqa_edge"
_PERIOD_S = 1.0
_LOOK_S = 0.1


class CameraGate:
    """What a node of ``rclpy`` does for one camera, from construction to ``close``.

    Parameters of the node: ``bundle`` (folder, needed), ``policy`` (file), ``camera`` (name, "camera"), ``compressed``
    (false), ``threads`` (0: the backend's choice), ``timeout_s`` (5: seconds without an image that are no signal).

    Raises:
        ConfigurationError: a parameter is missing or makes no sense.
        DgiqaEdgeError: as ``Scorer`` and ``load_policy``.
    """

    def __init__(self, node: Any) -> None:
        from diagnostic_msgs.msg import DiagnosticArray
        from rclpy.qos import qos_profile_sensor_data, qos_profile_system_default
        from sensor_msgs.msg import CompressedImage, Image

        bundle = _parameter(node, "bundle", "")
        policy = _parameter(node, "policy", "")
        self._camera = _parameter(node, "camera", "camera")
        compressed = _parameter(node, "compressed", False)
        threads = _parameter(node, "threads", 0)
        self._timeout_s = _parameter(node, "timeout_s", 5.0)
        if not bundle:
            raise ConfigurationError("the parameter bundle is missing: give --ros-args -p bundle:=DIR")
        if threads < 0 or self._timeout_s <= 0:
            raise ConfigurationError("threads counts from 0, timeout_s is more than 0: give others")
        gate = ProfiledGate(load_policy(Path(policy)) if policy else GatePolicy())
        self._node = node
        self._scorer = Scorer(bundle, threads=threads or None)
        self._judge = FrameJudge(gate)
        self._picture = compressed_picture if compressed else picture
        self._newest = Newest()
        self._verdict: Verdict | None = None
        self._problem = ""
        self.fatal: Exception | None = None  # after it nothing is judged any more
        suffix, kind = ("/compressed", CompressedImage) if compressed else ("", Image)
        self._images = node.create_publisher(kind, f"image_passed{suffix}", qos_profile_system_default)
        self._diagnostics = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._thread = threading.Thread(target=self._work, name="score", daemon=True)
        self._thread.start()
        node.create_subscription(kind, f"image{suffix}", self._newest.put, qos_profile_sensor_data)
        node.create_timer(_PERIOD_S, self._tell)

    def counts(self) -> Counts:
        """Messages so far."""
        return self._newest.counts()

    def close(self) -> None:
        """End scoring; what waits counts as skipped."""
        self._newest.close()
        self._thread.join()
        self._scorer.close()

    def _work(self) -> None:
        last = time.monotonic()
        try:
            while not self._newest.closed:
                message = self._newest.take(_LOOK_S)
                now = time.monotonic()
                if message is not None:
                    last = now
                    self._settle(message, now)
                elif now - last > self._timeout_s:
                    last = now
                    self._take_in(None, now)
        except Exception as error:
            self.fatal = error

    def _settle(self, message: Any, now: float) -> None:
        passed = False
        try:
            passed = self._take_in(message, now).state is State.PASS
            if passed:
                self._images.publish(message)
        finally:
            self._newest.settle(passed)

    def _take_in(self, message: Any, now: float) -> Verdict:
        """Judge a message; one that is no picture is a camera without signal, and so is none."""
        image, self._problem = None, ""
        if message is not None:
            try:
                image = self._picture(message)
            except SourceError as error:
                self._problem = str(error)
        self._verdict, _ = self._judge.judge(image, self._scorer, now)
        if self._verdict.announced or self._verdict.changed:
            self._tell()
        return self._verdict

    def _tell(self) -> None:
        from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

        verdict = self._verdict or Verdict(State.UNKNOWN, "starting")
        status = DiagnosticStatus(
            level=bytes([level(verdict)]),
            name=f"{self._node.get_name()}: {self._camera}",
            message=f"{verdict.reason}: {self._problem}" if self._problem else verdict.reason,
            hardware_id=self._camera,
            values=[KeyValue(key=key, value=value) for key, value in values(verdict, self.counts()).items()],
        )
        array = DiagnosticArray(status=[status])
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._diagnostics.publish(array)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C, or an error after which nothing can be judged; returns the exit code."""
    try:
        import rclpy
        from rclpy.executors import ExternalShutdownException
    except ImportError as error:
        print(f"error: {error}: source ROS 2's setup.bash; it wants its own Python", file=sys.stderr)
        return MachineError.exit_code
    rclpy.init(args=None if arguments is None else list(arguments))
    node = rclpy.create_node(NAME)
    gate = None
    try:
        gate = CameraGate(node)
        node.get_logger().info("judging images")
        while gate.fatal is None:
            rclpy.spin_once(node, timeout_sec=_LOOK_S)
        raise gate.fatal
    except DgiqaEdgeError as error:
        node.get_logger().fatal(str(error))
        return error.exit_code
    except (KeyboardInterrupt, ExternalShutdownException):
        return 0
    finally:
        if gate is not None:
            gate.close()
            with contextlib.suppress(Exception):  # Ctrl-C may have taken the context already
                node.get_logger().info(", ".join(f"{key} {value}" for key, value in vars(gate.counts()).items()))
        node.destroy_node()
        rclpy.try_shutdown()


def _parameter(node: Any, name: str, default: Any) -> Any:
    """As it was given, where its kind is the default's; a whole number is a number too, which rclpy itself refuses."""
    from rcl_interfaces.msg import ParameterDescriptor

    value = node.declare_parameter(name, default, ParameterDescriptor(dynamic_typing=True)).value
    if isinstance(default, float) and type(value) is int:
        value = float(value)
    if type(value) is not type(default):
        raise ConfigurationError(f"the parameter {name} is {value!r}: give one such as {default!r}")
    return value
