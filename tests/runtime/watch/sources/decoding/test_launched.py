"""Programs that write pictures to a pipe of their own, whatever else they write."""

import logging
import shutil
import sys
from pathlib import Path

import pytest

from dgiqa_edge.runtime.errors import MachineError
from dgiqa_edge.runtime.settings.credentials import remember_address
from dgiqa_edge.runtime.watch.sources import End, Frame, create_source
from dgiqa_edge.runtime.watch.sources.decoding.launched import LaunchedDecoder
from dgiqa_edge.runtime.watch.sources.decoding.printed import LOGGED_LINES

# Prints before, between and after its pictures, as an element does that shares its process with the sink.
PROGRAM = """
import os, sys
count, line = int(sys.argv[1]), sys.argv[2]
pictures = os.fdopen(int(sys.argv[3]), "wb")
pictures.write(b"YUV4MPEG2 W16 H8 C420\\n")
for index in range(5):
    for _ in range(count):
        print(line, flush=True)
    pictures.write(b"FRAME\\n" + bytes([100 + index]) * (16 * 8) + b"\\x80" * 64)
    pictures.flush()
print(line)
"""


def decoder(count: int, line: str) -> LaunchedDecoder:
    return LaunchedDecoder([sys.executable, "-c", PROGRAM, str(count), line], "{}", "camera", "reinstall it", 20.0)


@pytest.mark.parametrize("line", ["one line", "FRAME", "x" * 100_000])
@pytest.mark.parametrize("count", [1, 20])
def test_what_is_printed_costs_no_picture(count: int, line: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "dgiqa_edge.watch")
    program = decoder(count, line)
    program.open("")
    levels = []
    while isinstance(result := program.read(), Frame):
        levels.append(int(result.image.mean()))
    program.close()
    assert isinstance(result, End)
    assert len(levels) == 5
    assert levels == sorted(set(levels))
    assert {record.levelno for record in caplog.records} == {logging.DEBUG}
    assert caplog.messages[0].endswith(f" printed: {line[:200]}")
    assert len(caplog.messages) <= LOGGED_LINES + 1
    assert max(len(message) for message in caplog.messages) < 400


def test_of_many_lines_the_first_are_logged_and_the_others_counted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "dgiqa_edge.watch")
    program = decoder(100, "a line")
    program.open("")
    while isinstance(program.read(), Frame):
        pass
    program.close()
    assert len(caplog.messages) == LOGGED_LINES + 1
    assert caplog.messages[-1].endswith(f"printed {5 * 100 + 1 - LOGGED_LINES} lines more")


def test_a_secret_that_is_printed_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "dgiqa_edge.watch")
    remember_address("rtsp://user:verysecretword@192.0.2.7/a")
    program = decoder(1, "opening rtsp://user:verysecretword@192.0.2.7/a")
    program.open("")
    program.close()
    assert caplog.messages
    assert "verysecretword" not in " ".join(caplog.messages)


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    program = LaunchedDecoder([str(tmp_path / "none")], "fd={}", "camera", "reinstall it", 5.0)
    for _ in range(2):
        with pytest.raises(MachineError, match="reinstall it"):
            program.open("")
    program.close()


@pytest.mark.skipif(shutil.which("gst-launch-1.0") is None, reason="needs gst-launch-1.0")
@pytest.mark.parametrize(
    "printer",
    [
        "fakesrc num-buffers=1 sizetype=fixed sizemax=16 ! fakesink dump=true",  # one line
        "fakesrc num-buffers=1 sizetype=fixed sizemax=24000 ! fakesink dump=true",  # 120 kB
    ],
)
def test_a_real_element_that_prints(printer: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "dgiqa_edge.watch")
    source = create_source(f"gst:{printer} videotestsrc num-buffers=20 ! video/x-raw,width=64,height=48")
    source.open()
    frames = []
    while isinstance(result := source.read(), Frame):
        frames.append(result.image.shape)
    source.close()
    assert frames == [(48, 64, 3)] * 20
    assert any("gst-launch-1.0 printed: 00000000" in message for message in caplog.messages)
