"""Where a watch run keeps what is normal for its cameras: baselines, valid for one bundle, and reference views.

One file per camera and profile.
"""

import logging
from collections.abc import Callable
from pathlib import Path

from ...bundle.bundle import Bundle
from ...errors import DgiqaEdgeError
from ...gate.baseline import Baseline
from ...gate.baseline_file import load_baseline, save_baseline
from ...gate.policy import BaselinePolicy, GatePolicy
from ...gate.reference.reference import ReferenceView
from ...gate.reference.reference_file import load_reference, save_reference
from ..frame_judge import References
from ..loop.judge import kept_name
from ..loop.watch import Baselines
from .config import REFERENCE, CameraSettings

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

    def load(self, camera: CameraSettings) -> Baselines:
        """The camera's baselines, taken or learned, of its own settings and of each profile; None where there is none
        yet.

        Raises:
            GateError: the file cannot be used and the policy says ``refuse``.
        """
        policies: dict[str | None, GatePolicy] = {None: camera.policy}
        policies |= {it.name: it.policy for it in camera.profiles.each}
        return {name: self._loaded(kept_name(camera.name, name), it.baseline) for name, it in policies.items()}

    def _loaded(self, name: str, policy: BaselinePolicy) -> Baseline | None:
        if self._folder is None:
            return None
        return load_baseline(self.baseline_file(name), self._scorer_id, policy.on_unusable)

    def save(self, camera: str, baseline: Baseline) -> None:
        """Keep a learned baseline; a full disk is logged, for the gate goes on with what it has learned.

        One that ``gate reference`` took meanwhile stays.
        """
        file = None if self._folder is None else self.baseline_file(camera)
        what = f"baseline of {baseline.samples} frames"
        _keep(
            *(camera, what, file, lambda path: save_baseline(path, baseline, self._scorer_id)),
            taken=lambda path: load_baseline(path, self._scorer_id, "relearn") is not None,
        )

    def load_references(self, camera: CameraSettings) -> References:
        """The camera's reference views, taken or learned: its own, and of each profile that has a file of one.

        Raises:
            GateError: a file cannot be used.
        """
        if self._root is None:
            return {}
        names = (None, *(it.name for it in camera.profiles.each))
        files = {name: reference_file(self._root, kept_name(camera.name, name)) for name in names}
        return {name: load_reference(file) for name, file in files.items() if file.exists()}

    def save_reference(self, camera: str, reference: ReferenceView) -> None:
        """Keep a learned reference view; a full disk is logged, and one that was taken meanwhile stays."""
        file = None if self._root is None else reference_file(self._root, camera)
        _keep(camera, "reference view", file, lambda path: save_reference(path, reference), taken=Path.exists)

    def baseline_file(self, camera: str) -> Path:
        """Where a camera's baseline lies, with this bundle; there is a folder."""
        assert self._folder is not None
        return self._folder / f"{camera}.json"


def reference_file(folder: Path, camera: str) -> Path:
    """Where a camera's reference view lies. What a camera sees is the same for every bundle."""
    return folder / f"{camera}{REFERENCE}.json"


def _keep(
    camera: str, what: str, file: Path | None, write: Callable[[Path], None], taken: Callable[[Path], bool]
) -> None:
    if file is None:
        log.info("%s: %s learned; 'baselines' names no folder to keep it", camera, what)
        return
    try:
        if taken(file):
            log.warning(
                "%s: %s was taken meanwhile and stays: what was learned holds until the next start", camera, file
            )
            return
        write(file)
    except (DgiqaEdgeError, OSError) as error:
        log.error("%s: the %s could not be kept: %s", camera, what, error)
    else:
        log.info("%s: %s learned, kept in %s", camera, what, file)
