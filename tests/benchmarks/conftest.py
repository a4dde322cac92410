"""Photos that ship, at a size that is quick to score, and made ones with opinions that follow their brightness."""

import cv2
import numpy as np
import pytest

from dgiqa_edge.calibration.shipped import SHIPPED_PHOTOS


@pytest.fixture(scope="session")
def sharp_photos() -> list[np.ndarray]:
    """Five photos of different scenes, uint8 [320, 448, 3] BGR, shrunk so that they are sharp."""
    names = ("astronaut", "cat", "coffee", "dahlia", "mountain_meadow")
    read = (cv2.imread(str(SHIPPED_PHOTOS / f"{name}.jpg")) for name in names)
    return [cv2.resize(photo, (448, 320), interpolation=cv2.INTER_AREA) for photo in read]


@pytest.fixture
def rated(tmp_path):
    """Twelve photos whose opinion score rises with their brightness, and the table that says so."""
    folder = tmp_path / "photos"
    folder.mkdir()
    lines = ["file,mos,split"]
    for index, level in enumerate(np.linspace(20, 230, 12).astype(int)):
        texture = np.random.default_rng(index).integers(-15, 16, (48, 64, 3))
        cv2.imwrite(str(folder / f"{index}.png"), np.clip(level + texture, 0, 255).astype(np.uint8))
        lines.append(f"{index}.png,{level / 255:.3f},{'test' if index < 10 else 'train'}")
    table = folder / "mos.csv"
    table.write_text("\n".join(lines) + "\n")
    return folder, table
