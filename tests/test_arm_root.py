"""The arm64 root: what it lacks is said with its remedy, a kept one is taken, dpkg reads what is recorded."""

import shutil
import subprocess

import arm_root
import pytest


@pytest.fixture
def able(monkeypatch):
    """A machine that lacks nothing."""
    monkeypatch.setattr(arm_root.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(arm_root.os, "geteuid", lambda: 0)
    monkeypatch.setattr(arm_root.shutil, "which", lambda name, **_: f"/usr/bin/{name}")
    monkeypatch.setattr(arm_root.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, "", ""))
    monkeypatch.setattr(arm_root, "_emulated", lambda: True)
    monkeypatch.setattr(arm_root, "_reached", lambda address: True)


@pytest.mark.parametrize(
    ("module", "name", "value", "said"),
    [
        ("platform", "machine", lambda: "aarch64", "this machine is aarch64 itself"),
        ("os", "geteuid", lambda: 1000, "takes root's rights"),
        ("shutil", "which", lambda name, **_: None, "apt-get install mmdebstrap qemu-user-static"),
        ("subprocess", "run", lambda *_, **__: subprocess.CompletedProcess([], 1, "", ""), "may not mount"),
        (None, "_emulated", lambda: False, "update-binfmts"),
        (None, "_reached", lambda address: False, "deb.debian.org/debian does not answer, and no root is kept in"),
    ],
)
def test_what_is_lacking_is_said(able, monkeypatch, tmp_path, module, name, value, said):
    monkeypatch.setattr(arm_root, "FOLDER", tmp_path / "root")
    assert arm_root.lacking() == ""
    monkeypatch.setattr(getattr(arm_root, module) if module else arm_root, name, value)
    assert said in arm_root.lacking()


def test_a_kept_root_needs_no_mirror_and_other_packages_make_another(able, monkeypatch, tmp_path):
    monkeypatch.setattr(arm_root, "FOLDER", tmp_path / "root")
    monkeypatch.setattr(arm_root, "CACHE", tmp_path)
    monkeypatch.setattr(arm_root, "_reached", lambda address: False)
    arm_root._stamp(arm_root.FOLDER, arm_root._of_debian())
    assert arm_root.lacking() == ""
    assert arm_root.make() is False
    monkeypatch.setattr(arm_root, "PACKAGES", (*arm_root.PACKAGES, "hello"))
    assert "no root is kept" in arm_root.lacking()


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="no dpkg")
def test_dpkg_takes_what_is_recorded_as_installed(tmp_path):
    control = tmp_path / "package" / "DEBIAN"
    control.mkdir(parents=True)
    fields = ["Package: libone1", "Version: 2.5-1", "Architecture: arm64", "Multi-Arch: same", "Maintainer: nobody"]
    (control / "control").write_text("\n".join([*fields, "Description: one", " of several lines", ""]))
    (control / "shlibs").write_text("libone 1 libone1 (>= 2.0)\n")
    subprocess.run(["dpkg-deb", "--build", tmp_path / "package", tmp_path / "one.deb"], check=True, capture_output=True)
    database = tmp_path / "dpkg"
    (database / "info").mkdir(parents=True)
    (database / "status").write_text(
        "\n".join(["Package: before", "Status: install ok installed", *fields[1:], "Description: one", ""])
    )
    arm_root.record([tmp_path / "one.deb"], database)
    asked = [
        "dpkg-query",
        f"--admindir={database}",
        "--show",
        "--showformat=${Package}:${Architecture} ${Version} ${Status}\n",
    ]
    said = subprocess.run([*asked, "libone1:arm64"], check=True, capture_output=True, text=True).stdout
    assert said == "libone1:arm64 2.5-1 install ok installed\n"
    assert (database / "info" / "libone1:arm64.shlibs").read_text() == "libone 1 libone1 (>= 2.0)\n"
