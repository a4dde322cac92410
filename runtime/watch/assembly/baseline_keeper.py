"""Where a watch run keeps what is normal for its cameras: baselines, valid for one bundle, and reference views."""

import logging
from pathlib import Path

from ...bundle.bundle import Bundle
from ...errors import DgiqaEdgeError
from ...gate.baseline import Baseline
from ...gate.baseline_file import load_baseline, save_baseline
from ...gate.reference.reference import ReferenceView
from ...gate.reference.reference_file import load_reference, save_reference
from .config import CameraSettings

log = logging.getLogger("dgiqa_edge.watch")


class BaselineKeeper:
    """Loads baselines at the start and saves those that are learned.

    Args:
        folder: of the files; None keeps nothing.
        bundle: scores of two bundles do not compare, so a baseline belongs to one.
        for_each: bundles change, and each has a folder of its own in there: one that returns finds what it had learned.
    """

    def __init__(self, folder: Path | None, bundle: Bundle, *, for_each: bool = False) -> None:
        self._root = folder
        self._for_each = for_each
        self.follow(bundle)

    def follow(self, bundle: Bundle) -> None:
        """From now on it is about this bundle."""
        self._scorer_id = bundle.sha256
        self._folder = self._root / bundle.sha256[:12] if self._root is not None and self._for_each else self._root

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

    def load_reference(self, camera: str) -> ReferenceView | None:
        """The camera's reference view, taken or learned; None where there is no file of it.

        Raises:
            GateError: the file cannot be used.
        """
        if self._root is None or not reference_file(self._root, camera).exists():
            return None
        return load_reference(reference_file(self._root, camera))

    def save_reference(self, camera: str, reference: ReferenceView) -> None:
        """Keep a learned reference view; a full disk is logged."""
        if self._root is None:
            log.info("%s: reference view learned; 'baselines' names no folder to keep it", camera)
            return
        file = reference_file(self._root, camera)
        try:
            save_reference(file, reference)
        except (DgiqaEdgeError, OSError) as error:
            log.error("%s: the reference view could not be kept: %s", camera, error)
        else:
            log.info("%s: reference view learned, kept in %s", camera, file)

    def _file(self, camera: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{camera}.json"


def reference_file(folder: Path, camera: str) -> Path:
    """Where a camera's reference view lies. What a camera sees is the same for every bundle."""
    return folder / f"{camera}.reference.json"
