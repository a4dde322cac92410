"""Good cameras beside dead ones: how soon each good one is live, and back after its server's restart; and what a camera
costs in CPU and memory.

``python -m dgiqa_edge.benchmarks.cameras.camera_outage --bundle DIR --json FILE``. The cameras are real RTSP servers on
loopback, the dead ones accept and never answer, refuse, or take no connection at all. ``--before DIR`` measures another
checkout's code in the same way, for comparison. The server needs system packages: see ``rtsp_server.py``.
"""

import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dgiqa_edge.runtime.commands.cli import guarded
from dgiqa_edge.runtime.commands.option_types import input_path, parse, seconds, whole
from dgiqa_edge.runtime.ground.atomic import write_bytes, write_text
from dgiqa_edge.runtime.ground.names import json_text
from dgiqa_edge.runtime.ground.strict_text import parse_json
from dgiqa_edge.runtime.machine.processor import processor
from dgiqa_edge.runtime.version import VERSION

from ..program import keep, program
from .rtsp_process import RtspProcess, free_port

_LIMIT_S = 60.0
_SETTLE_S = 10.0
_READ = """
import sys, threading, time
from pathlib import Path
from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.watch.sources import End, create_source
frames = []
def read():
    source = create_source(sys.argv[1])
    while True:
        try:
            source.open()
            while not isinstance(source.read(), End):
                frames.append(None)
        except SourceError:
            pass
        time.sleep(0.5)
for _ in range(int(sys.argv[2])):
    threading.Thread(target=read).start()
while True:
    time.sleep(0.5)
    Path(sys.argv[3]).write_text(str(len(frames)))
"""


def outage(bundle: Path, good: int, dead: int, down_s: float, code: Path | None = None) -> dict[str, Any]:
    """One run of ``dgiqa-edge watch``.

    Returns per good camera ``live_s`` from the program's start and ``back_s`` from its server's return, None where it
    took more than a minute, and ``stop_s``, which the program took to end.

    Args:
        good, dead: number of cameras.
        down_s: how long the good ones' server is gone.
        code: folder that holds another ``dgiqa_edge``.
    """
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        frames, port = _frames(scratch), free_port()
        server = RtspProcess(frames, port)
        stack.callback(lambda: server.kill())
        kinds = [stack.enter_context(make()) for make in (_silent, _refusing, _full)]
        addresses = [f"rtsp://127.0.0.1:{port}/live"] * good
        # Half of the dead ones accept and never answer, which is the hardest case.
        addresses += [kinds[0] if n % 2 else kinds[1 + n // 2 % 2] for n in range(dead)]
        config, events = scratch / "watch.json", scratch / "events.jsonl"
        cameras = [{"name": f"camera{n}", "source": address} for n, address in enumerate(addresses)]
        sink = {"type": "json_lines", "path": str(events)}
        settings = {"bundle": str(bundle.resolve()), "engine": {"threads": 1}, "cameras": cameras, "sinks": [sink]}
        write_text(config, json_text(settings))
        names = [camera["name"] for camera in cameras[:good]]
        started = time.time()
        watch = _program(["-m", "dgiqa_edge.runtime.commands.cli", "watch", str(config), "--quiet"], code)
        stack.callback(watch.kill)
        live = _first_frames(events, names, started)
        server.kill()
        time.sleep(down_s)
        server = RtspProcess(frames, port)
        back = _first_frames(events, names, time.time())
        watch.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        watch.wait(120)
        return {
            "good": good,
            "dead": dead,
            "down_s": down_s,
            "live_s": live,
            "back_s": back,
            "stop_s": round(time.monotonic() - asked, 1),
        }


def cost(count: int, window_s: float, code: Path | None = None) -> dict[str, Any]:
    """What reading ``count`` cameras (640x480, 8 frames per second) costs, nothing scored: a whole process tree's CPU
    in per cent of one core, its memory, pages that processes share counted once (PSS), and the frames it read."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = free_port()
        server = RtspProcess(_frames(scratch), port)
        stack.callback(server.kill)
        counter = scratch / "count"
        reader = _program(["-c", _READ, f"rtsp://127.0.0.1:{port}/live", str(count), str(counter)], code)
        stack.callback(reader.wait)
        stack.callback(_kill_tree, reader.pid)
        time.sleep(_SETTLE_S + count)
        before, read_before = _cpu_s(reader.pid), int(_text(counter) or 0)
        time.sleep(window_s)
        return {
            "cameras": count,
            "frames_per_s": round((int(_text(counter) or 0) - read_before) / window_s, 1),
            "cpu_percent": round(100.0 * (_cpu_s(reader.pid) - before) / window_s, 1),
            "pss_mib": round(sum(_pss_mib(pid) for pid in _tree(reader.pid)), 1),
            "processes": len(_tree(reader.pid)),
        }


def _program(arguments: list[str], code: Path | None) -> "subprocess.Popen[bytes]":
    environment = dict(os.environ)
    if code is not None:
        environment["PYTHONPATH"] = str(code.resolve())
    return subprocess.Popen(
        [sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _first_frames(events: Path, names: list[str], since: float) -> dict[str, float | None]:
    """Seconds from ``since`` to each camera's first frame after it."""
    found: dict[str, float | None] = dict.fromkeys(names)
    while None in found.values() and time.time() - since < _LIMIT_S:
        time.sleep(0.1)
        written = events.read_text(encoding="utf-8") if events.exists() else ""
        lines = written.split("\n")[:-1]  # the last one may not be whole yet
        for record in map(parse_json, lines):
            # An outage is an event without a frame.
            of_a_frame = record.get("outcome") in ("scored", "skipped")
            name, at = record["camera"], record["captured_at"]
            if of_a_frame and name in found and found[name] is None and at > since:
                found[name] = round(at - since, 2)
    return found


def _frames(folder: Path) -> Path:
    frames = folder / "frames"
    frames.mkdir()
    picture = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8), (0, 0), 3)
    for index in range(40):
        moved = np.roll(picture, 8 * index, axis=1)
        write_bytes(frames / f"{index:05d}.jpg", cv2.imencode(".jpg", moved)[1].tobytes())
    return frames


@contextmanager
def _silent() -> Iterator[str]:
    """Accepts (the system does) and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=200) as server:
        yield f"rtsp://127.0.0.1:{server.getsockname()[1]}/live"


@contextmanager
def _refusing() -> Iterator[str]:
    yield f"rtsp://127.0.0.1:{free_port()}/live"


@contextmanager
def _full() -> Iterator[str]:
    """Answers no connection at all, as a host that is switched off: its queue is full."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        yield f"rtsp://127.0.0.1:{server.getsockname()[1]}/live"


def _tree(root: int) -> list[int]:
    """A process and all below it."""
    found = [root]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            found += [int(child) for child in _text(task).split()]
    return found


def _cpu_s(root: int) -> float:
    ticks = 0
    for pid in _tree(root):
        fields = _text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
        ticks += sum(int(field) for field in fields[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def _pss_mib(pid: int) -> float:
    lines = _text(Path(f"/proc/{pid}/smaps_rollup")).splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024.0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:  # ended meanwhile
        return ""


def _kill_tree(root: int) -> None:
    for pid in _tree(root):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def main(argv: list[str] | None = None) -> int:
    """Measure and write the report; 1 where a good camera took longer than 10 s."""
    parser = program("cameras.camera_outage", __doc__)
    parser.add_argument("--good", type=whole(1, 64), default=4, metavar="N")
    parser.add_argument("--dead", type=whole(0, 64), default=8, metavar="N")
    parser.add_argument("--down", type=seconds, default=20.0, metavar="S", help="seconds that the server is gone")
    parser.add_argument("--window", type=seconds, default=15.0, metavar="S", help="seconds that each cost takes")
    parser.add_argument("--before", type=input_path, metavar="DIR", help="folder with another dgiqa_edge beside it")
    args = parse(parser, argv)

    def measured(measure: Callable[[Path | None], dict[str, Any]]) -> dict[str, Any]:
        return {name: measure(code) for name, code in (("after", None), ("before", args.before)) if name in wanted}

    wanted = ("after",) if args.before is None else ("after", "before")
    report: dict[str, Any] = {
        "tool": {"name": "dgiqa-edge", "version": VERSION},
        "machine": {
            "processor": processor().model,
            "cpus": os.cpu_count(),
            "platform": platform.platform(),
            "opencv": cv2.__version__,
        },
        "load_before": [round(load, 2) for load in os.getloadavg()],
        "outage": measured(partial(outage, args.bundle, args.good, args.dead, args.down)),
        "cost": [measured(partial(cost, count, args.window)) for count in (1, 4, 12)],
        "load_after": [round(load, 2) for load in os.getloadavg()],
    }
    keep(args.json, report)
    print(json_text(report, indent=1))
    after = report["outage"]["after"]
    times = [*after["live_s"].values(), *after["back_s"].values()]
    return 1 if any(value is None or value > 10.0 for value in times) else 0


if __name__ == "__main__":
    sys.exit(guarded(main, extra="bench"))
