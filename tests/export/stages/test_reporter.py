"""The lines of a build in a log."""

import re

import pytest

from dgiqa_edge.export.stages.reporter import Reporter


def test_each_stage_is_one_line_with_its_result_when_it_ends(capsys):
    reporter = Reporter(stages=3)
    with reporter.stage("photos") as line:
        step = line.counter(2)
        step(), step()
        line.result = "2 [of] them"
    reporter.skip("engine", "no GPU")
    with pytest.raises(ValueError, match="broken"), reporter.stage("check"):
        raise ValueError("broken")
    out, err = capsys.readouterr()
    shown = re.sub(r"\(\d+\.\d s\)", "(- s)", err)
    assert (out, shown) == (
        "",
        "[1/3] photos: 2 [of] them (- s)\n[2/3] engine: no GPU\n[3/3] check: failed (- s)\n",
    )
