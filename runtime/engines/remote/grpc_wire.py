"""The protocol over gRPC, by tritonclient."""

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from ...errors import ConfigurationError, EngineCompatibilityError, RemoteError
from ...ground.error_text import one_line
from ...ground.extra_packages import extra_package
from ...settings.remote_address import RemoteAddress
from .wire import DATATYPES, FORBIDDEN, INPUT, REFUSED, UNKNOWN, Answer, problem

_LASTING = {
    "NOT_FOUND": UNKNOWN,
    "INVALID_ARGUMENT": REFUSED,
    "UNIMPLEMENTED": REFUSED,
    "UNAUTHENTICATED": FORBIDDEN,
    "PERMISSION_DENIED": FORBIDDEN,
}
# gRPC's own pauses between connections grow to two minutes: how long to wait is the circuit breaker's business.
_CHANNEL = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.enable_http_proxy", 0),
]


class GrpcWire:
    """A channel to the server; methods as ``Wire`` has them."""

    def __init__(self, address: RemoteAddress) -> None:
        self._address = address
        self._package: Any = extra_package("tritonclient.grpc", "triton", "a remote engine over gRPC")
        files = {"root_certificates": address.ca, "certificate_chain": address.cert, "private_key": address.key}
        try:
            self._client = self._package.InferenceServerClient(
                address.authority,
                ssl=address.tls,
                channel_args=_CHANNEL,
                **{name: None if file is None else str(file) for name, file in files.items()},
            )
        except OSError as error:
            raise ConfigurationError(f"{address}: {error.filename} cannot be read ({error.strerror})") from None
        self._headers = None if address.token is None else {"authorization": f"Bearer {address.token}"}

    def parameters(self) -> Mapping[str, str]:
        try:
            answer = self._client.get_model_config(
                self._address.model, headers=self._headers, client_timeout=self._address.timeout_s
            )
        except self._package.InferenceServerException as error:
            raise self._problem(error) from None
        return {name: value.string_value for name, value in answer.config.parameters.items()}

    def infer(self, request_id: str, frame: NDArray[Any], outputs: Sequence[str]) -> Answer:
        tensor = self._package.InferInput(INPUT, list(frame.shape), DATATYPES[str(frame.dtype)])
        tensor.set_data_from_numpy(frame)
        try:
            result = self._client.infer(
                self._address.model,
                [tensor],
                request_id=request_id,
                outputs=[self._package.InferRequestedOutput(name) for name in outputs],
                headers=self._headers,
                client_timeout=self._address.timeout_s,
            )
        except self._package.InferenceServerException as error:
            raise self._problem(error) from None
        arrays = {name: array for name in outputs if (array := result.as_numpy(name)) is not None}
        return Answer(arrays, result.get_response().model_version)

    def close(self) -> None:
        self._client.close()

    def _problem(self, error: Any) -> RemoteError | EngineCompatibilityError:
        code = str(error.status() or "").removeprefix("StatusCode.")
        return problem(self._address, _LASTING.get(code), one_line(f"{code} {error.message() or ''}".strip()))
