"""``make container-test``: where nothing can be built it says why; and what holds of the images unbuilt."""

import re
import sys

import containers
import pytest
import yaml

from dgiqa_edge.runtime.ground.strict_text import parse_toml

DOCKERFILES = sorted(containers.HERE.glob("*.Dockerfile"))
COMPOSE = yaml.safe_load((containers.HERE / "compose.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("user", "tools", "reason"), [(1000, "/bin/true", "Linux and root"), (0, None, "apt-get install podman runc")]
)
def test_where_nothing_can_be_built_it_says_why(user, tools, reason, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(containers, "WORK", tmp_path)
    monkeypatch.setattr(containers.sys, "platform", "linux")
    monkeypatch.setattr(containers.os, "geteuid", lambda: user)
    monkeypatch.setattr(containers.shutil, "which", lambda name: tools)
    monkeypatch.setattr(sys, "argv", ["containers.py", "bundle"])
    assert containers.main() == 0
    assert reason in capsys.readouterr().out


def test_without_a_package_index_it_says_why(monkeypatch):
    monkeypatch.setattr(containers.sys, "platform", "linux")
    monkeypatch.setattr(containers.os, "geteuid", lambda: 0)
    monkeypatch.setattr(containers.shutil, "which", lambda name: "/bin/true")
    monkeypatch.setattr(containers, "PIPPED", ("dgiqa-edge-absent @ file:///nowhere/absent-1-py3-none-any.whl",))
    assert "no package index answers" in containers.obstacle(None)


def test_without_a_mirror_of_debian_it_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(containers.sys, "platform", "linux")
    monkeypatch.setattr(containers.os, "geteuid", lambda: 0)
    monkeypatch.setattr(containers.shutil, "which", lambda name: "/bin/true")
    monkeypatch.setattr(containers.sys, "executable", "true")
    monkeypatch.setattr(containers, "ARCHIVE", tmp_path / "debian.tar")
    (tmp_path / "mmdebstrap").write_text("#!/bin/sh\necho 'Could not resolve deb.debian.org' >&2\nexit 1\n")
    (tmp_path / "mmdebstrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert containers.obstacle(None) == "no Debian can be had (Could not resolve deb.debian.org)"
    assert "Debian" not in str(containers.obstacle(tmp_path))


def test_every_profile_has_its_image_and_a_dockerfile():
    assert {name: one["image"] for name, one in COMPOSE["services"].items()} == containers.IMAGES
    assert all(one["profiles"] == [name] for name, one in COMPOSE["services"].items())
    named = {one["build"]["dockerfile"] for one in COMPOSE["services"].values()}
    assert named == {file.relative_to(containers.ROOT).as_posix() for file in DOCKERFILES}


def test_the_test_makes_every_base_that_is_asked_for():
    asked = {re.search(r"^ARG BASE=(\S+)$", file.read_text(), re.M)[1] for file in DOCKERFILES}
    asked |= {re.search(r":-(\S+)\}", COMPOSE["services"]["jetson"]["build"]["args"]["BASE"])[1]}
    assert asked == {containers.DEBIAN.rpartition("/")[2], *containers.NVIDIA}


def test_what_the_package_is_made_of_reaches_the_images():
    kept = re.findall(r"^!(\S+)", (containers.ROOT / ".dockerignore").read_text(), re.M)
    assert set(kept) >= {"setup.py", "__init__.py", "py.typed", "README.md", "constraints*.txt"}
    assert set(kept) >= {"export", "calibration", "runtime", "benchmarks", "training"}


@pytest.mark.parametrize("name", ["csi", "rtsp", "usb"])
def test_examples_of_cameras_answer_the_health_check(name):
    settings = parse_toml((containers.ROOT / "runtime" / "examples" / f"{name}.toml").read_text(encoding="utf-8"))
    (listen,) = [sink["listen"] for sink in settings["sinks"] if sink["type"] == "prometheus"]
    for file in DOCKERFILES:
        assert listen == ":".join(re.search(r"HTTPConnection\('([\d.]+)', (\d+)", file.read_text()).groups())
