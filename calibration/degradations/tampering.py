"""What people do to a camera: a hand before it, paint on it, turned to the wall."""

import cv2
import numpy as np

from .scene import Degraded, Scene, between, clouds, covering, everywhere, rounded, to_levels, to_light


def hand(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """A palm on the lens: dark, reddish, without detail; 75 % to all of the frame, light enters where it ends."""
    height, width = scene.size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0.0, 2.0 * np.pi)
    ramp = (x / width - 0.5) * np.cos(angle) + (y / height - 0.5) * np.sin(angle)
    share = between(strength, 0.75, 1.0)
    mask = np.ones(scene.size, np.float32) if share >= 1.0 else covering(ramp, share, 0.2)
    skin = rng.uniform(0.008, 0.06) * np.array([0.4, 0.55, 1.0], np.float32)
    palm = skin * (0.7 + 0.3 * clouds(scene.size, 1.5, rng)[..., None] + 0.4 * (ramp[..., None] + 0.5))
    open_part = cv2.GaussianBlur(to_light(scene.photo), (0, 0), 0.04 * scene.diagonal)
    cover = mask[..., None]
    return Degraded(to_levels(open_part * (1.0 - cover) + palm * cover), mask)


def spray(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """Paint on the lens: blotches and drops of one colour that hide 40 to 95 % of the frame."""
    blotches = clouds(scene.size, rng.uniform(2.0, 4.0), rng) + 0.25 * clouds(scene.size, 40.0, rng)
    mask = 0.97 * covering(blotches, between(strength, 0.4, 0.95), 0.08)
    paints = ((12.0, 12.0, 12.0), (30.0, 25.0, 170.0), (215.0, 220.0, 225.0), (60.0, 120.0, 30.0), (150.0, 60.0, 25.0))
    paint = to_light(rounded(np.array(paints[int(rng.integers(len(paints)))])).reshape(1, 1, 3))
    light = to_light(scene.photo) * (1.0 - mask[..., None])
    return Degraded(
        to_levels(light + paint * (0.8 + 0.3 * clouds(scene.size, 6.0, rng)[..., None]) * mask[..., None]), mask
    )


def wall(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """Another view altogether: a brick wall, lit from a side; plaster hides its bricks, at 1 all of them."""
    height, width = scene.size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0.0, 2.0 * np.pi)
    lit = 0.6 + 0.8 * (0.5 + (x / width - 0.5) * np.cos(angle) + (y / height - 0.5) * np.sin(angle))
    tall = max(8.0, scene.diagonal / rng.uniform(18.0, 30.0))
    row = np.floor(y / tall)
    column = np.floor(x / (2.5 * tall) + 0.5 * (row % 2))
    tones = rng.uniform(0.6, 1.4, (int(row.max()) + 1, int(column.max()) + 1)).astype(np.float32)
    bricks = tones[row.astype(int), column.astype(int)]
    joint = np.minimum(y % tall, (x + 1.25 * tall * (row % 2)) % (2.5 * tall)) < 0.1 * tall
    relief = cv2.GaussianBlur(np.where(joint, 1.8, bricks).astype(np.float32), (0, 0), max(0.8, 0.02 * tall))
    shade = lit * (1.0 + (1.0 - strength) * (relief - 1.0) + 0.1 * (clouds(scene.size, 60.0, rng) - 0.5))
    green = rng.uniform(0.7, 1.0)
    colour = rng.uniform(0.12, 0.4) * np.array([rng.uniform(0.7, 1.0) * green, green, 1.0], np.float32)
    return everywhere(to_levels(colour * shade[..., None]))
