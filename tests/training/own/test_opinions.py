"""Tables of scores and of pairs, and what is wrong with some."""

from contextlib import nullcontext

import cv2
import numpy as np
import pytest

from dgiqa_edge.runtime.errors import ReportError, SourceError
from dgiqa_edge.training.own.opinions import FEWEST, read_opinions

PHOTOS = 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Photos 0.png to 23.png, and copy.png, which is 0.png."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(PHOTOS):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((8, 8, 3), number, np.uint8))
    (folder / "copy.png").write_bytes((folder / "0.png").read_bytes())
    return folder


def table(tmp_path, header, rows):
    file = tmp_path / "mine.csv"
    file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return file


def rated(count=PHOTOS):
    return [f"{number}.png,{number}" for number in range(count)]


@pytest.mark.parametrize("header", ["image,score", "filename,MOS", "File,rating", "photo,quality", "Image Name,mos"])
def test_the_columns_go_by_the_names_that_people_give_them(tmp_path, folder, header):
    found = read_opinions(table(tmp_path, header, rated()), folder)
    assert found.scores.tolist() == list(range(PHOTOS))
    assert [photo.name for photo in found.photos] == [f"{number}.png" for number in range(PHOTOS)]
    assert len(set(found.groups.tolist())) == PHOTOS


@pytest.mark.parametrize(
    ("header", "rows", "expected"),
    [
        ("image,score", rated(FEWEST - 1), pytest.raises(ReportError, match="19 photos with opinions are too few")),
        ("image,score", rated(FEWEST), nullcontext()),
        ("image,score", [row.split(",")[0] + ",3" for row in rated()], pytest.raises(ReportError, match="score 3")),
        ("image,score", [*rated(), "1.png,good"], pytest.raises(ReportError, match="line 26: the score 'good'")),
        ("image,score", [*rated(), "1.png,nan"], pytest.raises(ReportError, match=r"line 26: .* not finite")),
        ("image,score", [], pytest.raises(ReportError, match="no row")),
        ("image,score", ["no.png,1", "none.png,2"], pytest.raises(SourceError, match=r"no.png is missing.*--photos")),
        ("image,colour", rated(), pytest.raises(ReportError, match=r"write image,score .* or better,worse")),
        ("better,worse", ["1.png,1.png"], pytest.raises(ReportError, match="line 2: a photo cannot be better")),
        ("better,worse", ["1.png,2.png"], pytest.raises(ReportError, match="2 photos with opinions are too few")),
    ],
)
def test_what_nothing_can_be_learned_from_is_refused(tmp_path, folder, header, rows, expected):
    with expected:
        read_opinions(table(tmp_path, header, rows), folder)


def test_rows_and_copies_of_a_photo_are_one_photo_with_the_mean_of_their_scores(tmp_path, folder):
    found = read_opinions(table(tmp_path, "image,score", [*rated(), "0.png,3", "copy.png,6"]), folder)
    assert len(found.photos) == PHOTOS
    assert found.scores[0] == 3.0
    assert any("copies of others" in note for note in found.notes)
    assert any("averaged" in note for note in found.notes)


def test_a_missing_photo_is_named_and_left_out(tmp_path, folder):
    found = read_opinions(table(tmp_path, "image,score", [*rated(), "gone.png,1"]), folder)
    assert len(found.photos) == PHOTOS
    assert found.notes == ("1 photos of mine.csv are missing: gone.png",)


def test_only_rows_of_the_split_count(tmp_path, folder):
    rows = [f"{row},{'mine' if number < FEWEST else 'other'}" for number, row in enumerate(rated())]
    file = table(tmp_path, "image,score,split", rows)
    assert len(read_opinions(file, folder, "mine").photos) == FEWEST
    with pytest.raises(ReportError, match="no row of split 'none'"):
        read_opinions(file, folder, "none")
    with pytest.raises(ReportError, match="no column split"):
        read_opinions(table(tmp_path, "image,score", rated()), folder, "mine")


def test_photos_of_a_scene_and_photos_of_a_pair_belong_together(tmp_path, folder):
    rows = [f"{number}.png,{number},{number // 3}" for number in range(PHOTOS)]
    found = read_opinions(table(tmp_path, "image,score,scene", rows), folder)
    assert found.groups.tolist() == [number // 3 for number in range(PHOTOS)]
    chain = [f"{number}.png,{number + 1}.png" for number in range(PHOTOS - 1)]
    assert set(read_opinions(table(tmp_path, "better,worse", chain), folder).groups.tolist()) == {0}


def test_pairs_name_the_better_photo_first_and_contradictions_are_told(tmp_path, folder):
    rows = [f"{number}.png,{number - 1}.png" for number in range(1, PHOTOS)]
    found = read_opinions(table(tmp_path, "worse,better", [*rows, "0.png,1.png"]), folder)
    names = [photo.name for photo in found.photos]
    assert [names[number] for number in found.pairs[0]] == ["0.png", "1.png"]
    assert found.notes == ("1 pairs are said in both orders",)
    half = found.among(np.arange(PHOTOS) < PHOTOS // 2)
    assert half.pairs.max() < len(half.photos) == PHOTOS // 2
