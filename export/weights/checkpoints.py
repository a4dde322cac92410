"""Fits state dicts to networks: which network is this, does it fit strictly, store it as safetensors.

Keys and shapes are compared with every known network's, so that a wrong file is answered with what it looks like.
Depth Anything V1 and V2 of one size have the same keys and shapes: only a file's name or its metadata can tell them
apart, and where those speak they are believed.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dgiqa_edge.runtime.errors import CheckpointError, ConfigurationError, MachineError
from dgiqa_edge.runtime.ground.atomic import atomic_file
from dgiqa_edge.runtime.hashing import sha256_file
from dgiqa_edge.runtime.version import VERSION

from .. import networks
from .checkpoint_files import AS_IT_COMES, CheckpointFile, metadata_of, read_checkpoint
from .weight_numbers import numbers_problem
from .weight_sets import StateDict, Wish

if TYPE_CHECKING:
    from torch import nn

FAMILY_NAMES = (
    ("depth_anything_v2", re.compile(r"depth[-_]?anything[-_]?v2")),
    ("depth_anything_v1", re.compile(r"depth[-_]?anything([-_]?v1|[-_]vit[sbl]14)")),
    ("dgiqa", re.compile(r"dgiqa")),
)
"""How file names tell the networks of one family."""

FOREIGN_LAYOUTS = (
    ("neck.reassemble_stage", "the transformers ('-hf') layout of Depth Anything: take the original .pth instead"),
    ("patch_embed.proj.weight", "a vision transformer alone, without the head this network needs"),
    ("depth_head.scratch.output_conv2", "another variant of Depth Anything"),
)
"""A key prefix of a layout that is recognised but not supported, and what to say of it."""

_NETWORK_ENTRY = "network"
_HALF_LIMIT = 65504.0


@dataclass(frozen=True)
class Match:
    """How well a state dict fits one network.

    Attributes:
        matching: keys with the network's name and shape.
        expected: keys the network has.
        given: keys the state dict has.
    """

    name: str
    matching: int
    expected: int
    given: int

    @property
    def complete(self) -> bool:
        return self.matching == self.expected == self.given


def read_for(path: Path, network: str | None = None, wish: Wish = AS_IT_COMES) -> CheckpointFile:
    """Read a weights file for ``network``, or for any known one; of several sets of weights the one that fits.

    Raises:
        CheckpointError: see :func:`read_checkpoint`.
        ConfigurationError: no network has that name.
    """

    def fits(state: StateDict) -> bool:
        shapes = {key: tuple(tensor.shape) for key, tensor in state.items()}
        return any(shapes == networks.signature(name) for name in ([network] if network else networks.names()))

    return read_checkpoint(path, wish, fits)


def identify(state: StateDict) -> list[Match]:
    """Known networks that share keys with ``state``, best fit first. Networks with equal keys stand side by side."""
    shapes = {key: tuple(tensor.shape) for key, tensor in state.items()}
    matches = []
    for name in networks.names():
        signature = networks.signature(name)
        matching = sum(shapes.get(key) == shape for key, shape in signature.items())
        if matching:
            matches.append(Match(name, matching, len(signature), len(shapes)))
    return sorted(matches, key=lambda match: match.matching / max(match.expected, match.given), reverse=True)


def named_network(path: Path, candidates: Sequence[str]) -> str | None:
    """Which of ``candidates`` a file calls itself, by its metadata or else by its name; ``None`` if neither says."""
    recorded = metadata_of(path).get(_NETWORK_ENTRY)
    if recorded in candidates:
        return recorded
    family = next((family for family, pattern in FAMILY_NAMES if pattern.search(path.name.lower())), None)
    named = [name for name in candidates if family and name.startswith(family)]
    return named[0] if len(named) == 1 else None


def check_fit(name: str, state: StateDict, path: Path) -> None:
    """Hold ``state`` to the network ``name``: every key, shape and kind of number, no more and no less,
    with numbers that a trained network can have.

    Raises:
        CheckpointError: it does not fit; the message names keys and what the file looks like instead.
        ConfigurationError: no network has that name.
    """
    signature = networks.signature(name)
    missing = [key for key in signature if key not in state]
    unexpected = [key for key in state if key not in signature]
    reshaped = [
        f"{key} (file {_shape(state[key].shape)}, network {_shape(shape)})"
        for key, shape in signature.items()
        if key in state and tuple(state[key].shape) != shape
    ]
    if missing or unexpected or reshaped:
        problems = [
            _few("missing", missing),
            _few("unexpected", unexpected),
            _few("of another shape", reshaped),
        ]
        raise CheckpointError(
            f"{path} does not fit {name} ({len(signature)} keys): "
            f"{'; '.join(filter(None, problems))}. {_looks_like(state)}"
        )
    _check_version(name, path)
    problem = numbers_problem(state)
    if problem is not None:
        raise CheckpointError(f"{path}: {problem}")


def fill(module: "nn.Module", state: StateDict, path: Path) -> None:
    """Copy ``state``, which came from ``path``, into a network made by ``networks.create``; strict.

    Raises:
        CheckpointError: it does not fit the network; nothing was copied.
    """
    check_fit(networks.name_of(module), state, path)
    module.load_state_dict(state, strict=True)


def convert(
    source: Path,
    destination: Path,
    *,
    half: bool = False,
    network: str | None = None,
    wish: Wish = AS_IT_COMES,
    tell: Callable[[str], None] = lambda note: None,
) -> str:
    """Write ``source`` as safetensors, atomically, with the network's name and the source's SHA-256 as metadata.

    Args:
        half: store floating-point tensors as float16.
        network: the network it must fit; by default the one it fits.
        wish: which weights to take where the file holds several sets.
        tell: called with a note on what was taken, where there was a choice.

    Returns:
        The network's name; names joined by ``|`` where keys and file name cannot tell them apart.

    Raises:
        CheckpointError: the source cannot be read, fits no network, or holds numbers beyond float16's range.
        ConfigurationError: ``destination`` does not end in .safetensors, or no network has that name.
        MachineError: the disk is full.
    """
    if destination.suffix != ".safetensors":
        raise ConfigurationError(f"{destination}: the converted file's name must end in .safetensors")
    checkpoint = read_for(source, network, wish)
    state = checkpoint.state
    names = [network] if network else fitting(state, source)
    check_fit(names[0], state, source)
    metadata = {
        "format": "pt",
        _NETWORK_ENTRY: "|".join(names),
        "source": source.name,
        "source_entry": checkpoint.taken,
        "source_sha256": sha256_file(source),
        "written_by": f"dgiqa-edge {VERSION}",
    }
    _save(_halved(state, source) if half else state, destination, metadata)
    if checkpoint.note:
        tell(checkpoint.note)
    return "|".join(names)


def fitting(state: StateDict, path: Path) -> list[str]:
    """Names of the networks that ``state`` fits completely; one, where the file says which of several it is.

    Raises:
        CheckpointError: it fits none.
    """
    names = [match.name for match in identify(state) if match.complete]
    if not names:
        raise CheckpointError(f"{path} fits no known network. {_looks_like(state)}")
    named = named_network(path, names)
    return [named] if named else names


def _check_version(name: str, path: Path) -> None:
    """Refuse what has the right keys and would silently give wrong depth: the other version, or a metric model."""
    if name.startswith("depth_anything") and "metric" in path.name.lower():
        raise CheckpointError(
            f"{path} calls itself a metric model, which has the keys of {name} but gives metres, not relative inverse "
            "depth: take the relative model, or rename the file if its name is wrong"
        )
    alike = [other for other in networks.names() if networks.signature(other) == networks.signature(name)]
    named = named_network(path, alike)
    if named is not None and named != name:
        raise CheckpointError(
            f"{path} calls itself {named}, which has the same keys as {name} but reads other encoder blocks: use the "
            f"network {named}, or rename the file if its name is wrong"
        )


def _looks_like(state: StateDict) -> str:
    matches = identify(state)
    best = [match for match in matches if match.complete]
    if best:
        names = " or ".join(match.name for match in best)
        return f"It looks like {names} ({best[0].matching} of {best[0].expected} keys): give that network's name"
    if matches and matches[0].matching * 2 > matches[0].expected:
        first = matches[0]
        names = " or ".join(match.name for match in matches if match.matching == first.matching)
        return (
            f"It resembles {names} ({first.matching} of {first.expected} keys): the file may be incomplete or altered"
        )
    for prefix, description in FOREIGN_LAYOUTS:
        if any(key.startswith(prefix) for key in state):
            return f"It looks like {description}"
    return f"It looks like none of {', '.join(networks.names())}; its first keys are {', '.join(list(state)[:3])}"


def _few(problem: str, keys: Sequence[str]) -> str:
    if not keys:
        return ""
    shown = ", ".join(keys[:3])
    return f"{len(keys)} {problem}: {shown}{', ...' if len(keys) > 3 else ''}"


def _shape(shape: Iterable[int]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _halved(state: StateDict, path: Path) -> StateDict:
    halves = {}
    for key, tensor in state.items():
        if tensor.is_floating_point():
            largest = float(tensor.abs().max())
            if largest > _HALF_LIMIT:
                raise CheckpointError(f"{path}: {key} reaches {largest:g}, beyond float16: convert without --half")
            tensor = tensor.half()
        halves[key] = tensor
    return halves


def _save(state: StateDict, destination: Path, metadata: dict[str, str]) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    contiguous = {key: tensor.contiguous() for key, tensor in state.items()}
    with atomic_file(destination) as partial:
        try:
            save_file(contiguous, str(partial), metadata=metadata)
        except SafetensorError as error:  # it hides the operating system's error number
            if "No space left" in str(error) or "os error 28" in str(error):
                raise MachineError(f"disk full while writing {destination}: free some space and try again") from error
            raise
