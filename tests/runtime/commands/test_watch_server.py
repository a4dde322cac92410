"""``dgiqa-edge watch`` by a real Triton server that is killed and comes back: every frame is accounted for."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import triton_server
from stand_ins import free_port

from dgiqa_edge.runtime.commands.cli import main

pytest.importorskip("tritonclient.grpc", reason="tritonclient is not installed: extra triton")
needs_a_server = pytest.mark.skipif(bool(triton_server.absent()), reason=triton_server.absent())

CONFIG = """\
bundle = "triton://127.0.0.1:{port}/eye?timeout=1s&patience=1s"
[engine]
{engine}
[gate]
start = {{ readings = 1, score_max_age_s = 2 }}
dwell = {{ pass_s = 0, reject_s = 0, cool_down_s = 0 }}
score = {{ reject_below = 0.01, accept_above = 0.02 }}
[[cameras]]
name = "front"
source = "test://?script=clean:30&loop=true&fps=20&size=64x48"
frames = "latest"
[[sinks]]
type = "json_lines"
path = "events.jsonl"
"""


def write_config(folder: Path, port: int, engine: str = "") -> Path:
    file = folder / "watch.toml"
    file.write_text(CONFIG.format(port=port, engine=engine))
    return file


@pytest.mark.slow
@needs_a_server
@pytest.mark.parametrize("falls_back", [False, True])
def test_a_restart_of_the_server_loses_no_frame_from_the_account(falls_back, make_bundle, cache_home, tmp_path):
    bundle = make_bundle()
    repository = tmp_path / "models"
    assert main(["export", "triton", str(bundle), "--out", str(repository), "--name", "eye"]) == 0
    server = triton_server.TritonServer(repository, tmp_path / "log")
    config = write_config(tmp_path, server.grpc, f'fallback = "{bundle}"' if falls_back else "")
    summary = tmp_path / "summary.json"
    words = ["-m", "dgiqa_edge.runtime.commands.cli", "watch", config, "--json", summary]
    try:
        server.start()
        watch = subprocess.Popen(
            [sys.executable, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "XDG_CACHE_HOME": str(cache_home)},
        )
        wait_for(tmp_path, 40)
        server.kill()
        time.sleep(5)
        server.start()
        wait_for(tmp_path, 160)  # for longer than the longest pause between two tries
        watch.terminate()
        _, said = watch.communicate(timeout=60)
    finally:
        server.kill()
    assert watch.returncode == 0, said
    status = json.loads(summary.read_text())
    (camera,) = status["cameras"]
    assert camera["captured"] == camera["scored"] + camera["skipped"] + camera["failed"]
    assert camera["in_flight"] == 0
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    told = {event["index"]: event["outcome"] for event in events if event["index"] is not None}
    assert sorted(told) == list(range(camera["captured"]))  # none lost, and
    assert len(told) == sum(event["index"] is not None for event in events)  # none told twice
    counted = Counter(told.values())
    assert [counted[kind] for kind in ("scored", "skipped", "failed")] == [
        camera[kind] for kind in ("scored", "skipped", "failed")
    ]
    assert "does not answer" in said
    assert "answers again" in said
    presence = [event["outcome"] for event in events if event["index"] is None]
    remote, *local = status["engines"]
    assert remote["answers"]
    if falls_back:
        assert camera["failed"] == 0
        assert 0 < local[0]["scored_here"] < camera["scored"]
        assert "lost" not in presence
    else:
        assert camera["failed"] > 0
        assert local == []
        assert presence.count("lost") == presence.count("returned") == 1


def wait_for(folder: Path, more: int, limit_s: float = 60.0) -> None:
    """Until so many more frames were scored."""
    file = folder / "events.jsonl"

    def scored() -> int:
        return file.read_text().count('"outcome":"scored"') if file.exists() else 0

    first, give_up_at = scored(), time.monotonic() + limit_s
    while scored() < first + more:
        assert time.monotonic() < give_up_at
        time.sleep(0.1)


def test_check_tells_a_server_that_is_away_from_a_mistake(tmp_path, capsys):
    assert main(["watch", str(write_config(tmp_path, free_port())), "--check"]) == 3
    assert "not reached, watch would keep trying" in capsys.readouterr().out


def test_a_watch_with_a_fallback_starts_without_its_server(tmp_path, bundle_dir, capsys):
    config = write_config(tmp_path, free_port(), f'fallback = "{bundle_dir}"')
    summary = tmp_path / "summary.json"
    assert main(["watch", str(config), "--duration", "2", "--json", str(summary)]) == 0
    status = json.loads(summary.read_text())
    assert status["cameras"][0]["failed"] == 0
    assert status["engines"][1]["scored_here"] == status["cameras"][0]["scored"] > 10
    assert not status["engines"][0]["answers"]


def test_a_watch_waits_for_its_server_no_longer_than_it_lasts(tmp_path, capsys):
    assert main(["watch", str(write_config(tmp_path, free_port())), "--duration", "1"]) == 4
    assert "does not answer" in capsys.readouterr().err


def test_a_fallback_is_for_a_server_alone(tmp_path, bundle_dir, capsys):
    config = write_config(tmp_path, free_port(), f'fallback = "{bundle_dir}"')
    assert main(["watch", str(config), "--bundle", str(bundle_dir)]) == 2
    assert "on no server" in capsys.readouterr().err
