"""A camera's baseline on disk: a file that is whole, its own, or refused."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from dgiqa_edge.runtime.errors import GateError
from dgiqa_edge.runtime.gate.baseline import Baseline, Spread
from dgiqa_edge.runtime.gate.baseline_file import load_baseline, save_baseline

LEARNED = Baseline(600, {"score": Spread(0.5, 0.6, 0.7), "noise": Spread(0.2, 0.3, 0.9)})


def test_a_file_gives_back_the_baseline(tmp_path):
    file = tmp_path / "cameras" / "front.json"
    assert load_baseline(file, "bundle") is None
    save_baseline(file, LEARNED, "bundle")
    assert load_baseline(file, "bundle") == LEARNED
    assert [path.name for path in file.parent.iterdir()] == ["front.json"]


def changed(**changes):
    def edit(document):
        return {**document, **changes}

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda document: [], "holds something else"),
        (changed(kind="x"), "holds something else"),
        (changed(version=2), "its version is 2, this program reads 1"),
        (changed(scorer_id="other"), "another bundle"),
        (changed(samples=0), "damaged"),
        (changed(samples=True), "damaged"),
        (changed(spreads=[]), "damaged"),
        (changed(spreads={"moved": {}}), "no quantity is called 'moved'"),
        (changed(spreads={"score": {"low": 0.1, "median": 0.2}}), "three quantiles"),
        (changed(spreads={"score": {"low": 0.1, "median": "a", "high": 0.2}}), "is no number"),
        (changed(spreads={"score": {"low": 0.3, "median": 0.2, "high": 0.4}}), "not in order"),
        (changed(spreads={"score": {"low": 0.3, "median": float("nan"), "high": 0.4}}), "no JSON"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_or_learned_anew(tmp_path, edit, message):
    file = tmp_path / "front.json"
    save_baseline(file, LEARNED, "bundle")
    file.write_text(json.dumps(edit(json.loads(file.read_text()))))
    with pytest.raises(GateError, match=message) as refusal:
        load_baseline(file, "bundle")
    assert str(file) in str(refusal.value) and "delete the file" in str(refusal.value)
    assert load_baseline(file, "bundle", "relearn") is None


@pytest.mark.parametrize("length", [0, 1, 40, 150])
def test_a_file_cut_off_anywhere_is_refused(tmp_path, length):
    file = tmp_path / "front.json"
    save_baseline(file, LEARNED, "bundle")
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(GateError, match="no JSON"):
        load_baseline(file, "bundle")


WRITER = """
import sys
from pathlib import Path
from dgiqa_edge.runtime.gate.baseline import Baseline, Spread
from dgiqa_edge.runtime.gate.baseline_file import save_baseline
for number in range(10**9):
    save_baseline(Path(sys.argv[1]), Baseline(number + 1, {"score": Spread(0.1, 0.5, 0.9)}), "bundle")
    if number == 0:
        print("writing", flush=True)
"""


def test_a_killed_writer_leaves_a_whole_file(tmp_path):
    file = tmp_path / "front.json"
    for delay_s in (0.0, 0.003, 0.011, 0.02, 0.05):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout.readline() == "writing\n"
            time.sleep(delay_s)
            os.kill(writer.pid, signal.SIGKILL)
        assert load_baseline(file, "bundle").samples >= 1
