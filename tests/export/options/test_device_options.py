"""The options of ``build --from``: what is heeded is repeated by the command, everything else is refused."""

import argparse
from pathlib import Path

import pytest

from dgiqa_edge.export.options import build_options, device_options
from dgiqa_edge.export.options.accuracy_budget import FLOOR, NO_LIMITS
from dgiqa_edge.runtime.errors import ConfigurationError


def parse(*arguments):
    parser = argparse.ArgumentParser()
    build_options.configure(parser)
    return device_options.from_args(parser.parse_args(["--from", "a bundle", *arguments]))


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--rungs", "int8,fp32"],
        ["--accuracy-budget", "score_mae=0.01", "--latency-target", "12.5ms"],
        ["--no-accuracy-check", "--opt-level", "5", "--timing-cache", "orin.cache"],
        ["--dla-core", "1", "--version-compatible"],
    ],
)
def test_the_command_repeats_the_options(arguments):
    options = parse("--out", "o", *arguments)
    assert list(options.argv) == ["dgiqa-edge", "build", "--from", "a bundle", "--out", "o", *arguments]
    assert parse(*options.argv[4:]) == options


def test_by_default_the_bundle_is_replaced_and_its_own_limits_hold():
    options = parse()
    assert (options.out, options.work) == (Path("a bundle"), Path(".stages"))
    assert (options.rungs, options.limits, options.latency_target_ms) == ((), None, None)
    assert parse("--fp16").rungs == ("fp16",)
    assert parse("--accuracy-budget", "srcc=0.9").limits.score_mae == FLOOR.score_mae
    assert parse("--no-accuracy-check").limits == NO_LIMITS


def values_of(action):
    """An argument for an option that differs from its default."""
    if action.nargs == 0:
        return []
    for text in ("7", "96x64", "0,0", "split", "entropy", "tensorrt", "sm86", "crop", "words"):
        try:
            value = action.type(text) if action.type else text
        except (argparse.ArgumentTypeError, ValueError):
            continue
        if value != action.default and text in (action.choices or [text]):
            return [text]
    raise AssertionError(action.option_strings)


def unheeded():
    parser = argparse.ArgumentParser()
    build_options.configure(parser)
    return [action for action in parser._actions if action.dest not in (*device_options._HEEDED, "help")]


@pytest.mark.parametrize("action", unheeded(), ids=lambda action: action.option_strings[0])
def test_every_other_option_of_a_build_is_refused_by_its_name(action):
    option = action.option_strings[0]
    with pytest.raises(ConfigurationError, match=f"{option} does nothing with --from"):
        parse(option, *values_of(action))


def test_a_contradiction_is_refused():
    with pytest.raises(ConfigurationError, match="give one of them"):
        parse("--no-accuracy-check", "--accuracy-budget", "srcc=0.9")
