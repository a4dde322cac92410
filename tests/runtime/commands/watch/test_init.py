"""``watch init`` writes a configuration that watch takes, and loses none."""

from pathlib import Path

import pytest

from dgiqa_edge.runtime.commands.cli import main
from dgiqa_edge.runtime.watch.assembly.config import load_watch_settings


@pytest.fixture(autouse=True)
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_anything_it_writes_the_scene_and_names_the_next_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "init"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "next: dgiqa-edge watch watch.toml --check"
    assert load_watch_settings("watch.toml").cameras[0].source.startswith("test://")


def test_paths_count_from_the_files_own_folder(tmp_path: Path) -> None:
    assert (
        main(["watch", "init", "etc/cams.toml", "--bundle", "models/b", "--camera", "a.mp4", "--camera", "csi://0"])
        == 0
    )
    settings = load_watch_settings(tmp_path / "etc" / "cams.toml")
    assert settings.bundle.resolve() == tmp_path / "models" / "b"
    assert [camera.source for camera in settings.cameras] == ["../a.mp4", "csi://0"]


def test_the_schema_that_it_names_is_there() -> None:
    assert main(["watch", "init"]) == 0
    first = Path("watch.toml").read_text().splitlines()[0]
    assert Path(first.removeprefix("#:schema file://")).is_file()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["there.toml"], "exists: give another name, or --force"),
        (["watch.yaml"], "ends in .toml"),
        (["a.toml", "--camera", "ftp://x"], "no known scheme"),
    ],
)
def test_what_it_refuses_it_leaves_alone(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "there.toml").write_text("mine")
    assert main(["watch", "init", *arguments]) == 2
    assert problem in capsys.readouterr().err
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"there.toml": "mine"}


def test_force_overwrites(tmp_path: Path) -> None:
    (tmp_path / "watch.toml").write_text("old")
    assert main(["watch", "init", "--force"]) == 0
    assert "[[cameras]]" in (tmp_path / "watch.toml").read_text()


def test_a_password_is_noted_and_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "init", "--camera", "rtsp://me:geheimnis@192.0.2.1/"]) == 0
    said = capsys.readouterr().out
    assert "a password may stand in it" in said
    assert "geheimnis" not in said


@pytest.mark.parametrize("name", ["./init", "./reference"])
def test_a_configuration_may_be_called_as_an_action(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", name]) == 2
    assert "the name must end in .toml" in capsys.readouterr().err
