"""What sits on the lens: dirt, mud, drops, a film of water or grease, something in the way.

A lens is far out of focus, so whatever lies on it has soft edges; each effect says where it is.
"""

import cv2
import numpy as np

from .scene import (
    Degraded,
    Scene,
    between,
    clouds,
    covering,
    disc,
    rounded,
    through_kernel,
    to_levels,
    to_light,
)


def dirt(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """Dust and splashes: many small soft spots, darker and browner than the scene."""
    relief = clouds(scene.size, rng.uniform(7.0, 16.0), rng)
    mask = covering(relief, between(strength, 0.06, 0.5), rng.uniform(0.05, 0.15))
    return _stained(scene, mask * rng.uniform(0.6, 0.95), rng)


def mud(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """Thick, opaque patches."""
    relief = clouds(scene.size, rng.uniform(2.0, 5.0), rng)
    return _stained(scene, covering(relief, between(strength, 0.1, 0.75), rng.uniform(0.02, 0.08)), rng)


def occluded(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """A finger, a cloth or a leaf that comes in from a side and hides 10 to 90 % of the frame."""
    height, width = scene.size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0.0, 2.0 * np.pi)
    ramp = (x / width - 0.5) * np.cos(angle) + (y / height - 0.5) * np.sin(angle)
    mask = covering(ramp + 0.25 * clouds(scene.size, 1.5, rng), between(strength, 0.1, 0.9), rng.uniform(0.02, 0.1))
    colour = to_light(rounded(rng.uniform(5.0, 190.0) * np.array([0.75, 0.88, 1.0])).reshape(1, 1, 3))
    folds = 0.7 + 0.6 * clouds(scene.size, 3.0, rng)[..., None]
    light = to_light(scene.photo) * (1.0 - mask[..., None]) + colour * folds * mask[..., None]
    return Degraded(to_levels(light), mask)


def drops(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """Water drops: each a small lens that shows the scene upside down and out of focus."""
    height, width = scene.size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    column, row, mask = x.copy(), y.copy(), np.zeros(scene.size, np.float32)
    covered, wanted = 0.0, between(strength, 0.06, 0.55)
    while covered < wanted:
        radius = rng.uniform(0.02, 0.08) * max(scene.size)
        centre_x, centre_y, tall = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.9, 1.4)
        away = np.hypot(x - centre_x, (y - centre_y) / tall) / radius
        inside = away < 1.0
        reach = rng.uniform(2.0, 5.0) * (0.4 + 0.6 * away[inside])
        column[inside] = np.clip(centre_x - (x[inside] - centre_x) * reach, 0, width - 1)
        row[inside] = np.clip(centre_y - (y[inside] - centre_y) * reach, 0, height - 1)
        mask = np.maximum(mask, np.clip((1.0 - away) * 6.0, 0.0, 1.0))
        covered = float((mask > 0.5).mean())
    seen = cv2.remap(to_light(scene.photo), column, row, cv2.INTER_LINEAR)
    seen = through_kernel(seen, disc(max(1.5, 0.006 * max(scene.size)))) * rng.uniform(0.75, 1.1)
    light = to_light(scene.photo) * (1.0 - mask[..., None]) + seen * mask[..., None]
    return Degraded(to_levels(light), mask)


def film(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """A film of water or grease: soft focus and a veil where it lies."""
    relief = clouds(scene.size, rng.uniform(1.5, 4.0), rng)
    mask = covering(relief, between(strength, 0.3, 1.0), rng.uniform(0.2, 0.5))
    light = to_light(scene.photo)
    radius = max(1.5, between(strength, 0.004, 0.018) * max(scene.size))
    glow = cv2.GaussianBlur(light, (0, 0), 6.0 * radius)
    soft = 0.65 * through_kernel(light, disc(radius)) + 0.35 * glow + between(strength, 0.01, 0.08)
    return Degraded(to_levels(light * (1.0 - mask[..., None]) + soft * mask[..., None]), mask)


def _stained(scene: Scene, opacity: np.ndarray, rng: np.random.Generator) -> Degraded:
    brown = rounded(rng.uniform(15.0, 110.0) * np.array([rng.uniform(0.5, 0.9), rng.uniform(0.7, 0.95), 1.0]))
    light = to_light(scene.photo)
    stain = to_light(brown.reshape(1, 1, 3)) * (0.8 + 0.4 * clouds(scene.size, 12.0, rng)[..., None])
    mixed = light * (1.0 - opacity[..., None]) + stain * opacity[..., None]
    return Degraded(to_levels(mixed), opacity.astype(np.float32))
