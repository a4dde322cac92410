import subprocess
import sys

import pytest

from dgiqa_edge.training.__main__ import main

COMMANDS = (
    *("features", "drift", "views", "depth", "edge", "join", "teach", "nano", "nano-head", "dgiqa", "finish", "ablate"),
    "evaluate",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_needs_no_heavy_package(command):
    code = (
        "import sys\nfrom dgiqa_edge.training.__main__ import main\n"
        f"try:\n    main(['{command}', '--help'])\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('torch', 'scipy', 'cv2') if m in sys.modules], file=sys.stderr)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"dgiqa_edge.training {command} " in finished.stdout
    assert finished.stderr.strip() == "[]"


def test_the_help_has_an_example(capsys):
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert "example:" in said
    assert all(command in said for command in COMMANDS)


def test_a_mistake_is_one_line_and_its_own_exit_code(tmp_path, capsys):
    arguments = ["features", "--config", str(tmp_path / "none.toml"), "--part", "train"]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("dgiqa-edge: error: ")
    assert said.count("\n") == 1
