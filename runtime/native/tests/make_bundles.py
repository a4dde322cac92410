"""Small bundles and odd golden frames for the native tests, made by the builder of the Python tests.

`python make_bundles.py OUT` writes them; `--check` only says (by its status) whether all that it needs is installed.
"""

import io
import sys
import zipfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import numpy as np

from tests.conftest import DEPTH_HEIGHT, DEPTH_WIDTH, HEIGHT, WIDTH, write_bundle


def golden_arrays() -> dict[str, np.ndarray]:
    """Arrays of the shapes that the small bundles promise."""
    return {
        "frame": np.full((1, HEIGHT, WIDTH, 3), 7, np.uint8),
        "score": np.array([0.5], np.float32),
        "crop_scores": np.array([[0.25, 0.75]], np.float32),
        "depth": np.full((1, DEPTH_HEIGHT, DEPTH_WIDTH), 9, np.uint8),
    }


def npz(save: Any = np.savez_compressed, **changes: Any) -> bytes:
    arrays = {name: array for name, array in {**golden_arrays(), **changes}.items() if array is not None}
    stream = io.BytesIO()
    save(stream, **arrays)
    return stream.getvalue()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def npy(array: np.ndarray, version: tuple[int, int] = (1, 0)) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version)
    return stream.getvalue()


def odd_files() -> dict[str, bytes]:
    arrays = golden_arrays()
    members = {f"{name}.npy": npy(array) for name, array in arrays.items()}
    fortran = np.asfortranarray(np.arange(HEIGHT * WIDTH * 3, dtype=np.uint8).reshape(1, HEIGHT, WIDTH, 3))
    stored = npz(np.savez)
    return {
        "good": npz(),
        "stored": stored,
        "version2": zipped({**members, "frame.npy": npy(arrays["frame"], (2, 0))}),
        "extra": npz(other=np.arange(3)),
        "pickled": npz(score=np.array([{"a": 1}], object)),
        "fortran": npz(frame=fortran),
        "big_endian": npz(score=np.array([0.5], ">f4")),
        "float64": npz(score=np.array([0.5])),
        "nan": npz(crop_scores=np.array([[0.5, np.nan]], np.float32)),
        "missing": npz(depth=None),
        "other_size": npz(frame=np.zeros((1, HEIGHT, WIDTH + 1, 3), np.uint8)),
        "empty_array": npz(depth=np.zeros((1, 0, DEPTH_WIDTH), np.uint8)),
        "bomb": npz(frame=np.zeros((1, 4096, 4096, 3), np.uint8)),
        "bzip2": zipped(members, zipfile.ZIP_BZIP2),
        "wrong_crc": stored.replace(bytes([7]) * 64, bytes([7]) * 63 + bytes([8]), 1),
        "not_an_array": zipped({**members, "frame.npy": b"PICKLE" * 3}),
        "lying_shape": zipped({**members, "score.npy": npy(arrays["score"])[:-2]}),
        "text": b"not a zip file",
        "nothing": b"",
    }


def main(out: Path) -> None:
    for layout in ("fused", "split"):
        if not (out / layout).exists():
            write_bundle(out / layout, layout=layout)
    if not (out / "falsified").exists():
        write_bundle(out / "falsified", golden_shift=0.25)
    (out / "npz").mkdir(exist_ok=True)
    for name, content in odd_files().items():
        (out / "npz" / f"{name}.npz").write_bytes(content)


if __name__ == "__main__":
    if sys.argv[1] != "--check":
        main(Path(sys.argv[1]))
