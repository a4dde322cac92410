"""``dgiqa-edge score`` and ``inspect`` as a user runs them."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dgiqa_edge.runtime import Scorer
from dgiqa_edge.runtime.bundle.golden import GOLDEN_NAME
from dgiqa_edge.runtime.frames.depth_picture import depth_colours
from dgiqa_edge.runtime.frames.depth_upsampling import depth_over_frame

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def photos(tmp_path: Path, make_photo: Any) -> Path:
    """Two photos of one stem in different folders, and one of another size."""
    for name, size in [("one/photo.png", (48, 64)), ("two/photo.png", (48, 64)), ("two/wide.png", (90, 160))]:
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), make_photo(seed=len(name) + size[0] + ord(name[0]), height=size[0], width=size[1]))
    return tmp_path / "photos"


def json_lines(result: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def assert_one_line_error(result: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert result.returncode == code, result.stderr
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.startswith("dgiqa-edge: error: ")
    for word in words:
        assert word in result.stderr


def test_json_lines_hold_what_the_graph_computes(
    bundle_dir: Path, photos: Path, command_line: Run, reference_outputs: Any
) -> None:
    photo = photos / "one" / "photo.png"
    result = command_line("score", "--bundle", bundle_dir, "--json", photo, photos / "two")
    assert result.returncode == 0, result.stderr
    first, second, third = json_lines(result)
    expected = reference_outputs(cv2.imread(str(photo))[np.newaxis], "fused")
    assert first["image"] == str(photo)
    assert first["score"] == pytest.approx(float(expected["score"][0]), abs=1e-6)
    assert first["crop_scores"] == pytest.approx(expected["crop_scores"][0].tolist(), abs=1e-6)
    assert first["latency_ms"] > 0
    assert (first["width"], first["height"]) == (64, 48)
    assert "depth" not in first
    assert second["image"] == str(photos / "two" / "photo.png")
    assert second["score"] != first["score"]
    assert (third["width"], third["height"]) == (160, 90)
    assert result.stderr == "note: quality weights are seeded: scores carry no meaning\n"


def test_faults_are_named_and_the_probable_ones_placed(
    make_bundle: Callable[..., Path], photos: Path, command_line: Run, reference_outputs: Any
) -> None:
    bundle, photo = make_bundle(faults=True), photos / "one" / "photo.png"
    expected = reference_outputs(cv2.imread(str(photo))[np.newaxis], "fused", faults=True)
    (record,) = json_lines(command_line("score", "--bundle", bundle, "--json", photo))
    values = expected["faults"][0]
    assert list(record["faults"]) == ["dark", "over-exposed"]
    assert list(record["faults"].values()) == pytest.approx(values.tolist(), abs=6e-5)
    index = int(values.argmax())
    name = ["dark", "over-exposed"][index]
    assert list(record["coverage"]) == [name]
    np.testing.assert_allclose(record["coverage"][name], expected["coverage"][0, ..., index], atol=6e-5)
    assert all(value == round(value, 4) for row in record["coverage"][name] for value in row)
    table = command_line("score", "--bundle", bundle, photo).stdout.splitlines()
    assert table[0].split() == ["image", "score", "latency_ms", "faults"]
    assert table[1].split()[-1] == name


def test_a_bundle_that_reads_no_faults_speaks_of_none(bundle_dir: Path, photos: Path, command_line: Run) -> None:
    (record,) = json_lines(command_line("score", "--bundle", bundle_dir, "--json", photos / "one"))
    assert not record.keys() & {"faults", "coverage"}
    assert "faults" not in command_line("score", "--bundle", bundle_dir, photos / "one").stdout
    assert "faults" not in command_line("inspect", "--bundle", bundle_dir).stdout


def test_inspect_names_the_faults(make_bundle: Callable[..., Path], command_line: Run) -> None:
    result = command_line("inspect", "--bundle", make_bundle(faults=True))
    assert "dark, over-exposed; each in 2x4 cells\n" in result.stdout


def test_the_table_ends_with_a_count(bundle_dir: Path, photos: Path, command_line: Run) -> None:
    result = command_line("score", "--bundle", bundle_dir, photos / "*" / "photo.png", "--threads", 1)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["image", "score", "latency_ms"]
    assert [line.split()[0] for line in lines[1:3]] == [str(photos / d / "photo.png") for d in ("one", "two")]
    assert all(0 <= float(line.split()[1]) <= 1 for line in lines[1:3])
    assert lines[3:] == ["2 scored, 0 failed"]
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize("as_json", [True, False])
def test_a_bad_image_among_good_ones_spares_the_others(
    bundle_dir: Path, photos: Path, command_line: Run, as_json: bool
) -> None:
    (photos / "two" / "broken.jpg").write_text("not an image")
    (photos / "two" / "empty.jpg").touch()
    flags = ["--json"] if as_json else []
    result = command_line("score", "--bundle", bundle_dir, photos / "two", photos / "absent.png", *flags)
    assert result.returncode == 3
    if as_json:
        records = json_lines(result)
        names = [Path(record["image"]).name for record in records]
        assert names == ["broken.jpg", "empty.jpg", "photo.png", "wide.png", "absent.png"]
        assert [sorted(record) == ["error", "image"] for record in records] == [True, True, False, False, True]
        assert "not an image" in records[0]["error"]
        assert "empty" in records[1]["error"]
        assert "does not exist" in records[4]["error"]
    else:
        assert result.stdout.splitlines()[-1] == "2 scored, 3 failed"
        assert result.stdout.count("error: ") == 3
    assert result.stderr.count("\n") == 1, result.stderr


def test_depth_pictures_of_one_stem_do_not_overwrite_each_other(
    bundle_dir: Path, photos: Path, command_line: Run, reference_outputs: Any, tmp_path: Path
) -> None:
    out = tmp_path / "depth"
    images = [photos / "one" / "photo.png", photos / "two" / "photo.png"]
    result = command_line("score", "--bundle", bundle_dir, "--json", "--depth-out", out, *images)
    assert result.returncode == 0, result.stderr
    written = [Path(record["depth"]) for record in json_lines(result)]
    assert len(set(written)) == 2
    assert sorted(out.iterdir()) == sorted(written)
    for image, picture in zip(images, written, strict=True):
        frame = cv2.imread(str(image))
        depth = depth_over_frame(reference_outputs(frame[np.newaxis], "fused")["depth"][0], frame)
        np.testing.assert_array_equal(cv2.imread(str(picture)), cv2.applyColorMap(depth, cv2.COLORMAP_INFERNO))


def test_a_depth_picture_is_as_large_as_its_image_and_the_networks_own_map_can_be_had(
    bundle_dir: Path, photos: Path, command_line: Run, reference_outputs: Any, tmp_path: Path
) -> None:
    image = photos / "two" / "wide.png"
    result = command_line("score", "--bundle", bundle_dir, "--json", "--depth-out", tmp_path / "large", image)
    (record,) = json_lines(result)
    assert cv2.imread(record["depth"]).shape == (90, 160, 3)
    assert (record["depth_width"], record["depth_height"]) == (32, 24)
    table = command_line("score", "--bundle", bundle_dir, "--depth-out", tmp_path / "large", image).stdout
    assert "as large as the images, drawn along their edges; the network's own map of its frame is 32x24" in table
    result = command_line("score", "--bundle", bundle_dir, "--depth-out", tmp_path / "raw", "--depth-raw", image)
    raw = cv2.imread(str(tmp_path / "raw" / "wide.depth.png"), cv2.IMREAD_UNCHANGED)
    with Scorer(bundle_dir) as scorer:
        np.testing.assert_array_equal(raw, scorer.score(image).picture_depth)
    assert "32x24, kept as it is" in result.stdout
    result = command_line("score", "--bundle", bundle_dir, "--depth-raw", image)
    assert_one_line_error(result, 2, "--depth-raw needs a folder for the maps: give --depth-out DIR")


def test_a_depth_picture_never_overwrites_an_input(bundle_dir: Path, photos: Path, command_line: Run) -> None:
    folder = photos / "one"
    (folder / "photo.depth.png").write_bytes((folder / "photo.png").read_bytes())
    kept = (folder / "photo.depth.png").read_bytes()
    result = command_line("score", "--bundle", bundle_dir, folder, "--depth-out", folder)
    assert_one_line_error(result, 2, "would overwrite one of the images")
    assert (folder / "photo.depth.png").read_bytes() == kept


def test_strict_size_refuses_only_the_other_size(bundle_dir: Path, photos: Path, command_line: Run) -> None:
    result = command_line("score", "--bundle", bundle_dir, photos / "two", "--strict-size", "--json")
    assert result.returncode == 3
    right, wrong = json_lines(result)
    assert "score" in right
    assert "160x90, the bundle takes 64x48" in wrong["error"]


def test_the_depth_of_a_fitted_image_is_of_the_image_alone(
    bundle_dir: Path, make_photo: Any, command_line: Run, tmp_path: Path
) -> None:
    image = tmp_path / "tall.png"
    cv2.imwrite(str(image), make_photo(seed=2, height=96, width=48))
    scores, nothing = {}, depth_colours(np.zeros((1, 1), np.uint8))[0, 0]
    for fit, shape in {"stretch": (24, 32), "pad": (24, 12), "crop": (24, 32)}.items():
        out = tmp_path / fit
        result = command_line("score", "--bundle", bundle_dir, "--json", "--fit", fit, "--depth-out", out, image)
        assert result.returncode == 0, result.stderr
        picture = cv2.imread(str(out / "tall.depth.png"))
        assert picture.shape[:2] == (96, 48)
        outer = np.concatenate([picture[:29], picture[67:]])  # after crop nothing is known of it
        assert bool((outer == nothing).all()) == (fit == "crop")
        (record,) = json_lines(result)
        assert (record["depth_height"], record["depth_width"]) == shape
        scores[fit] = json_lines(result)[0]["score"]
    assert len(set(scores.values())) == 3
    (as_it_says,) = json_lines(command_line("score", "--bundle", bundle_dir, "--json", image))
    assert as_it_says["score"] == scores["stretch"]


def flip_byte(bundle_dir: Path) -> None:
    file = bundle_dir / "frame_graph.onnx"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def make_newer(bundle_dir: Path) -> None:
    document = json.loads((bundle_dir / "bundle.json").read_text())
    (bundle_dir / "bundle.json").write_text(json.dumps({**document, "schema_version": 3, "gate": {}}))


@pytest.mark.parametrize("command", ["score", "inspect"])
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (flip_byte, ["frame_graph.onnx", "other content", "rebuild it with: python export/build_engine.py"]),
        (make_newer, ["schema version 3 is newer", "update dgiqa-edge ("]),
        (lambda folder: (folder / GOLDEN_NAME).unlink(), [f"{GOLDEN_NAME} is missing"]),
        (lambda folder: (folder / "bundle.json").unlink(), ["is not a bundle"]),
    ],
)
def test_a_bad_bundle_is_one_line_and_code_3(
    bundle_dir: Path, photos: Path, command_line: Run, command: str, spoil: Callable[[Path], None], words: list[str]
) -> None:
    spoil(bundle_dir)
    images = [photos / "one"] if command == "score" else []
    assert_one_line_error(command_line(command, "--bundle", bundle_dir, *images), 3, *words)


def test_a_wrong_golden_frame_stops_the_run_unless_waived(
    make_bundle: Callable[..., Path], photos: Path, command_line: Run
) -> None:
    bundle_dir = make_bundle(golden_shift=0.1)
    assert_one_line_error(
        command_line("score", "--bundle", bundle_dir, photos / "one"), 3, "golden frame's score is 0.1 off"
    )
    assert command_line("score", "--bundle", bundle_dir, photos / "one", "--no-verify").returncode == 0


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--threads", "0"], 2, "no whole number from 1 to 256"),
        (["--threads", "many"], 2, "no whole number from 1 to 256"),
    ],
)
def test_bad_options(
    bundle_dir: Path, photos: Path, command_line: Run, flags: list[str], code: int, words: str
) -> None:
    result = command_line("score", "--bundle", bundle_dir, photos / "one", *flags)
    assert result.returncode == code
    assert words in result.stderr


def test_a_bundle_for_a_backend_of_another_version_says_what_this_one_runs(
    make_bundle: Callable[..., Path], photos: Path, command_line: Run
) -> None:
    bundle_dir = make_bundle(edit=lambda document: document["engines"][0].update(backend="abacus"))
    result = command_line("score", "--bundle", bundle_dir, photos / "one")
    assert_one_line_error(result, 4, "no backend for its 'fused' engines (abacus)", "--backend onnxruntime")


@pytest.mark.parametrize("layout", ["fused", "split"])
def test_inspect_tells_what_a_bundle_is(make_bundle: Callable[..., Path], command_line: Run, layout: str) -> None:
    result = command_line("inspect", "--bundle", make_bundle(layout=layout))
    assert result.returncode == 0, result.stderr
    for words in [
        f"reference, layout {layout}",
        "version 2\n",
        "64x48",
        "fp32 for onnxruntime; ReduceMean 4 fp32",
        "dgiqa, seeded weights from seed 0",
        "(needs version >=1.17, opset 17)\n",
        "python export/build_engine.py --fp32 --out 'a folder'",
        "quality weights are seeded",
        "not measured",
    ]:
        assert words in result.stdout
    assert result.stdout.count(" engine  ") == (1 if layout == "fused" else 2)


def test_inspect_shows_the_evidence_of_an_int8_bundle(make_bundle: Callable[..., Path], command_line: Run) -> None:
    def make_int8(document: dict[str, Any]) -> None:
        document["precision"] = {"name": "int8", "target": "onnxruntime", "nodes": {"Conv": {"int8": 3, "fp32": 1}}}
        document["calibration"] = {
            "image_set_sha256": "a" * 64,
            "images": 32,
            "skipped": 1,
            "method": "percentile",
            "preprocessing_sha256": "b" * 64,
            "graph_sha256": "c" * 64,
            "file": "build.log",
        }
        document["fidelity"] = {
            "images": 8,
            "score_mae": 0.00125,
            "score_max": 0.004,
            "score_srcc": None,
            "depth_mae_levels": 1.5,
            "depth_max_levels": 30,
            "depth_correlation": 0.99,
            "held_out": True,
        }
        document["latency"] = {"fp32_p50_ms": 12.5, "p50_ms": 8, "runs": 20, "threads": 2}

    result = command_line("inspect", "--bundle", make_bundle(edit=make_int8))
    assert result.returncode == 0, result.stderr
    for words in [
        "int8 for onnxruntime; Conv 3 int8 + 1 fp32",
        "32 images (1 skipped), percentile, image set aaaaaaaaaaaa",
        "score MAE 1.25e-03, max 4.00e-03, SRCC n/a; depth MAE 1.50 levels, max 30, correlation 0.9900",
        "8 held-out photos",
        "p50 8.0 ms, FP32 12.5 ms (20 runs, 2 threads",
    ]:
        assert words in result.stdout


def test_inspect_json_is_the_whole_manifest(bundle_dir: Path, command_line: Run) -> None:
    result = command_line("inspect", "--bundle", bundle_dir, "--json")
    description = json.loads(result.stdout)
    assert description["manifest"] == json.loads((bundle_dir / "bundle.json").read_text())
    assert description["rebuild_command"].startswith("python export/build_engine.py")


def test_many_images_come_out_in_order_the_bad_ones_in_their_places(
    bundle_dir: Path, tmp_path: Path, make_photo: Any, command_line: Run
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(40):
        if number % 10 == 7:
            (folder / f"{number:02}.png").write_text("not an image")
        else:
            cv2.imwrite(str(folder / f"{number:02}.png"), make_photo(seed=number, height=48, width=64))
    result = command_line("score", "--bundle", bundle_dir, "--json", folder)
    assert result.returncode == 3, result.stderr
    records = json_lines(result)
    assert [Path(record["image"]).stem for record in records] == [f"{number:02}" for number in range(40)]
    assert [number for number, record in enumerate(records) if "error" in record] == [7, 17, 27, 37]
    one_by_one = json_lines(command_line("score", "--bundle", bundle_dir, "--json", "--threads", "1", folder))
    assert [record.get("score") for record in records] == [record.get("score") for record in one_by_one]
