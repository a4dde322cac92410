"""The replay of a bundle's golden frame on this machine: outputs as those of FP32 at the build, in every row."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.batch import batches_to_check
from ..bundle.bundle import Bundle, layer_hint, rebuild_command
from ..bundle.golden import Deviation, compare, load_golden
from ..bundle.replay_stamps import has_stamp, replay_identity, write_stamp
from ..errors import BundleError, FidelityError


def replay(
    bundle: Bundle,
    run: Callable[[NDArray[np.uint8]], Mapping[str, NDArray[Any]]],
    engines: Sequence[Mapping[str, Any]],
    *,
    use_stamp: bool,
) -> Deviation | None:
    """Replay the golden frame, unless a stamp says that this very replay has passed before: None then.

    Args:
        run: frames uint8 [n, H, W, 3] through all engines; gives their outputs by name.
        engines: the facts of each, which a stamp holds for.

    Raises:
        BundleError: the golden frame is none of the bundle's size.
        FidelityError: a deviation is larger than the manifest's tolerance.
    """
    identity = replay_identity(bundle, engines)
    if use_stamp and has_stamp(identity):
        return None
    manifest = bundle.manifest
    golden_file = bundle.file(manifest.golden.file)
    golden = load_golden(golden_file)
    expected = (1, manifest.frame.height, manifest.frame.width, 3)
    if golden.frame.shape != expected:
        raise BundleError(
            f"{golden_file}: the golden frame is {list(golden.frame.shape)}, the bundle takes "
            f"{list(expected)}: rebuild it with: {rebuild_command(bundle)}"
        )
    worst: Deviation | None = None
    for frames, rows in batches_to_check(golden.frame, manifest.batch):
        outputs = run(frames)
        for row in rows:
            deviation = compare(golden, {name: array[row : row + 1] for name, array in outputs.items()})
            _refuse_large(bundle, deviation, f", in row {row + 1} of {len(frames)}," if len(frames) > 1 else "")
            worst = deviation.or_worse(worst)
    assert worst is not None
    write_stamp(identity, worst)
    return worst


def _refuse_large(bundle: Bundle, deviation: Deviation, where: str) -> None:
    tolerance = bundle.manifest.golden.tolerance
    if deviation.within(tolerance):
        return
    faults = ""
    if tolerance.faults is not None:
        faults = (
            f", its faults {deviation.faults_max:.3g} and their cells on average {deviation.coverage_mean:.3g} "
            f"(allowed {tolerance.faults:.3g})"
        )
    raise FidelityError(
        f"{bundle.path}: on this machine{where} the golden frame's score is {deviation.score:.3g} off "
        f"FP32 (allowed {tolerance.score:.3g}) and its depth {deviation.depth_mean_levels:.3g} grey "
        f"levels (allowed {tolerance.depth_levels:.3g}){faults}: rebuild the bundle here with: "
        f"{rebuild_command(bundle)}{layer_hint(bundle.path)}"
    )
