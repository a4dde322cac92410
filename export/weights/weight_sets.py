"""Which of a checkpoint's sets of weights is taken: many training scripts keep two, of which one was meant to be used.

A moving average over the steps (EMA) is what their own evaluation reads: ``state_dict_ema`` (timm), ``model_ema``
(DeiT, ConvNeXt), ``params_ema`` (BasicSR, pyiqa), ``ema`` with ``module`` in it (RT-DETR), ``teacher`` beside
``student`` (mean teachers), keys that begin with ``model_ema.`` or ``ema_`` (Lightning modules). It is taken where it
is whole, and what was taken is said. MMEngine is the exception: it stores the average as ``state_dict``.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dgiqa_edge.runtime.errors import CheckpointError

from .weight_numbers import numbers_problem

if TYPE_CHECKING:
    import torch

StateDict = dict[str, "torch.Tensor"]

WRAPPERS = (
    *("state_dict", "model_state_dict", "model", "params", "network", "net", "module", "weights"),
    *("student", "online_model"),
)
"""Entries under which training scripts store the state dict, beside optimizers, epochs and the like."""

PREFIXES = ("module.", "_orig_mod.", "model.", "student.", "online_model.")
"""What DataParallel, torch.compile and training frameworks put before every key."""

ROOT = "."
"""Name of the set whose entries are the file's own."""

_AVERAGE = re.compile(
    r"(?:^|[^a-z]|model|net|params|weights)(ema|swa|averaged?|avg|polyak|teacher)(?:[^a-z]|model|net|$)"
)
_NO_WEIGHTS = re.compile(r"optim|sched|scaler|rng|loss")
_COUNTERS = frozenset({"n_averaged", "num_updates", "updates", "steps", "step", "decay", "initted"})
_GLUED = "ema_"
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
_DEEPEST = 4


@dataclass(frozen=True)
class Wish:
    """What the user asked for: the average where there is one (``ema``), or the set of this name."""

    ema: bool = True
    key: str | None = None


@dataclass(frozen=True)
class WeightSet:
    """Named tensors of one network, as stored; ``key`` is their place in the file."""

    key: str
    averaged: bool
    state: StateDict
    order: tuple[int, ...] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Taken:
    """The chosen set, and a sentence on it where the file left a choice."""

    chosen: WeightSet
    note: str | None = None


def take(content: Mapping[Any, Any], path: Path, wish: Wish, fits: Callable[[StateDict], bool]) -> Taken:
    """The set to use of a file's ``content``.

    Args:
        fits: whether a state dict has the keys and shapes of the network at hand, or of any known one.

    Raises:
        CheckpointError: it holds no weights, or not those that were asked for.
    """
    sets = list(_sets(content, ()))
    if wish.key is not None:
        return Taken(_named(sets, wish.key, path))
    plain = sorted((one for one in sets if not one.averaged and one.order is not None), key=lambda one: one.order or ())
    averages = [_completed(one, plain) for one in sets if one.averaged]
    if not plain and not averages:
        raise CheckpointError(_nothing(content, sets, path))
    if not plain and not wish.ema:
        raise CheckpointError(f"{path} holds only averaged weights ({averages[0].key}): leave --no-ema out")
    last = next((one for one in plain if fits(one.state)), plain[0] if plain else None)
    if last is None:
        only = next((one for one in averages if fits(one.state)), averages[0])
        return Taken(only, f"took '{only.key}', a moving average (EMA): no entry is the weights of the last step")
    if not wish.ema or not averages:
        note = _unusable(content, last) if wish.ema else _left(last, averages)
        return Taken(last, note or _not_alone(sets, last))
    return _between(averages, last, fits)


def _between(averages: Sequence[WeightSet], last: WeightSet, fits: Callable[[StateDict], bool]) -> Taken:
    for one in averages:
        same = _shapes(one.state) == _shapes(last.state)
        if (same or (fits(one.state) and not fits(last.state))) and numbers_problem(one.state) is None:
            note = (
                f"took '{one.key}', the moving average (EMA) of the weights, not '{last.key}', those of the last step"
            )
            return Taken(one, note + ": --no-ema takes these")
    first = averages[0]
    matching = len(_shapes(first.state).items() & _shapes(last.state).items())
    problem = numbers_problem(first.state)
    if matching < len(last.state) or problem is None:
        problem = f"{matching} of the {len(last.state)} entries of '{last.key}' are in it"
    return Taken(
        last, f"took '{last.key}', those of the last step, not the moving average (EMA) '{first.key}': {problem}"
    )


def _left(last: WeightSet, averages: Sequence[WeightSet]) -> str | None:
    if not averages:
        return None
    return f"took '{last.key}', those of the last step, not the moving average (EMA) '{averages[0].key}', as asked"


def _not_alone(sets: Sequence[WeightSet], last: WeightSet) -> str | None:
    """A word on sets of the same network under names that say nothing: one of them may be the one that was meant."""
    others = [one for one in sets if one is not last and _shapes(one.state) == _shapes(last.state)]
    if not others:
        return None
    return f"took '{last.key}'; the file also holds {_listed(others)}: 'weights convert --weights-key' takes another"


def _unusable(content: Mapping[Any, Any], last: WeightSet) -> str | None:
    """A word on an entry that calls itself an average and is none."""
    if _is_mmengine(content):
        return (
            f"took '{last.key}', where MMEngine stores the moving average (EMA); 'ema_state_dict' holds the last step"
        )
    for name, inner in content.items():
        if isinstance(name, str) and isinstance(inner, (Mapping, list)) and _is_average(name):
            return f"took '{last.key}', those of the last step: the entry '{name}' holds no weights by name"
    return None


def _sets(content: Mapping[Any, Any], path: tuple[str, ...]) -> Iterator[WeightSet]:
    import torch

    if len(path) > _DEEPEST:
        return
    tensors = {k: v.detach() for k, v in content.items() if isinstance(k, str) and isinstance(v, torch.Tensor)}
    for name, inner in content.items():
        if not isinstance(name, str) or not isinstance(inner, Mapping) or _NO_WEIGHTS.search(name.lower()):
            continue
        if not (name == "ema_state_dict" and _is_mmengine(content)):
            yield from _sets(inner, (*path, name))
    weights = {key: tensor for key, tensor in tensors.items() if key not in _COUNTERS}
    if weights:
        yield from _split(weights, path)


def _split(tensors: StateDict, path: tuple[str, ...]) -> Iterator[WeightSet]:
    """The set at ``path``, as two where keys with the prefix of an average stand beside others."""
    place = ".".join(path) or ROOT
    known = all(name in WRAPPERS for name in path)
    order = (*(WRAPPERS.index(name) for name in path), len(WRAPPERS)) if known else None
    average = {key: tensor for key, tensor in tensors.items() if _is_average(key.partition(".")[0])}
    rest = {key: tensor for key, tensor in tensors.items() if key not in average}
    if rest:
        averaged = not average and any(map(_is_average, path))
        yield WeightSet(place, averaged, _without_prefixes(rest), order)
    if average:
        heads = {key.partition(".")[0] for key in average}
        glued = {key.removeprefix(_GLUED): tensor for key, tensor in average.items()}
        name = heads.pop() if len(heads) == 1 and not glued.keys() & rest.keys() else None
        state = {k.partition(".")[2] or k: t for k, t in average.items()} if name else glued
        yield WeightSet(f"{place}.{name or _GLUED + '*'}".removeprefix(ROOT * 2), True, _without_prefixes(state), order)


def _completed(average: WeightSet, plain: Sequence[WeightSet]) -> WeightSet:
    """An average of parameters alone, with its running statistics (which are averages themselves) from the other set.

    Keys without their dots, as latent diffusion's LitEma stores them, get them back.
    """
    if not plain:
        return average
    other, state = plain[0].state, average.state
    dotted = {key.replace(".", ""): key for key in other}
    if not state.keys() & other.keys() and state.keys() <= dotted.keys():
        state = {dotted[key]: tensor for key, tensor in state.items()}
    missing = {key: tensor for key, tensor in other.items() if key not in state}
    if all(key.rsplit(".", 1)[-1] in _STATISTICS or not t.is_floating_point() for key, t in missing.items()):
        state = {key: state.get(key, tensor) for key, tensor in (other | state).items()}
    return WeightSet(average.key, True, state, average.order)


def _named(sets: Sequence[WeightSet], key: str, path: Path) -> WeightSet:
    for one in sets:
        if one.key == key:
            return one
    raise CheckpointError(f"{path} has no weights '{key}': its sets are {_listed(sets)}")


def _nothing(content: Mapping[Any, Any], sets: Sequence[WeightSet], path: Path) -> str:
    if sets:
        return f"{path} holds weights under names that do not say which to take ({_listed(sets)}): give --weights-key"
    entries = ", ".join(str(key) for key in list(content)[:5]) or "none"
    return f"{path} holds no weights (its entries: {entries}): give a file with a state dict"


def _listed(sets: Sequence[WeightSet]) -> str:
    return ", ".join(f"'{one.key}'" for one in sets[:8]) or "none"


def _is_mmengine(content: Mapping[Any, Any]) -> bool:
    meta = content.get("meta")
    return isinstance(meta, Mapping) and "mmengine_version" in meta and "ema_state_dict" in content


def _is_average(name: str) -> bool:
    return bool(_AVERAGE.search(name.lower()))


def _shapes(state: StateDict) -> dict[str, tuple[int, ...]]:
    return {key: tuple(tensor.shape) for key, tensor in state.items()}


def _without_prefixes(state: StateDict) -> StateDict:
    while True:
        prefix = next((p for p in PREFIXES if all(key.startswith(p) for key in state)), None)
        if prefix is None:
            return state
        state = {key.removeprefix(prefix): tensor for key, tensor in state.items()}
