"""A server behind the engine protocol: every frame is one request, tried again for as long as the address allows.

Scores are pure functions of the frame, so a request whose answer was lost is sent again; whoever asked gets one answer.
"""

import logging
import threading
import time
import uuid
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bundle.bundle import Bundle
from ...bundle.manifest import EngineRecord, Requirements
from ...errors import ConfigurationError, EngineCompatibilityError, RemoteError
from ..protocol import Arrays, Engine, EngineOptions, TensorSpec, check_inputs
from ..registry import AUTO, contract, load_engine
from .breaker import CircuitBreaker
from .connection import open_wire
from .model import RemoteBundle, served_hash, version_of
from .wire import INPUT, Answer, Wire

log = logging.getLogger("dgiqa_edge.remote")

BACKEND = "remote"
_ROLE = "fused"


def open_engine(bundle: Bundle, role: str, backend: str = AUTO, options: EngineOptions | None = None) -> Engine:
    """``load_engine`` of a bundle that is here, and the engine on the server of one that is not.

    Raises:
        ConfigurationError: a backend is asked for, and the server decides.
        MachineError, EngineCompatibilityError, BundleError: as ``load_engine``.
    """
    if not isinstance(bundle, RemoteBundle):
        return load_engine(bundle, role, backend, options)
    if backend != AUTO:
        raise ConfigurationError(f"{bundle.address}: the server decides on the backend: leave {backend!r} out")
    return RemoteEngine(bundle)


class RemoteEngine:
    """All engines of a bundle, on a server. It connects with the first frame, and asks which bundle the server has:
    then, after each failure, and by the version in every answer.
    """

    def __init__(self, bundle: RemoteBundle) -> None:
        self.inputs, self._promised = contract(bundle.manifest, _ROLE)
        self.outputs: tuple[TensorSpec, ...] = self._promised
        first = bundle.manifest.engines[0]
        self.record = EngineRecord(_ROLE, first.file, BACKEND, Requirements(None, None, None, None))
        self._bundle = bundle
        self._wire: Wire | None = open_wire(bundle.address)
        self._breaker = CircuitBreaker()
        self._closed = threading.Event()
        self._is_known = False
        self._said = ""

    def run(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """As the protocol says.

        Raises:
            RemoteError: the server gave no answer in the time that the address allows.
            EngineCompatibilityError: it refuses, has another bundle, or gives other tensors than the manifest promises.
            ConfigurationError: an input is not what the engine takes; or it is closed.
        """
        check_inputs(str(self._bundle.address), self.inputs, inputs)
        frame = np.ascontiguousarray(inputs[INPUT])
        request_id = uuid.uuid4().hex  # the same for each try: who reads the server's log sees one frame
        give_up_at = time.monotonic() + self._bundle.address.patience_s
        while True:
            pause_s = self._breaker.wait_s(time.monotonic())
            if pause_s and time.monotonic() + pause_s > give_up_at:
                raise RemoteError(self._said)
            if self._closed.wait(pause_s) if pause_s else self._closed.is_set():
                raise ConfigurationError(f"the engine {self._bundle.address} is closed: load it again")
            try:
                answer = self._ask(request_id, frame)
            except RemoteError as error:
                self._note_failure(error)
            else:
                self._note_success()
                return self._checked(answer, len(frame))

    def describe(self) -> dict[str, Any]:
        return {
            "role": _ROLE,
            "sha256": self._bundle.sha256,
            "backend": BACKEND,
            "backend_version": "KServe v2",
            "device": str(self._bundle.address),
            "answers": not self._breaker.is_open,
        }

    def close(self) -> None:
        self._closed.set()
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def __enter__(self) -> "RemoteEngine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, request_id: str, frame: NDArray[Any]) -> Answer:
        assert self._wire is not None
        if not self._is_known:
            self._refuse_other(served_hash(self._bundle.address, self._wire.parameters()), self._bundle.sha256)
            self._is_known = True
        answer = self._wire.infer(request_id, frame, [spec.name for spec in self._promised])
        self._refuse_other(answer.version, str(version_of(self._bundle.sha256)))
        return answer

    def _refuse_other(self, found: str, expected: str) -> None:
        if found != expected:
            self._is_known = False
            raise EngineCompatibilityError(
                f"{self._bundle.address} has another bundle ({found[:12]}, expected {expected[:12]}): export this one "
                "to the server, or start again to take the server's"
            )

    def _note_failure(self, error: RemoteError) -> None:
        if not self._breaker.is_open:
            log.warning("%s", error)
        self._said = str(error)
        self._is_known = False  # what comes back may be another server
        self._breaker.failed(time.monotonic())

    def _note_success(self) -> None:
        if self._breaker.is_open:
            log.info("%s answers again", self._bundle.address)
        self._breaker.succeeded()

    def _checked(self, answer: Answer, frames: int) -> dict[str, NDArray[Any]]:
        """The outputs in the shapes that the frame graph has: a server that batches gives ``score`` as [1, 1]."""
        found = {}
        for spec in self._promised:
            array = answer.outputs.get(spec.name)
            shape = (frames, *(side or 1 for side in spec.shape[1:]))
            if array is None or str(array.dtype) != spec.dtype or array.size != np.prod(shape):
                what = "missing" if array is None else f"{array.dtype} {list(array.shape)}"
                raise EngineCompatibilityError(
                    f"{self._bundle.address}: output '{spec.name}' is {what}, the manifest promises {spec}: "
                    "export the model again"
                )
            found[spec.name] = array.reshape(shape)
        return found
