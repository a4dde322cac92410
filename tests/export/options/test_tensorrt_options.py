"""The TensorRT options: read, checked against each other, and repeated by the command in the manifest."""

import argparse

import pytest

from dgiqa_edge.export.options import build_options
from dgiqa_edge.runtime.errors import ConfigurationError


def parse(*arguments):
    parser = argparse.ArgumentParser()
    build_options.configure(parser)
    return build_options.from_args(parser.parse_args(["--backend", "tensorrt", *arguments]))


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--no-engine"],
        ["--workspace-mib", "512", "--builder-memory-mib", "2048"],
        ["--opt-level", "5", "--aux-streams", "0", "--timing-cache", "timings/orin.cache"],
        ["--dla-core", "0", "--calibrator", "minmax"],
        ["--hardware-compatible", "ampere_plus", "--version-compatible"],
        ["--hardware-compatible", "same_compute_capability"],
    ],
)
def test_the_command_repeats_the_options(arguments):
    options = parse(*arguments)
    assert sorted(options.tensorrt.command()) == sorted(arguments)
    argv = options.command()
    assert parse(*argv[argv.index("--layout") :]).tensorrt == options.tensorrt


@pytest.mark.parametrize(
    ("arguments", "targets", "repeated"),
    [
        ([], ("86", "89", "120"), "sm86,sm89,sm120"),
        (["--targets", "sm120, SM86,sm120"], ("86", "120"), "sm86,sm120"),
    ],
)
def test_rtx_engines_are_for_the_targets_named_and_in_fp16(arguments, targets, repeated):
    options = parse("--backend", "tensorrt-rtx", *arguments)
    assert (options.tensorrt.settings.targets, options.precision) == (targets, "fp16")
    assert options.command()[-2:] == ["--targets", repeated]
    assert parse("--backend", "tensorrt-rtx", "--int8").precision == "int8"
    assert parse().precision == "int8"


@pytest.mark.parametrize("text", ["", "89", "sm8.9", "sm", "sm1234", "sm89;sm86", "sm89,,"])
def test_words_that_are_no_targets(text, capsys):
    with pytest.raises(SystemExit):
        parse("--backend", "tensorrt-rtx", "--targets", text)
    assert "are not targets: write compute capabilities, as sm86,sm120" in capsys.readouterr().err


def test_hardware_compatible_alone_means_ampere_and_newer():
    assert parse("--hardware-compatible").tensorrt.settings.hardware_compatible == "ampere_plus"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--backend", "onnxruntime", "--workspace-mib", "1"], "--workspace-mib is for TensorRT"),
        (["--backend", "auto", "--no-engine"], "--no-engine is for TensorRT: add --backend tensorrt"),
        (["--no-engine", "--opt-level", "3"], "--opt-level would do nothing"),
        (["--targets", "sm89"], "--targets is for TensorRT-RTX: add --backend tensorrt-rtx"),
        (["--backend", "auto", "--targets", "sm89"], "--targets is for TensorRT-RTX"),
        (["--backend", "tensorrt-rtx", "--no-engine"], "--no-engine is not for TensorRT-RTX, whose engines are built"),
        (["--backend", "tensorrt-rtx", "--timing-cache", "a"], "--timing-cache is not for TensorRT-RTX"),
        (["--backend", "tensorrt-rtx", "--dla-core", "0"], "--dla-core is not for TensorRT-RTX"),
        (["--backend", "tensorrt-rtx", "--version-compatible"], "--version-compatible is not for TensorRT-RTX"),
        (["--fp16", "--calibrator", "entropy"], "not --fp16"),
        (["--layout", "split", "--calibrator", "entropy"], "--layout fused"),
        (["--rungs", "int8,fp32"], "add --backend tensorrt --no-engine"),
    ],
)
def test_options_that_would_do_nothing_are_refused(arguments, words):
    with pytest.raises(ConfigurationError, match=words):
        parse(*arguments)


def test_rungs_are_ordered_and_repeated():
    options = parse("--rungs", "fp32, int8", "--no-engine")
    assert (options.rungs, options.precision) == (("int8", "fp32"), "int8")
    assert options.command()[4:6] == ["--rungs", "int8,fp32"]
    assert not parse("--rungs", "fp16", "--no-engine", "--latency-target", "9ms").climbs


@pytest.mark.parametrize("text", ["", "int8,int8", "int4", "int8;fp16"])
def test_rungs_that_are_none_are_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="int8,fp16,fp32, each once"):
        build_options.parse_rungs(text)


def test_the_help_names_every_option(capsys):
    parser = argparse.ArgumentParser()
    build_options.configure(parser)
    text = parser.format_help()
    for option in (
        "--no-engine", "--workspace-mib", "--timing-cache", "--opt-level", "--dla-core", "--hardware-compatible",
        "--version-compatible", "--calibrator", "--aux-streams", "--builder-memory-mib",
    ):  # fmt: skip
        assert option in text
