"""The protocol over HTTP: a JSON head with binary tensors behind it, as Triton's extension of it has them.

tritonclient's own HTTP client is for one thread alone and brings an event loop, so the connection is urllib3's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ConfigurationError, RemoteError
from ...ground.error_text import one_line
from ...ground.extra_packages import extra_package
from ...ground.names import json_text
from ...ground.strict_text import parse_json
from ...settings.remote_address import RemoteAddress
from .wire import DATATYPES, FORBIDDEN, INPUT, REFUSED, UNKNOWN, Answer, problem

_HEAD_LENGTH = "Inference-Header-Content-Length"
_LASTING = {400: REFUSED, 401: FORBIDDEN, 403: FORBIDDEN, 404: UNKNOWN, 405: REFUSED, 501: REFUSED}
_DTYPES = {kserve: np.dtype(name) for name, kserve in DATATYPES.items()}
_MOST_SAID = 300


class HttpWire:
    """A pool of one connection; methods as ``Wire`` has them."""

    def __init__(self, address: RemoteAddress) -> None:
        self._address = address
        self._package: Any = extra_package("urllib3", "triton", "a remote engine over HTTP")
        scheme = "https" if address.tls else "http"
        files = {"ca_certs": address.ca, "cert_file": address.cert, "key_file": address.key}
        for file in filter(None, files.values()):
            if not file.is_file():
                raise ConfigurationError(f"{address}: {file} is no file")
        self._pool = self._package.PoolManager(
            num_pools=1,
            retries=False,
            timeout=self._package.Timeout(address.timeout_s),
            **{name: str(file) for name, file in files.items() if file is not None},
        )
        self._model = f"{scheme}://{address.authority}/v2/models/{address.model}"
        self._headers = {} if address.token is None else {"Authorization": f"Bearer {address.token}"}

    def parameters(self) -> Mapping[str, str]:
        _, content = self._ask("GET", "config")
        document = self._parsed(content)
        try:
            return {name: value["string_value"] for name, value in document.get("parameters", {}).items()}
        except (AttributeError, KeyError, TypeError):
            raise self._strange("its configuration has no parameters that are texts") from None

    def infer(self, request_id: str, frame: NDArray[Any], outputs: Sequence[str]) -> Answer:
        content = frame.tobytes()
        tensor = {
            "name": INPUT,
            "shape": frame.shape,
            "datatype": DATATYPES[str(frame.dtype)],
            "parameters": {"binary_data_size": len(content)},
        }
        wanted = [{"name": name, "parameters": {"binary_data": True}} for name in outputs]
        head = json_text({"id": request_id, "inputs": [tensor], "outputs": wanted}).encode()
        headers = {_HEAD_LENGTH: str(len(head)), "Content-Type": "application/octet-stream"}
        length, answer = self._ask("POST", "infer", head + content, headers)
        document, at = self._parsed(answer[:length]), len(answer) if length is None else length
        arrays = {}
        try:
            for output in document["outputs"]:
                size = output.get("parameters", {}).get("binary_data_size")
                dtype = _DTYPES[output["datatype"]]
                flat = np.array(output["data"], dtype) if size is None else np.frombuffer(answer[at : at + size], dtype)
                arrays[output["name"]] = flat.reshape(output["shape"])
                at += size or 0
            version = str(document.get("model_version", ""))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self._strange(f"an answer that is none: {error}") from None
        return Answer(arrays, version)

    def close(self) -> None:
        self._pool.clear()

    def _ask(
        self, method: str, what: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int | None, bytes]:
        try:
            answer = self._pool.request(
                method, f"{self._model}/{what}", body=body, headers={**self._headers, **(headers or {})}, redirect=False
            )
        except self._package.exceptions.HTTPError as error:
            raise problem(self._address, None, one_line(error)) from None
        content: bytes = answer.data
        if answer.status != 200:
            said = one_line(content[:_MOST_SAID].decode("utf-8", "replace"))
            raise problem(self._address, _LASTING.get(answer.status), f"HTTP {answer.status} {said}".strip())
        length = answer.headers.get(_HEAD_LENGTH, "")
        return (int(length) if length.isdecimal() else None), content

    def _parsed(self, content: bytes) -> Any:
        try:
            return parse_json(content.decode())
        except ValueError as error:
            raise self._strange(f"no JSON: {error}") from None

    def _strange(self, said: str) -> RemoteError:
        """What stands between, as a proxy's page, may be gone the next time."""
        return RemoteError(f"{self._address} answers what is not KServe's protocol ({said}): check host and port")
