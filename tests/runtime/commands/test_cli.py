"""The dgiqa-edge program: dispatch, exit codes, one-line errors."""

import subprocess
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from dgiqa_edge.runtime.commands import cli
from dgiqa_edge.runtime.commands.progress import say
from dgiqa_edge.runtime.errors import BundleError, ConfigurationError, DgiqaEdgeError, MachineError
from dgiqa_edge.runtime.version import VERSION

FLOOD = (
    "import sys, types; from dgiqa_edge.runtime.commands import cli; m = types.ModuleType('m');"
    "m.SUMMARY = m.EXTRA = 'x'; m.configure = lambda p: None;"
    "m.run = lambda a: [print('y' * 1000) for _ in range(1000)] and 0;"
    "sys.modules['m'] = m; cli.command_modules = lambda: {'flood': 'm'}; sys.exit(cli.main(['flood']))"
)
"""A program whose command prints more than a pipe's buffer holds."""
HELP = "import sys; from dgiqa_edge.runtime.commands import cli; sys.exit(cli.main(['--help']))"


def install_command(monkeypatch: pytest.MonkeyPatch, run: Callable[[Any], int]) -> None:
    """A command 'probe' that comes from another room, as entry points bring it."""
    module = types.ModuleType("probe_command")
    module.SUMMARY, module.EXTRA = "probes", "peers"  # type: ignore[attr-defined]
    module.configure = lambda parser: parser.add_argument("--speed", type=int, default=1)  # type: ignore[attr-defined]
    module.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "probe_command", module)
    monkeypatch.setattr(cli, "command_modules", lambda: {"probe": "probe_command", "torn": "absent_room.command"})


def raising(error: BaseException) -> Callable[[Any], int]:
    def run(args: Any) -> int:
        raise error

    return run


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"dgiqa-edge {VERSION}\n"


def test_help_lists_every_command_also_one_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install_command(monkeypatch, lambda args: 0)
    assert cli.main(["--help"]) == 0
    out = capsys.readouterr().out
    assert "probe  probes" in out
    assert "torn   (not installed: No module named 'absent_room')" in out


def test_no_command_is_a_usage_error_with_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "score" in captured.err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["scorre"], "there is no command 'scorre': did you mean 'score'?"),
        (["zzzz"], "see dgiqa-edge --help"),
        (["--nonsense", "score"], "--nonsense"),
        (["score", "photo.jpg"], "--bundle"),
        (["score", "--bundle", "b"], "IMAGES"),
        (["inspect", "--bund", "b"], "--bund (did you mean --bundle?)"),
        (["gate", "run", "video.mp4", "--fpss", "3"], "(did you mean --fps?)"),
        (["build", "--threads", "0"], "no whole number from 1"),
        (["gate"], "ACTION"),
    ],
)
def test_usage_errors(argv: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(argv) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") <= 2


@pytest.mark.parametrize("argv", [["probe", "--quiet"], ["--quiet", "probe"]])
def test_quiet_may_stand_anywhere_and_ends_with_the_command(
    argv: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install_command(monkeypatch, lambda args: say("a remark") or 0)
    assert cli.main(argv) == 0
    assert capsys.readouterr().err == ""
    assert cli.main(["probe"]) == 0
    assert capsys.readouterr().err == "a remark\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [(DgiqaEdgeError("x"), 3), (BundleError("x"), 3), (ConfigurationError("x"), 2), (MachineError("x"), 4)],
)
def test_each_error_has_its_code(error: Exception, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    install_command(monkeypatch, raising(error))
    assert cli.main(["probe"]) == code


@pytest.mark.parametrize("argv", [["probe"], ["--debug", "probe"], ["probe", "--debug"]])
def test_an_error_is_one_line_unless_debugging(
    argv: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install_command(monkeypatch, raising(BundleError("first\n  second")))
    assert cli.main(argv) == 3
    err = capsys.readouterr().err
    assert err.endswith("dgiqa-edge: error: first second # docs/troubleshooting.md#bundleerror\n")
    assert ("Traceback" in err) is ("--debug" in argv)
    assert (err.count("\n") == 1) is ("--debug" not in argv)


def test_an_interrupt(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    install_command(monkeypatch, raising(KeyboardInterrupt()))
    assert cli.main(["probe"]) == 130
    assert capsys.readouterr().err == "dgiqa-edge: interrupted\n"


def test_a_bug_says_that_it_is_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    install_command(monkeypatch, raising(ZeroDivisionError("division by zero")))
    assert cli.main(["probe"]) == 1
    assert "internal error: ZeroDivisionError: division by zero" in capsys.readouterr().err


def test_a_command_whose_room_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    install_command(monkeypatch, lambda args: 0)
    assert cli.main(["torn"]) == 4
    assert "the command 'torn' is not installed completely" in capsys.readouterr().err


def test_the_commands_code_and_options_pass_through(monkeypatch: pytest.MonkeyPatch) -> None:
    install_command(monkeypatch, lambda args: args.speed)
    assert cli.main(["probe", "--speed", "3"]) == 3


def test_only_the_command_asked_for_is_imported() -> None:
    code = (
        "import sys; from dgiqa_edge.runtime.commands.cli import main; main(['inspect', '--bundle', 'absent']);"
        "print([name for name, module in sys.modules.items() if '.commands.' in name and hasattr(module, 'SUMMARY')])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.strip() == "['dgiqa_edge.runtime.commands.inspect']"


def test_a_reader_that_goes_away_is_no_error() -> None:
    """As in `dgiqa-edge --help | head -0`: the output is longer than a pipe's buffer."""
    process = subprocess.Popen([sys.executable, "-c", FLOOD], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 141
    assert errors == b""


@pytest.mark.parametrize(
    ("missing", "code", "words"),
    [
        ("rich.console", 4, "the package 'rich' is not installed: pip install"),
        ("dgiqa_edge.gone", 1, "a bug"),
    ],
)
def test_a_missing_package_names_the_commands_extra_and_a_missing_module_of_ours_is_a_bug(
    missing: str, code: int, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install_command(monkeypatch, raising(ModuleNotFoundError(f"No module named {missing!r}", name=missing)))
    assert cli.main(["probe"]) == code
    problem = capsys.readouterr().err
    assert words in problem
    assert ("[peers]" in problem) is (code == 4)


STREAMS = {
    "closed": (">&-", 0, ""),
    "closed, and stderr as well": (">&- 2>&-", 0, ""),
    "closed, all three": (">&- 2>&- <&-", 0, ""),
    "full": ("> /dev/full", 4, "disk full"),
    "a reader that goes away": ("| true; exit ${PIPESTATUS[0]}", 141, ""),
}


@pytest.mark.parametrize("program", [FLOOD, HELP], ids=["flood", "help"])
@pytest.mark.parametrize("kind", STREAMS)
def test_an_output_that_takes_nothing_is_no_bug(kind: str, program: str, request: pytest.FixtureRequest) -> None:
    if kind == "full":
        request.getfixturevalue("full_device")
    redirection, code, words = STREAMS[kind]
    command = f'"{sys.executable}" -c "{program}" {redirection}'
    finished = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert finished.returncode == code, finished.stderr
    assert words in finished.stderr
    assert finished.stderr.count("\n") == (1 if words else 0)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(13, "Permission denied", "/x/out.json"), "Permission denied: '/x/out.json'"),
        (OSError(5, "Input/output error"), "Input/output error"),
        (OSError(28, "No space left on device"), "disk full"),
        (MemoryError("Unable to allocate 9 TiB"), "not enough memory (Unable to allocate 9 TiB)"),
    ],
)
def test_an_error_of_the_system_is_no_bug(
    error: Exception, words: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    install_command(monkeypatch, raising(error))
    monkeypatch.setattr(cli, "silence", lambda stream: None)
    assert cli.main(["probe"]) == 4
    said = capfd.readouterr().err
    assert words in said
    assert said.endswith(" # docs/troubleshooting.md#machineerror\n")


def test_an_error_shows_no_control_characters(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install_command(monkeypatch, raising(BundleError("x\x1b[31m\u202e\udce9 is no bundle")))
    assert cli.main(["probe"]) == 3
    assert capsys.readouterr().err.startswith("dgiqa-edge: error: x\\x1b[31m\\u202e\\xe9 is no bundle # docs/")
