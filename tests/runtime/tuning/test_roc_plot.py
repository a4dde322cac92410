"""The picture of a tuning: what stands on it, and that no name of a photo breaks it."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.gate.policy import HEAD_CHECKS, GatePolicy
from dgiqa_edge.runtime.gate.reading import Cues, Reading
from dgiqa_edge.runtime.tuning.mistakes import Mistake, mistakes
from dgiqa_edge.runtime.tuning.photos import Measured
from dgiqa_edge.runtime.tuning.roc_plot import COLOURS, check_plot_path, write_roc_plot
from dgiqa_edge.runtime.tuning.thresholds import TUNED, propose, with_proposals

CUES = Cues(
    luminance=180.0, shadows=0.1, clipped=0.0, sharpness=0.6, noise=0.4, haze=0.05, contrast=150.0, occlusion=0.1
)


def measured(folder: Path, label: str, scores: dict[str, float]) -> Measured:
    photos = {folder / name: Reading(score, CUES) for name, score in scores.items()}
    return Measured(photos, dict.fromkeys(photos, label), {})


@pytest.fixture
def sides(tmp_path):
    """Two sets that overlap: three good photos score low, two bad ones high, under names that are hard to draw."""
    good = {f"good{n}.png": 0.6 + n / 200 for n in range(37)} | {"dim.png": 0.45, "a$b$.png": 0.4, "grey.png": 0.1}
    bad = {f"bad{n}.png": 0.1 + n / 200 for n in range(38)} | {
        "写真.png": 0.7,
        "sharp_but_bad_in_a_long_name.png": 0.75,
    }
    found = measured(tmp_path, "good", good), measured(tmp_path, "dirty", bad)
    for side in found:
        for photo in side.readings:
            cv2.imwrite(str(photo), np.full((48, 64, 3), 90, np.uint8))
    return found


def tuned(sides, policy=None):
    good, bad = (list(side.readings.values()) for side in sides)
    proposals = propose(good, bad, policy or GatePolicy(), None)
    return proposals, with_proposals(policy or GatePolicy(), proposals)


def test_mistakes_come_nearest_to_the_threshold_first(sides, tmp_path):
    _, policy = tuned(sides)
    assert 0.3 < policy.limits["score"].reject < 0.6
    rejected, passed = mistakes(sides[0], policy, should_pass=True), mistakes(sides[1], policy, should_pass=False)
    assert [one.photo.name for one in rejected][-1] == "grey.png"
    assert rejected[-1] == Mistake(tmp_path / "grey.png", "low quality", 0.1)
    assert [(one.photo.name[:5], one.called) for one in passed] == [("写真.pn", "passes"), ("sharp", "passes")]


def test_the_picture_says_scores_thresholds_and_mistakes(sides, tmp_path):
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    proposals, policy = tuned(sides)
    limits = policy.limits["score"]
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        write_roc_plot(tmp_path / "roc.svg", proposals, policy, sides, "40 good and 40 bad $photos$")
    drawn = (tmp_path / "roc.svg").read_text(encoding="utf-8")
    texts = [re.sub(r"<[^>]+>", "", text).strip() for text in re.findall(r"<text.*?</text>", drawn, re.DOTALL)]
    score = next(one for one in proposals if one.check == "score").effect
    wrong = len(mistakes(sides[0], policy, should_pass=True))
    assert wrong >= 1
    for words in (
        "40 good and 40 bad $photos$",
        f"Score: {score.caught:.0%} of the bad and {score.false_reject:.0%} of the good photos lie below the threshold",
        f"reject below {limits.reject:.4g}",
        f"accept from {limits.accept:.4g}",
        "good photos (40)",
        "photos, % of their set",
        "good photos rejected, %",
        f"Good photos it rejects: {wrong} of 40" + ", nearest to the threshold first" * (wrong > 1),
        "Bad photos it passes: 2 of 40, nearest to the threshold first",
        "low quality",
        "score 0.100",
        "dirty",
        "score 0.700",
        "..._in_a_long_name.png",
    ):
        assert words in texts, words
    assert drawn.count("<image") == wrong + 2


def test_the_curve_of_each_cue_and_of_the_score_has_a_colour_of_its_own():
    assert set(COLOURS) == set(TUNED)
    own = [colour for check, colour in COLOURS.items() if check not in HEAD_CHECKS]
    assert len(set(own)) == len(own)


def test_without_mistakes_none_is_drawn_and_without_a_score_a_cue_is(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    sides = (
        measured(tmp_path, "good", {f"{n}.png": 0.7 + n / 100 for n in range(9)}),
        measured(tmp_path, "bad", {f"{n}.jpg": 0.1 + n / 100 for n in range(9)}),
    )
    proposals, policy = tuned(sides)
    write_roc_plot(tmp_path / "apart.png", proposals, policy, sides, "facts")  # which reads no photo: there is none
    alone = tuple(one for one in proposals if one.check != "score")
    write_roc_plot(tmp_path / "cues.png", alone, policy, sides, "facts")
    assert cv2.imread(str(tmp_path / "apart.png")).shape == cv2.imread(str(tmp_path / "cues.png")).shape


def test_a_format_that_is_not_drawn_is_refused():
    with pytest.raises(ConfigurationError, match=r"must end in \.png, \.svg, \.pdf"):
        check_plot_path(Path("roc.txt"))
