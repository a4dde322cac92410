"""The PyTorch peer scores as the module it was rebuilt from; a bundle whose command is not understood is refused."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dgiqa_edge.export.build.torch_peer import eager
from dgiqa_edge.runtime.errors import ExportError


def bundle_built_by(*argv: str) -> Any:
    """What the peer reads of a bundle."""
    build = SimpleNamespace(argv=("python", "export/build_engine.py", *argv))
    return SimpleNamespace(
        manifest=SimpleNamespace(build=build, device_build=None, frame=SimpleNamespace(height=240, width=320))
    )


def test_the_network_that_ships_scores_a_photo(tmp_path: Path) -> None:
    score = eager(bundle_built_by("--int8", "--preset", "nano", "--frame", "320x240", "--out", str(tmp_path / "b")), 1)
    frame = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    first = score(frame)
    assert 0.0 <= first <= 1.0
    assert score(frame) == first


def test_a_command_of_another_time_is_refused() -> None:
    with pytest.raises(ExportError, match="not understood by this version"):
        eager(bundle_built_by("--precision-of-tomorrow", "int2"), None)
