"""The bundle that a command takes, as the user runs it: named, of the environment, the last one built."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest
from stand_ins import free_port

from dgiqa_edge.runtime.commands import cli
from dgiqa_edge.runtime.commands.which_bundle import remember_built


@pytest.fixture
def photo(tmp_path: Path, make_photo: Any) -> str:
    cv2.imwrite(str(tmp_path / "photo.png"), make_photo(seed=1, height=48, width=64))
    return str(tmp_path / "photo.png")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*arguments: object) -> tuple[int, str, str]:
        code = cli.main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


@pytest.mark.parametrize(
    "words",
    [
        "score B P",
        "score P B",
        "score --bundle B P",
        "inspect B",
        "inspect --bundle B",
        "gate run B P",
        "gate run P --bundle B",
        "doctor B",
        "bench latency --duration 10ms --min-queries 1 --driver loop B",
    ],
)
def test_a_bundle_that_is_named_is_taken_without_a_word(words: str, bundle_dir: Path, photo: str, run: Any) -> None:
    pytest.importorskip("jinja2", reason="Jinja2 is not installed: extra bench")
    places = {"B": bundle_dir, "P": photo}
    code, _, err = run(*[places.get(word, word) for word in words.split()])
    assert code == 0, err
    assert "bundle: " not in err


def test_the_environments_is_taken_and_said(
    bundle_dir: Path, photo: str, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DGIQA_BUNDLE", str(bundle_dir))
    code, out, err = run("score", photo, "--json")
    assert code == 0, err
    assert json.loads(out)["image"] == photo
    assert f"bundle: {bundle_dir} (DGIQA_BUNDLE)\n" in err
    assert "bundle: " not in run("score", photo, "--quiet")[2]
    assert "bundle: " not in run("score", bundle_dir, photo)[2]


def test_the_last_one_built_is_taken_and_said_until_it_is_gone(
    make_bundle: Any, photo: str, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make_bundle(), make_bundle()
    monkeypatch.chdir(first.parent)
    remember_built(Path(first.name))
    remember_built(Path(second.name))
    monkeypatch.setenv("DGIQA_BUNDLE", " ")
    code, out, err = run("inspect", "--json")
    assert (code, json.loads(out)["bundle"]) == (0, str(second)), err
    assert err == f"bundle: {second} (the last one built)\n"
    shutil.rmtree(second)
    code, out, err = run("gate", "run", photo)
    assert (code, out) == (2, "")
    assert f"the last one built, {second}, is gone: dgiqa-edge build --int8 builds one" in err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("score P", "no bundle is named"),
        ("inspect", "none was built here: dgiqa-edge build --int8 builds one"),
        ("bench latency", "no bundle is named"),
        ("debug", "no bundle is named"),
        ("score B", "only a bundle is named: give images"),
        ("score B B P", "two bundles are named"),
        ("inspect B --bundle B", "two bundles are named"),
        ("gate run B", "0 sources of frames"),
        ("gate run B P P", "2 sources of frames"),
    ],
)
def test_too_few_and_too_many_are_wrong_usage(words: str, problem: str, bundle_dir: Path, photo: str, run: Any) -> None:
    places = {"B": bundle_dir, "P": photo}
    code, out, err = run(*[places.get(word, word) for word in words.split()])
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert problem in err


@pytest.mark.usefixtures("no_home")
def test_without_a_home_folder_nothing_is_kept_and_nothing_fails(bundle_dir: Path, run: Any) -> None:
    remember_built(bundle_dir)
    assert run("inspect")[0] == 2


def test_a_memory_that_cannot_be_written_or_read_stops_nothing(bundle_dir: Path, cache_home: Path, run: Any) -> None:
    (cache_home / "dgiqa-edge" / "last-bundle").mkdir(parents=True)
    remember_built(bundle_dir)
    assert run("inspect")[0] == 2


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        ("score A P", 4, "does not answer"),
        ("score --bundle A P", 4, "does not answer"),
        ("score P", 4, "does not answer"),
        ("bench latency A", 4, "does not answer"),
        ("score A", 2, "only a bundle is named"),
        ("score A A P", 2, "two bundles are named"),
        ("score --bundle triton://host P", 2, "no address of a model"),
        ("inspect A", 2, "is on a server, and this reads files"),
        ("doctor --bundle A", 2, "is on a server, and this reads files"),
    ],
)
def test_the_address_of_a_server_stands_where_a_folder_would(
    words: str, code: int, problem: str, photo: str, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("urllib3", reason="urllib3 is not installed: extra triton")
    address = f"triton+http://127.0.0.1:{free_port()}/nano"
    monkeypatch.setenv("DGIQA_BUNDLE", address)
    places = {"A": address, "P": photo}
    found, out, err = run(*[places.get(word, word) for word in words.split()])
    assert (found, out) == (code, "")
    assert problem in err
