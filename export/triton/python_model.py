"""What Triton's Python backend runs: our ``Scorer`` on raw frames of any size, or on encoded pictures.

``model.py`` of an exported repository is this class. It replays the golden frame as it loads, and does not load where
that fails. Of one request, and of all that Triton has put together, as many frames are scored at once as
``Scorer.score_many`` finds worth it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgiqa_edge.runtime.engines.remote.model import HASH
from dgiqa_edge.runtime.engines.remote.wire import INPUT
from dgiqa_edge.runtime.errors import DgiqaEdgeError, SourceError
from dgiqa_edge.runtime.frames.images import decode_image
from dgiqa_edge.runtime.ground.error_text import one_line
from dgiqa_edge.runtime.quality import Quality, Unscored
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.watch.metrics.families import PREFIX
from dgiqa_edge.runtime.watch.metrics.prometheus import SCORE_BUCKETS

from .config import ENCODED
from .repository import BUNDLE

Frames = list[NDArray[np.uint8]]


class TritonPythonModel:
    """By the methods that Triton's Python backend calls; ``args``, requests and responses are as it documents them."""

    def initialize(self, args: Mapping[str, str]) -> None:
        """Load the bundle beside the model; whatever is wrong with it keeps Triton from serving the model."""
        import triton_python_backend_utils as backend  # of Triton itself: there is no package to install

        self._backend: Any = backend
        self._scorer = Scorer(
            Path(args["model_repository"], args["model_version"], BUNDLE), allow_spinning=False, verify="always"
        )
        served = json.loads(args["model_config"])["parameters"][HASH]["string_value"]
        if served != self._scorer.bundle.sha256:
            raise backend.TritonModelException(
                f"{self._scorer.bundle.path} is another bundle than config.pbtxt says: export the model again"
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
        frames = [frame for one in found if isinstance(one, list) for frame in one]
        results = self._results(frames)
        answers = []
        for request, one in zip(requests, found, strict=True):
            scored = [one] if isinstance(one, DgiqaEdgeError) else [next(results) for _ in one]
            answers.append(self._answer(request, scored))
        return answers

    def finalize(self) -> None:
        """Free the engines."""
        self._scorer.close()

    def _metric(self, kind: Any, name: str, text: str, labels: Mapping[str, str], buckets: Sequence[float] = ()) -> Any:
        family = self._backend.MetricFamily(name=f"{PREFIX}_{name}", description=text, kind=kind)
        self._families.append(family)
        return family.Metric(labels=labels, **({"buckets": list(buckets)} if buckets else {}))

    def _frames(self, request: Any) -> Frames | SourceError:
        """The frames of a request: uint8 [N, H, W, 3], or N encoded pictures."""
        raw = self._backend.get_input_tensor_by_name(request, INPUT)
        encoded = self._backend.get_input_tensor_by_name(request, ENCODED)
        try:
            if (raw is None) == (encoded is None):
                raise SourceError(f"give '{INPUT}' (uint8 [N, H, W, 3], BGR) or '{ENCODED}' (N encoded pictures)")
            if raw is not None:
                return list(raw.as_numpy())
            return [decode_image(bytes(content)) for content in encoded.as_numpy().ravel()]
        except SourceError as error:
            return error

    def _results(self, frames: Frames) -> Iterator[Quality | DgiqaEdgeError]:
        """One result a frame; what ends all scoring ends it for those that are left."""
        done = 0
        try:
            for result in self._scorer.score_many(frames):
                done += 1
                yield result.error if isinstance(result, Unscored) else result
        except DgiqaEdgeError as error:
            yield from [error] * (len(frames) - done)

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
