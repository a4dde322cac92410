"""Where the user's caches lie, and that there may be none."""

from pathlib import Path

import pytest

from dgiqa_edge.runtime.ground.cache_folder import cache_path


@pytest.mark.parametrize(
    ("configured", "home", "expected"),
    [
        ("/cache", "/home/me", "/cache/dgiqa-edge/a/b"),
        (None, "/home/me", "/home/me/.cache/dgiqa-edge/a/b"),
        ("relative", "/home/me", "/home/me/.cache/dgiqa-edge/a/b"),
        (None, "relative", None),
    ],
)
def test_the_table(monkeypatch: pytest.MonkeyPatch, configured: str | None, home: str, expected: str | None) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    if configured:
        monkeypatch.setenv("XDG_CACHE_HOME", configured)
    monkeypatch.setenv("HOME", home)
    assert cache_path("a", "b") == (Path(expected) if expected else None)


@pytest.mark.usefixtures("no_home")
def test_a_user_without_a_home_folder_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_path("a") is None
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert cache_path() == Path("/cache/dgiqa-edge")
