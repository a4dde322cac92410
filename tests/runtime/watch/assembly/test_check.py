"""``watch --check`` tells what is configured from what is reached, for every kind of camera and destination."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stand_ins.mqtt_broker import Broker, needs_broker

from dgiqa_edge.runtime.commands.watch.scorers import open_scorer
from dgiqa_edge.runtime.watch.assembly.check import Finding, check
from dgiqa_edge.runtime.watch.assembly.config import parse_watch_settings

needs_gstreamer = pytest.mark.skipif(shutil.which("gst-inspect-1.0") is None, reason="no GStreamer")
SCENE = {"name": "front", "source": "test://?size=64x48"}


@pytest.fixture
def findings(tmp_path: Path, bundle_dir: Path) -> Callable[..., dict[str, Finding]]:
    def look(cameras: list[dict[str, Any]] | None = None, *sinks: dict[str, Any], **more: Any) -> dict[str, Finding]:
        content = {"bundle": str(bundle_dir), "cameras": cameras or [SCENE], "sinks": list(sinks), **more}
        found = check(parse_watch_settings(content, tmp_path / "watch.toml", {}), open_scorer)
        return {finding.subject: finding for finding in found}

    return look


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield listener.getsockname()[1]


def word(finding: Finding) -> str:
    return "error" if finding.error else "reached" if finding.reached else "configured"


@pytest.mark.parametrize(
    ("source", "expected", "words"),
    [
        ("test://?size=64x48", "reached", "64x48"),
        ("http://127.0.0.1:9/v", "configured", "nothing listens on that port"),
        ("rtsp://127.0.0.1:9/v", "configured", "no frame now"),
        ("v4l2:///dev/video77", "configured", "no frame now"),
        ("absent.mp4", "error", "does not exist"),
        pytest.param("gst:nosuchsource ! fakething", "error", "no element 'nosuchsource'", marks=needs_gstreamer),
        pytest.param("gst:videotestsrc ! nosuchfilter", "error", "no element 'nosuchfilter'", marks=needs_gstreamer),
        pytest.param("gst:videotestsrc num-buffers=9 ! video/x-raw,width=64", "reached", "64x", marks=needs_gstreamer),
    ],
)
def test_a_camera(findings: Any, source: str, expected: str, words: str) -> None:
    finding = findings([{"name": "front", "source": source}])["camera front"]
    assert word(finding) == expected
    assert words in (str(finding.error) if finding.error else finding.note)


def test_dead_cameras_and_sinks_are_tried_side_by_side(findings: Any, silent: int) -> None:
    dead = [
        {"name": f"c{number}", "source": f"http://127.0.0.1:{silent}/v", "open_timeout_s": 2, "stall_timeout_s": 2}
        for number in range(8)
    ]
    broker = {"type": "mqtt", "host": "127.0.0.1", "port": silent, "timeout_s": 2}
    started = time.monotonic()
    found = findings([*dead, SCENE], broker)
    assert time.monotonic() - started < 12  # one after the other: 18 and more
    assert [word(found[f"camera c{number}"]) for number in range(8)] == ["configured"] * 8
    assert word(found["camera front"]) == "reached"
    assert "does not answer within 2 s" in found["sink mqtt"].note


def test_files_and_folders(findings: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = findings(
        None,
        {"type": "json_lines", "path": "logs/events.jsonl"},
        {"type": "json_lines", "name": "under a file", "path": "file/events.jsonl"},
        {"type": "json_lines", "name": "a folder", "path": "."},
        {"type": "directory", "path": "frames"},
        {"type": "directory", "name": "proc", "path": "/proc/frames"},
        {"type": "shared_memory"},
        {"type": "v4l2loopback", "camera": "front", "device": str(tmp_path / "file")},
        baselines="base",
        regions="drawn",
    )
    assert {subject: word(finding) for subject, finding in found.items()} == {
        "bundle": "reached",
        "camera front": "reached",
        "baselines": "reached",
        "regions": "reached",
        "sink json_lines": "reached",
        "sink under a file": "error",
        "sink a folder": "error",
        "sink directory": "reached",
        "sink proc": "error",
        "sink shared_memory": "reached",
        "sink v4l2loopback": "configured",
    }
    assert sorted(path.name for path in tmp_path.iterdir() if path.name not in ("cache-home", "bundle-0")) == ["file"]


def test_ports_that_are_taken_or_free(findings: Any, silent: int) -> None:
    found = findings(
        None,
        {"type": "prometheus", "listen": f"127.0.0.1:{silent}"},
        {"type": "prometheus", "name": "other", "listen": "127.0.0.1:0"},
        dashboard={"listen": f"127.0.0.1:{silent}"},
    )
    assert [word(found[name]) for name in ("sink prometheus", "sink other", "dashboard")] == [
        "error",
        "reached",
        "error",
    ]
    assert "choose another address or port" in str(found["dashboard"].error)


@needs_gstreamer
def test_the_elements_of_a_sinks_pipeline(findings: Any) -> None:
    found = findings(
        None,
        {"type": "gstreamer", "camera": "front", "pipeline": "videoconvert ! fakesink"},
        {"type": "gstreamer", "name": "typo", "camera": "front", "pipeline": "videoconvert ! fakesinkk"},
    )
    assert [word(found[name]) for name in ("sink gstreamer", "sink typo")] == ["reached", "error"]
    assert "no element 'fakesinkk'" in str(found["sink typo"].error)


@pytest.mark.parametrize("key", ["camera", "cameras"])
def test_a_sink_for_a_camera_that_there_is_none_of(findings: Any, key: str) -> None:
    kind = {
        "camera": {"type": "v4l2loopback", "camera": "frnt"},
        "cameras": {"type": "mqtt", "host": "h", "cameras": ["frnt"]},
    }
    error = findings(None, kind[key])["sinks"].error
    assert "sinks[0] names the camera 'frnt': known are front" in str(error)


def test_a_webhook_is_connected_to_and_told_nothing(findings: Any, silent: int) -> None:
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def listen() -> None:
        connection, _ = listener.accept()
        connection.settimeout(5)
        heard.append(connection.recv(100))

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    port = listener.getsockname()[1]
    found = findings(
        None,
        {"type": "webhook", "url": f"http://127.0.0.1:{port}/hook/secret"},
        {"type": "webhook", "name": "tls", "url": f"https://127.0.0.1:{silent}/hook/secret", "timeout_s": 1},
        {"type": "webhook", "name": "off", "url": "http://127.0.0.1:9/hook/secret"},
        {"type": "webhook", "name": "nowhere", "url": "http://no-such-host.invalid/"},
    )
    thread.join(5)
    listener.close()
    assert heard == [b""]
    assert [word(found[f"sink {name}"]) for name in ("webhook", "tls", "off", "nowhere")] == [
        "reached",
        *["configured"] * 3,
    ]
    assert "timed out" in found["sink tls"].note
    assert "no such host" in found["sink nowhere"].note
    assert "secret" not in "".join(finding.note for finding in found.values())


@needs_broker
@pytest.mark.parametrize(
    ("options", "expected", "words"),
    [
        ({"username": "joe", "password": "right-one"}, "reached", "takes the login"),
        ({"username": "joe", "password": "wrong-one"}, "configured", "refuses the login"),
        ({}, "configured", "refuses the login"),
        ({"tls": True}, "configured", "no TLS is spoken on that port"),
    ],
)
def test_a_broker(findings: Any, tmp_path: Path, options: dict[str, Any], expected: str, words: str) -> None:
    passwords = tmp_path / "passwords"
    passwd = shutil.which("mosquitto_passwd")
    if passwd is None:
        pytest.skip("no mosquitto_passwd")
    subprocess.run([passwd, "-b", "-c", str(passwords), "joe", "right-one"], check=True, capture_output=True)
    passwords.chmod(0o644)
    tmp_path.chmod(0o755)
    broker = Broker(tmp_path, f"password_file {passwords}\nuser root")
    try:
        finding = findings(None, {"type": "mqtt", "host": "127.0.0.1", "port": broker.port, **options})["sink mqtt"]
    finally:
        broker.stop()
    assert (word(finding), words in finding.note) == (expected, True), finding
    assert "one" not in finding.note.replace("mentioned", "")


@pytest.mark.parametrize(
    ("package", "sink"),
    [
        ("paho", {"type": "mqtt", "host": "127.0.0.1", "port": 9}),
        ("prometheus_client", {"type": "prometheus", "listen": "127.0.0.1:0"}),
        ("uvicorn", None),
        ("onnxruntime", None),
    ],
)
def test_a_package_that_is_missing(tmp_path: Path, bundle_dir: Path, package: str, sink: dict[str, Any] | None) -> None:
    broken = tmp_path / "broken" / package
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text(f"raise ModuleNotFoundError('No module named {package}', name={package!r})\n")
    config = tmp_path / "watch.json"
    content = {"bundle": str(bundle_dir), "cameras": [SCENE], "sinks": [] if sink is None else [sink]}
    config.write_text(json.dumps({**content, "dashboard": {"listen": "127.0.0.1:0"}}))
    path = os.pathsep.join([str(broken.parent), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    finished = subprocess.run(
        [sys.executable, "-m", "dgiqa_edge.runtime.commands.cli", "watch", str(config), "--check"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 4, finished.stdout + finished.stderr
    (error,) = [line for line in finished.stdout.splitlines() if line.startswith("error")]
    assert package in error
    assert "will not work here" in finished.stdout
