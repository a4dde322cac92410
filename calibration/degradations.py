"""Synthetic degradations of a frame, seeded and graded, for ranking: a degraded frame is worse than its clean one.

Physics where it is cheap: blur, exposure and sensor noise act on linear light, haze follows the atmospheric scattering
model (Koschmieder 1924; He et al. 2009) with transmission from relative depth. Pure functions of numpy arrays.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np

from dgiqa_edge.runtime.errors import ConfigurationError

GAMMA = 2.2
Degrade = Callable[[np.ndarray, float, np.random.Generator, np.ndarray], np.ndarray]


def degrade(photo: np.ndarray, kind: str, strength: float, seed: int, depth: np.ndarray | None = None) -> np.ndarray:
    """A degraded copy of a photo; the same arguments give the same pixels.

    Args:
        photo: uint8 [H, W, 3], BGR.
        kind: a key of :data:`KINDS`.
        strength: in (0, 1]; 0.2 is plain to see, 1 is severe.
        depth: relative inverse depth [h, w] of any scale and size, larger is nearer; haze needs it, and falls back to
            a ground plane (far at the top) without it.

    Raises:
        ConfigurationError: an unknown kind, or a strength outside (0, 1].
    """
    if kind not in KINDS:
        raise ConfigurationError(f"unknown degradation {kind!r}: choose one of {', '.join(KINDS)}")
    if not 0.0 < strength <= 1.0:
        raise ConfigurationError(f"degradation strength {strength}: give a number above 0 and up to 1")
    nearness = _nearness(depth, photo.shape[:2])
    return KINDS[kind](photo, strength, np.random.default_rng(seed), nearness)


def dimmed(photo: np.ndarray, stops: float) -> np.ndarray:
    """The photo, uint8 [H, W, 3], with that many stops less light and no other change: not ranked as worse."""
    return _to_levels(_to_light(photo) * 2.0**-stops)


def contrasted(photo: np.ndarray, harshness: float) -> np.ndarray:
    """The photo, uint8 [H, W, 3], with shadows crushed, highlights blown, 0 (not at all) to 1: not ranked as worse."""
    black, white = 0.2 * harshness, 1.0 - 0.4 * harshness
    return _rounded((photo.astype(np.float32) / 255.0 - black) / (white - black) * 255.0)


def room_haze(
    photo: np.ndarray, strength: float, seed: int, depth: np.ndarray | None = None, farthest: float = 6.0
) -> np.ndarray:
    """Haze as :func:`haze` has it, of a scene where it is next to nothing near the camera and thick far from it.

    Args:
        strength: in (0, 1]; ``exp(-3 strength)`` of the light arrives from the farthest point.
        farthest: how many times as far as the nearest point the farthest is; distance follows from inverse depth.
    """
    rng = np.random.default_rng(seed)
    nearness = _nearness(depth, photo.shape[:2])[..., None]
    distance = (1.0 / (1.0 / farthest + nearness * (1.0 - 1.0 / farthest)) - 1.0) / (farthest - 1.0)
    transmission = np.exp(-3.0 * strength * distance)
    airlight = rng.uniform(0.65, 1.0) * (1.0 + rng.uniform(-0.03, 0.03, 3))
    levels = photo.astype(np.float32) / 255.0
    return _rounded((levels * transmission + airlight * (1.0 - transmission)) * 255.0)


def defocus(photo: np.ndarray, strength: float, rng: np.random.Generator, nearness: np.ndarray) -> np.ndarray:
    """A disc of confusion, radius up to 1.6% of the long side."""
    radius = max(1.0, (0.003 + 0.013 * strength) * max(photo.shape[:2]))
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0.0, 1.0)
    return _through_kernel(photo, disc)


def motion_blur(photo: np.ndarray, strength: float, rng: np.random.Generator, nearness: np.ndarray) -> np.ndarray:
    """A straight camera movement of random direction, length up to 6% of the long side."""
    length = max(4.0, (0.012 + 0.048 * strength) * max(photo.shape[:2]))
    angle = rng.uniform(0.0, np.pi)
    reach = int(np.ceil(length / 2)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    along = np.abs(x * np.cos(angle) + y * np.sin(angle))
    across = np.abs(-x * np.sin(angle) + y * np.cos(angle))
    line = np.clip(length / 2 + 0.5 - along, 0.0, 1.0) * np.clip(1.0 - across, 0.0, 1.0)
    return _through_kernel(photo, line)


def noise(photo: np.ndarray, strength: float, rng: np.random.Generator, nearness: np.ndarray) -> np.ndarray:
    """Shot and read noise of a sensor at high gain, on linear light."""
    return _to_levels(_sensor_noise(_to_light(photo), 0.002 + 0.018 * strength, 0.01 + 0.04 * strength, rng))


def jpeg(photo: np.ndarray, strength: float, rng: np.random.Generator, nearness: np.ndarray) -> np.ndarray:
    """Strong JPEG compression: quality 28 down to 4."""
    quality = round(28 - 24 * strength)
    _, code = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, max(4, quality)])
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR))


def low_light(photo: np.ndarray, strength: float, rng: np.random.Generator, nearness: np.ndarray) -> np.ndarray:
    """Two to five stops too little light, with the sensor's noise, partly pulled up by gain."""
    light = _to_light(photo) * 2.0 ** -(2.0 + 3.0 * strength)
    noisy = _sensor_noise(light, 0.0008 + 0.002 * strength, 0.001 + 0.003 * strength, rng)
    return _to_levels(noisy * 2.0 ** rng.uniform(0.0, 1.0))


def haze(photo: np.ndarray, strength: float, rng: np.random.Generator, nearness: np.ndarray) -> np.ndarray:
    """Atmospheric scattering: ``I = J t + A (1 - t)`` with ``t = exp(-beta d)``, distance ``d`` from depth."""
    distance = 0.25 + 1.25 * (1.0 - nearness[..., None])
    transmission = np.exp(-(0.5 + 1.7 * strength) * distance)
    airlight = rng.uniform(0.75, 0.95) * (1.0 + rng.uniform(-0.03, 0.03, 3))
    levels = photo.astype(np.float32) / 255.0
    return _rounded((levels * transmission + airlight * (1.0 - transmission)) * 255.0)


def flare(photo: np.ndarray, strength: float, rng: np.random.Generator, nearness: np.ndarray) -> np.ndarray:
    """A bright source: glow, streaks, ghosts towards the opposite side, and veiling glare over all."""
    height, width = photo.shape[:2]
    diagonal = float(np.hypot(height, width))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    centre_x, centre_y = width * rng.uniform(0.1, 0.9), height * rng.uniform(0.05, 0.7)
    colour = np.array([rng.uniform(0.6, 1.0), rng.uniform(0.75, 1.0), 1.0], np.float32)
    radius = np.hypot(x - centre_x, y - centre_y) / diagonal
    glow = 1.5 * np.exp(-((radius / (0.05 + 0.06 * strength)) ** 2)) + 0.9 * np.exp(-radius / (0.08 + 0.14 * strength))
    for angle in rng.uniform(0.0, np.pi, rng.integers(2, 5)):
        across = np.abs((x - centre_x) * np.sin(angle) - (y - centre_y) * np.cos(angle)) / diagonal
        glow += 0.6 * np.exp(-across / 0.004) * np.exp(-radius / 0.25)
    light = _to_light(photo) * (1.0 - 0.3 * strength)
    light += (0.25 + 0.75 * strength) * glow[..., None] * colour + (0.05 + 0.2 * strength) * colour
    for _ in range(int(rng.integers(2, 6))):
        offset = rng.uniform(0.5, 1.8)
        ghost_x, ghost_y = centre_x + offset * (width - 2 * centre_x) * 0.7, centre_y + offset * (height / 2 - centre_y)
        ghost = np.hypot(x - ghost_x, y - ghost_y) / diagonal < rng.uniform(0.01, 0.05)
        tint = rng.uniform(0.2, 1.0, 3).astype(np.float32) * 0.2 * (0.5 + strength)
        light += cv2.GaussianBlur(ghost.astype(np.float32), (0, 0), 2.0)[..., None] * tint
    return _to_levels(light)


def over_exposure(photo: np.ndarray, strength: float, rng: np.random.Generator, nearness: np.ndarray) -> np.ndarray:
    """One and a half to four stops too much light; highlights are lost."""
    return _to_levels(_to_light(photo) * 2.0 ** (1.5 + 2.5 * strength))


KINDS: Mapping[str, Degrade] = MappingProxyType(
    {
        "defocus": defocus,
        "motion_blur": motion_blur,
        "noise": noise,
        "jpeg": jpeg,
        "low_light": low_light,
        "haze": haze,
        "flare": flare,
        "over_exposure": over_exposure,
    }
)


def _nearness(depth: np.ndarray | None, size: tuple[int, int]) -> np.ndarray:
    """Inverse depth stretched to 0 (farthest) .. 1 (nearest), float32 [H, W]."""
    height, width = size
    if depth is None:
        return np.repeat(np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None], width, axis=1)
    values = depth.astype(np.float32)
    spread = float(values.max() - values.min())
    stretched = (values - values.min()) / max(spread, 1e-6)
    return cv2.resize(stretched, (width, height), interpolation=cv2.INTER_LINEAR)


def _to_light(photo: np.ndarray) -> np.ndarray:
    return (photo.astype(np.float32) / 255.0) ** GAMMA


def _to_levels(light: np.ndarray) -> np.ndarray:
    return _rounded(np.clip(light, 0.0, 1.0) ** (1.0 / GAMMA) * 255.0)


def _rounded(levels: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def _through_kernel(photo: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    kernel = (kernel / kernel.sum()).astype(np.float32)
    return _to_levels(cv2.filter2D(_to_light(photo), -1, kernel, borderType=cv2.BORDER_REFLECT_101))


def _sensor_noise(light: np.ndarray, shot: float, read: float, rng: np.random.Generator) -> np.ndarray:
    deviation = np.sqrt(shot * np.clip(light, 0.0, None) + read**2, dtype=np.float32)
    return light + deviation * rng.standard_normal(light.shape, dtype=np.float32)
