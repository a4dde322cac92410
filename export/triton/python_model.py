"""What Triton's Python backend runs: our ``Scorer`` on raw frames of any size, or on encoded pictures.

A repository's model is this class. It replays the golden frame as it loads, and does not load where that fails. Of one
request, and of all that Triton has put together, as many frames are scored at once as is worth it
(``runtime/scoring/scorer_pool.py``), by scorers that stay open.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgiqa_edge.runtime.bundle.bundle import load_bundle
from dgiqa_edge.runtime.engines.registry import AUTO
from dgiqa_edge.runtime.engines.remote.model import HASH
from dgiqa_edge.runtime.engines.remote.wire import INPUT
from dgiqa_edge.runtime.errors import BundleError, DgiqaEdgeError, SourceError
from dgiqa_edge.runtime.frames.images import decode_image
from dgiqa_edge.runtime.ground.ahead import ahead
from dgiqa_edge.runtime.ground.error_text import one_line
from dgiqa_edge.runtime.ground.strict_text import parse_json
from dgiqa_edge.runtime.quality import Quality
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.scoring.scorer_pool import ScorerPool, frames_at_once
from dgiqa_edge.runtime.watch.metrics.families import PREFIX
from dgiqa_edge.runtime.watch.metrics.prometheus import SCORE_BUCKETS

from .config import ENCODED
from .repository import BUNDLE

Frame = NDArray[np.uint8] | bytes | SourceError


class TritonPythonModel:
    """By the methods that Triton's Python backend calls; ``args``, requests and responses are as it documents them."""

    def initialize(self, args: Mapping[str, str]) -> None:
        """Load the bundle beside the model; whatever is wrong with it keeps Triton from serving the model."""
        import triton_python_backend_utils as backend  # of Triton itself: there is no package to install

        self._backend: Any = backend
        config = parse_json(args["model_config"])
        bundle = load_bundle(Path(args["model_repository"], args["model_version"], BUNDLE))
        served = config["parameters"][HASH]["string_value"]
        if served != bundle.sha256:
            raise BundleError(f"{bundle.path} is another bundle than config.pbtxt says: export the model again")
        with Scorer(bundle, allow_spinning=False, verify="always"):
            pass
        self._at_once = frames_at_once(bundle, AUTO, config["max_batch_size"])
        threads = None if self._at_once == 1 else 1
        self._pool = ScorerPool(
            partial(Scorer, bundle, threads=threads, allow_spinning=False, verify=False), self._at_once
        )
        self._said: dict[str, Any] = {"parameters": {HASH: served}}
        try:
            backend.InferenceResponse(output_tensors=[], **self._said)
        except TypeError:  # before Triton 25.02
            self._said = {}
        labels = {"model": args["model_name"], "version": args["model_version"]}
        self._families: list[Any] = []  # Triton forgets a metric whose family is gone
        kinds = backend.MetricFamily
        self._scored = self._metric(kinds.COUNTER, "scored_frames_total", "Frames that were scored.", labels)
        self._failed = self._metric(kinds.COUNTER, "failed_frames_total", "Frames that could not be scored.", labels)
        self._scores = self._metric(
            kinds.HISTOGRAM, "frame_score", "Score of each scored frame.", labels, SCORE_BUCKETS
        )

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """One response for each request, in their order."""
        found = [self._frames(request) for request in requests]
        results = ahead(self._scored_here, (frame for frames in found for frame in frames), self._at_once)
        return [
            self._answer(request, [next(results) for _ in frames])
            for request, frames in zip(requests, found, strict=True)
        ]

    def finalize(self) -> None:
        """Free the engines."""
        self._pool.close()

    def _metric(self, kind: Any, name: str, text: str, labels: Mapping[str, str], buckets: Sequence[float] = ()) -> Any:
        family = self._backend.MetricFamily(name=f"{PREFIX}_{name}", description=text, kind=kind)
        self._families.append(family)
        return family.Metric(labels=labels, **({"buckets": list(buckets)} if buckets else {}))

    def _frames(self, request: Any) -> Sequence[Frame]:
        """The frames of a request, raw or encoded; one error where it has none."""
        raw = self._backend.get_input_tensor_by_name(request, INPUT)
        encoded = self._backend.get_input_tensor_by_name(request, ENCODED)
        if (raw is None) == (encoded is None):
            return [SourceError(f"give '{INPUT}' (uint8 [N, H, W, 3], BGR) or '{ENCODED}' (N encoded pictures)")]
        given: Sequence[Frame] = raw.as_numpy() if encoded is None else encoded.as_numpy().ravel()
        return given

    def _scored_here(self, frame: Frame) -> Quality | DgiqaEdgeError:
        try:
            if isinstance(frame, DgiqaEdgeError):
                return frame
            with self._pool.scorer() as scorer:
                return scorer.score(decode_image(frame) if isinstance(frame, bytes) else frame)
        except DgiqaEdgeError as error:
            return error

    def _answer(self, request: Any, scored: Sequence[Quality | DgiqaEdgeError]) -> Any:
        bad = next((one for one in scored if isinstance(one, DgiqaEdgeError)), None)
        if bad is not None:
            self._failed.increment(len(scored))
            code = self._backend.TritonError.INVALID_ARG if isinstance(bad, SourceError) else None
            error = self._backend.TritonError(one_line(bad), *([] if code is None else [code]))
            return self._backend.InferenceResponse(output_tensors=[], error=error)
        good = [one for one in scored if isinstance(one, Quality)]
        self._scored.increment(len(good))
        for one in good:
            self._scores.observe(one.score)
        tensors = [
            self._backend.Tensor(name, np.stack([_output(one, name) for one in good]))
            for name in request.requested_output_names()
        ]
        return self._backend.InferenceResponse(output_tensors=tensors, **self._said)


def _output(quality: Quality, name: str) -> NDArray[Any]:
    """One output of the frame graph, of one frame; a side of 1 where it is a number."""
    if name == "score":
        return np.array([quality.score], np.float32)
    if name == "faults":
        return np.array(list(quality.faults.values()), np.float32)
    value: NDArray[Any] = getattr(quality, name)
    return value
