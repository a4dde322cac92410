"""A snapshot of the watch loop balances, or is refused."""

import pytest

from dgiqa_edge.runtime.watch.status import CameraState, CameraStatus


def test_a_status_that_does_not_balance_is_refused() -> None:
    with pytest.raises(AssertionError, match="a: 3 captured"):
        CameraStatus("a", "test://", CameraState.LIVE, captured=3, scored=1, skipped=1)
