"""One run: what a folder of results is made by, what of it is missing, and who scores that."""

import errno
import fcntl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ...errors import ConfigurationError, MachineError
from ...ground.atomic import PARTIAL_PREFIX
from ...ground.names import json_text, shown
from ...ground.strict_text import parse_json
from ...version import VERSION
from .block_scorer import WORK, BlockScorer, Job
from .on_ray import score_on_ray
from .pictures import Pictures
from .plan import RESULT, Plan, Tally
from .store import Store, is_url

RECORD = "_run.json"
"""Beside the results: readers of Parquet pass over such a name."""
_LOCK = "_lock"

Tell = Callable[[Tally, int, int], None]
"""Called with what is done, the pictures of the list, and those of a block on the way."""


def score_all(job: Job, pictures: Pictures, size: int, tell: Tell, ray: str | None) -> tuple[Tally, Plan]:
    """Score what the results do not hold yet.

    Args:
        size: pictures of a block.
        ray: an address, "" for Ray on this machine; None for this process alone.

    Raises:
        ConfigurationError: the results are of another bundle, or scored otherwise.
        MachineError: another run writes into that folder.
        SourceError: a list of pictures cannot be read.
        Others: as ``BlockScorer`` and ``score_on_ray`` do.
    """
    _claim(job)
    with _alone(job.out):
        _claim(job)  # two may have begun at once
        tally, plan = _score(job, pictures, size, tell, ray)
    if tally.read != plan.total:
        raise RuntimeError(f"of {plan.total} pictures {tally.read} are accounted for: {tally}")
    return tally, plan


def _score(job: Job, pictures: Pictures, size: int, tell: Tell, ray: str | None) -> tuple[Tally, Plan]:
    if not is_url(job.out):
        _sweep(Store(job.out), Store(f"{job.out}/{WORK}"))
    plan, tally = Plan(pictures, Store(job.out), size), Tally()
    tell(tally, plan.total, 0)
    if ray is not None:
        with closing(score_on_ray(job, plan, tally, ray or None)) as outcomes:
            for outcome in outcomes:
                tally.scored += outcome.scored
                tally.failed += outcome.failed
                tell(tally, plan.total, 0)
    else:
        with BlockScorer(job) as scorer:
            for block in plan.blocks(tally):
                outcome = scorer.score(block, lambda rows: tell(tally, plan.total, rows))
                tally.scored += outcome.scored
                tally.failed += outcome.failed
    return tally, plan


@contextmanager
def _alone(out: str) -> Iterator[None]:
    """Keep a second run out of a folder on a disk; the kernel lets go when this process ends, however it does."""
    if is_url(out):
        yield
        return
    with Path(out, _LOCK).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MachineError(
                f"another run writes into {shown(out)}: wait for its end, or give a folder of its own"
            ) from None
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):  # a shared folder without locks
                raise
        yield


def _claim(job: Job) -> None:
    """Write down what makes these results, or compare."""
    results = Store(job.out)
    record = {"schema_version": 1, "bundle": job.identity, "fit": job.fit, "strict_size": job.strict_size}
    record["root"] = job.root  # the same name is another picture elsewhere
    written = results.read(RECORD)
    if written is None:
        if any(name.endswith(RESULT) for name in results.names()):
            raise ConfigurationError(f"{shown(job.out)} holds files of something else: give a folder of its own")
        results.write(RECORD, (json_text({**record, "version": VERSION}, indent=1) + "\n").encode())
        return
    try:
        there = parse_json(written.decode())
        other = [name for name, value in record.items() if there[name] != value]
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{shown(job.out)}/{RECORD} is damaged or of a newer version: give another folder"
        ) from error
    if other:
        raise ConfigurationError(
            f"{shown(job.out)} holds scores of another {' and '.join(other)} ({other[0]} {there[other[0]]}, now "
            f"{record[other[0]]}): give each a folder of its own, or the same again"
        )


def _sweep(*stores: Store) -> None:
    """Remove files that a process was killed over: of a folder there is one run at a time."""
    for store in stores:
        for name in store.names():
            if name.startswith(PARTIAL_PREFIX):
                store.remove(name)


def recorded_root(out: str) -> str:
    """What the pictures of results were named from, the first time; the working folder where that is not known."""
    try:
        return str(parse_json((Store(out).read(RECORD) or b"").decode())["root"])
    except (ValueError, KeyError, TypeError):
        return "."
