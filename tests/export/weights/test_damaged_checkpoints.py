"""Damaged weights files: cut, flipped, packed in odd ways; every one is read or refused in one line."""

import json
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from dgiqa_edge.export.weights.checkpoint_files import read_checkpoint
from dgiqa_edge.runtime.errors import CheckpointError


@pytest.mark.parametrize("save", [
    torch.save,
    lambda state, path: torch.save(state, path, _use_new_zipfile_serialization=False),
    lambda state, path: save_file(state, str(path)),
], ids=["zip", "legacy", "safetensors"])  # fmt: skip
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.999])
def test_a_truncated_file_is_called_so(quality_state, tmp_path, save, share):
    path = tmp_path / "w.bin"
    save(quality_state, path)
    content = path.read_bytes()
    path.write_bytes(content[: max(9, int(len(content) * share))])
    with pytest.raises(CheckpointError, match=r"truncated.*download it again|is truncated"):
        read_checkpoint(path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("save", [
    torch.save,
    lambda state, path: torch.save(state, path, _use_new_zipfile_serialization=False),
    lambda state, path: save_file(state, str(path)),
], ids=["zip", "legacy", "safetensors"])  # fmt: skip
def test_damaged_bytes_are_read_or_refused(quality_state, tmp_path, save):
    """Whatever bytes are wrong, the reader ends in weights or in a CheckpointError."""
    path, random = tmp_path / "w.bin", np.random.default_rng(1)
    save(quality_state, path)
    content = path.read_bytes()
    refused = 0
    for _ in range(300):
        spoilt = bytearray(content)
        for at in random.integers(0, len(spoilt), random.integers(1, 6)):
            spoilt[at] = random.integers(0, 256)
        path.write_bytes(spoilt)
        try:
            read_checkpoint(path)
        except CheckpointError:
            refused += 1
    assert refused > 100


def test_a_flipped_bit_is_called_damage(quality_file):
    """PyTorch reads past a wrong checksum: one flipped bit of a weight would have been taken for the weight."""
    content = bytearray(quality_file.read_bytes())
    with zipfile.ZipFile(quality_file) as archive:
        entry = archive.getinfo("quality/data/0")
    name_length, extra_length = (int.from_bytes(content[entry.header_offset + at :][:2], "little") for at in (26, 28))
    content[entry.header_offset + 30 + name_length + extra_length + 5] ^= 4
    quality_file.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"quality\.pth is damaged: its entry quality/data/0 fails the checksum"):
        read_checkpoint(quality_file)


def test_a_file_without_checksums_is_read(quality_state, tmp_path):
    path = tmp_path / "w.pth"
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(quality_state, path)
    finally:
        torch.serialization.set_crc32_options(True)
    read = read_checkpoint(path).state
    assert read.keys() == quality_state.keys()
    assert all(torch.equal(read[key], quality_state[key]) for key in read)


def packed_again(path, **settings):
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", **settings) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def test_a_compressed_archive_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "bomb.pth"
    torch.save({"0.weight": torch.zeros(4096, 4096)}, path)
    packed_again(path, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1_000_000
    with pytest.raises(CheckpointError, match=r"claims more than it holds .compressed.*as torch.save wrote it"):
        read_checkpoint(path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("make", "message"), [
    (lambda: torch.eye(4).to_sparse(), r"stored as sparse_coo: save it dense"),
    (lambda: torch.eye(4).to_sparse_csr(), r"stored as sparse_csr: save it dense"),
    (lambda: torch.empty(1, 4, device="meta"), r"has a shape and no numbers \(a meta tensor\)"),
    (lambda: torch.quantize_per_tensor(torch.randn(1, 4), 0.1, 0, torch.qint8), r"holds qint8 numbers"),
    (lambda: torch.zeros(1, 4, dtype=torch.complex64), r"holds complex64 numbers"),
    (lambda: torch.zeros(1).expand(100_000, 100_000), r"claims 10000000000 numbers and stores fewer"),
    (lambda: torch.nested.nested_tensor([torch.zeros(2)]), r"stored as nested"),
    (lambda: torch.zeros(1, 4, dtype=torch.float4_e2m1fn_x2), r"holds float4_e2m1fn_x2 numbers: save it as float32"),
])  # fmt: skip
def test_a_tensor_that_is_no_array_of_numbers_is_a_checkpoint_error(quality_state, tmp_path, make, message):
    path = tmp_path / "w.pth"
    torch.save({**quality_state, "2.weight": make()}, path)
    with pytest.raises(CheckpointError, match=rf"w\.pth: 2\.weight (is )?{message}"):
        read_checkpoint(path)


def test_metadata_of_a_truncated_header_is_a_checkpoint_error(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes((10_000).to_bytes(8, "little") + json.dumps({"a": 1}).encode())
    with pytest.raises(CheckpointError, match="truncated or damaged"):
        read_checkpoint(path)
