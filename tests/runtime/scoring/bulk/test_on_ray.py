"""``score-many`` on Ray Data: processes killed, a picture that kills, a store. ``make ray-test`` has what they need."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import psutil
import pytest

from dgiqa_edge.runtime.scoring.bulk.report import read_report

pytest.importorskip("ray.data", reason="ray is not installed: make ray-test")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
pd = pytest.importorskip("pyarrow.dataset", reason="pyarrow is not installed: extra bulk")

PICTURES, SPOILED, BLOCK = 300, 10, 10
# Python reads it as it starts, in Ray's processes too.
SITE = """
import os, signal, time
import cv2
real = cv2.imdecode
def imdecode(content, flags):
    time.sleep(float(os.environ["SLOWER_S"]))
    if b"POISON" in content.tobytes():
        os.kill(os.getpid(), signal.SIGKILL)
    return real(content, flags)
cv2.imdecode = imdecode
"""


@pytest.fixture
def photos(tmp_path: Path, make_photo: Any) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(PICTURES):
        content = cv2.imencode(".png", make_photo(seed=number))[1].tobytes()
        (folder / f"{number:03}.png").write_bytes(content[: 40 if number % (PICTURES // SPOILED) == 0 else None])
    return folder


@pytest.fixture
def start(tmp_path: Path, bundle_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., subprocess.Popen[str]]:
    """Start ``score-many --on ray``; decoding takes a while longer, and may be deadly."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(SITE)
    monkeypatch.setenv("PYTHONPATH", f"{site}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")

    def started(*words: Any, bundle: Path = bundle_dir, slower_s: float = 0.0) -> subprocess.Popen[str]:
        monkeypatch.setenv("SLOWER_S", str(slower_s))
        command = [sys.executable, "-m", "dgiqa_edge.runtime.commands.cli", "score-many", "--bundle", bundle]
        return subprocess.Popen(
            [*map(str, command), *map(str, words), "--on", "ray", "--block", str(BLOCK)],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return started


def rows(place: str, **options: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pd.dataset(place, format="parquet", **options).to_table().to_pylist()
    return found


def until(there: Callable[[], Any], process: subprocess.Popen[str]) -> Any:
    deadline = time.monotonic() + 300
    while not (found := there()):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            if "ray::MapWorker" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.Error:
            continue
    return found


def test_a_worker_and_the_driver_are_killed(start: Callable[..., Any], photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    notes = out / "_work"
    files = lambda: len(list(out.glob("[!.]*.parquet")))  # noqa: E731
    first = start("photos", "--out", out, slower_s=0.05)
    until(lambda: files() >= 3 and len(list(notes.iterdir())) > 1, first)
    (worker,) = workers(first)
    worker.kill()
    at_death = files()
    until(lambda: files() >= at_death + 3 and len(list(notes.iterdir())) > 1, first)
    assert worker.pid not in [one.pid for one in workers(first)]
    left = workers(first)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    psutil.wait_procs(left, timeout=30)
    before = {file.name: file.read_bytes() for file in out.glob("[!.]*.parquet")}
    assert files() < PICTURES // (2 * BLOCK)
    second = start("photos", "--out", out)
    said = second.communicate(timeout=600)[0]
    assert second.returncode == 3, said
    there = sum(len(rows(str(out / name))) for name in before)
    table = rows(str(out))
    failed = [row for row in table if row["error"]]
    last = sum(row["error"] is not None for name in before for row in rows(str(out / name)))
    scored = PICTURES - there - len(failed) + last
    counted = f"{PICTURES} read, {scored} scored, {len(failed) - last} failed, {there} skipped in"
    assert counted in said
    assert len(table) == len({row["image"] for row in table}) == PICTURES
    assert len(failed) == SPOILED
    assert all("cut off" in row["error"] or "damaged" in row["error"] for row in failed)
    assert all((out / name).read_bytes() == content for name, content in before.items())
    assert list(notes.iterdir()) == [] == list(out.glob(".*"))


def test_a_picture_that_kills_workers_fails_alone(start: Callable[..., Any], photos: Path, tmp_path: Path) -> None:
    content = (photos / "007.png").read_bytes()
    (photos / "007.png").write_bytes(content + b"POISON")
    (tmp_path / "list.txt").write_text("".join(f"photos/{number:03}.png\n" for number in range(40)))
    run = start("list.txt", "--out", tmp_path / "out")
    said = run.communicate(timeout=900)[0]
    assert run.returncode == 3, said
    assert "40 read, 37 scored, 3 failed, 0 skipped" in said
    table = {row["image"]: row for row in rows(str(tmp_path / "out"))}
    assert len(table) == 40
    assert "ended the process that read it" in table["photos/007.png"]["error"]


def test_what_a_scorer_raises_is_said(
    start: Callable[..., Any], photos: Path, make_bundle: Callable[..., Path], tmp_path: Path
) -> None:
    run = start("photos", "--out", tmp_path / "out", bundle=make_bundle(golden_shift=0.5))
    said = run.communicate(timeout=600)[0]
    assert run.returncode == 3, said
    assert "golden frame's score is 0.5 off FP32" in said.splitlines()[-1]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket of an S3 server on this machine, for this process and those that it starts."""
    moto = pytest.importorskip("moto.server", reason="moto is not installed: make ray-test")
    s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed: make ray-test")
    server = moto.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host.replace('0.0.0.0', '127.0.0.1')}:{port}")
    for name, value in (("ACCESS_KEY_ID", "a"), ("SECRET_ACCESS_KEY", "b"), ("DEFAULT_REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    files = s3fs.S3FileSystem(skip_instance_cache=True, use_listings_cache=False)
    files.mkdir("pictures")
    yield files
    server.stop()


def test_pictures_and_results_in_a_store(start: Callable[..., Any], photos: Path, bucket: Any, tmp_path: Path) -> None:
    names = [f"{number:03}.png" for number in range(60)]
    for name in names:
        bucket.pipe_file(f"pictures/cam/{name}", (photos / name).read_bytes())
    bucket.touch("pictures/cam/empty.png")
    bucket.pipe_file("pictures/list.csv", "\n".join(["path", *names, "empty.png", "gone.png"]).encode())
    words = ["s3://pictures/list.csv", "--root", "s3://pictures/cam", "--out", "s3://pictures/scores"]
    run = start(*words)
    said = run.communicate(timeout=600)[0]
    assert run.returncode == 3, said
    assert "62 read, 58 scored, 4 failed, 0 skipped" in said
    table = {row["image"]: row for row in rows("pictures/scores", filesystem=bucket)}
    assert table.keys() == {*names, "empty.png", "gone.png"}
    assert table["empty.png"]["error"] == "empty.png is empty (0 bytes): copy the file again"
    assert table["gone.png"]["error"] == "gone.png does not exist: check the name"
    again = start(*words[1:], "s3://pictures/cam/*.png", "s3://pictures/list.csv")
    said = again.communicate(timeout=600)[0]
    assert again.returncode == 3, said
    assert "123 read, 58 scored, 3 failed, 62 skipped" in said  # the addresses are other names
    everything = rows("pictures/scores", filesystem=bucket)
    report = read_report("s3://pictures/scores", 5)
    assert (report.all.scored, report.all.failed) == (116, 7)
    assert Counter(row["sha256"] for row in everything if row["score"] is not None).most_common()[-1][1] == 2
    assert bucket.glob("pictures/scores/_work/*") == []
