"""Hashes recognise equal content and equal values, whatever their size or key order."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.hashing import sha256_bytes, sha256_file, sha256_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("size_bytes", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20])
def test_a_file_hashes_like_its_bytes(size_bytes: int, tmp_path: Path) -> None:
    content = bytes(range(256)) * (size_bytes // 256 + 1)
    content = content[:size_bytes]
    path = tmp_path / "content.bin"
    path.write_bytes(content)
    assert sha256_file(path) == sha256_bytes(content) == hashlib.sha256(content).hexdigest()


@given(st.dictionaries(st.text(), JSON, min_size=2, max_size=5))
def test_key_order_does_not_matter(value: dict[str, object]) -> None:
    assert sha256_json(value) == sha256_json(dict(reversed(value.items())))


@given(st.lists(JSON, max_size=4), JSON)
def test_another_value_has_another_key(values: list[object], extra: object) -> None:
    assert sha256_json(values) != sha256_json([*values, extra])
