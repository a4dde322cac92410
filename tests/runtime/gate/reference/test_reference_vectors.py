"""References and what is measured against them are those that the vectors keep; the C++ is held to the same."""

import pytest
from places import VECTORS
from vectors.reference import make_vectors

FOLDER = VECTORS / "reference"


@pytest.fixture(scope="module")
def kept():
    return make_vectors.read(FOLDER)


def test_every_answer_is_the_kept_one(kept):
    pictures, references = kept
    assert make_vectors.answers(pictures) == references


def test_the_pictures_are_those_of_the_script(kept):
    assert {name: picture.shape for name, picture in make_vectors.pictures().items()} == {
        name: picture.shape for name, picture in kept[0].items()
    }
