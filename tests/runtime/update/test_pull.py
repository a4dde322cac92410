"""Pulled, judged, and switched to, or nothing changed."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dgiqa_edge.runtime.bundle.bundle import Bundle, load_bundle
from dgiqa_edge.runtime.errors import (
    ConfigurationError,
    FidelityError,
    GpuMemoryError,
    MachineError,
    SignatureError,
    UpdateError,
)
from dgiqa_edge.runtime.update.archive import pack
from dgiqa_edge.runtime.update.download import address_of
from dgiqa_edge.runtime.update.pull import pull
from dgiqa_edge.runtime.update.signature import make_keys, read_public_keys, sign
from dgiqa_edge.runtime.update.slots import Slots


@pytest.fixture
def site(tmp_path: Path, make_bundle: Callable[..., Path]) -> SimpleNamespace:
    """``archive(day, key)`` of a bundle built on that day of January, ``pull(archive)`` into ``slots``."""
    slots = Slots(tmp_path / "slots")
    private, public, _ = make_keys(tmp_path / "release")
    keys = read_public_keys([public])
    replayed: list[str] = []

    def archive(day: int, signed: bool = True, **options: Any) -> Path:
        created = f"2026-01-{day:02}T00:00:00Z"
        bundle = make_bundle(edit=lambda document: document.update(created=created), **options)
        if signed:
            sign(bundle, private)
        file = tmp_path / f"{day}.tar"
        pack(load_bundle(bundle), file)
        return file

    def take(url: Any, replay: Any = None, force: bool = False, keys: Any = keys) -> Any:
        def note(bundle: Bundle) -> None:
            replayed.append(bundle.sha256)
            assert slots.current != bundle.sha256, "before the switch"

        return pull(address_of(str(url)), slots, keys, replay or note, force)

    return SimpleNamespace(slots=slots, archive=archive, pull=take, replayed=replayed, folder=tmp_path)


def fails(error: Exception) -> Callable[[Bundle], None]:
    def replay(bundle: Bundle) -> None:
        raise error

    return replay


def test_what_is_pulled_is_current_and_replayed_before(site: SimpleNamespace) -> None:
    first = site.pull(site.archive(1))
    assert (first.bundle, first.switched) == (site.slots.current, True)
    again = site.pull(site.archive(1))
    assert (again.bundle, again.switched) == (first.bundle, False)
    second = site.pull(site.archive(2))
    assert (site.slots.current, site.slots.previous) == (second.bundle, first.bundle)
    assert site.replayed == [first.bundle, second.bundle]
    assert load_bundle(site.slots.path(second.bundle)).sha256 == second.bundle
    third, fourth = site.pull(site.archive(3)), site.pull(site.archive(4))
    kept = {place.name for place in (site.slots.folder / "slots").iterdir()}
    assert kept == {first.bundle, third.bundle, fourth.bundle}  # the third goes with the next pull
    assert site.slots.previous == first.bundle  # the last one that has lasted


def test_a_failed_replay_is_remembered_and_force_tries_it_again(site: SimpleNamespace) -> None:
    before = site.pull(site.archive(1)).bundle
    bad = site.archive(2)
    with pytest.raises(FidelityError):
        site.pull(bad, fails(FidelityError("other outputs")))
    with pytest.raises(UpdateError, match=r"failed here.*other outputs.*--force"):
        site.pull(bad)
    assert site.slots.current == before
    assert site.pull(bad, force=True).switched
    assert site.slots.last_refusal is None


@pytest.mark.parametrize("error", [GpuMemoryError("full"), MachineError("no package"), RuntimeError("a bug")])
def test_what_is_not_the_bundles_fault_is_not_remembered(site: SimpleNamespace, error: Exception) -> None:
    before = site.pull(site.archive(1)).bundle
    bad = site.archive(2)
    with pytest.raises(type(error)):
        site.pull(bad, fails(error))
    assert site.slots.current == before
    assert site.pull(bad).switched


def test_an_older_one_only_by_force(site: SimpleNamespace) -> None:
    before = site.pull(site.archive(5)).bundle
    with pytest.raises(UpdateError, match=r"built 2026-01-04T00:00:00Z, before .*--force"):
        site.pull(site.archive(4))
    assert site.slots.current == before
    assert site.pull(site.folder / "4.tar", force=True).switched


def test_a_current_one_that_is_damaged_is_replaced_by_force(site: SimpleNamespace) -> None:
    first, second = site.pull(site.archive(1)).bundle, site.pull(site.archive(2)).bundle
    (site.slots.path(second) / "build.log").write_text("x")
    site.slots.accept(second)
    site.pull(site.folder / "2.tar", lambda bundle: None, force=True)
    load_bundle(site.slots.path(second))
    assert (site.slots.current, site.slots.previous, site.slots.on_trial) == (second, first, False)


def test_unsigned_goes_where_no_key_is_asked_for(site: SimpleNamespace) -> None:
    unsigned = site.archive(1, signed=False)
    with pytest.raises(SignatureError):
        site.pull(unsigned)
    assert site.pull(unsigned, keys=()).switched
    with pytest.raises(ConfigurationError, match="is not encrypted"):
        site.pull("http://127.0.0.1:9/x.tar", keys=())


def test_a_half_is_named_by_where_it_came_from(site: SimpleNamespace) -> None:
    file = site.archive(1)
    file.write_bytes(file.read_bytes()[:-12_000])
    with pytest.raises(Exception, match=r"^\S*1\.tar ends within the file .* it is cut off"):
        site.pull(file)


def test_errors_name_where_it_came_from(site: SimpleNamespace) -> None:
    file = site.archive(1)
    file.write_bytes(file.read_bytes().replace(b"built\n", b"build\n"))
    with pytest.raises(Exception, match=r"^\S*1\.tar/build\.log has other content") as caught:
        site.pull(file)
    assert ".partial" not in str(caught.value)


class _Handler(BaseHTTPRequestHandler):
    """Sends a file with an ETag, at first slowly."""

    file: Path
    asked: list[dict[str, str]]
    slow = False

    def do_GET(self) -> None:
        self.asked.append(dict(self.headers))
        content = self.file.read_bytes()
        tag = f'"{hash(content)}"'
        if self.headers.get("If-None-Match") == tag:
            self.send_response(304)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with contextlib.suppress(OSError):
            for at in range(0, len(content), 1000):
                self.wfile.write(content[at : at + 1000])
                if self.slow:
                    time.sleep(0.05)

    def log_message(self, *_: Any) -> None:
        """Nothing on the console."""


@pytest.fixture
def served(site: SimpleNamespace) -> Iterator[type[_Handler]]:
    handler = type("Served", (_Handler,), {"asked": [], "url": ""})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        handler.url = f"http://127.0.0.1:{server.server_port}/b.tar"  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield handler
        server.shutdown()


def test_a_timer_fetches_only_what_is_new(site: SimpleNamespace, served: Any) -> None:
    served.file = site.archive(1)
    assert site.pull(served.url).switched
    assert not site.pull(served.url).switched
    assert "If-None-Match" in served.asked[-1]
    served.file = site.archive(2)
    bad = served.file
    with pytest.raises(FidelityError):
        site.pull(served.url, fails(FidelityError("other outputs")))
    with pytest.raises(UpdateError, match="failed here"):
        site.pull(served.url)
    assert "If-None-Match" in served.asked[-1], "what failed is not fetched again"
    served.file = bad
    assert site.pull(served.url, force=True).switched
    assert "If-None-Match" not in served.asked[-1]


def test_a_pull_that_is_killed_leaves_no_slot_and_the_next_one_cleans_up(site: SimpleNamespace, served: Any) -> None:
    before = site.pull(site.archive(1)).bundle
    served.file, served.slow = site.archive(2), True
    command = [sys.executable, "-m", "dgiqa_edge.runtime.commands.cli", "bundle", "pull", served.url]
    command += ["--slots", str(site.slots.folder), "--require-signature", str(site.folder / "release.pub.pem")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not any(file.stat().st_size for file in site.slots.folder.glob(".partial-*")):
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert site.slots.current == before
    slots = [place.name for place in (site.slots.folder / "slots").iterdir() if not place.name.startswith(".partial-")]
    assert slots == [before]
    served.slow = False
    assert site.pull(served.url).switched
    assert not list(site.slots.folder.rglob(".partial-*"))
