"""The scripts that shells complete by: whole, valid, and with what each command takes."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from dgiqa_edge.runtime.commands import cli

pytest.importorskip("shtab", reason="shtab is not installed: extra completion")


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_script_is_valid_and_names_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", shell]) == 0
    script = capsys.readouterr().out
    if program := shutil.which(shell):
        finished = subprocess.run([program, "-n"], input=script, capture_output=True, text=True, check=False)
        assert (finished.returncode, finished.stderr) == (0, "")
    for word in ["score", "inspect", "gate", "doctor", "watch", "completion", "--bundle", "--quiet", "--policy"]:
        assert word in script


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["dgiqa-edge", "sco"], {"score", "score-many"}),
        (["dgiqa-edge", "gate", "t"], {"tune"}),
        (["dgiqa-edge", "watch", "ref"], {"reference"}),
        (["dgiqa-edge", "watch", "init", "phot"], {"photos"}),
        (["dgiqa-edge", "watch", "--che"], {"--check"}),
        (["dgiqa-edge", "watch", "init", "--cam"], {"--camera"}),
        (["dgiqa-edge", "score", "--bun"], {"--bundle"}),
        (["dgiqa-edge", "score", "--fit", "s"], {"stretch"}),
        (["dgiqa-edge", "score", "phot"], {"photos"}),
        (["dgiqa-edge", "inspect", "--bundle", "phot"], {"photos"}),
    ],
)
def test_bash_completes(
    typed: list[str], offered: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    assert cli.main(["completion", "bash"]) == 0
    script = tmp_path / "completion.bash"
    script.write_text(capsys.readouterr().out)
    (tmp_path / "photos").mkdir()
    words = " ".join(f"'{word}'" for word in typed)
    ask = (
        f"source '{script}'; COMP_WORDS=({words}); COMP_CWORD={len(typed) - 1}; "
        "$(complete -p dgiqa-edge | sed 's/.*-F \\([^ ]*\\).*/\\1/'); printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    finished = subprocess.run(
        [bash, "--norc", "-c", ask], cwd=tmp_path, capture_output=True, text=True, env={**os.environ}, check=True
    )
    assert {word.rstrip("/ ") for word in finished.stdout.split()} == offered, finished.stderr
