"""KServe's protocol, version 2, as the remote engine uses it: two questions, whatever carries them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from ...errors import EngineCompatibilityError, RemoteError
from ...settings.remote_address import TOKEN_VARIABLE, RemoteAddress

INPUT = "frame"
DATATYPES = {"uint8": "UINT8", "float32": "FP32"}
"""numpy's names -> KServe's, of what a frame graph takes and gives."""

UNKNOWN, REFUSED, FORBIDDEN = "unknown", "refused", "forbidden"
"""Answers that asking again does not change: no such model, a bad request, a token that is missing or wrong."""


@dataclass(frozen=True)
class Answer:
    """Outputs by name, and the version of the model that gave them."""

    outputs: Mapping[str, NDArray[Any]]
    version: str


class Wire(Protocol):
    """A connection to one model of a server; for one thread at a time.

    Both questions raise RemoteError where asking again may help, and EngineCompatibilityError where it does not.
    """

    def parameters(self) -> Mapping[str, str]:
        """The texts in ``parameters`` of the model's configuration."""
        ...

    def infer(self, request_id: str, frame: NDArray[Any], outputs: Sequence[str]) -> Answer:
        """The outputs of one frame, uint8 [1, H, W, 3]."""
        ...

    def close(self) -> None:
        """Let the connection go; further calls do nothing."""
        ...


def problem(address: RemoteAddress, kind: str | None, said: str) -> RemoteError | EngineCompatibilityError:
    """The error of an answer that is none; ``kind`` is None where it may be had by asking again."""
    if kind is None:
        return RemoteError(f"{address} does not answer ({said}): start it, or check address and network")
    remedy = {
        UNKNOWN: "check the model's name; dgiqa-edge export triton makes one",
        REFUSED: "export the model again",
        FORBIDDEN: f"set the server's token in {TOKEN_VARIABLE}",
    }[kind]
    return EngineCompatibilityError(f"{address} refuses ({said}): {remedy}")
