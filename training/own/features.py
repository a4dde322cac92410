"""What a base network finds in photos: what its last layers read, taken from the frame graph itself by hooks.

Photos take the frame's size as a build's photos do and go through the PyTorch frame graph that is exported, so there is
no second preprocessing. Each photo is kept under the hash of its content, so that a run that was stopped, or that
comes back with other opinions, computes only what is new.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dgiqa_edge.export.stages.provenance import SHAPED_BY, code_sha256, package_versions
from dgiqa_edge.runtime.errors import ConfigurationError, SourceError
from dgiqa_edge.runtime.frames.fit import fit_frame
from dgiqa_edge.runtime.frames.images import read_image
from dgiqa_edge.runtime.ground.atomic import atomic_file
from dgiqa_edge.runtime.hashing import Json, sha256_json

from .opinions import Opinions
from .readout import Layer, Readings, joined
from .seen import fingerprint

if TYPE_CHECKING:
    from torch import nn

    from dgiqa_edge.export.build.recipes import Recipe
    from dgiqa_edge.export.options.build_options import BuildOptions

LAST_LAYERS = ("whole_score.out", "crop_score.out")
"""Ends of the layers' names, in the order of the view scores."""


@dataclass(frozen=True)
class Found:
    """Readings of some photos and their fingerprints, uint8 [photos, 8]; ``kept``: which of those asked for."""

    readings: Readings
    fingerprints: np.ndarray
    kept: np.ndarray
    unread: tuple[str, ...]


def last_layers(module: "nn.Module") -> "dict[str, nn.Linear]":
    """The last layers of a network by name, whole view first.

    Raises:
        ConfigurationError: it has none that are called so.
    """
    found = {}
    for end in LAST_LAYERS:
        named = [(name, part) for name, part in module.named_modules() if name.endswith(end)]
        if len(named) != 1:
            raise ConfigurationError(f"this network has {len(named)} layers called {end}, not one: take nano or edge")
        found[named[0][0]] = named[0][1]
    return found  # type: ignore[return-value]


def found_in(
    opinions: Opinions, options: "BuildOptions", recipe: "Recipe", store: Path, tick: Callable[[], None] = lambda: None
) -> Found:
    """Readings of the photos; what cannot be read is left out and named.

    Args:
        store: folder that keeps them.

    Raises:
        CheckpointError: weights are damaged or belong to another network.
        SourceError: no photo can be read.
    """
    key: dict[str, Json] = {
        "recipe": recipe.identity(),
        "fit": options.fit,
        "code": code_sha256(*SHAPED_BY["parity"]),
        "packages": package_versions("torch"),
    }
    folder = store / sha256_json(key)[:16]
    reader: _Reader | None = None
    parts, fingerprints, kept, unread = [], [], [], []
    for photo, name in zip(opinions.photos, opinions.keys, strict=True):
        file = folder / f"{name}.npz"
        if not file.is_file():
            reader = reader or _Reader(recipe.module(), options)
            try:
                picture = read_image(photo)
            except SourceError as error:
                unread.append(str(error))
                kept.append(False)
                continue
            with atomic_file(file) as partial, partial.open("wb") as stream:
                np.savez(stream, fingerprint=fingerprint(picture), **reader.read(picture))
        with np.load(file) as stored:
            parts.append(_readings(stored))
            fingerprints.append(stored["fingerprint"])
        kept.append(True)
        tick()
    if not parts:
        raise SourceError(f"no photo can be read; the first: {unread[0]}")
    return Found(joined(parts), np.stack(fingerprints), np.array(kept), tuple(unread))


class _Reader:
    """The frame graph with ears on its last layers."""

    def __init__(self, module: "nn.Module", options: "BuildOptions") -> None:
        import torch

        torch.set_num_threads(options.threads)
        self.module, self.options = module, options
        self.layers = last_layers(module)

    def read(self, picture: np.ndarray) -> dict[str, Any]:
        """Arrays of one picture, uint8 [H, W, 3] BGR: inputs and logits of each layer, and the view scores."""
        import torch

        height, width = self.options.frame
        frame = np.ascontiguousarray(fit_frame(picture, height, width, self.options.fit))[np.newaxis]
        with _listening(list(self.layers.values())) as heard, torch.no_grad():
            _, view_scores, *_ = self.module(torch.from_numpy(frame))
        arrays: dict[str, Any] = {"view_scores": view_scores.double().numpy()}
        for number, (inputs, logits) in enumerate(heard):
            arrays[f"inputs_{number}"] = inputs.reshape(1, -1, inputs.shape[-1]).numpy()
            arrays[f"logits_{number}"] = logits.reshape(1, -1).numpy()
        return arrays


@contextmanager
def _listening(layers: "Sequence[nn.Module]") -> Iterator[list[Any]]:
    """What each layer reads and says while the block runs, in their order."""
    heard: list[Any] = [None] * len(layers)

    def note(number: int) -> Callable[..., None]:
        def hook(layer: "nn.Module", inputs: Any, output: Any) -> None:
            heard[number] = inputs[0].detach().clone(), output.detach().clone()

        return hook

    hooks = [layer.register_forward_hook(note(number)) for number, layer in enumerate(layers)]
    try:
        yield heard
    finally:
        for hook in hooks:
            hook.remove()


def _readings(stored: Any) -> Readings:
    layers = tuple(
        Layer(name, stored[f"inputs_{number}"].astype(np.float64), stored[f"logits_{number}"].astype(np.float64))
        for number, name in enumerate(LAST_LAYERS)
    )
    scores = np.clip(stored["view_scores"], 1e-12, 1.0 - 1e-12)
    said = np.concatenate([layer.logits for layer in layers], axis=1)
    return Readings(layers, np.log(scores / (1.0 - scores)) - said)
