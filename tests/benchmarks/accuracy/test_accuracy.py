"""Accuracy through a real bundle whose score is the frame's brightness, so that the right figures are known."""

import cv2
import numpy as np
import pytest

from dgiqa_edge.benchmarks.accuracy.accuracy import measure_accuracy
from dgiqa_edge.benchmarks.accuracy.degradation_series import DegradationPlan
from dgiqa_edge.benchmarks.accuracy.opinion_set import RatedPhoto, read_opinions, read_series
from dgiqa_edge.benchmarks.measures.baselines import laplacian_variance
from dgiqa_edge.benchmarks.measures.measures import Measure
from dgiqa_edge.benchmarks.measures.score_store import ScoreStore
from dgiqa_edge.runtime import Scorer
from dgiqa_edge.runtime.errors import ConfigurationError, SourceError

SHARPNESS = Measure("sharpness", "Laplacian", "laplacian", laplacian_variance)


def measured(bundle, photos, baselines=None, **options):
    with Scorer(bundle) as scorer, ScoreStore() as store:
        return measure_accuracy(scorer, photos, baselines or {}, store, lambda title, total: lambda: None, **options)


def test_a_bundle_that_agrees_with_people_has_the_full_figures(rated, bundle_dir):
    folder, table = rated
    report = measured(bundle_dir, read_opinions(table, folder), {"sharpness": SHARPNESS, "absent": "not installed"})
    bundle = report.measured[0]
    assert bundle.name == "bundle"
    assert bundle.agreement.srcc.value == pytest.approx(1.0)
    assert bundle.agreement.krcc.value == pytest.approx(1.0)
    assert bundle.agreement.plcc.value > 0.99
    assert bundle.agreement.srcc.low <= bundle.agreement.srcc.value <= bundle.agreement.srcc.high + 1e-12
    assert [row.name for row in report.measured] == ["bundle", "sharpness"]
    assert report.not_measured == {"absent": "not installed"}
    expected = laplacian_variance(cv2.imread(str(folder / "5.png")))
    assert report.scores["sharpness"][str(folder / "5.png")] == pytest.approx(expected)
    assert (report.degradations, report.pairs, report.failed) == (None, (), 0)


def test_people_who_disagree_turn_the_sign(rated, bundle_dir):
    folder, table = rated
    photos = [RatedPhoto(photo.path, 1.0 - photo.mos) for photo in read_opinions(table, folder)]
    assert measured(bundle_dir, photos).measured[0].agreement.srcc.value == pytest.approx(-1.0)


def test_a_photo_that_cannot_be_read_is_named(rated, bundle_dir):
    folder, table = rated
    (folder / "3.png").write_bytes(b"not a picture")
    report = measured(bundle_dir, read_opinions(table, folder), {"sharpness": SHARPNESS})
    assert report.failed == 1
    for row in report.measured:
        assert list(row.failed) == [str(folder / "3.png")]
        assert "3.png" in row.failed[str(folder / "3.png")]
        assert row.agreement.photos + len(row.failed) == len(report.photos) == 12
    scores, human = report.scored_by("bundle")
    np.testing.assert_allclose(scores, human, atol=0.02)


def test_a_baseline_that_fails_on_most_photos_is_not_measured(rated, bundle_dir):
    folder, table = rated

    def refuse(frame):
        raise ValueError("the frame is too small")

    report = measured(bundle_dir, read_opinions(table, folder), {"NIQE": Measure("NIQE", "", "n", refuse)})
    assert [row.name for row in report.measured] == ["bundle"]
    assert report.not_measured["NIQE"].startswith("0 of 12 photos scored")
    assert "too small" in report.not_measured["NIQE"]
    assert report.failed == 0


@pytest.mark.parametrize("spoiled", [12, 6])
def test_too_few_readable_photos_are_an_error(rated, bundle_dir, spoiled):
    folder, table = rated
    for index in range(spoiled):
        (folder / f"{index}.png").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="too few to correlate"):
        measured(bundle_dir, read_opinions(table, folder))


def test_equal_human_scores_are_an_error(rated, bundle_dir):
    folder, table = rated
    photos = [RatedPhoto(photo.path, 0.5) for photo in read_opinions(table, folder)]
    with pytest.raises(ConfigurationError, match="all equal"):
        measured(bundle_dir, photos)


def test_degradations_are_put_in_order_by_each_measure(rated, bundle_dir):
    folder, table = rated
    photos = read_opinions(table, folder)
    plan = DegradationPlan(tuple(photos[4:7]), ("low_light", "over_exposure", "haze"), (0.4, 1.0))
    order = measured(bundle_dir, photos, {"sharpness": SHARPNESS}, plan=plan).degradations
    judge = order.orders["bundle"]  # of brightness: darkening is worse to it, brightening better
    assert (judge["low_light"].clean.value, judge["low_light"].steps.value) == (1.0, 1.0)
    assert (judge["over_exposure"].clean.value, judge["over_exposure"].steps.in_order) == (0.0, 0)
    assert (judge["haze"].clean.pairs, judge["haze"].clean.scenes) == (6, 3)
    pooled = order.pooled["bundle"].clean
    assert pooled.in_order == sum(kind.clean.in_order for kind in judge.values())
    assert (pooled.pairs, pooled.scenes) == (18, 3)
    assert order.by_strength["bundle"]["low_light"]["0.4"].clean.pairs == 3
    assert set(order.orders) == {"bundle", "sharpness"}
    assert order.frames == 3 * (1 + 3 * 2)
    assert order.calibrated_on is None


def test_pairs_are_put_in_order_by_strength(rated, bundle_dir):
    folder, table = rated
    pairs = folder / "pairs.csv"
    pairs.write_text("scene,file,strength\na,11.png,0\na,5.png,1\na,8.png,2\nb,3.png,0\nb,4.png,0\nb,0.png,9\n")
    series = read_series(pairs, folder)
    names = lambda pairs: [tuple(name.rpartition("/")[2] for name in pair) for pair in pairs]  # noqa: E731
    assert [names(one.step_pairs()) for one in series] == [
        [("11.png", "5.png"), ("5.png", "8.png")],
        [("4.png", "0.png")],
    ]
    assert [names(one.clean_pairs()) for one in series] == [
        [("11.png", "5.png"), ("11.png", "8.png")],
        [("3.png", "0.png"), ("4.png", "0.png")],
    ]
    (order,) = measured(bundle_dir, read_opinions(table, folder), pairs={"ours": series}).pairs
    assert (order.name, order.scenes, order.pictures) == ("ours", 2, 6)
    assert (order.orders["bundle"].steps.in_order, order.orders["bundle"].steps.pairs) == (2, 3)
    assert (order.orders["bundle"].clean.in_order, order.orders["bundle"].clean.pairs) == (4, 4)


def test_a_table_of_roles_makes_a_series_of_each_kind_of_worse_picture(rated):
    folder, _ = rated
    pairs = folder / "labels.csv"
    pairs.write_text(
        "file,role,pair,strength\n11.png,better,a,0\n5.png,worse-dark,a,96\n3.png,worse-dark,a,120\n"
        "8.png,worse-bright,a,40\n2.png,worse,b,\n4.png,better,b,\n6.png,better,b,\n7.png,better,alone,\n"
    )
    found = [
        (one.scene, [(s, name.rpartition("/")[2]) for s, name in one.pictures]) for one in read_series(pairs, folder)
    ]
    assert found == [
        ("a worse-dark", [(0.0, "11.png"), (96.0, "5.png"), (120.0, "3.png")]),
        ("a worse-bright", [(0.0, "11.png"), (40.0, "8.png")]),
        ("b worse", [(0.0, "4.png"), (0.0, "6.png"), (1.0, "2.png")]),
    ]


def test_real_pairs_need_no_human_scores(rated, bundle_dir):
    folder, _ = rated
    pairs = folder / "labels.csv"
    pairs.write_text("file,role,pair\n11.png,better,a\n5.png,worse,a\n8.png,worse,b\n3.png,better,b\n")
    report = measured(bundle_dir, [], {"sharpness": SHARPNESS}, pairs={"ours": read_series(pairs, folder)})
    assert [(row.name, row.agreement, row.failed) for row in report.measured] == [
        ("bundle", None, {}),
        ("sharpness", None, {}),
    ]
    dead = {"black": 0.0, "grey": 0.502, "white": 1.0, "noise": 0.5}
    assert report.dead["bundle"] == pytest.approx(dead, abs=0.01)
    assert (report.pairs[0].orders["bundle"].clean.in_order, report.pairs[0].orders["bundle"].clean.pairs) == (1, 2)


def test_a_picture_of_a_pair_that_cannot_be_read_is_counted(rated, bundle_dir):
    folder, table = rated
    pairs = folder / "pairs.csv"
    pairs.write_text("scene,file,strength\na,11.png,0\na,5.png,1\na,broken.png,2\n")
    (folder / "broken.png").write_bytes(b"x")
    report = measured(bundle_dir, read_opinions(table, folder), pairs={"ours": read_series(pairs, folder)})
    clean = report.pairs[0].orders["bundle"].clean
    assert (clean.pairs, clean.missing, report.failed) == (1, 1, 1)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("name,mos\n1.png,0.5\n", ConfigurationError, "lacks the column file"),
        ("file,mos\n1.png,good\n", ConfigurationError, "line 2: the score 'good'"),
        ("file,mos\n1.png\n", ConfigurationError, "line 2, has not as many cells"),
        ("file,mos\n1.png,nan\n", ConfigurationError, "line 2: the score nan is not finite"),
        ("file,mos\n1.png,0.5\n2.png,0.4\n1.png,0.6\n", ConfigurationError, "line 4: 1.png was rated"),
        ("file,mos\nnone.png,0.5\n", SourceError, "none.png is missing"),
        ("file,mos\n", ConfigurationError, "has no photo"),
    ],
)
def test_a_bad_table_is_refused_with_its_line(rated, text, error, words):
    folder, table = rated
    table.write_text(text)
    with pytest.raises(error, match=words):
        read_opinions(table, folder)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("a,1.png,light\n", "'light' is not a number"),
        ("a,1.png,-1\n", "below zero"),
        ("a,1.png,nan\n", "below zero or not finite"),
        ("a,1.png\n", "line 2, has not as many cells"),
        ("a,1.png,1,2\n", "line 2, has not as many cells"),
        ("a,1.png,0\nb,2.png,1\n", "no two photos of one scene"),
    ],
)
def test_a_bad_table_of_pairs_is_refused(rated, rows, words):
    folder, _ = rated
    table = folder / "pairs.csv"
    table.write_text("scene,file,strength\n" + rows)
    with pytest.raises(ConfigurationError, match=words):
        read_series(table, folder)


def test_the_split_is_respected(rated):
    folder, table = rated
    assert len(read_opinions(table, folder, split="test")) == 10
    with pytest.raises(ConfigurationError, match="split 'none'"):
        read_opinions(table, folder, split="none")


def test_a_rated_photo_that_is_missing_is_counted_and_spares_the_others(rated, bundle_dir):
    folder, table = rated
    names = ("none.png", "loop.png", "x" * 300)
    (folder / "loop.png").symlink_to("loop.png")
    columns = len(table.read_text().splitlines()[0].split(","))
    with table.open("a", encoding="utf-8") as stream:
        stream.writelines(",".join([name, "0.15", "test"][:columns]) + "\n" for name in names)
    report = measured(bundle_dir, read_opinions(table, folder))
    assert report.failed == 3
    assert len(report.scores["bundle"]) > 3
