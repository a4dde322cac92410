"""The adapter on a real process that prints recorded lines, as tegrastats does."""

import json
import sys
import time
from pathlib import Path

from dgiqa_edge.benchmarks.telemetry.tegrastats_process import TegrastatsAdapter

RECORDED = json.loads((Path(__file__).parent / "tegrastats_lines.json").read_text(encoding="utf-8"))
ORIN_NANO = next(record["line"] for record in RECORDED if "Orin Nano" in record["device"])


def printing(tmp_path, lines):
    """A command that prints the lines and then stays, until it is told to end."""
    script = tmp_path / "tegrastats.py"
    script.write_text(
        f"import sys, time\nfor line in {lines!r}:\n    print(line, flush=True)\nwhile True:\n    time.sleep(60)\n"
    )
    return [sys.executable, str(script)]


def wait_for(adapter, lines):
    """Until the adapter has seen so many lines; the process prints at its own pace."""
    for _ in range(200):
        if int(adapter.notes()[0].split()[0]) >= lines:
            return
        time.sleep(0.02)
    raise AssertionError(adapter.notes())


def test_lines_become_values_and_strange_ones_are_counted(tmp_path):
    adapter = TegrastatsAdapter(0.5, printing(tmp_path, [ORIN_NANO, "Segmentation fault", ORIN_NANO + " FLUX 3"]))
    assert adapter.open() is None
    try:
        wait_for(adapter, 3)
        values = {str(channel): value for channel, value in adapter.read().items()}
        assert values["power_w.VDD_IN"] == 5.251
        assert adapter.read() == {}  # no line is counted twice
        assert adapter.power_scope(frozenset({"VDD_IN", "VDD_SOC"})).rails == ("VDD_IN",)
        lines, tokens = adapter.notes()
        assert lines == "3 lines read, 1 of them not in a known format"
        assert tokens == "2 tokens not understood and left out, such as: FLUX, 3"
    finally:
        process = adapter._process
        adapter.close()
    assert process.poll() is not None


def test_a_machine_without_tegrastats_says_so():
    reason = TegrastatsAdapter(0.5, ["tegrastats-that-is-not-there"]).open()
    assert "there is no tegrastats-that-is-not-there here" in reason


def test_a_program_that_prints_something_else_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("dgiqa_edge.benchmarks.telemetry.tegrastats_process._FIRST_LINE_S", 0.5)
    adapter = TegrastatsAdapter(0.5, printing(tmp_path, ["usage: tegrastats [options]"]))
    assert "printed no line that is understood" in adapter.open()
