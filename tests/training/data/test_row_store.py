import numpy as np
import pytest

from dgiqa_edge.training.data.row_store import RowStore

KINDS = {"values": ((2,), np.float32)}


def test_missing_rows_are_made_in_the_order_asked_for(tmp_path):
    store, asked, shown = RowStore(tmp_path, list("abcde"), KINDS), [], []

    def make(row):
        asked.append(row)
        return {"values": np.full(2, row)}

    store.write(2, make(2))
    store.fill([4, 2, 1], make, lambda done, of: shown.append((done, of)))
    assert asked == [2, 4, 1]
    assert shown == [(1, 2), (2, 2)]
    assert store.maps["values"][:, 0].tolist() == [0, 1, 2, 0, 4]
    assert store.done.tolist() == [0, 1, 1, 0, 1]


def test_a_stopped_job_goes_on_with_what_is_missing(tmp_path):
    def stopping(row):
        if row == 2:
            raise KeyboardInterrupt
        return {"values": np.full(2, row)}

    with pytest.raises(KeyboardInterrupt):
        RowStore(tmp_path, list("abc"), KINDS).fill(range(3), stopping, lambda done, of: None)
    again = RowStore(tmp_path, list("abc"), KINDS)
    assert again.complete(np.arange(3)).tolist() == [0, 1]
    again.fill(range(3), lambda row: {"values": np.full(2, 10 * row)}, lambda done, of: None)
    assert again.maps["values"][:, 1].tolist() == [0, 1, 20]
