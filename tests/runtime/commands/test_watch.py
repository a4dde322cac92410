"""``dgiqa-edge watch``: summary, signals, exit codes, check, the examples, and death at any moment."""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import cv2
import numpy as np
import pytest
from stand_ins import free_port

import dgiqa_edge.runtime
from dgiqa_edge.runtime.gate.baseline_file import load_baseline
from dgiqa_edge.runtime.hashing import sha256_file
from dgiqa_edge.runtime.watch.sources.decoding.gst_launch import missing_element

EXAMPLES = Path(dgiqa_edge.runtime.__file__).parent / "examples"
SECRET = "topsecret-xyz"

CONFIG = """\
bundle = "{bundle}"
baselines = "baselines"
[engine]
threads = 1
[gate]
start = {{ readings = 1 }}
dwell = {{ pass_s = 0, reject_s = 0, cool_down_s = 0 }}
score = {{ reject_below = 0.01, accept_above = 0.02 }}
baseline = {{ learn_minutes = 0.0003, sample_every_s = 0.01 }}
cues = {{ occlusion = {{ role = "off" }} }}
[[cameras]]
name = "front"
source = "{source}"
frames = "every"
[[sinks]]
type = "json_lines"
path = "events.jsonl"
[[sinks]]
type = "directory"
path = "accepted"
"""


@pytest.fixture
def write_config(tmp_path: Path, bundle_dir: Path) -> Callable[..., Path]:
    def write(source: str, content: str = CONFIG, name: str = "watch.toml") -> Path:
        file = tmp_path / name
        file.write_text(content.format(bundle=bundle_dir, source=source))
        return file

    return write


@pytest.fixture
def start(cache_home: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """``start(arguments, hangup=..., stdout=...)`` the command, by default with a hangup's default handling."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: Any, hangup: Any = signal.SIG_DFL, **pipes: Any) -> subprocess.Popen[str]:
        before = signal.signal(signal.SIGHUP, hangup)  # inherited; where the tests run under nohup, it is ignored
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "dgiqa_edge.runtime.commands.cli", "watch", *map(str, arguments)],
                **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **pipes},
                text=True,
                env={**os.environ, "XDG_CACHE_HOME": str(cache_home), "CAMERA_USER": "u", "CAMERA_PASSWORD": SECRET},
            )
        finally:
            signal.signal(signal.SIGHUP, before)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def lines_of(folder: Path) -> list[dict[str, Any]]:
    """The events of frames; first and last of all are those of the camera itself."""
    lines = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert (lines[0]["outcome"], lines[-1]["outcome"]) == ("starting", "ended")
    return [line for line in lines if line["index"] is not None]


def test_a_run_to_the_end(write_config: Callable[..., Path], command_line: Any, tmp_path: Path) -> None:
    config = write_config("test://?script=clean:20,damaged:2,clean:3&size=64x48&fps=0")
    finished = command_line("watch", config, "--json", tmp_path / "summary.json")
    assert finished.returncode == 0, finished.stderr
    assert "front   ended        25      23        0       2" in finished.stdout
    summary = json.loads((tmp_path / "summary.json").read_text())
    shown = summary["cameras"][0]
    assert (shown["captured"], shown["scored"], shown["failed"]) == (25, 23, 2)
    events = sorted(lines_of(tmp_path), key=lambda event: event["index"])  # damaged ones overtake those that wait
    assert [event["index"] for event in events] == list(range(25))
    assert [event["index"] for event in events if event["outcome"] == "failed"] == [20, 21]


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_with_a_summary_that_balances(
    write_config: Callable[..., Path], start: Any, tmp_path: Path, kind: signal.Signals
) -> None:
    config = write_config("test://?script=clean:9&size=64x48&fps=100&loop=true")
    process = start(config, "--json", tmp_path / "summary.json")
    wait_for_events(process, tmp_path)
    process.send_signal(kind)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "stopped" in output
    shown = json.loads((tmp_path / "summary.json").read_text())["cameras"][0]
    assert shown["captured"] == shown["scored"] + shown["skipped"] + shown["failed"] > 0
    assert shown["in_flight"] == 0
    assert sorted(event["index"] for event in lines_of(tmp_path)) == list(range(shown["captured"]))


def wait_for_events(process: "subprocess.Popen[str]", folder: Path, least: int = 3000) -> None:
    events, end = folder / "events.jsonl", time.monotonic() + 60
    while not (events.exists() and events.stat().st_size > least):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.05)


def test_under_nohup_a_hangup_is_ignored(write_config: Callable[..., Path], start: Any, tmp_path: Path) -> None:
    config = write_config("test://?script=clean:9&size=64x48&fps=100&loop=true")
    process = start(config, "--json", tmp_path / "summary.json", hangup=signal.SIG_IGN)
    wait_for_events(process, tmp_path)
    process.send_signal(signal.SIGHUP)
    wait_for_events(process, tmp_path, (tmp_path / "events.jsonl").stat().st_size + 3000)
    process.terminate()
    assert "stopped" in process.communicate(timeout=60)[0]


@pytest.mark.parametrize("way", ["terminal", "pipes"])
def test_nobody_who_reads_does_not_end_it_without_its_accounts(
    write_config: Callable[..., Path], start: Any, tmp_path: Path, way: str
) -> None:
    """A terminal that is closed (with a hangup, which may come twice), and a reader of its output that goes away."""
    config = write_config("test://?script=clean:9,lost:2&size=64x48&fps=100&loop=true")
    ours, theirs = os.openpty() if way == "terminal" else os.pipe()
    process = start(config, "--json", tmp_path / "end.json", stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
    os.close(theirs)
    wait_for_events(process, tmp_path)
    os.close(ours)
    wait_for_events(process, tmp_path, (tmp_path / "events.jsonl").stat().st_size + 3000)
    for _ in range(2):
        process.send_signal(signal.SIGHUP)
    code = process.wait(60)
    assert code == 0
    shown = json.loads((tmp_path / "end.json").read_text())["cameras"][0]
    assert shown["captured"] == shown["scored"] + shown["skipped"] + shown["failed"] > 0
    assert sorted(event["index"] for event in lines_of(tmp_path)) == list(range(shown["captured"]))


def test_a_missing_file_is_exit_code_3(write_config: Callable[..., Path], command_line: Any) -> None:
    finished = command_line("watch", write_config("absent.mp4"))
    assert finished.returncode == 3
    assert "absent.mp4 does not exist" in finished.stdout


def test_a_file_that_lost_frames_is_exit_code_3(
    write_config: Callable[..., Path], command_line: Any, tmp_path: Path
) -> None:
    path = tmp_path / "cut.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))
    for index in range(20):
        writer.write(np.random.default_rng(index).integers(0, 256, (48, 64, 3), np.uint8))
    writer.release()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    finished = command_line("watch", write_config(str(path)))
    assert finished.returncode == 3
    assert "of 20 are missing" in finished.stdout


def test_a_bad_configuration_is_one_line_and_exit_code_2(write_config: Callable[..., Path], command_line: Any) -> None:
    finished = command_line("watch", write_config("ftp://x"))
    assert finished.returncode == 2
    assert finished.stderr.count("\n") == 1
    assert "cameras[0].source" in finished.stderr


def test_no_password_in_anything_that_is_written(write_config: Callable[..., Path], start: Any, tmp_path: Path) -> None:
    config = write_config("http://${{CAMERA_USER}}:${{CAMERA_PASSWORD}}@127.0.0.1:9/video?token=" + SECRET)
    config.write_text(config.read_text().replace("${{", "${").replace("}}@", "}@").replace("}}:", "}:"))
    process = start(config, "--duration", "2", "--json", tmp_path / "summary.json")
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    written = output + errors + (tmp_path / "summary.json").read_text()
    assert "does not answer" in written
    assert SECRET not in written


@pytest.mark.parametrize(
    ("password", "arguments"),
    [
        ("Qx7'sec ret\"Zk9", ("--check",)),  # refused: a blank
        ("Qx7ö@sécret/Zk9?a=b#c", ("--duration", "3", "--debug")),  # who can tell where its host begins?
        ("Qx7'sec\"@Zk9", ("--check",)),
        ("Qx7'sec\"@Zk9", ("--duration", "3", "--debug")),
    ],
)
def test_no_odd_password_in_anything_that_is_written(
    write_config: Callable[..., Path], start: Any, tmp_path: Path, password: str, arguments: tuple[str, ...]
) -> None:
    source = f"http://user:{password}@127.0.0.1:9/video?loginpas={password}&channel=1"
    config = write_config(source.replace('"', '\\"'))
    hook = f"http://127.0.0.1:9/{quote(password)}?key={quote(password)}"
    config.write_text(config.read_text() + f'[[sinks]]\ntype = "webhook"\nurl = "{hook}"\n')
    metrics, page = free_port(), free_port()
    config.write_text(config.read_text() + f'[[sinks]]\ntype = "prometheus"\nlisten = "127.0.0.1:{metrics}"\n')
    process = start(config, *arguments, "--dashboard", f"127.0.0.1:{page}", "--json", tmp_path / "end.json")
    pages = []
    while process.poll() is None:
        for address in (f"http://127.0.0.1:{metrics}/metrics", f"http://127.0.0.1:{page}/api/status"):
            with contextlib.suppress(OSError):
                pages.append(urllib.request.urlopen(address, timeout=5).read().decode())
        time.sleep(0.1)
    output, errors = process.communicate(timeout=60)
    files = [path.read_text() for path in (tmp_path / "end.json", tmp_path / "events.jsonl") if path.exists()]
    written = "".join([output, errors, *pages, *files])
    assert "--check" in arguments or pages
    assert "does not answer" in written or "white space" in written
    for mark in ("Qx7", "Zk9", "sécret"):
        assert mark not in written, written


def test_a_bundle_that_takes_several_frames_and_no_fewer_is_refused(
    make_bundle: Callable[..., Path], write_config: Callable[..., Path], command_line: Any
) -> None:
    config, bundle = write_config("test://?size=64x48"), make_bundle(batch=(4, 4))
    refusal = f"{bundle} takes 4 frames at once, and cameras give one at a time: build it with --batch 1..4, or without"
    finished = command_line("watch", config, "--bundle", bundle)
    assert finished.returncode == 2
    assert refusal in finished.stderr
    finished = command_line("watch", config, "--bundle", bundle, "--check")
    assert finished.returncode == 2
    assert refusal in finished.stdout


def test_an_open_batch_watches_frame_by_frame(
    make_bundle: Callable[..., Path], write_config: Callable[..., Path], command_line: Any, tmp_path: Path
) -> None:
    config = write_config("test://?script=clean:9&size=64x48&fps=0")
    finished = command_line("watch", config, "--bundle", make_bundle(batch=(1, 4)))
    assert finished.returncode == 0, finished.stderr
    assert len(lines_of(tmp_path)) == 9


def test_check_says_what_works(write_config: Callable[..., Path], command_line: Any) -> None:
    finished = command_line("watch", write_config("test://?size=64x48"), "--check", "--dashboard", "127.0.0.1:0")
    assert finished.returncode == 0, finished.stdout
    assert "reached     camera front: test://?size=64x48: 64x48" in finished.stdout
    assert "reached     sink json_lines: " in finished.stdout
    assert "reached     sink directory: " in finished.stdout
    assert "reached     dashboard: 127.0.0.1:0 is free" in finished.stdout
    assert finished.stdout.rstrip().endswith(": ready")


@pytest.mark.parametrize(
    ("source", "content", "code", "complaint"),
    [
        ("absent.mp4", CONFIG, 3, "error       camera front"),
        ("test://?fps=fast", CONFIG, 2, "error       camera front: camera front: cameras[0].options.fps"),
        ("test://", CONFIG.replace('type = "directory"', 'type = "printer"'), 2, "error       sinks: sinks[1].type"),
        ("test://", CONFIG.replace('bundle = "{bundle}"', 'bundle = "nowhere"'), 3, "error       bundle"),
        ("test://", CONFIG.replace('frames = "every"', "depth_every = 3"), 2, "--layout split"),
        ("test://", CONFIG + '[dashboard]\nlisten = "0.0.0.0:80"\n', 2, "error       dashboard"),
    ],
)
def test_check_says_what_will_not_work(
    write_config: Callable[..., Path], command_line: Any, source: str, content: str, code: int, complaint: str
) -> None:
    finished = command_line("watch", write_config(source, content), "--check")
    assert finished.returncode == code
    assert complaint in finished.stdout
    assert "will not work here" in finished.stdout


def test_a_camera_that_is_off_is_configured_and_not_reached(
    write_config: Callable[..., Path], command_line: Any
) -> None:
    finished = command_line("watch", write_config("http://127.0.0.1:9/v"), "--check")
    assert finished.returncode == 3
    assert "configured  camera front: http://127.0.0.1:9/v: no frame now" in finished.stdout
    assert finished.stdout.rstrip().endswith(": configured, but 1 of 5 not reached now")


@pytest.mark.parametrize("name", ["usb", "csi", "rtsp", "files"])
def test_the_examples_are_what_check_takes(
    name: str, bundle_dir: Path, command_line: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAMERA_USER", "u")
    monkeypatch.setenv("CAMERA_PASSWORD", SECRET)
    folder = tmp_path / "examples"
    shutil.copytree(EXAMPLES, folder)
    writer = cv2.VideoWriter(str(folder / "video.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 10, (64, 48))
    for index in range(3):
        writer.write(cv2.cvtColor(cv2.randu(cv2.UMat(48, 64, cv2.CV_8U), 0, 200 + index), cv2.COLOR_GRAY2BGR).get())
    writer.release()
    # The part that is commented out must be right as well.
    text = re.sub(r"(?m)^# (\[\[cameras|name =|source =)", r"\1", (folder / f"{name}.toml").read_text())
    text = text.replace("192.0.2.10", "127.0.0.1").replace("192.0.2.11", "127.0.0.1")
    (folder / f"{name}.toml").write_text(text.replace("/var/lib/dgiqa-edge", str(tmp_path / "lib")))
    finished = command_line("watch", folder / f"{name}.toml", "--check", "--bundle", bundle_dir)
    code, output, errors = finished.returncode, finished.stdout, finished.stderr
    jetson = missing_element("nvarguscamerasrc") is False
    if name == "csi" and not jetson:
        assert code == 4
        assert output.count("error") == 2
        assert "nvarguscamerasrc" in output
    else:
        assert code == (0 if name == "files" else 3), output + errors
        assert output.rstrip().endswith("ready" if name == "files" else "not reached now")
        assert name != "files" or "camera recording" in output
    assert SECRET not in output + errors


def test_an_example_leaves_nothing_beside_itself(
    bundle_dir: Path, command_line: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, home = tmp_path / "examples", tmp_path / "home"
    shutil.copytree(EXAMPLES, folder)
    before = sorted(path.name for path in folder.iterdir())
    config = folder / "files.toml"
    monkeypatch.setenv("HOME", str(home))
    finished = command_line("watch", config, "--bundle", bundle_dir, "--duration", "1")
    assert finished.returncode == 0, finished.stderr
    assert sorted(path.name for path in folder.iterdir()) == before
    assert lines_of(home / ".local" / "state" / "dgiqa-edge")


def test_the_systemd_unit_calls_the_command_as_it_is() -> None:
    unit = (EXAMPLES / "dgiqa-edge.service").read_text()
    assert "ExecStart=/opt/dgiqa-edge/venv/bin/dgiqa-edge watch /etc/dgiqa-edge/watch.toml\n" in unit
    assert "watch.toml --check" in unit


def kill_after(config: Path, start: Any, folder: Path, delays_s: Iterable[float]) -> tuple[int, int]:
    """Start and kill -9, each time so long after the first event; the number of whole frames and of baselines."""
    scorer_id = sha256_file(Path(config.read_text().split('"')[1]) / "bundle.json")
    frames = baselines = 0
    for delay_s in delays_s:
        baseline = folder / "baselines" / "front.json"
        baseline.unlink(missing_ok=True)
        process = start(config, "--quiet")
        events = folder / "events.jsonl"
        size = events.stat().st_size if events.exists() else 0
        end = time.monotonic() + 60
        while not (events.exists() and events.stat().st_size > size):
            assert time.monotonic() < end and process.poll() is None
            time.sleep(0.01)
        time.sleep(delay_s)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        baselines += load_baseline(baseline, scorer_id) is not None
        for file in (folder / "accepted").rglob("*.jpg"):
            if not file.name.startswith("."):
                content = file.read_bytes()
                assert content.startswith(b"\xff\xd8") and content.endswith(b"\xff\xd9"), file
                frames += 1
    return frames, baselines


def test_kill_9_leaves_nothing_half_written(write_config: Callable[..., Path], start: Any, tmp_path: Path) -> None:
    config = write_config("test://?script=clean:9&size=640x480&fps=0&loop=true")
    frames, baselines = kill_after(config, start, tmp_path, [0.0, 0.3, 2.0])
    assert frames > 0
    assert baselines > 0


@pytest.mark.slow
def test_kill_9_thirty_times_leaves_nothing_half_written(
    write_config: Callable[..., Path], start: Any, tmp_path: Path
) -> None:
    config = write_config("test://?script=clean:9&size=640x480&fps=0&loop=true")
    rng = random.Random(2)
    frames, baselines = kill_after(config, start, tmp_path, [rng.uniform(0.0, 0.5) for _ in range(30)])
    assert frames > 30
    assert baselines > 5
