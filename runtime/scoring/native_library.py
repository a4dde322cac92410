"""The native library (``runtime/native/``) from Python: scores by ``libdgiqa_edge`` instead of this package's engines.

For programs that share a machine with native ones and must decide exactly as they do. The library itself needs no
Python; its interface is ``dgiqa_edge.h``, which the structures below repeat.
"""

import ctypes
import os
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engines.protocol import check_threads
from ..errors import (
    BundleError,
    ConfigurationError,
    DgiqaEdgeError,
    EngineCompatibilityError,
    FidelityError,
    GateError,
    MachineError,
    SourceError,
)
from ..frames.fit import as_bgr
from ..ground.framing import FITS, Box, Fit, Size, fit_named
from ..quality import Quality, Timings
from ..version import VERSION
from .scorer import Verify

LIBRARY_VARIABLE = "DGIQA_EDGE_LIBRARY"
_NAME = "libdgiqa_edge.so.0"
_REMEDY = (
    "install the native library (cmake -S . -B build/native && cmake --build build/native, then cmake --install), "
    f"or name its file in {LIBRARY_VARIABLE}"
)
_ERRORS: dict[int, type[DgiqaEdgeError]] = {
    1: ConfigurationError,
    2: BundleError,
    3: EngineCompatibilityError,
    4: MachineError,
    5: FidelityError,
    6: SourceError,
    7: GateError,
}
_VERIFY: dict[Verify, int] = {True: 0, "always": 1, False: 2}


class _Box(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in ("left", "top", "width", "height")]

    def unless_whole(self, size: Size) -> Box | None:
        return Box(self.left, self.top, self.width, self.height).unless_whole(size)


class _Frame(ctypes.Structure):
    _fields_ = [
        ("planes", ctypes.c_void_p * 3),
        ("strides", ctypes.c_size_t * 3),
        ("width", ctypes.c_int),
        ("height", ctypes.c_int),
        ("format", ctypes.c_int),
        ("matrix", ctypes.c_int),
        ("memory", ctypes.c_int),
    ]


class _ScorerParams(ctypes.Structure):
    _fields_ = [
        ("bundle", ctypes.c_char_p),
        ("backend", ctypes.c_char_p),
        ("threads", ctypes.c_int),
        ("strict_size", ctypes.c_int),
        ("verify", ctypes.c_int),
        ("fit", ctypes.c_int),
    ]


class _Quality(ctypes.Structure):
    _fields_ = [
        ("score", ctypes.c_float),
        ("crop_scores", ctypes.POINTER(ctypes.c_float)),
        ("crop_count", ctypes.c_size_t),
        ("depth", ctypes.POINTER(ctypes.c_uint8)),
        ("depth_width", ctypes.c_int),
        ("depth_height", ctypes.c_int),
        ("resize_ms", ctypes.c_double),
        ("engine_ms", ctypes.c_double),
        ("total_ms", ctypes.c_double),
        ("fault_count", ctypes.c_size_t),
        ("fault_names", ctypes.POINTER(ctypes.c_char_p)),
        ("faults", ctypes.POINTER(ctypes.c_float)),
        ("coverage", ctypes.POINTER(ctypes.c_float)),
        ("coverage_rows", ctypes.c_int),
        ("coverage_columns", ctypes.c_int),
        ("depth_box", _Box),
        ("frame_box", _Box),
    ]


class NativeScorer:
    """Scores frames with the native library; for one thread at a time, in a ``with`` block or with ``close``.

    Examples:
        >>> with NativeScorer("build/demo/bundle") as scorer:  # doctest: +SKIP
        ...     print(scorer.score(cv2.imread("photo.jpg")).score)

    Args:
        bundle: a bundle directory.
        backend: ``auto``, or a backend that the library was built with.
        threads: threads of the CPU backend; None leaves it to the backend.
        fit: as for ``Scorer``.
        strict_size: refuse frames of another size than the bundle's instead of fitting them.
        verify: as for ``Scorer``; the library keeps its own record of replays that passed.
        library: the library's file; None takes ``$DGIQA_EDGE_LIBRARY``, then the system's.

    Raises:
        MachineError: the library is absent or of another version.
        ConfigurationError, BundleError, EngineCompatibilityError, FidelityError: as ``Scorer``.
    """

    def __init__(
        self,
        bundle: str | Path,
        *,
        backend: str = "auto",
        threads: int | None = None,
        fit: Fit | None = None,
        strict_size: bool = False,
        verify: Verify = True,
        library: str | Path | None = None,
    ) -> None:
        if verify not in _VERIFY:
            raise ConfigurationError(f"verify is {verify!r}: give True, False or 'always'")
        check_threads(threads)
        self._handle = ctypes.c_void_p()
        self._library = load_library(library)
        params = self._library.dgiqa_scorer_default_params()
        params.bundle = os.fsencode(bundle)
        params.backend = backend.encode()
        params.threads = threads or 0
        params.strict_size = strict_size
        params.verify = _VERIFY[verify]
        params.fit = 0 if fit is None else FITS.index(fit_named(fit)) + 1
        self._check(self._library.dgiqa_scorer_create(ctypes.byref(params), ctypes.byref(self._handle)))

    def score(self, frame: NDArray[np.uint8]) -> Quality:
        """Score one frame: uint8 [H, W, 3] BGR, [H, W] grey or [H, W, 4] BGRA, as ``Scorer.score`` takes it.

        Raises:
            SourceError: another dtype or shape; or another size, with ``strict_size``.
            FidelityError, EngineCompatibilityError, MachineError: as ``Scorer.score``.
            ConfigurationError: the scorer is closed.
        """
        picture = as_bgr(frame)
        given = _Frame(width=picture.shape[1], height=picture.shape[0])
        given.planes[0] = picture.ctypes.data
        found = _Quality()
        status = self._library.dgiqa_scorer_score(self._open(), ctypes.byref(given), ctypes.byref(found))
        self._check(status)
        depth_shape = (found.depth_height, found.depth_width)
        quality = Quality(
            score=float(found.score),
            crop_scores=_copied(found.crop_scores, (found.crop_count,)),
            depth=_copied(found.depth, depth_shape),
            timings=Timings(found.resize_ms, found.engine_ms, found.total_ms),
            depth_box=found.depth_box.unless_whole(depth_shape),
            frame_box=found.frame_box.unless_whole(picture.shape),
        )
        count = found.fault_count
        if not count:
            return quality
        names = [name.decode() for name in found.fault_names[:count]]
        return replace(
            quality,
            faults=MappingProxyType(dict(zip(names, found.faults[:count], strict=True))),
            coverage=_copied(found.coverage, (found.coverage_rows, found.coverage_columns, count)),
        )

    def describe(self) -> str:
        """A JSON object: bundle, preset, precision, frame size, engines.

        Raises:
            ConfigurationError: the scorer is closed.
        """
        text: bytes = self._library.dgiqa_scorer_describe(self._open())
        return text.decode("utf-8", errors="replace")

    def close(self) -> None:
        """Free the engines; further calls do nothing."""
        if self._handle:
            self._library.dgiqa_scorer_free(self._handle)
            self._handle = ctypes.c_void_p()

    def __enter__(self) -> "NativeScorer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> ctypes.c_void_p:
        if not self._handle:
            raise ConfigurationError("the scorer is closed: create another one")
        return self._handle

    def _check(self, status: int) -> None:
        if status:
            message = self._library.dgiqa_last_error().decode("utf-8", errors="replace")
            raise _ERRORS.get(status, MachineError)(message)


def load_library(file: str | Path | None = None) -> Any:
    """The native library with its functions declared.

    Raises:
        MachineError: it is not found, cannot be loaded, or is of another version than this package.
    """
    name = str(file or os.environ.get(LIBRARY_VARIABLE) or _NAME)
    try:
        library = ctypes.CDLL(name)
        version = library.dgiqa_version
    except (OSError, AttributeError) as error:
        raise MachineError(f"{name} cannot be loaded ({error}): {_REMEDY}") from error
    version.restype = ctypes.c_char_p
    found = version().decode()
    if found.split(".")[:2] != VERSION.split(".")[:2]:  # structures may differ
        raise MachineError(f"{name} is version {found}, this package {VERSION}: {_REMEDY}")
    status, pointer = ctypes.c_int, ctypes.c_void_p
    for function, result, arguments in (
        ("dgiqa_last_error", ctypes.c_char_p, []),
        ("dgiqa_scorer_default_params", _ScorerParams, []),
        ("dgiqa_scorer_create", status, [ctypes.POINTER(_ScorerParams), ctypes.POINTER(pointer)]),
        ("dgiqa_scorer_score", status, [pointer, ctypes.POINTER(_Frame), ctypes.POINTER(_Quality)]),
        ("dgiqa_scorer_describe", ctypes.c_char_p, [pointer]),
        ("dgiqa_scorer_free", None, [pointer]),
    ):
        declared = getattr(library, function)
        declared.restype, declared.argtypes = result, arguments
    return library


def _copied(pointer: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """The library's memory holds until its next call only; the copy is read-only, as ``Quality`` promises."""
    array = np.ctypeslib.as_array(pointer, shape).copy()
    array.flags.writeable = False
    return array
