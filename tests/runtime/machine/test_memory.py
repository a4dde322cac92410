"""Memory of this process and of the machine."""

from typing import Any

import pytest

from dgiqa_edge.runtime.machine import memory
from dgiqa_edge.runtime.machine.memory import resident_mib


def test_resident_memory_is_plausible() -> None:
    found = resident_mib()
    assert found is not None
    assert 10 < found < 100_000


@pytest.mark.parametrize(
    ("parse", "expected"), [(memory.memory_total_mib, 62800), (memory.memory_available_mib, 59570)]
)
def test_memory(parse: Any, expected: int) -> None:
    text = "MemTotal:       64307708 kB\nMemAvailable:   61000000 kB\nHugePages_Total:       0\n"
    assert parse(text) == expected
    assert parse("MemFree: 1 kB\n") is None
