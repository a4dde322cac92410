"""What lies between the scene and the lens: haze, rain, snow.

Haze follows the atmospheric scattering model (Koschmieder 1924; He et al. 2009): ``I = J t + A (1 - t)``.
"""

import cv2
import numpy as np

from .scene import Degraded, Scene, between, between_powers, everywhere, rounded


def haze(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """Fog in the open: ``t = exp(-beta d)``, distance ``d`` from depth."""
    distance = 0.25 + 1.25 * (1.0 - scene.nearness)
    airlight = rng.uniform(0.75, 0.95) * (1.0 + rng.uniform(-0.03, 0.03, 3))
    return _veiled(scene, np.exp(-(0.3 + 1.9 * strength) * distance), airlight)


def room_haze(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """Haze of a scene where it is next to nothing near the camera and thick far from it.

    ``exp(-3 strength)`` of the light arrives from the farthest point, which is 2 to 10 times as far as the nearest;
    distance follows from inverse depth.
    """
    airlight = rng.uniform(0.65, 1.0) * (1.0 + rng.uniform(-0.03, 0.03, 3))
    farthest = rng.uniform(2.0, 10.0)
    distance = (1.0 / (1.0 / farthest + scene.nearness * (1.0 - 1.0 / farthest)) - 1.0) / (farthest - 1.0)
    return _veiled(scene, np.exp(-3.0 * strength * distance), airlight)


def rain(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """Streaks of drops that fell while the shutter was open, and their veil over what is far."""
    height, width = scene.size
    drops = (rng.uniform(size=(height, width)) < between_powers(strength, 0.002, 0.02)).astype(np.float32)
    length, lean = between(strength, 0.03, 0.09) * height, rng.uniform(-0.3, 0.3)
    reach = int(np.ceil(length / 2))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    streak = np.clip(1.2 - np.abs(x - lean * y), 0.0, 1.0).astype(np.float32)
    fallen = cv2.filter2D(drops, -1, streak) * between(strength, 0.25, 0.5)
    streaks = np.clip(cv2.GaussianBlur(fallen, (0, 0), 0.7), 0.0, 0.8)[..., None]
    veiled = _veiled(scene, np.exp(-0.8 * strength * (1.0 - scene.nearness)), np.full(3, rng.uniform(0.6, 0.8)))
    light = veiled.picture / 255.0
    return everywhere(rounded((light * (1.0 - streaks) + rng.uniform(0.75, 0.95) * streaks) * 255.0))


def snow(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """Flakes near and far, each size smeared by its fall, and their veil over what is far."""
    height, width = scene.size
    angle = rng.uniform(0.25, 0.75) * np.pi
    cover = np.zeros(scene.size, np.float32)
    for size_px in (0.003, 0.006, 0.012):
        radius = max(1.0, size_px * max(scene.size))
        share = between_powers(strength, 0.02, 0.16) / (np.pi * radius**2) / 3.0
        flakes = (rng.uniform(size=(height, width)) < share).astype(np.float32)
        reach = int(np.ceil(2.5 * radius))
        y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
        along, across = x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
        flake = np.exp(-((along / (1.6 * radius)) ** 2) - (across / radius) ** 2).astype(np.float32)
        cover = np.maximum(cover, np.clip(cv2.filter2D(flakes, -1, flake), 0.0, 1.0))
    veiled = _veiled(scene, np.exp(-0.9 * strength * (1.0 - scene.nearness)), np.full(3, 0.85))
    opaque = (rng.uniform(0.75, 0.95) * cover)[..., None]
    return everywhere(rounded(veiled.picture * (1.0 - opaque) + 245.0 * opaque))


def _veiled(scene: Scene, transmission: np.ndarray, airlight: np.ndarray) -> Degraded:
    arrived = transmission[..., None].astype(np.float32)
    levels = scene.photo.astype(np.float32) / 255.0
    picture = rounded((levels * arrived + airlight.astype(np.float32) * (1.0 - arrived)) * 255.0)
    return Degraded(picture, (1.0 - arrived[..., 0]).astype(np.float32))
