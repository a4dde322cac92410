"""One frame in, one quality out: the bundle's engines behind a pure function of the frame.

Deciding what a score means (pass, reject) is the gate's work; where frames come from is the sources'.
"""

import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..bundle.bundle import Bundle, layer_hint, load_bundle, rebuild_command
from ..bundle.golden import FAULT_OUTPUTS, Deviation, compare, load_golden
from ..bundle.replay_stamps import has_stamp, replay_identity, write_stamp
from ..engines import Engine, EngineOptions, Spinning, load_engine
from ..errors import BundleError, ConfigurationError, FidelityError
from ..frames.fit import as_bgr, fit_to
from ..ground.framing import Box, Fit, fit_named, framing, scaled_box
from ..quality import Quality, Timings

Verify = bool | Literal["always"]
_WHAT = {"score": "a score", "crop_scores": "a score", **dict.fromkeys(FAULT_OUTPUTS, "a probability of a fault")}


class Scorer:
    """Scores frames with a bundle's engines; for one thread at a time, in a ``with`` block or with ``close``.

    Examples:
        >>> with Scorer("build/demo/bundle") as scorer:  # doctest: +SKIP
        ...     print(scorer.score(cv2.imread("photo.jpg")).score)

    Args:
        bundle: a bundle directory, or a bundle already loaded.
        threads: threads of one operator; None leaves it to the backend.
        backend: ``auto``, or a backend that the bundle has engines for, or one that runs the portable graph of any.
        providers: where a backend executes that heeds them, as ``cuda``, first choice first.
        allow_spinning: idle threads burn CPU for a lower latency; turn it off on shared cores, and give ``"in runs"``
            where several scorers of a process take turns.
        fit: how a frame of another shape takes the bundle's (``ground/framing.py``): ``stretch``, ``pad`` or
            ``crop``; None as the bundle says.
        strict_size: refuse frames of another size than the bundle's instead of fitting them.
        cache_folder: where a backend keeps what it compiles for this machine; None for the user's cache.
        verify: True replays the golden frame unless this very replay has passed on this machine before,
            ``"always"`` replays it on each load, False never.

    Raises:
        BundleError: the bundle is incomplete, damaged, or of a newer version.
        EngineCompatibilityError: this machine cannot run its engines.
        ConfigurationError: there is no such backend or fit, or an option makes no sense.
        MachineError: the backend's package is missing.
        FidelityError: the golden frame's outputs differ by more than the manifest's tolerance.
    """

    def __init__(
        self,
        bundle: str | Path | Bundle,
        *,
        threads: int | None = None,
        backend: str = "auto",
        providers: Sequence[str] = ("cpu",),
        allow_spinning: Spinning = True,
        fit: Fit | None = None,
        strict_size: bool = False,
        cache_folder: Path | None = None,
        verify: Verify = True,
    ) -> None:
        if verify not in (True, False, "always"):
            raise ConfigurationError(f"verify is {verify!r}: give True, False or 'always'")
        options = EngineOptions(threads, tuple(providers), allow_spinning, cache_folder=cache_folder)
        self.bundle = bundle if isinstance(bundle, Bundle) else load_bundle(bundle)
        self.deviation: Deviation | None = None
        self.fit = fit_named(fit or self.bundle.manifest.fit)
        self._strict_size = strict_size
        with contextlib.ExitStack() as stack:
            self._engines: list[Engine] = []
            for role in self.bundle.roles:
                beside = replace(options, beside=tuple(self._engines))
                self._engines.append(stack.enter_context(load_engine(self.bundle, role, backend, beside)))
            if verify:
                self._verify(use_stamp=verify != "always")
            self._stack = stack.pop_all()

    def score(self, frame: NDArray[np.uint8], depth: NDArray[np.uint8] | None = None) -> Quality:
        """Score one frame.

        Args:
            frame: uint8 [H, W, 3] BGR, as OpenCV gives it. Grey [H, W] or [H, W, 1] is repeated over the
                three channels, the alpha of [H, W, 4] BGRA is dropped. A frame of another size than the
                bundle's is resized (``INTER_AREA`` when neither side grows, ``INTER_LINEAR`` otherwise): straight
                to its height and width, or with its own aspect and then mirrored at its edges or cropped, as
                ``fit`` says; never with bars of one colour. ``strict_size`` refuses it.
            depth: a depth map that an earlier frame of the same camera gave, uint8 [h, w]: the depth engine is
                not run. Only bundles of the split layout have one to spare.

        Raises:
            SourceError: another dtype or shape; or another size, with ``strict_size``.
            FidelityError: the engine gave a score, or a probability of a fault, that is not a number.
            EngineCompatibilityError: the backend failed on this machine.
            ConfigurationError: the scorer is closed; or depth for a bundle that is not split, or of another size.
        """
        started = time.perf_counter()
        bgr = as_bgr(frame)
        fitted = fit_to(bgr, self.bundle.manifest.frame, self.fit, self._strict_size)
        resized = time.perf_counter()
        engines_ms: list[tuple[str, float]] = []
        outputs = self._run(fitted[np.newaxis], depth, engines_ms)
        finished = time.perf_counter()
        faults = self.bundle.manifest.faults
        for name in ("score", "crop_scores", *(FAULT_OUTPUTS if faults else ())):
            if not np.isfinite(outputs[name]).all():
                raise FidelityError(
                    f"{self.bundle.path}: the engine gave {_WHAT[name]} that is not a number on this machine; "
                    f"rebuild it with: {rebuild_command(self.bundle)}{layer_hint(self.bundle.path)}"
                )
        timings = Timings(
            resize_ms=(resized - started) * 1e3,
            engine_ms=(finished - resized) * 1e3,
            total_ms=(time.perf_counter() - started) * 1e3,
            engines_ms=tuple(engines_ms),
        )
        depth_box, frame_box = self._boxes(bgr, outputs["depth"][0])
        quality = Quality(
            score=float(outputs["score"][0]),
            crop_scores=outputs["crop_scores"][0],
            depth=outputs["depth"][0],
            timings=timings,
            depth_box=depth_box,
            frame_box=frame_box,
        )
        if faults is None:
            return quality
        named = dict(zip(faults.names, outputs["faults"][0].tolist(), strict=True))
        return replace(quality, faults=MappingProxyType(named), coverage=outputs["coverage"][0])

    @property
    def takes_depth(self) -> bool:
        """Whether ``score`` may be given depth: the bundle's layout is split."""
        return self.bundle.manifest.layout == "split"

    @property
    def engines(self) -> tuple[Engine, ...]:
        """The loaded engines in the order a frame passes them; the scorer owns and closes them."""
        return tuple(self._engines)

    def describe(self) -> list[dict[str, Any]]:
        """Each engine's facts: role, backend and version, device, providers, threads."""
        return [engine.describe() for engine in self._engines]

    def close(self) -> None:
        """Free the engines; further calls do nothing."""
        self._stack.close()
        self._engines = []

    def __enter__(self) -> "Scorer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(
        self,
        frame: NDArray[np.uint8],
        depth: NDArray[np.uint8] | None = None,
        engines_ms: list[tuple[str, float]] | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Frame uint8 [1, H, W, 3] through every engine; each takes what it needs from those before it."""
        if not self._engines:
            raise ConfigurationError("the scorer is closed: create another one")
        tensors: dict[str, NDArray[Any]] = {"frame": _read_only(frame)}
        if depth is not None:
            if not self.takes_depth:
                raise ConfigurationError(
                    f"{self.bundle.path} has one engine for depth and quality, so depth cannot be reused: "
                    "build it with --layout split"
                )
            tensors["depth"] = _read_only(depth[np.newaxis])
        for engine in self._engines:
            if depth is not None and engine.record.role == "depth":
                continue
            started = time.perf_counter()
            outputs = engine.run({spec.name: tensors[spec.name] for spec in engine.inputs})
            tensors.update((name, _read_only(array)) for name, array in outputs.items())
            if engines_ms is not None:
                engines_ms.append((engine.record.role, (time.perf_counter() - started) * 1e3))
        return tensors

    def _boxes(self, frame: NDArray[np.uint8], depth: NDArray[np.uint8]) -> tuple[Box | None, Box | None]:
        """``depth_box`` and ``frame_box`` of ``Quality``."""
        size = self.bundle.manifest.frame.height, self.bundle.manifest.frame.width
        placed = framing(frame.shape, size, self.fit)
        at = scaled_box(placed.at, size, depth.shape)
        return at.unless_whole(depth.shape), placed.shown.unless_whole(frame.shape)

    def _verify(self, use_stamp: bool) -> None:
        """Replay the golden frame, unless a stamp says that this very replay has passed before."""
        identity = replay_identity(self.bundle, self.describe())
        if use_stamp and has_stamp(identity):
            return
        manifest = self.bundle.manifest
        golden_file = self.bundle.file(manifest.golden.file)
        golden = load_golden(golden_file)
        expected = (1, manifest.frame.height, manifest.frame.width, 3)
        if golden.frame.shape != expected:
            raise BundleError(
                f"{golden_file}: the golden frame is {list(golden.frame.shape)}, the bundle takes "
                f"{list(expected)}: rebuild it with: {rebuild_command(self.bundle)}"
            )
        deviation = compare(golden, self._run(golden.frame))
        tolerance = manifest.golden.tolerance
        if not deviation.within(tolerance):
            faults = ""
            if tolerance.faults is not None:
                faults = (
                    f", its faults {deviation.faults_max:.3g} and their cells on average {deviation.coverage_mean:.3g} "
                    f"(allowed {tolerance.faults:.3g})"
                )
            raise FidelityError(
                f"{self.bundle.path}: on this machine the golden frame's score is {deviation.score:.3g} off "
                f"FP32 (allowed {tolerance.score:.3g}) and its depth {deviation.depth_mean_levels:.3g} grey "
                f"levels (allowed {tolerance.depth_levels:.3g}){faults}: rebuild the bundle here with: "
                f"{rebuild_command(self.bundle)}{layer_hint(self.bundle.path)}"
            )
        self.deviation = deviation
        write_stamp(identity, deviation)


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    """``array`` itself, marked as one that will not change: an engine on a device brings it there only once."""
    array.flags.writeable = False
    return array
