"""Blocks on Ray Data: a scorer per GPU, or per two cores, on as many machines as the cluster has.

Ray hands the blocks out, restarts what dies and tries its blocks again. Rows never pass through it: a block's paths
come from a file beside the results, and its scores go straight into one.
"""

import contextlib
import functools
import logging
import os
import pickle
from collections.abc import Generator, Iterator
from typing import Any

from ...bundle.bundle import load_bundle
from ...engines.registry import choose
from ...errors import MachineError
from ...ground.error_text import one_line
from ...ground.extra_packages import extra_package
from ..scorer_pool import usable_cores
from .block_scorer import WORK, BlockScorer, Job, Outcome
from .plan import Block, Plan, Tally
from .store import EXTRA, Store

HERE = "local"
CORES_EACH = 2
_PLAN = f"{WORK}/plan.parquet"
_OBJECTS_BYTES = 128 << 20
"""Of Ray's own store on a machine of one's own: it holds numbers of blocks alone."""
_MOST_STARTS = 5
"""Of one scorer, in a row: Ray would start for ever what dies as it starts."""


def score_on_ray(job: Job, plan: Plan, tally: Tally, address: str | None) -> Generator[Outcome, None, None]:
    """Score what is missing; each block's outcome as it is done.

    Args:
        address: of a cluster; None for the one of ``RAY_ADDRESS``, else one on this machine, for this run.

    Raises:
        MachineError: Ray is not installed or not to be reached, or gave up a block.
        Others: what a scorer raised, as it did.
    """
    ray = extra_package("ray", "ray", "scoring on several machines")
    extra_package("ray.data", "ray", "scoring on several machines")
    blocks = _write_plan(Store(job.out), plan, tally)
    if not blocks:
        return
    with _connected(ray, address or os.environ.get("RAY_ADDRESS") or HERE):
        found = ray.cluster_resources()
        each = _each(job, found)
        # A resource that all scorers hold leaves none to wait for: Ray Data needs no other task here.
        scorers = max(1, min(blocks, *(int(found.get(name, 0) // amount) for name, amount in each.items())))
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        rows = ray.data.from_items([{"number": number} for number in range(blocks)], override_num_blocks=blocks)
        done = rows.map_batches(
            _Scores,
            fn_constructor_args=(job, each["CPU"]),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=scorers),
            num_cpus=each["CPU"],
            num_gpus=each.get("GPU", 0),
        )
        try:
            for row in done.iter_rows():
                if row["error"]:
                    raise pickle.loads(row["error"])
                yield Outcome(int(row["scored"]), int(row["failed"]))
        except ray.exceptions.RayError as error:
            raise MachineError(
                f"Ray gave up ({one_line(error)}): run the command again, what is done is kept"
            ) from error
    Store(job.out).remove(_PLAN)


class _Scores:
    """What Ray Data calls in a process of its own."""

    def __init__(self, job: Job, cores: int) -> None:
        self._job, self._cores = job, cores
        self._open = contextlib.ExitStack()

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        # What is raised here would reach the driver as text, and as an error of Ray's.
        error, outcome = b"", Outcome(0, 0)
        try:
            (number,) = batch["number"]
            outcome = self._scorer.score(self._block(int(number)))
        except Exception as raised:
            error = pickle.dumps(raised)
        return {"scored": [outcome.scored], "failed": [outcome.failed], "error": [error]}

    @functools.cached_property
    def _scorer(self) -> BlockScorer:
        with _few_starts(Store(self._job.out)):
            return BlockScorer(self._job, self._cores)

    @functools.cached_property
    def _plan(self) -> Any:
        import pyarrow.parquet as pq

        stream = self._open.enter_context(Store(self._job.out).stream(_PLAN, "rb"))
        return pq.ParquetFile(stream)

    def _block(self, number: int) -> Block:
        (row,) = self._plan.read_row_group(number, use_threads=False).to_pylist()
        return Block(row["name"], tuple(os.fsdecode(path) for path in row["paths"]))


@contextlib.contextmanager
def _few_starts(results: Store) -> Iterator[None]:
    """Count how often this scorer's process has ended in the block.

    Raises:
        MachineError: too often.
    """
    import ray

    note = f"{WORK}/start-{ray.get_runtime_context().get_actor_id()}"
    starts = int(results.read(note) or 0)
    if starts == _MOST_STARTS:
        results.remove(note)
        raise MachineError(f"a scorer's process ended {starts} times as it started: is there memory for the bundle?")
    results.write(note, str(starts + 1).encode())
    try:
        yield
    finally:
        results.remove(note)


def _write_plan(results: Store, plan: Plan, tally: Tally) -> int:
    """Write the blocks that are missing, each a group of rows; how many there are."""
    extra_package("pyarrow", EXTRA, "results in Parquet")
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("name", pa.string()), ("paths", pa.list_(pa.binary()))])
    count = 0
    with results.stream(_PLAN, "wb") as stream, pq.ParquetWriter(stream, schema, compression="zstd") as writer:
        for block in plan.blocks(tally):
            count += 1
            row = {"name": block.name, "paths": [os.fsencode(path) for path in block.paths]}
            writer.write_table(pa.Table.from_pylist([row], schema))
    return count


def _each(job: Job, cluster: dict[str, float]) -> dict[str, int]:
    """What one scorer takes of a cluster."""
    bundle = load_bundle(job.bundle)
    # What runs no portable graph was built for a GPU. Decoding keeps the cores busy that there are for each.
    on_gpu = any(not choose(bundle, role, job.backend)[0].runs_portable_graphs for role in bundle.roles)
    if on_gpu and cluster.get("GPU"):
        return {"CPU": max(1, int(cluster["CPU"] // cluster["GPU"])), "GPU": 1}
    return {"CPU": min(CORES_EACH, int(cluster["CPU"]))}


@contextlib.contextmanager
def _connected(ray: Any, address: str) -> Iterator[None]:
    own: dict[str, Any] = {}
    if address == HERE:
        own = {"num_cpus": usable_cores(), "object_store_memory": _OBJECTS_BYTES}
        # Ray's own is 15: beside anything else that computes here, next to nothing would be left.
        os.environ.setdefault("RAY_worker_niceness", "0")
    try:
        ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level="error", **own)
    except (OSError, RuntimeError, ValueError) as error:
        raise MachineError(
            f"Ray at {address} cannot be used ({one_line(error)}): check its address, or give --on local"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()
