"""Downloads, with the real huggingface_hub against an address where nobody listens and a small hub on loopback."""

import contextlib
import hashlib
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from dgiqa_edge.export import networks
from dgiqa_edge.export.weights import hub
from dgiqa_edge.export.weights import published as published_weights
from dgiqa_edge.runtime.errors import CheckpointError, ConfigurationError, MachineError

pytest.importorskip("huggingface_hub", reason="the export room needs huggingface_hub")

NAME = "depth-anything-v2-small"
COMMIT = "1234567890abcdef1234567890abcdef12345678"
CONTENT = bytes(range(256)) * 4000


class SmallHub(http.server.BaseHTTPRequestHandler):
    """What huggingface_hub asks of a hub for one file: HEAD with commit and hash, GET with ranges."""

    def do_HEAD(self):
        self.answer(with_body=False)

    def do_GET(self):
        self.answer(with_body=True)

    def answer(self, with_body):
        hub_state = self.server.state
        content = hub_state["content"]
        hub_state["requests"].append((self.command, self.path, self.headers.get("Range")))
        path = hub_state["prefix"] + f"/resolve/{{}}/{hub_state['file']}"
        if self.path not in (path.format(COMMIT), path.format("main")):
            self.send_response(404)
            self.send_header("X-Error-Code", hub_state["error_code"])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = 0
        if self.headers.get("Range"):
            start = int(self.headers["Range"].removeprefix("bytes=").split("-")[0])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hub_state["etag"]}"')
        self.end_headers()
        if with_body:
            limit = hub_state["break_after"]
            with contextlib.suppress(ConnectionError):
                self.wfile.write(content[start:][:limit])
            if limit is not None:
                self.close_connection = True

    def log_message(self, *_args):
        pass


@pytest.fixture
def small_hub():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), SmallHub)
    published = published_weights.get(NAME)
    server.state = {
        "content": CONTENT,
        "etag": hashlib.sha256(CONTENT).hexdigest(),
        "prefix": f"/{published.repository}",
        "file": published.file,
        "error_code": "EntryNotFound",
        "break_after": None,
        "requests": [],
    }
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    server.address = f"http://127.0.0.1:{server.server_address[1]}"
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def publish(monkeypatch):
    """Callable: change the table's entry of NAME."""

    def change(**fields):
        changed = replace(published_weights.PUBLISHED[NAME], **fields)
        monkeypatch.setattr(published_weights, "PUBLISHED", {NAME: changed})

    return change


@pytest.fixture
def pinned(publish):
    publish(revision=COMMIT, sha256=hashlib.sha256(CONTENT).hexdigest())


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def gets(small_hub):
    return [request for request in small_hub.state["requests"] if request[0] == "GET"]


def test_a_pinned_file_is_downloaded_checked_and_recorded(small_hub, pinned, tmp_path):
    download = hub.fetch(NAME, tmp_path, endpoint=small_hub.address)
    assert download.path == tmp_path / "depth_anything_v2_vits.pth"
    assert download.path.read_bytes() == CONTENT
    assert (download.pinned, download.fetched, download.revision) == (True, True, COMMIT)
    assert names_in(tmp_path) == ["depth_anything_v2_vits.pth", hub.LOCK_FILE]
    entry = json.loads((tmp_path / hub.LOCK_FILE).read_text())["weights"][NAME]
    assert entry["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert (entry["revision"], entry["licence"]) == (COMMIT, "Apache-2.0")


def test_a_right_file_is_not_downloaded_again(small_hub, pinned, tmp_path):
    hub.fetch(NAME, tmp_path, endpoint=small_hub.address)
    small_hub.state["requests"].clear()
    again = hub.fetch(NAME, tmp_path, endpoint=small_hub.address)
    assert not again.fetched
    assert small_hub.state["requests"] == []


def test_a_space_is_asked_for_by_its_own_path(small_hub, publish, tmp_path):
    publish(revision="main", sha256=hashlib.sha256(CONTENT).hexdigest(), kind="space", file="checkpoints/v.pth")
    small_hub.state["prefix"] = f"/spaces/{published_weights.PUBLISHED[NAME].repository}"
    small_hub.state["file"] = "checkpoints/v.pth"
    assert hub.fetch(NAME, tmp_path, endpoint=small_hub.address).path == tmp_path / "v.pth"
    assert names_in(tmp_path) == ["v.pth", hub.LOCK_FILE]


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "found out"])
def test_another_hash_than_the_pinned_one_is_refused(small_hub, publish, tmp_path, announced):
    publish(revision=COMMIT, sha256="0" * 64)
    if not announced:
        small_hub.state["etag"] = "not-a-hash"
    with pytest.raises(CheckpointError, match=r"not the pinned 0000.*nothing was kept"):
        hub.fetch(NAME, tmp_path, endpoint=small_hub.address)
    assert not tmp_path.exists() or names_in(tmp_path) == []
    assert len(gets(small_hub)) == (0 if announced else 1)


def test_without_a_known_hash_the_first_download_pins_the_next(small_hub, publish, tmp_path):
    publish(revision="main", sha256=None)
    first = hub.fetch(NAME, tmp_path, endpoint=small_hub.address)
    assert (first.pinned, first.revision) == (False, COMMIT)
    first.path.unlink()
    again = hub.fetch(NAME, tmp_path, endpoint=small_hub.address)
    assert again.pinned
    again.path.unlink()
    small_hub.state["content"] = CONTENT[::-1]
    small_hub.state["etag"] = hashlib.sha256(CONTENT[::-1]).hexdigest()
    with pytest.raises(CheckpointError, match="not the pinned"):
        hub.fetch(NAME, tmp_path, endpoint=small_hub.address)
    changed = hub.fetch(NAME, tmp_path, endpoint=small_hub.address, sha256=small_hub.state["etag"].upper())
    assert changed.path.read_bytes() == CONTENT[::-1]


def test_another_revision_is_not_held_to_the_pinned_hash(small_hub, publish, tmp_path):
    publish(revision="f" * 40, sha256="0" * 64)
    download = hub.fetch(NAME, tmp_path, revision="main", endpoint=small_hub.address)
    assert not download.pinned
    with pytest.raises(CheckpointError, match="not the pinned 1111"):
        hub.fetch(NAME, tmp_path / "other", revision="main", sha256="1" * 64, endpoint=small_hub.address)


def test_an_interrupted_download_is_resumed(small_hub, pinned, tmp_path, monkeypatch):
    from huggingface_hub import constants, file_download

    def killed(_seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    small_hub.state["break_after"] = 300_000
    with monkeypatch.context() as patch:
        # The library itself retries a broken connection after a pause: be killed in that pause.
        patch.setattr(file_download.time, "sleep", killed)
        with pytest.raises(KeyboardInterrupt):
            hub.fetch(NAME, tmp_path, endpoint=small_hub.address)
    assert names_in(tmp_path) == [f".partial-{NAME}.{COMMIT[:12]}"]
    small_hub.state["break_after"] = None
    small_hub.state["requests"].clear()
    hub.fetch(NAME, tmp_path, endpoint=small_hub.address)
    assert (tmp_path / "depth_anything_v2_vits.pth").read_bytes() == CONTENT
    assert [request[2] for request in gets(small_hub)] == ["bytes=300000-"]
    assert names_in(tmp_path) == ["depth_anything_v2_vits.pth", hub.LOCK_FILE]


@pytest.mark.parametrize("left", [b"x" * 1000, b"x" * (len(CONTENT) + 1), CONTENT], ids=["other", "longer", "whole"])
def test_what_an_interrupt_left_is_never_trusted(small_hub, pinned, tmp_path, left):
    (tmp_path / f".partial-{NAME}.{COMMIT[:12]}").write_bytes(left)
    if left[:1] == b"x" and len(left) < len(CONTENT):
        with pytest.raises(CheckpointError, match="nothing was kept"):
            hub.fetch(NAME, tmp_path, endpoint=small_hub.address)
        assert names_in(tmp_path) == []
    assert hub.fetch(NAME, tmp_path, endpoint=small_hub.address).path.read_bytes() == CONTENT
    assert names_in(tmp_path) == ["depth_anything_v2_vits.pth", hub.LOCK_FILE]


def test_a_connection_that_breaks_once_is_taken_up_again(small_hub, pinned, tmp_path, monkeypatch):
    from huggingface_hub import constants, file_download

    def mended(_seconds):
        small_hub.state["break_after"] = None

    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    monkeypatch.setattr(file_download.time, "sleep", mended)
    small_hub.state["break_after"] = 300_000
    assert hub.fetch(NAME, tmp_path, endpoint=small_hub.address).path.read_bytes() == CONTENT


def test_another_file_in_the_place_is_left_alone(small_hub, pinned, tmp_path):
    target = tmp_path / "depth_anything_v2_vits.pth"
    target.write_bytes(b"mine")
    with pytest.raises(CheckpointError, match="exists and is another file"):
        hub.fetch(NAME, tmp_path, endpoint=small_hub.address)
    assert target.read_bytes() == b"mine"


@pytest.mark.parametrize("code", ["EntryNotFound", "RevisionNotFound", "RepoNotFound"])
def test_what_the_hub_does_not_have(small_hub, pinned, tmp_path, code):
    small_hub.state["error_code"] = code
    with pytest.raises(CheckpointError, match=r"has no depth_anything_v2_vits\.pth in depth-anything/Dep.* at v9"):
        hub.fetch(NAME, tmp_path, revision="v9", endpoint=small_hub.address)


def test_too_little_space_is_said_before_the_download(small_hub, pinned, tmp_path, monkeypatch):
    usage = hub.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(hub.shutil, "disk_usage", lambda _folder: usage._replace(free=1 << 20))
    with pytest.raises(MachineError, match="1 MiB free and 64 MiB are needed"):
        hub.fetch(NAME, tmp_path, endpoint=small_hub.address)
    assert gets(small_hub) == []


def test_a_damaged_lock_file_is_named(tmp_path):
    (tmp_path / hub.LOCK_FILE).write_text("{")
    with pytest.raises(CheckpointError, match=r"weights\.lock\.json is damaged"):
        hub.fetch(NAME, tmp_path)


@pytest.fixture
def nobody():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def test_offline_is_said_quickly_and_leaves_nothing(nobody, tmp_path):
    began = time.monotonic()
    with pytest.raises(MachineError, match="cannot reach the Hugging Face hub") as caught:
        hub.fetch(NAME, tmp_path / "weights", endpoint=nobody)
    assert time.monotonic() - began < 5
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "weights").exists()


@pytest.mark.parametrize("environment", [{"HF_ENDPOINT": "{nobody}"}, {"HF_HUB_OFFLINE": "1"}])
def test_offline_on_the_command_line(nobody, tmp_path, environment):
    variables = {key: value.format(nobody=nobody) for key, value in environment.items()}
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "dgiqa_edge.runtime.commands.cli",
            "weights",
            "fetch",
            NAME,
            "--out",
            str(tmp_path / "w"),
        ],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 4
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1].startswith("dgiqa-edge: error: ")
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("published", published_weights.PUBLISHED.values(), ids=published_weights.PUBLISHED)
def test_the_table_is_complete(published):
    assert published.network in networks.names()
    assert published_weights.get(published.name) is published_weights.get(published.network) is published
    assert published.sha256 is None or len(bytes.fromhex(published.sha256)) == 32
    assert published.revision == "main" or len(bytes.fromhex(published.revision)) == 20
    assert published.revision != "main" or published.sha256, "a moving revision needs a hash"
    assert published.licence in ("Apache-2.0", "CC-BY-NC-4.0")


def test_every_depth_network_is_published():
    published = {entry.network for entry in published_weights.PUBLISHED.values()}
    assert published == {name for name in networks.names() if name.startswith("depth_anything")}


@pytest.mark.parametrize("name", ["dgiqa", "DGIQA-koniq"])
def test_dgiqa_is_explained(name):
    with pytest.raises(CheckpointError, match=r"Dropbox.*github\.com/uf-robopi/DGIQA"):
        published_weights.get(name)


def test_unknown_weights_list_the_known_ones():
    with pytest.raises(ConfigurationError, match="no published weights 'midas': choose one of depth-anything-v1-small"):
        published_weights.get("midas")


@pytest.mark.parametrize("wrong", ["", "abc", "g" * 64])
def test_a_malformed_hash_is_a_usage_error(tmp_path, wrong):
    with pytest.raises(ConfigurationError, match="64 hexadecimal digits"):
        hub.fetch(NAME, tmp_path, sha256=wrong)
