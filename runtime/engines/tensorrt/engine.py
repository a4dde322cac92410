"""TensorRT and TensorRT-RTX: execute plans on the GPU, with buffers bound once, one stream and a CUDA graph.

The tensorrt package is loaded only after the driver has shown a GPU: without a driver TensorRT ends the process.
Tensors go by name throughout, so one code serves TensorRT 8.5 to 11.
"""

import contextlib
import re
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bundle.bundle import Bundle, rebuild_command
from ...bundle.manifest import EngineRecord
from ...errors import ConfigurationError, DeviceLostError, EngineCompatibilityError, GpuMemoryError, MachineError
from ...hashing import sha256_file
from ...machine.cuda_probe import probe
from ...machine.nvidia import driver_version
from ...machine.processor import platform_name
from ..cuda.binding import Cuda, CudaError, Handle, connect
from ..cuda.tensors import DeviceTensor, DeviceTensors
from ..protocol import Arrays, EngineOptions, check_inputs
from .compatibility import Machine, obstacles
from .just_in_time import kernel_file
from .log import logger
from .package import import_tensorrt
from .plan import Plan
from .versions import support_of


@dataclass(frozen=True)
class PlanFile:
    """A plan's place in its bundle and on this machine, for describing it and for messages."""

    record: EngineRecord
    where: str
    sha256: str
    rebuild: str
    machine: Machine


@dataclass(frozen=True)
class LayerTime:
    """One layer of a profile: its median time, its kind and number formats where the engine was built with details."""

    name: str
    kind: str
    output_types: tuple[str, ...]
    median_ms: float


def load(bundle: Bundle, record: EngineRecord, options: EngineOptions) -> "TensorrtEngine":
    """Open one plan of a verified bundle on the first GPU.

    Raises:
        MachineError: no GPU, tensorrt or CUDA binding is missing, the driver is too old, or the GPU's memory is full
            (``GpuMemoryError``).
        EngineCompatibilityError: the plan was built for something else (all of it is named), or TensorRT refuses it.
        DeviceLostError: the GPU has failed in this process.
    """
    others = sorted({other.backend for other in bundle.engines(record.role)} - {record.backend})
    file, trt = _check(
        bundle.path / record.file,
        record,
        bundle.manifest.files[record.file].sha256,
        rebuild_command(bundle),
        f"run this bundle with --backend {others[0]}" if others else "build one for another --backend",
    )
    return _open(file, trt, options)


def open_plan(plan: Path, record: EngineRecord) -> "TensorrtEngine":
    """A plan that is in no bundle yet, as ``load`` would open it.

    Raises:
        As ``load``.
    """
    file, trt = _check(plan, record, sha256_file(plan), "the same command", "use another --backend")
    return _open(file, trt, EngineOptions())


def _open(file: PlanFile, trt: Any, options: EngineOptions) -> "TensorrtEngine":
    record = file.record
    neighbour = next((engine for engine in options.beside if isinstance(engine, TensorrtEngine)), None)
    cuda = neighbour.tensors.cuda if neighbour else connect()
    with _failures(cuda, file), cuda.current():
        plan = Plan(
            trt,
            *logger(trt),
            where=file.where,
            rebuild=file.rebuild,
            host_code=record.requires.version_compatible,
            kernels=kernel_file(file.machine, file.sha256, options.cache_folder),
            cuda_graph=options.cuda_graph,
        )
        engine = TensorrtEngine(plan, neighbour.tensors if neighbour else DeviceTensors(cuda), file)
        try:
            engine.prepare(options.cuda_graph)
        except BaseException:
            engine.close()
            raise
    return engine


class TensorrtEngine:
    """A plan behind the engine protocol.

    Per frame nothing is allocated on the device or in page-locked memory, and an input that the device holds already
    is not brought there again (see ``protocol.Engine.run``). ``tensors`` is shared with the scorer's other engines.
    """

    def __init__(self, plan: Plan, tensors: DeviceTensors, file: PlanFile) -> None:
        self._plan: Plan | None = plan
        self._file = file
        self._bound: dict[str, DeviceTensor] = {}
        self._rows = 0
        self._wants_graph = True
        self._graph: Handle = None
        self._graph_note = "turned off"
        self._compiled: dict[str, str] = {}
        self._lost = ""
        self.record = file.record
        self.inputs, self.outputs = plan.inputs, plan.outputs
        self.tensors = tensors
        tensors.join()

    def prepare(self, cuda_graph: bool) -> None:
        """Bind every tensor, run once, and record the CUDA graph; ``load`` calls it once.

        Raises:
            CudaError: the device has no memory left, or the first run failed.
            BundleError: the scorer's engines disagree about a tensor.
        """
        plan = self._open_plan()
        self._wants_graph = cuda_graph
        self._bound = {spec.name: self.tensors.tensor(plan.largest(spec)) for spec in (*self.inputs, *self.outputs)}
        self._bind(plan, plan.context)
        self._take_rows(plan, plan.most_rows or len(self._bound[self.inputs[0].name].host))
        if plan.kernels is not None:
            self._compiled = {"kernels": plan.kernels.save() or plan.kernels.state, "remark": plan.remark}

    def _take_rows(self, plan: Plan, rows: int) -> None:
        """Set up for so many frames at once: a CUDA graph holds for one number of them."""
        self._drop_graph()
        plan.take_rows(plan.context, rows)
        self._rows = rows
        self._run_plainly(plan)  # TensorRT sets itself up on its first run; a graph must not record that
        if plan.captures:
            self._graph_note = f"captured by {self._file.machine.release}"
        if plan.captures or not self._wants_graph:
            return
        cuda, stream = self.tensors.cuda, self.tensors.stream
        try:
            self._graph = cuda.capture(stream, lambda: self._enqueue(plan))
            cuda.launch(self._graph, stream)
            cuda.synchronize(stream)
            self._graph_note = "captured"
        except CudaError as error:
            self._drop_graph()
            self._graph_note = f"not captured: {error}"
            self._run_plainly(plan)  # if the failed capture took the device with it, it is said now

    def run(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        plan = self._open_plan()
        check_inputs(self.record.file, self.inputs, inputs)
        cuda, stream = self.tensors.cuda, self.tensors.stream
        with self._remembering_loss(), cuda.current():
            self._upload(plan, inputs)
            if self._graph is None:
                self._enqueue(plan)
            else:
                cuda.launch(self._graph, stream)
            cuda.synchronize(stream)
        return {spec.name: self.tensors.take(self._bound[spec.name], self._rows) for spec in self.outputs}

    def profile(self, inputs: Arrays, runs: int = 20) -> list[LayerTime]:
        """Time every layer, in execution order, over some runs in an execution context of their own.

        Layers are timed one by one, so their sum is more than the latency of ``run``.

        Raises:
            ConfigurationError, EngineCompatibilityError, MachineError: as ``run``.
        """
        plan = self._open_plan()
        check_inputs(self.record.file, self.inputs, inputs)
        with self._remembering_loss(), self.tensors.cuda.current():
            self._upload(plan, inputs)
            context = plan.new_context()
            self._bind(plan, context)
            plan.take_rows(context, self._rows)
            times = plan.attach_profiler(context)
            for _ in range(runs):
                self._execute(plan, context)
                self.tensors.cuda.synchronize(self.tensors.stream)
        layers = plan.layers()
        described = [(layers.of(name), samples) for name, samples in times.items()]
        return [
            LayerTime(layer.name, layer.kind, layer.output_types, round(statistics.median(samples), 6))
            for layer, samples in described
        ]

    def time_stages(self, inputs: Arrays, runs: int = 100) -> dict[str, NDArray[np.float64]]:
        """Milliseconds of each run's parts, float64 [runs], without the CUDA graph.

        ``copy in``, ``compute`` and ``copy out`` lie between CUDA events on the stream; ``enqueue`` is the CPU's time
        for handing the computation to the device, which may run meanwhile.

        Raises:
            ConfigurationError, EngineCompatibilityError, MachineError: as ``run``.
        """
        plan = self._open_plan()
        check_inputs(self.record.file, self.inputs, inputs)
        changing = {name: array.copy() for name, array in inputs.items()}  # writable ones are brought in every time
        cuda, stream = self.tensors.cuda, self.tensors.stream
        times: dict[str, list[float]] = {"copy in": [], "enqueue": [], "compute": [], "copy out": []}
        with self._remembering_loss(), cuda.current(), contextlib.ExitStack() as stack:
            events = [cuda.create_event() for _ in range(4)]
            for event in events:
                stack.callback(cuda.destroy_event, event)
            for _ in range(runs):
                cuda.record(events[0], stream)
                self._upload(plan, changing)
                cuda.record(events[1], stream)
                started = time.perf_counter()
                self._execute(plan, plan.context)
                times["enqueue"].append((time.perf_counter() - started) * 1e3)
                cuda.record(events[2], stream)
                self._download()
                cuda.record(events[3], stream)
                cuda.synchronize(stream)
                for name, first, last in (("copy in", 0, 1), ("compute", 1, 2), ("copy out", 2, 3)):
                    times[name].append(cuda.elapsed_ms(events[first], events[last]))
        return {name: np.array(values) for name, values in times.items()}

    def describe(self) -> dict[str, Any]:
        machine = self._file.machine
        return {
            "role": self.record.role,
            "sha256": self._file.sha256,
            "backend": self.record.backend,
            "backend_version": machine.tensorrt,
            "device": machine.gpu,
            "sm": machine.sm,
            "driver": machine.driver,
            "driver_cuda": machine.driver_cuda,
            "cuda_binding": self.tensors.cuda.name,
            "cuda_graph": self._graph_note.startswith("captured"),
            "cuda_graph_note": self._graph_note,
            **self._compiled,
        }

    def close(self) -> None:
        plan, self._plan = self._plan, None
        if plan is None:
            return
        cuda = self.tensors.cuda
        with contextlib.suppress(CudaError), cuda.current():
            with contextlib.suppress(CudaError):
                cuda.synchronize(self.tensors.stream)
            self._drop_graph()
        plan.close()
        self.tensors.leave()

    def __enter__(self) -> "TensorrtEngine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open_plan(self) -> Plan:
        if self._lost:
            raise DeviceLostError(self._lost)
        if self._plan is None:
            raise ConfigurationError(f"the engine {self.record.file} is closed: load it again")
        return self._plan

    def _bind(self, plan: Plan, context: Any) -> None:
        for name, tensor in self._bound.items():
            with plan.messages.during() as said:
                taken = context.set_tensor_address(name, tensor.address)
            if not taken:
                raise CudaError(f"set_tensor_address of '{name}': {said.reason()}")

    def _upload(self, plan: Plan, inputs: Arrays) -> None:
        rows = len(inputs[self.inputs[0].name])
        if rows != self._rows:
            self._take_rows(plan, rows)
        for spec in self.outputs:
            self._bound[spec.name].known = None
        for spec in self.inputs:
            self.tensors.upload(self._bound[spec.name], inputs[spec.name])

    def _run_plainly(self, plan: Plan) -> None:
        self._enqueue(plan)
        self.tensors.cuda.synchronize(self.tensors.stream)

    def _enqueue(self, plan: Plan) -> None:
        """Everything after the inputs are there: what a CUDA graph records."""
        self._execute(plan, plan.context)
        self._download()

    def _download(self) -> None:
        for spec in self.outputs:
            tensor = self._bound[spec.name]
            self.tensors.cuda.download(tensor.host[: self._rows], tensor.address, self.tensors.stream)

    def _execute(self, plan: Plan, context: Any) -> None:
        with plan.messages.during() as said:
            started = context.execute_async_v3(self.tensors.stream_address)
        if not started:
            raise CudaError(f"execute_async_v3: {said.reason()}")

    def _drop_graph(self) -> None:
        graph, self._graph = self._graph, None
        if graph is not None:
            with contextlib.suppress(CudaError):
                self.tensors.cuda.destroy_graph(graph)

    @contextlib.contextmanager
    def _remembering_loss(self) -> Iterator[None]:
        try:
            with _failures(self.tensors.cuda, self._file):
                yield
        except DeviceLostError as error:
            self._lost = str(error)
            raise


def _check(path: Path, record: EngineRecord, sha256: str, rebuild: str, instead: str) -> tuple[PlanFile, Any]:
    """Whether the plan can run here, asked of the driver first, then of the package, before the file is opened."""
    where = str(path)
    found = probe()
    if not found.gpus:
        raise MachineError(f"{where} needs an NVIDIA GPU: {found.problem}: repair that, or {instead}")
    trt = import_tensorrt(record.backend)
    gpu = found.gpus[0]
    machine = Machine(
        gpu=gpu.name,
        sm=gpu.sm,
        integrated=gpu.integrated,
        driver_cuda=found.driver_cuda,
        driver=driver_version(),
        tensorrt=trt.__version__,
        platform=platform_name(),
        flavour=record.backend,
    )
    problems = obstacles(record.requires, machine)
    if problems:
        raise EngineCompatibilityError(
            f"{where} cannot run here: {'; '.join(problems)}: rebuild it here with: {rebuild}"
        )
    support_of(machine.tensorrt, record.backend)
    return PlanFile(record, where, sha256, rebuild, machine), trt


@contextlib.contextmanager
def _failures(cuda: Cuda, file: PlanFile) -> Iterator[None]:
    """Turn a failed CUDA call into the error that says whether the process can go on."""
    try:
        yield
    except CudaError as error:
        gpu, where, rebuild = file.machine.gpu, file.where, file.rebuild
        fatal = cuda.sticky_error()
        if fatal:
            raise DeviceLostError(
                f"{gpu} failed with {fatal} while running {where} ({error}): this process has lost the GPU, start it "
                f"again; if it fails again, rebuild the engine with: {rebuild}"
            ) from error
        if re.search(r"MemoryAllocation|out of memory", str(error)):
            raise GpuMemoryError(
                f"{gpu} has no memory left for {where} ({error}): stop other programs that use it, or build a "
                "smaller preset"
            ) from error
        raise EngineCompatibilityError(
            f"{file.machine.release} failed to run {where} ({error}): rebuild it here with: {rebuild}"
        ) from error
