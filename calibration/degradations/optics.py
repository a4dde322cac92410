"""What goes wrong before the sensor: focus, movement, stray light."""

import cv2
import numpy as np

from .scene import Degraded, Scene, between, between_powers, disc, everywhere, through_kernel, to_levels, to_light

LAYERS = 4
"""Distances at which blur by depth is computed; between them two layers are mixed."""


def defocus(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """A lens focused short of or beyond the scene: the disc of confusion grows with the distance in dioptres.

    Its radius is 0.3 to 1.6 % of the long side; with depth, the part that lies nearest to the focus has half of that.
    """
    most = max(1.0, between(strength, 0.003, 0.016) * max(scene.size))
    away = scene.nearness if rng.integers(2) else 1.0 - scene.nearness  # focused behind everything, or before it
    least = 0.5 * most if float(scene.nearness.std()) > 0.02 else most
    light = to_light(scene.photo)
    spread, total = np.zeros_like(light), np.zeros(scene.size, np.float32)
    for place in np.linspace(0.0, 1.0, LAYERS):
        weight = np.clip(1.0 - np.abs(away - place) * (LAYERS - 1), 0.0, 1.0).astype(np.float32)
        if weight.any():
            radius = max(1.0, least + (most - least) * place)
            weight = cv2.GaussianBlur(weight, (0, 0), radius)
            spread += weight[..., None] * through_kernel(light, disc(radius))
            total += weight
    return everywhere(to_levels(spread / np.maximum(total, 1e-6)[..., None]))


def motion_blur(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """A hand or a mount that moves while the shutter is open: a smooth random path of 1.2 to 6 % of the long side."""
    length = max(4.0, between(strength, 0.012, 0.06) * max(scene.size))
    steps = 64
    turning = np.cumsum(rng.standard_normal(steps)) * rng.uniform(0.0, 0.12)
    angle = rng.uniform(0.0, 2.0 * np.pi) + turning
    speed = np.clip(1.0 + 0.4 * np.cumsum(rng.standard_normal(steps)) / np.sqrt(steps), 0.2, None)
    x, y = np.cumsum(speed * np.cos(angle)), np.cumsum(speed * np.sin(angle))
    reached = np.hypot(x - x[0], y - y[0]).max()
    x, y = (x - x.mean()) * length / reached, (y - y.mean()) * length / reached
    reach = int(np.ceil(max(np.abs(x).max(), np.abs(y).max()))) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    fine = np.linspace(0, steps - 1, 16 * reach + steps)
    column, row = np.interp(fine, range(steps), x) + reach, np.interp(fine, range(steps), y) + reach
    left, top = np.floor(column).astype(int), np.floor(row).astype(int)
    for down, across in ((0, 0), (0, 1), (1, 0), (1, 1)):
        share = np.abs(1 - across - (column - left)) * np.abs(1 - down - (row - top))
        np.add.at(kernel, (top + down, left + across), share)
    return everywhere(to_levels(through_kernel(to_light(scene.photo), kernel)))


def upscaled(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """A small picture enlarged, as cameras and players do: detail beyond 1 / 1.6 to 1 / 6 of the grid is gone."""
    height, width = scene.size
    factor = between_powers(strength, 1.6, 6.0)
    small = (max(8, round(width / factor)), max(8, round(height / factor)))
    method = int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4]))
    few = cv2.resize(scene.photo, small, interpolation=cv2.INTER_AREA)
    return everywhere(np.asarray(cv2.resize(few, (width, height), interpolation=method)))


def flare(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """A bright source: glow, streaks, ghosts towards the opposite side, and veiling glare over all."""
    height, width = scene.size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    centre_x, centre_y = width * rng.uniform(0.1, 0.9), height * rng.uniform(0.05, 0.7)
    colour = np.array([rng.uniform(0.6, 1.0), rng.uniform(0.75, 1.0), 1.0], np.float32)
    radius = np.hypot(x - centre_x, y - centre_y) / scene.diagonal
    glow = 1.5 * np.exp(-((radius / (0.05 + 0.06 * strength)) ** 2)) + 0.9 * np.exp(-radius / (0.08 + 0.14 * strength))
    for angle in rng.uniform(0.0, np.pi, rng.integers(2, 5)):
        across = np.abs((x - centre_x) * np.sin(angle) - (y - centre_y) * np.cos(angle)) / scene.diagonal
        glow += 0.6 * np.exp(-across / 0.004) * np.exp(-radius / 0.25)
    before = to_light(scene.photo)
    light = before * (1.0 - 0.3 * strength)
    light += (0.25 + 0.75 * strength) * glow[..., None] * colour + (0.05 + 0.2 * strength) * colour
    for _ in range(int(rng.integers(2, 6))):
        offset = rng.uniform(0.5, 1.8)
        ghost_x, ghost_y = centre_x + offset * (width - 2 * centre_x) * 0.7, centre_y + offset * (height / 2 - centre_y)
        ghost = np.hypot(x - ghost_x, y - ghost_y) / scene.diagonal < rng.uniform(0.01, 0.05)
        tint = rng.uniform(0.2, 1.0, 3).astype(np.float32) * 0.2 * (0.5 + strength)
        light += cv2.GaussianBlur(ghost.astype(np.float32), (0, 0), 2.0)[..., None] * tint
    added = (light - before).max(axis=2)
    return Degraded(to_levels(light), np.clip(added / 0.5, 0.0, 1.0).astype(np.float32))
