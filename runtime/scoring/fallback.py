"""Frames scored on a server, and here while it is away: two scorers behind the face of one."""

import contextlib
from dataclasses import replace
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.bundle import Bundle
from ..bundle.golden import load_golden
from ..engines.remote.model import remote_bundle, served
from ..errors import RemoteError
from ..quality import Quality
from ..settings.remote_address import RemoteAddress
from .scorer import Scorer


class FallbackScorer:
    """A ``FrameScorer`` that loses no frame to a server: one that it does not answer for is scored by ``local``.

    Nothing waits for the server: it is tried once a frame, and while it is away only after the pauses of its circuit
    breaker. ``close`` closes ``local``, too.

    Args:
        address: of the server; its patience is left out.
        local: a scorer of a bundle that is here.
        differs: the server may have another bundle than ``local``, whose scores then do not compare with its own.

    Raises:
        EngineCompatibilityError: the server has another bundle, and that is not what was meant.
        ConfigurationError, MachineError: as ``remote_bundle``.
        RemoteError: the server is away, and what it has can be asked of it alone (``differs``).
    """

    def __init__(self, address: RemoteAddress, local: Scorer, differs: bool = False) -> None:
        impatient = replace(address, patience_s=0.0)
        bundle = remote_bundle(impatient) if differs else served(local.bundle, impatient)
        self._local, self._remote = local, Scorer(bundle, fit=local.fit)
        self.bundle: Bundle = bundle
        self.scored_here = 0
        golden = load_golden(local.bundle.file(local.bundle.manifest.golden.file))
        try:
            with contextlib.suppress(RemoteError):  # the engine has noted it
                self._remote.score(golden.frame[0])
        except BaseException:
            self._remote.close()
            raise

    @property
    def takes_depth(self) -> bool:
        """Never: depth is not sent to a server."""
        return False

    def score(self, frame: NDArray[np.uint8], depth: NDArray[np.uint8] | None = None) -> Quality:
        """Score one frame, uint8 [H, W, 3] BGR; raises as ``Scorer.score`` does, but no RemoteError."""
        try:
            return self._remote.score(frame, depth)
        except RemoteError:
            self.scored_here += 1
            return self._local.score(frame, depth)

    def describe(self) -> list[dict[str, Any]]:
        """The server's facts, then those of the local engines with the frames that were scored here."""
        here = [{**facts, "scored_here": self.scored_here} for facts in self._local.describe()]
        return [*self._remote.describe(), *here]

    def close(self) -> None:
        """Free both; further calls do nothing."""
        self._remote.close()
        self._local.close()

    def __enter__(self) -> "FallbackScorer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
