"""The table that closes a build, without any package but ours, and where its bundle may be written."""

import pytest

from dgiqa_edge.export.stages.outcome import Row, check_target, closing_sentence, table_lines
from dgiqa_edge.runtime.errors import ConfigurationError, MachineError


def test_a_row_a_precision_with_what_is_known_of_it():
    rows = [Row("fp32", 100 << 20, p50_ms=12.34), Row("int8 + fp16", 26 << 20, 0.01, 0.02, None, 1.5, 0.99)]
    assert table_lines(rows) == [
        "precision         size  score MAE  score max  SRCC  depth MAE  depth corr.      p50",
        "fp32         100.0 MiB          -          -     -          -            -  12.3 ms",
        "int8 + fp16   26.0 MiB    0.01000    0.02000     -    1.50 lv       0.9900        -",
    ]


def test_where_backends_were_tried_each_has_its_row_and_what_became_of_it():
    rows = [
        Row("fp32", 1 << 20, p50_ms=9.0, backend="abacus"),
        Row("int8", None, backend="quipu", verdict="failed: why"),
    ]
    assert table_lines(rows) == [
        "precision  backend     size  score MAE  score max  SRCC  depth MAE  depth corr.     p50  verdict",
        "fp32        abacus  1.0 MiB          -          -     -          -            -  9.0 ms",
        "int8         quipu        -          -          -     -          -            -       -  failed: why",
    ]


def test_where_faults_are_read_they_have_a_column():
    rows = [Row("fp32", 1 << 20, p50_ms=9.0), Row("int8", 1 << 20, 0.01, 0.02, None, 1.5, 0.99, 0.005)]
    assert table_lines(rows) == [
        "precision     size  score MAE  score max  SRCC  depth MAE  depth corr.  faults MAE     p50",
        "fp32       1.0 MiB          -          -     -          -            -           -  9.0 ms",
        "int8       1.0 MiB    0.01000    0.02000     -    1.50 lv       0.9900     0.00500       -",
    ]


@pytest.mark.parametrize(
    ("out", "needed", "refused"),
    [
        ("new", ("bundle", ".stages"), ""),
        ("bundle", ("bundle", ".stages"), ""),
        ("bundle/inner", (), "inner lies in"),
        ("bundle/a/b", (), "b lies in"),
        ("new", ("new/work",), "work lies in"),
        ("new", ("bundle/work",), "work lies in"),
        ("bundle", ("bundle/work",), "work lies in"),
        ("bundle", ("link/source",), "source lies in"),
        ("new", ("newer/work",), ""),
    ],
)
def test_nothing_lies_in_a_bundle_that_its_next_build_would_remove(tmp_path, out, needed, refused):
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "bundle.json").touch()
    (tmp_path / "link").symlink_to("bundle")
    folders = [tmp_path / name for name in (out, *needed)]
    if not refused:
        check_target(*folders)
        return
    with pytest.raises(ConfigurationError, match=refused):
        check_target(*folders)


def test_what_cannot_be_replaced_is_found_before_the_build(small_disk):
    with pytest.raises(ConfigurationError, match=r"is a mount point, .* name a folder in it"):
        check_target(small_disk)
    check_target(small_disk / "bundle")


def test_replacing_a_bundle_takes_writing_in_the_folder_that_holds_it(tmp_path, monkeypatch):
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "bundle.json").touch()
    (tmp_path.parent / f"{tmp_path.name}-link").symlink_to(bundle)
    monkeypatch.setattr("os.access", lambda folder, mode: folder != tmp_path)
    for out in (bundle, tmp_path / "new" / "deep", tmp_path.parent / f"{tmp_path.name}-link"):
        with pytest.raises(MachineError, match=f"no permission to write in {tmp_path}$"):
            check_target(out)


WHOLE = Row("fp32", 22 << 20, p50_ms=19.0)


def reduced(score_mae, p50_ms, precision="int8", mib=10, **where):
    return Row(precision, mib << 20, score_mae, p50_ms=p50_ms, **where)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([WHOLE, reduced(0.0061, 10.0)], "INT8: 2.2 times smaller, 1.9 times faster, error 0.006"),
        ([WHOLE, reduced(0.0061, 38.0)], "INT8: 2.2 times smaller, 2.0 times slower here, error 0.006"),
        ([WHOLE, reduced(1e-5, 18.9)], "INT8: 2.2 times smaller, no faster here, error below 0.001"),
        ([WHOLE, reduced(0.01, None, mib=22)], "INT8: no smaller, speed not measured here, error 0.010"),
        ([WHOLE, reduced(0.0, 19.0, "fp32", 22)], "FP32"),
        ([WHOLE], "FP32"),
        ([reduced(0.01, 2.0, "int8 TensorRT")], "INT8 TensorRT"),
        (
            [WHOLE, reduced(0.01, 10.0), Row("fp16", 11 << 20), reduced(None, 1.9, "int8 TensorRT", 11)],
            "INT8 TensorRT: 2.0 times smaller, 10.0 times faster",
        ),
        (
            [
                Row("fp32", 20 << 20, p50_ms=8.0, backend="abacus"),
                Row("fp32", 20 << 20, p50_ms=4.0, backend="quipu"),
                reduced(0.01, 2.0, backend="quipu", verdict="accepted"),
                reduced(0.01, 3.0, backend="abacus", verdict="slower"),
            ],
            "INT8: 2.0 times smaller, 2.0 times faster, error 0.010",
        ),
    ],
)
def test_one_sentence_says_what_the_table_comes_to(rows, said):
    assert closing_sentence(rows) == f"{said}: ready."


def test_a_difference_that_the_runs_do_not_show_is_not_claimed():
    said = closing_sentence([WHOLE, reduced(0.01, 15.0)], latency_differs=False)
    assert said == "INT8: 2.2 times smaller, no faster here, error 0.010: ready."
