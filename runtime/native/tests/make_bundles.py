"""Small bundles for the native tests, made by the builder of the Python tests.

`python make_bundles.py OUT` writes them; `--check` only says (by its status) whether all that it needs is installed.
"""

import shutil
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[3] / "tests"
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from dgiqa_edge.runtime.engines.signed_weights import with_signed_weights  # noqa: E402
from tests.conftest import write_bundle  # noqa: E402
from tests.stand_ins.quantized_conv import quantized_conv  # noqa: E402


def main(out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)  # those of an earlier version of this project
    for layout in ("fused", "split"):
        write_bundle(out / layout, layout=layout)
        write_bundle(out / f"{layout}_faults", layout=layout, faults=True)
        write_bundle(out / f"{layout}_batch", layout=layout, batch=(1, 4))
    write_bundle(out / "falsified", golden_shift=0.25)
    for output in ("faults", "coverage"):
        write_bundle(out / f"falsified_{output}", golden_shift=0.25, shifted=output, faults=True)
    weights = out / "weights"
    weights.mkdir()
    (weights / "unsigned.onnx").write_bytes(quantized_conv().SerializeToString())
    (weights / "signed.onnx").write_bytes(with_signed_weights(weights / "unsigned.onnx") or b"")


if __name__ == "__main__":
    if sys.argv[1] != "--check":
        main(Path(sys.argv[1]))
