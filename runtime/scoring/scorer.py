"""One frame in, one quality out: the bundle's engines behind a pure function of the frame.

Deciding what a score means (pass, reject) is the gate's work; where frames come from is the sources'.
"""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence, Sized
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..bundle.batch import filled
from ..bundle.bundle import Bundle, layer_hint, rebuild_command
from ..bundle.golden import FAULT_OUTPUTS, Deviation
from ..engines import Engine, EngineOptions, Spinning
from ..engines.remote.engine import open_engine
from ..engines.remote.model import RemoteBundle, open_bundle
from ..errors import ConfigurationError, FidelityError, SourceError
from ..frames.arrays import Image, as_bgr
from ..frames.fit import fit_to
from ..frames.images import expand_images
from ..ground.ahead import ahead
from ..ground.framing import Box, Fit, fit_named, framing, scaled_box
from ..quality import Quality, Timings, Unscored
from .replay import replay
from .scorer_pool import ScorerPool, frames_at_once

Verify = bool | Literal["always"]
_WHAT = {"score": "a score", "crop_scores": "a score", **dict.fromkeys(FAULT_OUTPUTS, "a probability of a fault")}


@dataclass(frozen=True, eq=False)
class _Fitted:
    """A frame ready for the engines, uint8 [H, W, 3], of an image that was ``shape``."""

    pixels: NDArray[np.uint8]
    shape: tuple[int, ...]
    path: str | None
    resize_ms: float


class Scorer:
    """Scores frames with a bundle's engines; in a ``with`` block or with ``close``.

    Any thread may call it: the engines take one frame (or one batch of ``score_many``) at a time, the others wait for
    their turn.

    Example:
        >>> with Scorer("bundle") as scorer:
        ...     quality = scorer.score("photo.png")
        >>> quality.score > 0.5, quality.depth.shape
        (True, (24, 32))

    Args:
        bundle: a bundle directory; the address of a model on a server, as ``triton://host:8001/model``
            (``settings/remote_address.py``); or a bundle already loaded.
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
        RemoteError: the server does not answer.
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
        self.bundle = bundle if isinstance(bundle, Bundle) else open_bundle(bundle)
        self.deviation: Deviation | None = None
        self.fit = fit_named(fit or self.bundle.manifest.fit)
        self._strict_size = strict_size
        with contextlib.ExitStack() as stack:
            self._engines: list[Engine] = []
            for role in self.bundle.roles:
                beside = replace(options, beside=tuple(self._engines))
                self._engines.append(stack.enter_context(open_engine(self.bundle, role, backend, beside)))
            if verify and not isinstance(self.bundle, RemoteBundle):  # the server has replayed it
                self.deviation = replay(self.bundle, self.run, self.describe(), use_stamp=verify != "always")
            self._stack = stack.pop_all()
        self._lock = threading.Lock()
        self._alone = threads is not None or tuple(providers) != ("cpu",)
        self._backend = backend
        self._one_thread = partial(
            Scorer,
            self.bundle,
            threads=1,
            backend=backend,
            allow_spinning=allow_spinning,
            fit=self.fit,
            strict_size=strict_size,
            cache_folder=cache_folder,
            verify=False,
        )

    def score(self, image: Image, depth: NDArray[np.uint8] | None = None, *, rgb: bool = False) -> Quality:
        """Score one image.

        Args:
            image: the path of an image file, a PIL image, a numpy array (uint8, or float in 0..1; [H, W, 3] BGR, [H, W]
                grey, [H, W, 4] BGRA) or a torch tensor ([3, H, W] RGB, uint8, or float in 0..1); ``frames/arrays.py``
                says it all. One of another size than the bundle's is resized (``INTER_AREA`` when neither side grows,
                ``INTER_LINEAR`` otherwise): straight to its height and width, or with its own aspect and then mirrored
                at its edges or cropped, as ``fit`` says; never with bars of one colour. ``strict_size`` refuses it.
            depth: a depth map that an earlier frame of the same camera gave, uint8 [h, w]: the depth engine is
                not run. Only bundles of the split layout have one to spare.
            rgb: a numpy array has its channels in the order RGB(A). The other kinds have an order of their own.

        Raises:
            SourceError: a file that cannot be read; another kind, dtype or shape; floats that are not in 0..1; or
                another size, with ``strict_size``.
            FidelityError: the engine gave a score, or a probability of a fault, that is not a number.
            EngineCompatibilityError: the backend failed on this machine.
            RemoteError: the server does not answer.
            ConfigurationError: the scorer is closed; or depth for a bundle that is not split, or of another size.
        """
        return self._score([self._fitted(image, rgb)], depth)[0]

    def _fitted(self, image: Image, rgb: bool) -> _Fitted:
        path = str(image) if isinstance(image, str | os.PathLike) else None
        if path is not None:  # reading it is no part of its latency
            image, rgb = as_bgr(image), False
        started = time.perf_counter()
        bgr = as_bgr(image, rgb)
        fitted = fit_to(bgr, self.bundle.manifest.frame, self.fit, self._strict_size)
        return _Fitted(fitted, bgr.shape, path, (time.perf_counter() - started) * 1e3)

    def _score(self, fitted: Sequence[_Fitted], depth: NDArray[np.uint8] | None = None) -> list[Quality]:
        """Score frames at once, no more than the bundle takes."""
        frames = fitted[0].pixels[np.newaxis] if len(fitted) == 1 else np.stack([one.pixels for one in fitted])
        engines_ms: list[tuple[str, float]] = []
        with self._lock:  # waiting for it is no part of the latency
            begun = time.perf_counter()
            outputs = self.run(frames, depth, engines_ms)
            engine_ms = (time.perf_counter() - begun) * 1e3
        faults = self.bundle.manifest.faults
        for name in ("score", "crop_scores", *(FAULT_OUTPUTS if faults else ())):
            if not np.isfinite(outputs[name]).all():
                raise FidelityError(
                    f"{self.bundle.path}: the engine gave {_WHAT[name]} that is not a number on this machine; "
                    f"rebuild it with: {rebuild_command(self.bundle)}{layer_hint(self.bundle.path)}"
                )
        since_ms = (time.perf_counter() - begun) * 1e3
        return [
            self._quality(
                {name: array[row] for name, array in outputs.items()},
                one,
                Timings(one.resize_ms, engine_ms, one.resize_ms + since_ms, tuple(engines_ms)),
            )
            for row, one in enumerate(fitted)
        ]

    def _quality(self, outputs: dict[str, NDArray[Any]], fitted: _Fitted, timings: Timings) -> Quality:
        """Of one row of the outputs."""
        depth_box, frame_box = self._boxes(fitted.shape, outputs["depth"])
        quality = Quality(
            score=float(outputs["score"]),
            crop_scores=outputs["crop_scores"],
            depth=outputs["depth"],
            timings=timings,
            depth_box=depth_box,
            frame_box=frame_box,
            image=fitted.path,
            size=(fitted.shape[1], fitted.shape[0]),
        )
        faults = self.bundle.manifest.faults
        if faults is None:
            return quality
        named = dict(zip(faults.names, outputs["faults"].tolist(), strict=True))
        return replace(quality, faults=MappingProxyType(named), coverage=outputs["coverage"])

    def score_many(
        self, images: Iterable[Image] | str | os.PathLike[str], *, rgb: bool = False
    ) -> Generator[Quality | Unscored, None, None]:
        """Score images one after the other, in their order; they are read, and where that is faster scored, at once.

        An image that cannot be scored gives an ``Unscored`` in its place: an exception would end the iteration, and
        lose those behind it. What ends all scoring (a failing engine, a closed scorer) is raised.

        Of a small bundle on the CPU, each core scores images of its own, unless the scorer was given ``threads``. A
        bundle that takes a batch gets as many at once, and the latency of each is that of its batch. The images may be
        an endless iterator: a few more (a few batches more) than have been taken are read ahead, so of a camera each
        result is that of a frame some frames ago.

        Args:
            images: of the kinds that ``score`` takes; or the name of a folder, or a glob.
            rgb: as for ``score``.

        Example:
            >>> with Scorer("bundle") as scorer:
            ...     for result in scorer.score_many(["photo.png", "absent.png"]):
            ...         print(type(result).__name__, result.image)
            Quality photo.png
            Unscored absent.png

        Raises:
            FidelityError, EngineCompatibilityError, ConfigurationError: as ``score``.
        """
        self._check_open()
        if isinstance(images, str | os.PathLike):
            images = expand_images([Path(images)])
        rows = self.bundle.manifest.batch.most
        batches = -(-len(images) // rows) if isinstance(images, Sized) else sys.maxsize
        rest = iter(images)
        with self.side_by_side(batches) as (lend, most):

            def scored(batch: Sequence[Image]) -> list[Quality | Unscored]:
                with lend() as scorer:
                    return scorer._score_batch(batch, rgb)

            for results in ahead(scored, iter(lambda: list(islice(rest, rows)), []), max(2, most)):
                yield from results

    @contextlib.contextmanager
    def side_by_side(
        self, runs: int = sys.maxsize
    ) -> "Iterator[tuple[Callable[[], AbstractContextManager[Scorer]], int]]":
        """Lends scorers to threads, and says to how many at once; where one each is slower, it is this scorer.

        Args:
            runs: as many threads suffice.
        """
        most = 1 if self._alone else frames_at_once(self.bundle, self._backend, runs)
        with ScorerPool(self._one_thread, most) as pool:
            yield (pool.scorer if most > 1 else lambda: contextlib.nullcontext(self)), most

    def _score_batch(self, images: Sequence[Image], rgb: bool) -> list[Quality | Unscored]:
        fitted: list[_Fitted | Unscored] = []
        for image in images:
            try:
                fitted.append(self._fitted(image, rgb))
            except SourceError as error:
                fitted.append(Unscored(error, str(image) if isinstance(image, str | os.PathLike) else None))
        good = [one for one in fitted if isinstance(one, _Fitted)]
        qualities = iter(self._score(good) if good else [])
        return [one if isinstance(one, Unscored) else next(qualities) for one in fitted]

    async def score_async(self, image: Image, depth: NDArray[np.uint8] | None = None, *, rgb: bool = False) -> Quality:
        """As ``score``, in a thread of the event loop's pool: the loop goes on meanwhile.

        Example:
            >>> async def two() -> list[Quality]:
            ...     with Scorer("bundle") as scorer:
            ...         return await asyncio.gather(scorer.score_async("photo.png"), scorer.score_async("photo.png"))
            >>> [quality.image for quality in asyncio.run(two())]
            ['photo.png', 'photo.png']
        """
        import asyncio  # costs as much as all of this package

        return await asyncio.to_thread(self.score, image, depth, rgb=rgb)

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
        """Free the engines, once a frame that is being scored is done; further calls do nothing."""
        with self._lock:
            self._stack.close()
            self._engines = []

    def __enter__(self) -> "Scorer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def run(
        self,
        frames: NDArray[np.uint8],
        depth: NDArray[np.uint8] | None = None,
        engines_ms: list[tuple[str, float]] | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Frames as the bundle takes them through every engine; each takes what it needs from those before it.

        For one thread at a time. Where they are fewer than the engines take, the last one is repeated, and nothing is
        given of its repetitions.

        Args:
            frames: uint8 [n, H, W, 3], n no more than ``bundle.manifest.batch.most``.
            depth: as for ``score``, of the one frame.
            engines_ms: each engine's role and milliseconds are appended.

        Returns:
            what the engines take and give, by name, n rows of each.
        """
        self._check_open()
        least = self.bundle.manifest.batch.least
        tensors: dict[str, NDArray[Any]] = {"frame": _read_only(filled(frames, least)[:])}
        if depth is not None:
            if not self.takes_depth:
                raise ConfigurationError(
                    f"{self.bundle.path} has one engine for depth and quality, so depth cannot be reused: "
                    "build it with --layout split"
                )
            tensors["depth"] = _read_only(filled(depth[np.newaxis], least))
        for engine in self._engines:
            if depth is not None and engine.record.role == "depth":
                continue
            started = time.perf_counter()
            outputs = engine.run({spec.name: tensors[spec.name] for spec in engine.inputs})
            tensors.update((name, _read_only(array)) for name, array in outputs.items())
            if engines_ms is not None:
                engines_ms.append((engine.record.role, (time.perf_counter() - started) * 1e3))
        return tensors if len(frames) >= least else {name: array[: len(frames)] for name, array in tensors.items()}

    def _check_open(self) -> None:
        if not self._engines:
            raise ConfigurationError("the scorer is closed: create another one")

    def _boxes(self, shape: tuple[int, ...], depth: NDArray[np.uint8]) -> tuple[Box | None, Box | None]:
        """``depth_box`` and ``frame_box`` of ``Quality``."""
        size = self.bundle.manifest.frame.height, self.bundle.manifest.frame.width
        placed = framing(shape, size, self.fit)
        at = scaled_box(placed.at, size, depth.shape)
        return at.unless_whole(depth.shape), placed.shown.unless_whole(shape)


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    """``array`` itself, marked as one that will not change: an engine on a device brings it there only once."""
    array.flags.writeable = False
    return array
