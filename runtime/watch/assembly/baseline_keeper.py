"""Where a watch run keeps the baselines of its cameras: one file per camera, valid for one bundle."""

import logging
from pathlib import Path

from ...bundle.bundle import Bundle
from ...errors import DgiqaEdgeError
from ...gate.baseline import Baseline
from ...gate.baseline_file import load_baseline, save_baseline
from .config import CameraSettings

log = logging.getLogger("dgiqa_edge.watch")


class BaselineKeeper:
    """Loads baselines at the start and saves those that are learned.

    Args:
        folder: of the files; None keeps nothing.
        bundle: scores of two bundles do not compare, so a baseline belongs to one.
    """

    def __init__(self, folder: Path | None, bundle: Bundle) -> None:
        self._folder = folder
        self._scorer_id = bundle.sha256

    def load(self, camera: CameraSettings) -> Baseline | None:
        """The camera's baseline; None where its policy wants none, or none was learned yet.

        Raises:
            GateError: the file cannot be used and the policy says ``refuse``.
        """
        if self._folder is None or camera.policy.baseline.learn_minutes == 0.0:
            return None
        return load_baseline(self._file(camera.name), self._scorer_id, camera.policy.baseline.on_unusable)

    def save(self, camera: str, baseline: Baseline) -> None:
        """Keep a learned baseline; a full disk is logged, for the gate goes on with what it has learned."""
        if self._folder is None:
            log.info(
                "%s: baseline learned from %d frames; 'baselines' names no folder to keep it", camera, baseline.samples
            )
            return
        try:
            save_baseline(self._file(camera), baseline, self._scorer_id)
        except (DgiqaEdgeError, OSError) as error:
            log.error("%s: the baseline could not be kept: %s", camera, error)
        else:
            log.info("%s: baseline learned from %d frames, kept in %s", camera, baseline.samples, self._file(camera))

    def _file(self, camera: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{camera}.json"
