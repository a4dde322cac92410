"""Photos cut to shapes and fitted in every way, through a bundle whose score is the frame's brightness."""

import json

import cv2
import numpy as np
import pytest

from dgiqa_edge.benchmarks.accuracy.frame_shapes import OWN, cut, main, ways_of
from dgiqa_edge.runtime import Scorer
from dgiqa_edge.runtime.commands.option_types import shape
from dgiqa_edge.runtime.ground.framing import FITS


@pytest.mark.parametrize(
    ("size", "to_shape", "rows", "columns"),
    [
        ((512, 512), "1:1", (0, 512), (0, 512)),
        ((512, 512), "3:4", (0, 512), (64, 448)),
        ((512, 512), "9:16", (0, 512), (112, 400)),
        ((512, 512), "16:9", (112, 400), (0, 512)),
        ((400, 500), "3:4", (0, 400), (100, 400)),
        ((402, 502), "5:4", (0, 402), (0, 502)),
        ((100, 101), "1:1", (0, 100), (0, 100)),
    ],
)
def test_a_cut_is_the_largest_part_of_that_shape_in_the_middle(size, to_shape, rows, columns):
    photo = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    np.testing.assert_array_equal(cut(photo, shape(to_shape)), photo[slice(*rows), slice(*columns)])


def test_a_bundle_of_the_very_shape_is_asked_once_and_is_its_own(bundle_dir):
    fitting = [Scorer(bundle_dir, fit=fit) for fit in FITS]
    assert list(ways_of(shape("4:3"), fitting, fitting[:1])) == ["stretch", OWN]
    assert list(ways_of(shape("3:4"), fitting, fitting[:1])) == ["stretch", "pad", "crop"]
    for scorer in fitting:
        scorer.close()


def test_every_way_has_its_figures_and_a_second_run_scores_nothing_again(rated, bundle_dir, tmp_path, capsys):
    folder, table = rated
    for index in range(2):  # the halves of a photo differ, so that a cut changes its score
        picture = cv2.imread(str(folder / f"{index}.png"))
        picture[:, :24] = 0
        cv2.imwrite(str(folder / f"{index}.png"), picture)
    arguments = ["--bundle", bundle_dir, "--own", bundle_dir, "--photos", folder, "--mos", table]
    arguments += ["--shapes", "3:4", "4:3", "--scores", tmp_path / "scores.jsonl", "--json", tmp_path / "shapes.json"]
    assert main([str(one) for one in arguments]) == 0
    printed = capsys.readouterr().out
    rows = json.loads((tmp_path / "shapes.json").read_text())["rows"]
    assert [(row["shape"], row["way"]) for row in rows] == [
        *(("3:4", fit) for fit in FITS),
        ("4:3", "stretch"),
        ("4:3", OWN),
    ]
    for row in rows:
        assert (row["photos"], row["failed"]) == (12, 0)
        assert row["srcc"]["low"] <= row["srcc"]["value"] <= row["srcc"]["high"] + 1e-12
        assert row["srcc"]["value"] > 0.9
    stretched, padded = rows[0], rows[1]
    assert stretched["to_stretch"] is None and padded["to_own"] is None
    assert padded["to_stretch"]["value"] == pytest.approx(padded["srcc"]["value"] - stretched["srcc"]["value"])
    assert rows[3]["to_own"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert len(printed.splitlines()) == 2 + len(rows)
    kept = (tmp_path / "scores.jsonl").read_bytes()
    # A scorer that fits as the bundle itself is not scored twice: the 3 ways of 3:4 and the one of 4:3.
    assert len(kept.splitlines()) == 12 * 4
    assert main([str(one) for one in arguments]) == 0
    assert (tmp_path / "scores.jsonl").read_bytes() == kept


def test_a_photo_without_a_score_counts_for_no_way(rated, bundle_dir, tmp_path):
    folder, table = rated
    (folder / "3.png").write_bytes(b"not a picture")
    arguments = ["--bundle", bundle_dir, "--photos", folder, "--mos", table, "--shapes", "3:4"]
    assert main([str(one) for one in [*arguments, "--json", tmp_path / "shapes.json"]]) == 3
    rows = json.loads((tmp_path / "shapes.json").read_text())["rows"]
    assert [(row["photos"], row["failed"]) for row in rows] == [(11, 1)] * 3
