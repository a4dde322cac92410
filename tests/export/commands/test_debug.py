"""``dgiqa-edge debug``: what it prints, its exit codes, and what it says where a package is missing."""

import json
import subprocess
import sys

import pytest

from dgiqa_edge.runtime.commands import cli

COMMAND = "dgiqa_edge.export.commands.debug"


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setitem(cli._OWN_COMMANDS, "debug", COMMAND)


@pytest.fixture
def bundle(make_bundle):
    return make_bundle()


def test_a_sound_bundle(bundle, capsys):
    assert cli.main(["debug", str(bundle), "--threads", "1"]) == 0
    printed = capsys.readouterr()
    assert "golden frame, off FP32 (allowed" in printed.out
    assert "none of" in printed.out
    assert "wrong weights stay unseen" in printed.out


def test_json(bundle, capsys):
    assert cli.main(["debug", str(bundle), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sound"] is True
    assert [replay["what"] for replay in found["replays"]][:2] == ["FP32 reference", "the graph as written"]
    assert found["bundle"] == str(bundle)


@pytest.mark.parametrize("package", ["polygraphy", "onnx"])
def test_a_missing_package_is_named(bundle, capsys, monkeypatch, package):
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    assert cli.main(["debug", str(bundle)]) == 4
    said = capsys.readouterr().err
    assert package in said
    assert "[debug]" in said


def test_pytorch_is_not_needed(bundle):
    """Where an engine runs, there may be none."""
    code = (
        "import sys\n"
        "sys.modules |= dict.fromkeys(('torch', 'onnxsim', 'scipy', 'rich', 'safetensors', 'huggingface_hub'))\n"
        "from dgiqa_edge.runtime.commands import cli\n"
        f"cli._OWN_COMMANDS['debug'] = '{COMMAND}'\n"
        f"sys.exit(cli.main(['debug', {str(bundle)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [(["no-such-folder"], 3, "no-such-folder"), ([], 2, "BUNDLE")],
)
def test_wrong_usage(arguments, code, said, capsys):
    assert cli.main(["debug", *arguments]) == code
    assert said in capsys.readouterr().err
