"""The gate with all that it needs: a scorer, the cues and a policy behind one call per frame.

What a verdict follows from is in ``runtime/gate/gate.py``; for many cameras, sinks and a dashboard there is
``dgiqa-edge watch``.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from ..bundle.bundle import Bundle
from ..errors import DgiqaEdgeError, GateError, SourceError
from ..frames.arrays import Image, as_bgr
from ..gate.baseline import Baseline
from ..gate.baseline_file import load_baseline
from ..gate.policy import GatePolicy
from ..gate.policy_file import load_policy
from ..gate.profiles.profiled_gate import ProfiledGate
from ..gate.reference.reference import ReferenceView
from ..gate.reference.reference_file import load_reference
from ..gate.regions import Regions, regions_from
from ..gate.verdict import Verdict
from ..scoring.scorer import Scorer
from ..watch.frame_judge import FrameJudge
from ..watch.sources.protocol import Frame
from .camera import Camera


class Gate:
    """Verdicts on one camera's frames, in their order; for one thread at a time, in a ``with`` block or with ``close``.

    Args:
        bundle: a bundle's folder, or one already loaded; or an open ``Scorer``, which several gates may share and none
            of them closes.
        policy: what is a fault; a policy file's path (TOML, YAML, JSON), or None for the published policy.
        regions: what of the frames counts; a file's path (JSON), or None for all of it.
        reference: the view that the camera is meant to have, or the file of one (``dgiqa-edge gate reference``); None:
            nothing tells a moved camera, unless the policy's ``reference.learn_minutes`` learns one.
        baseline: what is normal for the camera, or the file of one (``dgiqa-edge gate reference``, or learned by
            ``dgiqa-edge watch``, with the same bundle); None: none, unless ``baseline.learn_minutes`` learns one.
        options: of ``Scorer``, where this gate opens one.

    Example:
        >>> with Gate("bundle") as gate, Camera("photos") as camera:
        ...     for verdict in gate.watch(camera):
        ...         print(verdict.state.value, verdict.reason)
        unknown starting
        unknown starting

    Raises:
        ConfigurationError: policy or regions break a rule, or an option makes no sense.
        GateError: a file of the reference or the baseline cannot be used.
        DgiqaEdgeError: as ``Scorer``.
    """

    def __init__(
        self,
        bundle: str | Path | Bundle | Scorer,
        policy: GatePolicy | str | Path | None = None,
        regions: Regions | str | Path | None = None,
        reference: ReferenceView | str | Path | None = None,
        baseline: Baseline | str | Path | None = None,
        **options: Any,
    ) -> None:
        if policy is None:
            policy = GatePolicy()
        self.policy = policy if isinstance(policy, GatePolicy) else load_policy(policy)
        self.regions = regions_from(regions)
        if isinstance(reference, str | Path):
            reference = load_reference(Path(reference))
        self._scorer = bundle if isinstance(bundle, Scorer) else Scorer(bundle, **options)
        self._owns_scorer = self._scorer is not bundle
        try:
            if isinstance(baseline, str | Path):
                file, baseline = Path(baseline), load_baseline(Path(baseline), self._scorer.bundle.sha256)
                if baseline is None:
                    raise GateError(f"{file}: there is no such baseline: 'dgiqa-edge gate reference' takes one")
        except DgiqaEdgeError:
            self.close()
            raise
        self._judge = FrameJudge(ProfiledGate(self.policy, None, {None: baseline}), self.regions, {None: reference})
        self._last_s = 0.0

    def judge(self, frame: Frame | Image | None, t_s: float | None = None, *, rgb: bool = False) -> Verdict:
        """Take in one frame.

        Args:
            frame: of a ``Camera``, or an image of any kind that ``Scorer.score`` takes; None: the camera gave none.
            t_s: when it was taken, seconds on a clock that never goes back; None for the frame's own time, else now.
            rgb: as for ``Scorer.score``.

        Raises:
            SourceError: the image cannot be used; nothing has been taken in.
            ConfigurationError: time went back, as where one call gave ``t_s`` and the other did not.
            GateError: the policy's watchdog raises.
            DgiqaEdgeError: as ``Scorer.score``.
        """
        if isinstance(frame, Frame):
            t_s = frame.t_s if t_s is None else t_s
            frame = frame.image
        bgr = None if frame is None else as_bgr(frame, rgb)
        t_s = time.monotonic() if t_s is None else t_s
        verdict, _ = self._judge.judge(bgr, self._scorer, t_s)
        self._last_s = t_s
        return verdict

    def watch(self, camera: Camera) -> Iterator[Verdict]:
        """A verdict for each frame; one that cannot be decoded is a camera without signal.

        A live camera that is lost gives one last verdict, ``unknown``, before the error: whoever catches that may call
        this again. Time is the camera's and begins at 0: another file, or another camera, takes a gate of its own.

        Raises:
            DgiqaEdgeError: as the iteration of ``Camera``, and ``judge``.
        """
        results = camera.results()
        while True:
            try:
                result = next(results, None)
            except SourceError:
                if camera.live:
                    yield self.judge(None, self._last_s)
                raise
            if result is None:
                return
            yield self.judge(result.image if isinstance(result, Frame) else None, result.t_s)

    def close(self) -> None:
        """Close the scorer, where it is the gate's own; further calls do nothing."""
        if self._owns_scorer:
            self._scorer.close()

    def __enter__(self) -> "Gate":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
