"""The table that closes a build, without any package but ours."""

from dgiqa_edge.export.stages.outcome import Row, table_lines


def test_a_row_a_precision_with_what_is_known_of_it():
    rows = [Row("fp32", 100 << 20, p50_ms=12.34), Row("int8 + fp16", 26 << 20, 0.01, 0.02, None, 1.5, 0.99)]
    assert table_lines(rows) == [
        "precision         size  score MAE  score max  SRCC  depth MAE  depth corr.      p50",
        "fp32         100.0 MiB          -          -     -          -            -  12.3 ms",
        "int8 + fp16   26.0 MiB    0.01000    0.02000     -    1.50 lv       0.9900        -",
    ]
