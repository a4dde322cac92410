"""The table of what a time stamp does, on photos and a small bundle."""

import json

import cv2
import numpy as np

from dgiqa_edge.benchmarks.cameras import region_effect
from dgiqa_edge.runtime.gate.regions import Regions
from dgiqa_edge.runtime.scoring.scorer import Scorer


def test_a_stamp_lies_in_its_place_and_nowhere_else(make_photo):
    photo = make_photo(seed=2, height=240, width=320)
    changed = np.any(region_effect.stamped(photo) != photo, -1)
    place = Regions(exclude=(region_effect.STAMP,)).mask(240, 320) == 0
    assert changed[place].mean() > 0.9 and not changed[cv2.dilate(place.astype(np.uint8), np.ones((3, 3))) == 0].any()


def test_an_excluded_stamp_makes_no_difference_to_its_place_without_one(bundle_dir, make_photo):
    with Scorer(bundle_dir, threads=1, allow_spinning=False, verify=False) as scorer:
        rows = region_effect.differences(make_photo(seed=2, height=240, width=320), scorer)
        found = {name: numbers for name, *numbers in rows}
    assert found["stamp"][0] != 0.0
    assert found["stamp, its place excluded"] == found["no stamp, its place excluded"] != found["stamp"]
    assert set(found) == set(region_effect.CASES)


def test_the_table_has_a_line_for_each_case(bundle_dir, make_photo, tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "one.png"), make_photo(seed=2, height=120, width=160))
    kept = tmp_path / "effect.json"
    assert region_effect.main(["--bundle", str(bundle_dir), str(tmp_path / "one.png"), "--json", str(kept)]) == 0
    head, _, *lines = capsys.readouterr().out.splitlines()
    assert head.startswith("| 1 photos |")
    assert [line.split(" | ")[0] for line in lines] == [f"| {case}" for case in region_effect.CASES]
    assert [row["case"] for row in json.loads(kept.read_text())] == list(region_effect.CASES)
