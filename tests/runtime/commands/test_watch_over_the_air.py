"""Bundles over the air to a real ``watch`` of a video: a bad one is refused or taken back, and it keeps running."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from stand_ins import free_port
from stand_ins.mqtt_broker import Broker, Listener, needs_broker

from dgiqa_edge.runtime.bundle.bundle import load_bundle
from dgiqa_edge.runtime.bundle.golden import GOLDEN_NAME, load_golden
from dgiqa_edge.runtime.hashing import sha256_file
from dgiqa_edge.runtime.update.archive import pack
from dgiqa_edge.runtime.update.signature import make_keys, sign
from dgiqa_edge.runtime.update.slots import Slots

CONFIG = """\
bundle = "slots"
[engine]
threads = 1
[update]
require_signature = ["release.pub.pem"]
trial_minutes = {minutes}
trial_failures = 3
[[cameras]]
name = "front"
source = "video.avi"
options = {{ loop = true, pace = "realtime" }}
frames = "every"
[[sinks]]
type = "json_lines"
path = "events.jsonl"
[[sinks]]
type = "prometheus"
listen = "127.0.0.1:{port}"
"""


@pytest.fixture
def site(tmp_path: Path, make_bundle: Callable[..., Path]) -> SimpleNamespace:
    """A folder with a video, two pairs of keys, and slots that are empty; ``port`` is for the metrics."""
    writer = cv2.VideoWriter(str(tmp_path / "video.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 50, (64, 48))
    for index in range(50):
        writer.write(np.random.default_rng(index).integers(0, 256, (48, 64, 3), np.uint8))
    writer.release()
    for name in ("release", "other"):
        make_keys(tmp_path / name)
    return SimpleNamespace(folder=tmp_path, slots=Slots(tmp_path / "slots"), port=free_port(), make_bundle=make_bundle)


def bundle_of(site: SimpleNamespace, created: str, key: str | None = "release", **options: Any) -> Path:
    made: Path = site.make_bundle(edit=lambda document: document.update(created=created), **options)
    if key is not None:
        sign(made, site.folder / f"{key}.key.pem")
    return made


def archive(site: SimpleNamespace, bundle: Path, name: str = "new.tar") -> Path:
    file: Path = site.folder / name
    pack(load_bundle(bundle), file)
    return file


def fails_on_frames(bundle: Path) -> None:
    """Its golden frame passes; of every other one whose first pixel differs the score is not a number."""
    graph = bundle / "frame_graph.onnx"
    model = onnx.load(graph)
    nodes = model.graph.node
    (last,) = [node for node in nodes if node.output[0] == "score"]
    last.output[0] = "score_before"
    pixel = int(load_golden(bundle / GOLDEN_NAME).frame[0, 0, 0, 0])
    values = {"at": np.array([0, 0, 0, 0]), "to": np.array([1, 1, 1, 1]), "golden": np.array(float(pixel), np.float32)}
    values |= {"nought": np.array(0.0, np.float32), "nan": np.array(np.nan, np.float32), "flat": np.array([1])}
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in values.items())
    nodes.extend(
        [
            helper.make_node("Slice", ["frame", "at", "to"], ["first"]),
            helper.make_node("Cast", ["first"], ["first_float"], to=TensorProto.FLOAT),
            helper.make_node("Reshape", ["first_float", "flat"], ["first_flat"]),
            helper.make_node("Equal", ["first_flat", "golden"], ["is_golden"]),
            helper.make_node("Where", ["is_golden", "nought", "nan"], ["spoilt"]),
            helper.make_node("Add", ["score_before", "spoilt"], ["score"]),
        ]
    )
    onnx.save(model, graph)
    document = json.loads((bundle / "bundle.json").read_text())
    document["files"]["frame_graph.onnx"] = {"sha256": sha256_file(graph), "bytes": graph.stat().st_size}
    (bundle / "bundle.json").write_text(json.dumps(document))


class Running:
    """A ``watch`` of the site's video, as a process."""

    def __init__(
        self, site: SimpleNamespace, environment: dict[str, str], extra: str = "", minutes: float = 10
    ) -> None:
        self.site = site
        config = site.folder / "watch.toml"
        config.write_text(CONFIG.format(port=site.port, minutes=minutes) + extra)
        command = [sys.executable, "-m", "dgiqa_edge.runtime.commands.cli", "watch", str(config)]
        command += ["--json", str(site.folder / "end.json")]
        self.log = site.folder / "watch.log"
        with self.log.open("a") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log, env=environment)

    def metrics(self) -> dict[str, str]:
        """The scrape's samples by name and labels."""
        try:
            text = urllib.request.urlopen(f"http://127.0.0.1:{self.site.port}/metrics", timeout=5).read().decode()
        except OSError:
            return {}
        return dict(line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))

    def bundle(self) -> str:
        """The hash that the metrics tell."""
        return next((name.split('"')[1] for name in self.metrics() if name.startswith("dgiqa_edge_bundle_info")), "")

    def scored(self) -> float:
        return float(self.metrics().get('dgiqa_edge_scored_frames_total{camera="front"}', 0))

    def wait(self, condition: Callable[[], Any], seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.05)

    def goes_on(self) -> None:
        """It scores further frames."""
        before = self.scored()
        self.wait(lambda: self.scored() >= before + 20)

    def end(self) -> dict[str, Any]:
        """Stop it; the summary's camera, after its account was checked against the events."""
        self.process.terminate()
        self.process.wait(60)
        assert self.process.returncode == 0, self.log.read_text()
        camera: dict[str, Any] = json.loads((self.site.folder / "end.json").read_text())["cameras"][0]
        assert camera["captured"] == camera["scored"] + camera["skipped"] + camera["failed"] > 0
        events = [json.loads(line) for line in (self.site.folder / "events.jsonl").read_text().splitlines()]
        assert sorted(it["index"] for it in events if it["index"] is not None) == list(range(camera["captured"]))
        return camera


@pytest.fixture
def watch(site: SimpleNamespace, cache_home: Path, command_line: Any) -> Iterator[Callable[..., Running]]:
    """``watch()`` starts one with a good bundle built in January, whose hash is ``site.bundle``."""
    started: list[Running] = []

    def start(**options: Any) -> Running:
        if site.slots.current is None:
            good = archive(site, bundle_of(site, "2026-01-01T00:00:00Z"), "first.tar")
            assert pull(site, command_line, good).returncode == 0
            site.bundle = site.slots.current
        started.append(Running(site, {**os.environ, "XDG_CACHE_HOME": str(cache_home)}, **options))
        started[-1].wait(lambda: started[-1].scored() > 5)
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()


def pull(site: SimpleNamespace, command_line: Any, url: Any, *more: str) -> "subprocess.CompletedProcess[str]":
    arguments = ("--slots", site.slots.folder, "--require-signature", site.folder / "release.pub.pem")
    finished: subprocess.CompletedProcess[str] = command_line("bundle", "pull", url, *arguments, *more)
    return finished


def tampered(site: SimpleNamespace) -> Path:
    file = archive(site, bundle_of(site, "2026-02-01T00:00:00Z"))
    content = file.read_bytes()
    file.write_bytes(content.replace(b"frame_graph", b"frame_Graph", 1).replace(b"built\n", b"build\n"))
    return file


def other_content(site: SimpleNamespace) -> Path:
    """The manifest is as it was signed, a file is not."""
    file = archive(site, bundle_of(site, "2026-02-01T00:00:00Z"))
    file.write_bytes(file.read_bytes().replace(b"built\n", b"build\n"))
    return file


def half(site: SimpleNamespace) -> Path:
    file = archive(site, bundle_of(site, "2026-02-01T00:00:00Z"))
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    return file


def unsigned(site: SimpleNamespace) -> Path:
    return archive(site, bundle_of(site, "2026-02-01T00:00:00Z", key=None))


def of_another_key(site: SimpleNamespace) -> Path:
    return archive(site, bundle_of(site, "2026-02-01T00:00:00Z", key="other"))


def replay_fails(site: SimpleNamespace) -> Path:
    return archive(site, bundle_of(site, "2026-02-01T00:00:00Z", golden_shift=0.1))


def older(site: SimpleNamespace) -> Path:
    return archive(site, bundle_of(site, "2025-12-01T00:00:00Z"))


BAD = {
    "tampered manifest": (tampered, "is not what the key", "signatureerror"),
    "tampered file": (other_content, "build.log has other content", "bundleerror"),
    "unsigned": (unsigned, "is not signed", "signatureerror"),
    "signed by another key": (of_another_key, "trusted is", "signatureerror"),
    "half pulled": (half, "it is cut off", "bundleerror"),
    "replay failing": (replay_fails, "golden", "fidelityerror"),
    "older": (older, "before the current bundle", "updateerror"),
}


def test_what_is_bad_is_refused_and_the_watch_keeps_running(
    site: SimpleNamespace, watch: Callable[..., Running], command_line: Any
) -> None:
    """One watch stands through all of them."""
    running = watch()
    for case, (make, problem, entry) in BAD.items():
        finished = pull(site, command_line, make(site))
        assert finished.returncode == 3, (case, finished.stdout, finished.stderr)
        assert problem in finished.stderr, case
        assert f"#{entry}" in finished.stderr, case
        assert finished.stderr.count("\n") == 1, case
        assert site.slots.current == site.bundle, case
        assert [place.name for place in (site.slots.folder / "slots").iterdir()] == [site.bundle], case
        running.goes_on()
        assert running.bundle() == site.bundle, case
    again = pull(site, command_line, replay_fails(site))
    assert again.returncode == 3
    assert "failed here" in again.stderr
    camera = running.end()
    assert camera["failed"] == 0


def test_a_good_one_takes_over_between_two_frames_and_lasts(
    site: SimpleNamespace, watch: Callable[..., Running], command_line: Any
) -> None:
    running = watch(minutes=0.03)
    finished = pull(site, command_line, archive(site, bundle_of(site, "2026-02-01T00:00:00Z")))
    assert finished.returncode == 0, finished.stderr
    assert "on trial" in finished.stdout
    new = site.slots.current
    assert (new == site.bundle, site.slots.previous) == (False, site.bundle)
    running.wait(lambda: running.bundle() == new)
    running.wait(lambda: running.metrics().get("dgiqa_edge_bundle_on_trial") == "0.0")
    assert not site.slots.on_trial
    running.goes_on()
    assert running.end()["failed"] == 0
    assert "has lasted its trial" in running.log.read_text()


def test_a_plain_bundle_has_to_be_signed_too(
    site: SimpleNamespace, bundle_dir: Path, command_line: Any, tmp_path: Path
) -> None:
    config = tmp_path / "watch.toml"
    config.write_text(CONFIG.format(port=site.port, minutes=1).replace("loop = true, ", ""))
    watch = ("watch", config, "--bundle", bundle_dir)
    refused = command_line(*watch)
    assert refused.returncode == 3
    assert "is not signed" in refused.stderr
    assert "error       bundle: " in command_line(*watch, "--check").stdout
    sign(bundle_dir, tmp_path / "other.key.pem")
    assert "trusted is" in command_line(*watch).stderr
    finished = command_line(*watch, "--require-signature", tmp_path / "other.pub.pem")
    assert finished.returncode == 0, finished.stderr


@needs_broker
def test_one_that_fails_in_its_first_minutes_is_taken_back_and_told(
    site: SimpleNamespace, watch: Callable[..., Running], command_line: Any
) -> None:
    broker = Broker(site.folder)
    listener = Listener(broker.port)
    try:
        running = watch(extra=f'[[sinks]]\ntype = "mqtt"\nhost = "127.0.0.1"\nport = {broker.port}\nframes = false\n')
        bad = bundle_of(site, "2026-02-01T00:00:00Z", key=None)
        fails_on_frames(bad)
        sign(bad, site.folder / "release.key.pem")
        file = archive(site, bad)
        finished = pull(site, command_line, file)
        assert finished.returncode == 0, finished.stderr  # its golden frame is right
        name = sha256_file(bad / "bundle.json")
        running.wait(lambda: site.slots.current == site.bundle and running.bundle() == site.bundle)
        running.goes_on()
        assert "3 frames could not be scored within its trial" in site.slots.state().refusal(name).reason
        assert running.metrics()["dgiqa_edge_bundle_rollbacks_total"] == "1.0"
        running.wait(lambda: json.loads(listener.of("dgiqa-edge/bundle")[-1])["failed"] == name)
        told = [json.loads(it) for it in listener.of("dgiqa-edge/bundle")]
        assert told[0]["sha256"] == site.bundle
        assert (told[-1]["sha256"], told[-1]["failed"], told[-1]["version"]) == (
            site.bundle,
            name,
            "2026-01-01T00:00:00Z",
        )
        assert "not a number" in told[-1]["reason"]
        again = pull(site, command_line, file)
        assert again.returncode == 3
        assert "failed here" in again.stderr
        assert 3 <= running.end()["failed"] < 150
        time.sleep(0.5)
        assert listener.of("dgiqa-edge/status")[-1] == b"offline"
    finally:
        listener.client.disconnect()
        listener.client.loop_stop()
        broker.stop()


def test_what_was_changed_on_the_disk_is_not_started_and_the_one_before_is(
    site: SimpleNamespace, watch: Callable[..., Running], command_line: Any
) -> None:
    watch().end()
    (site.folder / "events.jsonl").unlink()
    assert pull(site, command_line, archive(site, bundle_of(site, "2026-02-01T00:00:00Z"))).returncode == 0
    bad = site.slots.current
    (site.slots.path(bad) / "build.log").write_text("build\n")
    running = watch()
    assert running.bundle() == site.slots.current == site.bundle
    assert "build.log has other content" in site.slots.state().refusal(bad).reason
    running.end()


def test_one_that_kills_its_process_is_taken_back_at_the_third_start(
    site: SimpleNamespace, watch: Callable[..., Running], command_line: Any
) -> None:
    watch().end()
    assert pull(site, command_line, archive(site, bundle_of(site, "2026-02-01T00:00:00Z"))).returncode == 0
    bad = site.slots.current
    for _ in range(2):
        running = watch()
        assert running.bundle() == bad
        running.process.kill()
        running.process.wait()
    (site.folder / "events.jsonl").unlink()
    running = watch()
    assert running.bundle() == site.slots.current == site.bundle
    assert "2 starts" in site.slots.state().refusal(bad).reason
    running.end()


def test_what_keeps_every_bundle_from_running_takes_no_new_one_back(
    site: SimpleNamespace, watch: Callable[..., Running], command_line: Any
) -> None:
    watch().end()
    assert pull(site, command_line, archive(site, bundle_of(site, "2026-02-01T00:00:00Z"))).returncode == 0
    new = site.slots.current
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = ("--dashboard", f"127.0.0.1:{taken.getsockname()[1]}")
        for more, code in ((busy, 4), (("--require-signature", site.folder / "gone.pem"), 2)):
            for _ in range(3):  # as a service manager does
                finished = command_line("watch", site.folder / "watch.toml", *more)
                assert finished.returncode == code, finished.stderr
    assert (site.slots.current, site.slots.on_trial, site.slots.last_refusal) == (new, True, None)
