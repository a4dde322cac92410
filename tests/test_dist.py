"""``make dist``: what may differ from build to build is seen or taken out, and so is a file too many or too few."""

import io
import subprocess
import tarfile
import time
import zipfile

import dist
import pytest


def sdist(files, order=sorted, **attributes):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name in order(files):
            member = tarfile.TarInfo(f"dgiqa_edge-1/{name}")
            member.size = len(files[name])
            for attribute, value in attributes.items():
                setattr(member, attribute, value)
            tar.addfile(member, io.BytesIO(files[name]))
    return packed.getvalue()


def wheel(files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        for name, data in files.items():
            out.writestr(zipfile.ZipInfo(name), data)
    return packed.getvalue()


FILES = {"setup.py": b"setup()", "runtime/errors.py": b"class E: pass"}
PLAIN = dist.packed_again(sdist(FILES), 1_700_000_000)


@pytest.mark.parametrize(
    "other",
    [
        {"mtime": time.time()},
        {"uid": 1000, "gid": 1000, "uname": "me", "gname": "mine"},
        {"mode": 0o600},
        {"order": lambda names: sorted(names, reverse=True)},
    ],
    ids=["time", "owner", "rights", "order"],
)
def test_an_sdist_packed_again_tells_nothing_of_who_packed_it(other):
    assert dist.packed_again(sdist(FILES, **other), 1_700_000_000) == PLAIN
    assert dist.members("a.tar.gz", PLAIN) == FILES


def test_an_sdist_packed_again_is_of_the_commits_time():
    assert dist.packed_again(sdist(FILES), 1_600_000_000) != PLAIN
    with tarfile.open(fileobj=io.BytesIO(PLAIN)) as tar:
        assert {member.mtime for member in tar} == {1_700_000_000}


@pytest.mark.parametrize(
    ("other", "found"),
    [
        ({"a.whl": wheel(FILES)}, []),
        ({}, ["only one build made a.whl"]),
        ({"a.whl": wheel({**FILES, "setup.py": b""})}, ["a.whl differs from build to build: setup.py"]),
        (
            {"a.whl": wheel(dict(reversed(FILES.items())))},
            ["a.whl differs from build to build: its order, times or rights"],
        ),
    ],
    ids=["same", "absent", "content", "order"],
)
def test_what_differs_from_build_to_build_is_named(other, found):
    assert dist.differences({"a.whl": wheel(FILES)}, other) == found


LICENCES = {f"dgiqa_edge-1.dist-info/licenses/{name}" for name in dist.SETUP["license_files"]}
TRACKED = ["Makefile", "runtime/errors.py", "runtime/py.typed", "runtime/native/a.cpp", "training/cards/nano.md"]
WHOLE = {"dgiqa_edge/runtime/errors.py", "dgiqa_edge/runtime/py.typed", *LICENCES, "dgiqa_edge-1.dist-info/RECORD"}


@pytest.mark.parametrize(
    ("name", "files", "found"),
    [
        ("a.whl", WHOLE, []),
        ("a.whl", WHOLE - {"dgiqa_edge/runtime/py.typed"}, ["a.whl lacks dgiqa_edge/runtime/py.typed"]),
        ("a.whl", WHOLE - LICENCES, [f"a.whl lacks licenses/{name}" for name in sorted(dist.SETUP["license_files"])]),
        ("a.whl", {*WHOLE, "dgiqa_edge/runtime/x.py"}, ["a.whl has dgiqa_edge/runtime/x.py, which git does not track"]),
        ("a.whl", {*WHOLE, "tests/x.py"}, ["a.whl has tests/x.py, which git does not track"]),
        ("a.tar.gz", {*TRACKED, "PKG-INFO", "setup.cfg", "dgiqa_edge.egg-info/SOURCES.txt"}, []),
        ("a.tar.gz", {*TRACKED} - {"Makefile"}, ["a.tar.gz lacks Makefile"]),
        ("a.tar.gz", {*TRACKED, ".env"}, ["a.tar.gz has .env, which git does not track"]),
    ],
)
def test_a_file_too_many_or_too_few_is_named(name, files, found):
    assert dist.flaws(name, dict.fromkeys(files, b""), TRACKED) == found


def test_without_a_commit_a_release_says_so(tmp_path):
    with pytest.raises(dist.ReleaseError, match="a release is made in a checkout of git"):
        dist.tracked(tmp_path / "gone")


def test_what_is_wrong_is_told_and_leaves_no_release(tmp_path, monkeypatch, capsys):
    def make():
        raise dist.ReleaseError("a.whl lacks a.py")

    out = tmp_path / "dist"
    out.mkdir()
    (out / "old.whl").touch()
    monkeypatch.setattr(dist, "OUT", out)
    monkeypatch.setattr(dist, "git", lambda *arguments: "")
    monkeypatch.setattr(dist, "make", make)
    assert dist.main() == 1
    assert capsys.readouterr().err == "a.whl lacks a.py\n"
    assert not out.exists()


@pytest.mark.slow
def test_a_file_that_setup_forgets_stops_a_release(tmp_path):
    """In a copy of the last commit, which must be whole itself; an untracked file gets into neither."""
    copy = tmp_path / "copy"
    try:
        dist.tracked()
    except dist.ReleaseError as error:
        pytest.skip(str(error))
    subprocess.run(["git", "clone", "-q", "--depth=1", dist.ROOT.as_uri(), copy], check=True)
    (copy / "runtime" / "left_behind.py").write_text("x = 1\n")
    assert [name.partition("-")[2][-7:] for name in dist.make(copy, tmp_path / "work")] == ["any.whl", ".tar.gz"]
    setup = copy / "setup.py"
    setup.write_text(setup.read_text(encoding="utf-8").replace('"examples/*",\n', ""), encoding="utf-8")
    git = ["git", "-C", copy, "-c", "user.name=a test", "-c", "user.email="]
    subprocess.run([*git, "commit", "-qam", "Examples are forgotten"], check=True)
    with pytest.raises(dist.ReleaseError, match=r"whl lacks dgiqa_edge/runtime/examples/files\.toml"):
        dist.make(copy, tmp_path / "work")
