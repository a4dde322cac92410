"""``dgiqa-edge watch`` with what a Jetson has: CSI cameras, and the socket through which they are reached."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from stand_ins.jetson_elements import compile_jetson_elements

import dgiqa_edge.runtime

UNIT = Path(dgiqa_edge.runtime.__file__).parent / "examples" / "dgiqa-edge.service"
CONFIG = """\
bundle = "{bundle}"
[engine]
threads = 1
[[cameras]]
name = "front"
source = "csi://0?size=640x480&fps=30"
frames = "every"
[[sinks]]
type = "json_lines"
path = "events.jsonl"
"""


def test_the_systemd_unit_sees_the_socket_of_the_cameras(tmp_path: Path) -> None:
    """It is /tmp/argus_socket; temporary files have a place of their own, for /tmp is not writable either."""
    unit = UNIT.read_text()
    settings = dict(line.split("=", 1) for line in unit.splitlines() if re.match(r"[A-Z]\w+=", line))
    assert settings["PrivateTmp"] == "no"
    assert f"TMPDIR=/var/cache/{settings['CacheDirectory']}" in settings["Environment"].split()
    if shutil.which("systemd-analyze") is None:
        return
    copy = tmp_path / UNIT.name
    copy.write_text(re.sub(r"(?m)^(ExecStart(?:Pre)?=-?)\S+", rf"\1{sys.executable}", unit))
    verified = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False)
    assert UNIT.name not in verified.stderr


@pytest.mark.skipif(shutil.which("gst-launch-1.0") is None, reason="needs gst-launch-1.0")
def test_a_csi_camera_gives_frames_of_the_bundles_size_and_what_it_prints_is_in_the_debug_log(
    bundle_dir: Path, cache_home: Path, tmp_path: Path
) -> None:
    if compile_jetson_elements(tmp_path) is None:
        pytest.skip("needs a C compiler and libgstreamer-plugins-base1.0-dev")
    config, status = tmp_path / "watch.toml", tmp_path / "status.json"
    config.write_text(CONFIG.format(bundle=bundle_dir))
    process = subprocess.Popen(
        [sys.executable, "-m", "dgiqa_edge.runtime.commands.cli", "watch", config, "--json", status, "--debug"],
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "XDG_CACHE_HOME": str(cache_home),
            "GST_PLUGIN_PATH": str(tmp_path),
            "GST_REGISTRY": str(tmp_path / "registry.bin"),
        },
    )
    until = time.monotonic() + 120.0
    while not scored(tmp_path / "events.jsonl") and process.poll() is None and time.monotonic() < until:
        time.sleep(0.1)
    process.terminate()
    _, errors = process.communicate(timeout=60)
    frame = json.loads((bundle_dir / "bundle.json").read_text())["frame"]
    camera = json.loads(status.read_text())["cameras"][0]
    assert camera["frame_size"] == [frame["width"], frame["height"]], errors
    assert "printed: GST_ARGUS: Creating output stream" in errors


def scored(events: Path) -> bool:
    return events.is_file() and '"outcome":"scored"' in events.read_text()
