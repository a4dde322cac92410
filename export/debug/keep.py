"""The fewest blocks that have to stay in FP32, by bisection over blocks in the order of what they add to the error."""

from collections.abc import Callable, Collection, Iterable, Sequence

from .walk import Judgement

Passes = Callable[[Collection[str]], bool]
_TRIED_ONE_BY_ONE = 16


def ranked(blocks: Sequence[str], judged: Iterable[Judgement]) -> list[str]:
    """Blocks by the worst of their own tensors against its limit, worst first; a tie is decided by graph order."""
    worst: dict[str, float] = dict.fromkeys(blocks, 0.0)
    for one in judged:
        for block in {one.block, one.made_in} & worst.keys():
            worst[block] = max(worst[block], one.distance.excess)
    return sorted(blocks, key=lambda block: -worst[block])


def fewest(order: Sequence[str], passes: Passes) -> tuple[str, ...] | None:
    """The shortest start of ``order`` that ``passes``, without those of it that are not needed.

    Returns:
        blocks in the order given; () where none has to be kept, None where all together do not suffice.
    """
    if passes(()):
        return ()
    if not order or not passes(order):
        return None
    enough = 1
    while enough < len(order) and not passes(order[:enough]):
        enough *= 2
    low, high = enough // 2, min(enough, len(order))  # low fails, high passes
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(order[:middle]) else (middle, high)
    kept = list(order[:high])
    for block in order[: high - 1][-_TRIED_ONE_BY_ONE:]:  # without the last of them it fails
        rest = [one for one in kept if one != block]
        kept = rest if passes(rest) else kept
    return tuple(kept)
