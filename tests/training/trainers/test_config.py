import pytest
from places import ROOT

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.training.trainers.config import read_config

PATHS = 'data = "d"\nencoder = "e"\nimagenet = "i"\ncache = "c"\n'
SHIPPED = sorted((ROOT / "training" / "configs").glob("*.toml"))


def written(folder, text):
    file = folder / "job.toml"
    file.write_text(text)
    return file


def test_paths_are_relative_to_the_file_and_sections_are_filled(tmp_path):
    config = read_config(written(tmp_path, PATHS + "[edge]\nseed = 5\nlearning_rate = 0.01\n[nano]\nepochs = 2\n"))
    assert config.data == tmp_path / "d"
    assert (config.edge.seed, config.edge.learning_rate, config.nano.epochs) == (5, 0.01, 2)
    assert config.edge.frame == (512, 512)


@pytest.mark.parametrize(("line", "swin"), [("", None), ('swin = "weights/s.pth"\n', "weights/s.pth")])
def test_the_imagenet_start_of_dgiqa_is_optional(tmp_path, line, swin):
    config = read_config(written(tmp_path, PATHS + line + "[dgiqa]\naugment = false\n"))
    assert config.swin == (swin and tmp_path / swin)
    assert not config.dgiqa.augment


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_a_shipped_configuration_is_valid(file):
    assert read_config(file).edge.seed >= 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PATHS + "colour = 1\n", "unknown key 'colour'"),
        (PATHS + "[edge]\nepoch = 3\n", r"\[edge\]: unknown key 'epoch'"),
        (PATHS + '[nano]\nepochs = "many"\n', "epochs must be int"),
        (PATHS + "[dgiqa]\naugment = 2\n", "augment must be bool"),
        ('data = "d"\n', "missing"),
        ("data = \n", "is not TOML"),
    ],
)
def test_mistakes_are_named(tmp_path, text, said):
    with pytest.raises(ConfigurationError, match=said):
        read_config(written(tmp_path, text))


def test_a_missing_file_says_what_to_copy(tmp_path):
    with pytest.raises(ConfigurationError, match=r"copy training/configs/biq2021\.toml"):
        read_config(tmp_path / "none.toml")
