"""What a person says a frame really was, kept as PNG files that ``gate tune`` takes as they are.

``good/CAMERA-TIME.png``, ``bad/FAULT/CAMERA-TIME.png``, and in ``labels.jsonl`` a line for each, in the order of
their times: what the gate had said, what the person says, and whether the picture has the frame's own size.
"""

import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ConfigurationError, MachineError
from ...gate.vocabulary import FAULTS
from ...ground.atomic import write_bytes, write_text
from ...ground.input_file import file_bytes
from ...ground.names import file_name, json_text
from ...ground.strict_text import parse_json
from ..event import FrameEvent, utc_text

GOOD = "good"
TRUTHS = (GOOD, *(fault.slug for fault in FAULTS.values() if fault.measured_by != ("clock",)))
"""What one frame can be: that there is no frame is nothing to see in one."""
RECORD = "labels.jsonl"
_MIB = 1 << 20
_MOST_HELD = 4
_MOST_UNDONE = 16


@dataclass(frozen=True)
class Said:
    """A frame and what is known of it.

    Attributes:
        record: its event's.
        picture: uint8 [H, W, 3] BGR.
        reduced: the picture is smaller than the frame, and went through JPEG.
    """

    record: dict[str, Any]
    picture: NDArray[np.uint8]
    reduced: bool = False


class Labels:
    """For any thread.

    Args:
        folder: made with the first label.
        most_mib: of everything in it; nothing is ever removed to make room, for these are a person's words.
    """

    def __init__(self, folder: Path, most_mib: float) -> None:
        self._folder = folder
        self._most = round(most_mib * _MIB)
        self._lock = threading.Lock()
        self._held: deque[FrameEvent] = deque(maxlen=_MOST_HELD)
        self._done: deque[str] = deque(maxlen=_MOST_UNDONE)

    def hold(self, event: FrameEvent) -> None:
        """Keep a frame at its full size until four others were held: somebody is about to label it."""
        with self._lock:
            if all(held is not event for held in self._held):
                self._held.append(event)

    def held(self, camera: str, index: int) -> FrameEvent | None:
        """A frame that is kept."""
        with self._lock:
            return next((it for it in self._held if (it.camera, it.index) == (camera, index)), None)

    def write(self, said: Said, truth: str) -> dict[str, Any]:
        """Keep a frame as what it really was; an earlier label of the same frame is replaced.

        Returns:
            the line of ``labels.jsonl``.

        Raises:
            ConfigurationError: ``truth`` is none of ``TRUTHS``.
            MachineError: the folder is full, or cannot be written.
        """
        if truth not in TRUTHS:
            raise ConfigurationError(f"{truth!r} is none of {', '.join(TRUTHS)}")
        content = _png(said.picture)
        name = _file_name(said.record)
        path = Path(GOOD) / name if truth == GOOD else Path("bad") / truth / name
        height, width = said.picture.shape[:2]
        line = {
            "file": path.as_posix(),
            "truth": truth,
            "camera": said.record["camera"],
            "index": said.record["index"],
            "time": said.record["time"],
            "verdict": said.record["verdict"],
            "size": [width, height],
            "frame_size": said.record["frame_size"],
            "reduced": said.reduced,
        }
        with self._lock, _said_well(self._folder):
            used = sum(file.stat().st_size for file in self._folder.rglob("*") if file.is_file())
            if used + len(content) > self._most:
                raise MachineError(
                    f"{self._folder} holds {used / _MIB:.0f} MiB of labels and may hold {self._most / _MIB:.0f}: move "
                    "them to where they are used, or raise dashboard.labels_mib"
                )
            write_bytes(self._folder / path, content)
            self._remove(name, but=path)
            lines = [*self._lines_without(name), json_text(line, separators=(",", ":"))]
            self._write_lines(sorted(lines, key=_time_and_name))
            if name not in self._done:
                self._done.append(name)
        return line

    def undo(self, file: str) -> bool:
        """Take back one of the last labels; whether there was such a one."""
        name = Path(file).name
        with self._lock, _said_well(self._folder):
            if name not in self._done:
                return False
            self._done.remove(name)
            self._remove(name)
            self._write_lines(self._lines_without(name))
        return True

    def _remove(self, name: str, but: Path | None = None) -> None:
        for path in [Path(GOOD) / name, *(Path("bad") / truth / name for truth in TRUTHS[1:])]:
            if path != but:
                (self._folder / path).unlink(missing_ok=True)

    def _lines_without(self, name: str) -> list[str]:
        try:
            lines = file_bytes(self._folder / RECORD, self._most).decode("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return []
        return [line for line in lines if line.strip() and _time_and_name(line)[1] != name]

    def _write_lines(self, lines: list[str]) -> None:
        write_text(self._folder / RECORD, "".join(f"{line}\n" for line in lines))


@contextlib.contextmanager
def _said_well(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MachineError(f"{folder} takes no labels ({error.strerror}): choose another dashboard.labels") from error


def _time_and_name(line: str) -> tuple[str, str]:
    """Of a label's frame; what somebody else wrote there has none, so it is left alone and stands first."""
    try:
        label = parse_json(line)
        return str(label["time"]), Path(label["file"]).name
    except (ValueError, TypeError, KeyError):
        return "", ""


def _file_name(record: dict[str, Any]) -> str:
    """One name for one frame."""
    time = utc_text(record["captured_at"]).replace("-", "").replace(":", "")
    return f"{file_name(record['camera'])}-{time}.png"


def _png(picture: NDArray[np.uint8]) -> bytes:
    import cv2

    done, encoded = cv2.imencode(".png", picture)
    if not done:
        raise MachineError(f"a frame of {picture.shape} cannot be encoded as PNG")
    return encoded.tobytes()
