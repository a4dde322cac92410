"""What the sensor and its processing do: noise through a camera's pipeline, exposure, bands, colour.

The pipeline back to raw values and forward again follows Brooks et al., "Unprocessing Images for Learned Raw
Denoising" (2019): colour correction and white balance undone, Bayer mosaic, shot and read noise whose variances go
together as they found it on cameras (``ln read = 2.18 ln shot + 1.20``), demosaicing, denoising, sharpening, JPEG.
"""

import cv2
import numpy as np

from .scene import Degraded, Scene, between, between_powers, everywhere, rounded, to_levels, to_light

WHITE = 4095
"""Raw values have 12 bits."""
BLACK = 256
"""Pedestal below which noise may reach before it is cut."""


def noise(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """A sensor at high gain: shot noise 4e-4 to 0.03 of the white level, through the camera's pipeline."""
    shot = between_powers(strength, 4e-4, 0.03)
    return everywhere(_developed(to_light(scene.photo), shot, rng, scene.grain))


def low_light(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """One to seven stops too little light, with the sensor's noise, partly pulled up by gain."""
    light = to_light(scene.photo) * np.float32(2.0 ** -between(strength, 1.0, 7.0))
    gain = 2.0 ** rng.uniform(0.0, 1.5)
    return everywhere(_developed(light, between_powers(strength, 2e-4, 2e-3), rng, scene.grain, gain))


def night(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """A working camera at night: two to five stops less light; its gain takes all but half to one and a half back.

    What is left to see is the noise of that gain, as far as the camera's denoising leaves it.
    """
    stops = between(strength, 2.0, 5.0)
    light = to_light(scene.photo) * np.float32(2.0**-stops)
    return everywhere(_developed(light, 1e-4, rng, scene.grain, 2.0 ** (stops - between(strength, 0.5, 1.5))))


def under_exposure(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """A shutter too short: one to nine stops less light, next to no noise; at the end the frame is black."""
    light = to_light(scene.photo) * np.float32(2.0 ** -between(strength, 1.0, 9.0))
    return everywhere(to_levels(_with_noise(light, 1e-5, scene.grain or rng)))


def over_exposure(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """One to six stops too much light; highlights are lost, at the end nearly everything."""
    picture = to_levels(to_light(scene.photo) * np.float32(2.0 ** between(strength, 1.0, 6.0)))
    return Degraded(picture, (picture.min(axis=2) >= 250).astype(np.float32))


def flicker(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """A rolling shutter under lamps on mains: bands of light and dark across the frame."""
    height = scene.size[0]
    rows = np.arange(height, dtype=np.float32) / height
    wave = np.sin(2.0 * np.pi * (rng.uniform(1.5, 6.0) * rows + rng.uniform()))
    factor = 1.0 + between(strength, 0.12, 0.85) * np.sign(wave) * np.abs(wave) ** rng.uniform(0.4, 1.0)
    return everywhere(to_levels(to_light(scene.photo) * factor[:, None, None].astype(np.float32)))


def colour_bands(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """Too few bits per channel: five and a half down to two, without dither."""
    steps = 2.0 ** between(strength, 5.5, 2.0) - 1.0
    return everywhere(rounded(np.rint(scene.photo / 255.0 * steps) / steps * 255.0))


def infrared(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """Night mode: no colour, an illuminator's bright spot that falls off to the corners, and noise."""
    height, width = scene.size
    grey = to_light(scene.photo) @ rng.dirichlet((4.0, 4.0, 4.0)).astype(np.float32)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    away = np.hypot(x - width * rng.uniform(0.35, 0.65), y - height * rng.uniform(0.35, 0.65)) / scene.diagonal
    lit = grey * np.exp(-((away / between(strength, 0.7, 0.22)) ** 2)) * between(strength, 1.2, 2.5)
    noisy = _with_noise(lit, between_powers(strength, 3e-4, 8e-3), scene.grain or rng)
    return everywhere(np.repeat(to_levels(noisy)[..., None], 3, axis=2))


def colour_cast(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """A wrong white balance: one channel too strong, another too weak, by a quarter up to two and a half stops."""
    up, down = rng.permutation(3)[:2]
    stops = np.zeros(3, np.float32)
    stops[up], stops[down] = between(strength, 0.25, 1.25), -between(strength, 0.25, 1.25)
    return everywhere(to_levels(to_light(scene.photo) * 2.0**stops))


def over_sharpened(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """Unsharp masking 1 to 7 times as strong as the detail it finds: halos and grain."""
    return everywhere(_sharpened(scene.photo, between_powers(strength, 1.0, 7.0), rng.uniform(0.8, 2.0)))


def blank(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A frame of a dead camera: black, grey, white, one colour, or nothing but noise; uint8 [H, W, 3]."""
    kind = int(rng.integers(6))
    if kind == 0:
        return rounded(rng.normal(128.0, rng.uniform(15.0, 70.0), (*size, 3)))
    if kind == 1:
        return rounded(np.repeat(rng.normal(rng.uniform(20.0, 230.0), rng.uniform(10.0, 70.0), (*size, 1)), 3, axis=2))
    level = {2: rng.uniform(0.0, 25.0), 3: rng.uniform(235.0, 255.0)}.get(kind, rng.uniform(0.0, 255.0))
    colour = np.full(3, level) if kind < 5 else rng.uniform(0.0, 255.0, 3)
    return rounded(colour + rng.normal(0.0, rng.choice([0.0, 0.7, 3.0]), (*size, 3)))


def dead_frames(size: tuple[int, int]) -> dict[str, np.ndarray]:
    """What a camera without a picture sends, by name: uint8 [H, W, 3], the same on every call."""
    levels = {"black": 0, "grey": 128, "white": 255}
    frames = {name: np.full((*size, 3), level, np.uint8) for name, level in levels.items()}
    return {**frames, "noise": rounded(np.random.default_rng(0).normal(128.0, 40.0, (*size, 3)))}


def _developed(
    light: np.ndarray,
    shot: float,
    rng: np.random.Generator,
    grain: np.random.Generator | None,
    gain: float = 1.0,
) -> np.ndarray:
    """Linear light [H, W, 3] as the JPEG of a camera whose raw values have that shot noise, times ``gain``."""
    saturation = rng.uniform(0.15, 0.5)
    correction = ((1.0 + saturation) * np.eye(3) - saturation / 3.0).astype(np.float32)
    balance = np.array([rng.uniform(1.4, 2.2), 1.0, rng.uniform(1.5, 2.4)], np.float32)  # blue, green, red
    camera = np.clip(light @ np.linalg.inv(correction).T.astype(np.float32), 0.0, None) / balance
    raw = _with_noise(_mosaic(camera), shot, grain or rng)
    values = np.clip(np.rint(raw * (WHITE - BLACK) + BLACK), 0, WHITE).astype(np.uint16)
    colours = cv2.cvtColor(values, int(rng.choice([cv2.COLOR_BayerRG2BGR, cv2.COLOR_BayerRG2BGR_EA])))
    colours = (colours.astype(np.float32) - BLACK) / (WHITE - BLACK)
    picture = to_levels(gain * (colours * balance) @ correction.T)
    picture = _denoised(picture, rng)
    if rng.uniform() < 0.7:
        picture = _sharpened(picture, rng.uniform(0.2, 1.0), rng.uniform(0.7, 1.3))
    _, code = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(75, 97))])
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR))


def _mosaic(camera: np.ndarray) -> np.ndarray:
    """One colour per pixel, [H, W], in the order that OpenCV calls BayerRG."""
    raw = camera[..., 1].copy()
    raw[0::2, 0::2] = camera[0::2, 0::2, 0]
    raw[1::2, 1::2] = camera[1::2, 1::2, 2]
    return raw


def _with_noise(light: np.ndarray, shot: float, rng: np.random.Generator) -> np.ndarray:
    read = np.exp(2.18 * np.log(shot) + 1.2)
    deviation = np.sqrt(shot * np.clip(light, 0.0, None) + np.float32(read), dtype=np.float32)
    return light + deviation * rng.standard_normal(light.shape, dtype=np.float32)


def _denoised(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What cameras do: colour smoothed more than brightness, brightness by an edge-keeping filter, or nothing."""
    chroma, luma = rng.choice([0.0, 1.5, 3.0]), rng.choice([0.0, 0.0, 12.0, 30.0])
    if not chroma and not luma:
        return picture
    planes = cv2.split(cv2.cvtColor(picture, cv2.COLOR_BGR2YCrCb))
    if chroma:
        planes = (planes[0], *(cv2.GaussianBlur(plane, (0, 0), chroma) for plane in planes[1:]))
    if luma:
        planes = (cv2.bilateralFilter(planes[0], 5, luma, 2.0), *planes[1:])
    return np.asarray(cv2.cvtColor(cv2.merge(planes), cv2.COLOR_YCrCb2BGR))


def _sharpened(picture: np.ndarray, amount: float, radius: float) -> np.ndarray:
    soft = cv2.GaussianBlur(picture, (0, 0), radius)
    return np.asarray(cv2.addWeighted(picture, 1.0 + amount, soft, -amount, 0.0))
