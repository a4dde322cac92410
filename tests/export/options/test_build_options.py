"""The build's command line: defaults from the preset, refusals, and a command that repeats the build."""

import argparse
from pathlib import Path

import pytest

from dgiqa_edge.export.build.recipes import recipe_of
from dgiqa_edge.export.options import build_options, presets
from dgiqa_edge.export.options.accuracy_budget import FLOOR, NO_LIMITS
from dgiqa_edge.runtime.bundle.batch import BatchRange
from dgiqa_edge.runtime.errors import ConfigurationError


def options_of(*argv):
    parser = argparse.ArgumentParser()
    build_options.configure(parser)
    return build_options.from_args(parser.parse_args(argv))


def test_the_plain_command_is_a_complete_int8_build():
    options = options_of("--int8")
    preset = presets.get(presets.DEFAULT)
    assert (options.precision, options.frame, options.backend) == ("int8", (720, 1280), "auto")
    assert (options.depth_network, options.depth_side, options.crops) == (
        preset.depth_network,
        preset.depth_side,
        preset.crops,
    )
    assert options.out == Path(f"build/{preset.name}-int8-1280x720")
    assert options.work == Path("build/.stages")
    assert len(list(Path(options.calib).glob("*.jpg"))) >= 24


def test_the_plain_command_needs_no_file_from_elsewhere():
    recipe = recipe_of(options_of("--int8"))
    assert [(source.name, source.seeded) for source in recipe.sources] == [("nano", False)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", (1, 1)), ("4", (4, 4)), ("64", (64, 64)), ("1..8", (1, 8)), ("1..1", (1, 1)), ("1..64", (1, 64))],
)
def test_a_batch_is_a_number_or_a_range_from_one(text, expected):
    options = options_of("--int8", "--batch", text)
    assert options.batch == BatchRange(*expected)
    again = options_of(*options.command()[2:])
    assert again.batch == options.batch
    assert ("--batch" in options.command()) == (options.batch != BatchRange())


@pytest.mark.parametrize(
    "text", ["0", "65", "1..65", "2..4", "1..0", "1..", "..4", "1-4", "four", "1.5", "", "1..8 ", "00", "1..\u0664"]
)
def test_what_is_no_batch_is_refused(text, capsys):
    with pytest.raises(SystemExit):
        options_of("--int8", "--batch", text)
    assert "is not a batch: write N, always so many frames, or 1..N, N from 1 to 64" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "more"), [("--calibrator", ["entropy"]), ("--dla-core", ["0"])], ids=["calibrator", "dla"]
)
def test_what_takes_one_frame_at_a_time_takes_no_batch(option, more):
    with pytest.raises(ConfigurationError, match=f"{option} takes one frame at a time"):
        options_of("--int8", "--backend", "tensorrt", "--batch", "1..4", option, *more)


def test_a_budget_or_a_target_makes_the_build_climb_and_names_its_folder_so():
    assert not options_of("--int8").climbs
    for argv in (("--accuracy-budget", "srcc=0.9"), ("--latency-target", "10ms")):
        options = options_of(*argv)
        assert options.climbs
        assert options.out == Path("build/nano-ladder-1280x720")
        assert options.limits.depth_corr == FLOOR.depth_corr
    assert options_of("--accuracy-budget", "srcc=0.95").limits.srcc == 0.95
    assert options_of("--no-accuracy-check").limits == NO_LIMITS


def test_options_override_the_preset():
    options = options_of(
        "--preset", "reference", "--fp16", "--frame", "640x480", "--depth-side", "252", "--crop-boxes", "0,0 10,20"
    )
    assert (options.precision, options.frame, options.depth_side) == ("fp16", (480, 640), 252)
    assert options.crop_boxes == ((0, 0), (10, 20))


@pytest.mark.parametrize(
    "argv",
    [
        ("--int8",),
        ("--fp32", "--crops", "3"),
        ("--fp16", "--crop-boxes", "1,2 3,4"),
        ("--accuracy-budget", "score_mae=0.0123456,srcc=0.99", "--latency-target", "7.5ms"),
        ("--no-accuracy-check",),
        ("--keep", "network/stem,network/blocks.3"),
        ("--fit", "stretch"),
    ],
)
def test_the_recorded_command_repeats_the_build(argv):
    options = options_of(*argv, "--preset", "reference", "--depth-weights", "depth.pth", "--out", "some where")
    command = options.command()
    assert command[:2] == ["dgiqa-edge", "build"]
    assert options_of(*command[2:]) == options


def test_the_recorded_command_does_not_name_where_the_shipped_photos_lie():
    assert "--calib" not in options_of("--int8").command()
    assert "photos/front" in options_of("--int8", "--calib", "photos/front").command()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("--preset", "refrence"), "unknown preset"),
        (("--fp32", "--keep", "network/stem"), "leave one of them out"),
    ],
)
def test_values_that_make_no_sense_are_refused(argv, message):
    with pytest.raises(ConfigurationError, match=message):
        options_of(*argv)


@pytest.mark.parametrize(
    "argv",
    [
        ("--frame", "1280"),
        ("--frame", "axb"),
        ("--frame", "0x0"),
        ("--frame", "9x" + "9" * 30),
        ("--frame", "9000x9000"),
        ("--calib-images", "0"),
        ("--threads", "100000"),
        ("--crop-boxes", "1,2 3"),
        ("--keep", "network/stem,"),
        ("--int8", "--fp16"),
        ("--method", "x"),
    ],
)
def test_malformed_options_are_usage_errors(argv, capsys):
    with pytest.raises(SystemExit) as stop:
        options_of(*argv)
    assert stop.value.code == 2
    assert "error" in capsys.readouterr().err
