"""How far an INT8 build of `edge` moves what its head reads, photo by photo; the head is trained to bear it.

Rounding in a vision transformer does not average out: statistics of the first blocks move together, by a fifth of their
own spread over photos, some by half of it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx

from dgiqa_edge.runtime.engines.session import open_session
from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.ground.atomic import atomic_file

from .feature_store import FeatureStore

VIEWS = ("whole", "crop")


@dataclass(frozen=True)
class Drift:
    """What INT8 adds to the statistics of the whole view and of the centre crop, float32 [photos, 4, 3, 384] each."""

    whole: np.ndarray
    crop: np.ndarray

    def save(self, file: Path) -> None:
        """Write it, ``npz``."""
        with atomic_file(file) as partial, partial.open("wb") as stream:
            np.savez(stream, whole=self.whole, crop=self.crop)

    @classmethod
    def load(cls, file: Path) -> "Drift":
        """Read what :meth:`save` wrote."""
        with np.load(file) as stored:
            return cls(stored["whole"], stored["crop"])


def encoder_drift(
    graph: Path,
    store: FeatureStore,
    rows: Iterable[int],
    read: Callable[[int], np.ndarray],
    threads: int,
    progress: Callable[[int, int], None],
) -> Drift:
    """Run a frame graph of `edge` on photos whose FP32 features are cached.

    Args:
        graph: of an INT8 bundle for frames of the photos' size.
        read: gives the photo of a row, uint8 [H, W, 3].

    Raises:
        ConfigurationError: the graph is not that of `edge`, or takes frames of another size.
    """
    model = onnx.load(str(graph))
    taps = [_read_by_head(model, view, graph) for view in VIEWS]
    for tap in taps:
        model.graph.output.append(onnx.helper.make_tensor_value_info(tap, onnx.TensorProto.FLOAT, None))
    with TemporaryDirectory() as folder:
        tapped = Path(folder) / graph.name
        onnx.save(model, str(tapped))
        session = open_session(tapped, threads=threads)
    chosen, found = list(rows), []
    for done, row in enumerate(chosen, start=1):
        frame = read(row)[np.newaxis]
        if list(frame.shape) != session.get_inputs()[0].shape:
            raise ConfigurationError(f"{graph} takes other frames than the photos': build with --frame of their size")
        given = session.run(taps, {"frame": frame})
        known = store.maps["whole_statistics"][row], store.maps["crop_statistics"][row, 0]
        found.append([one[0] - other.astype(np.float32) for one, other in zip(given, known, strict=True)])
        progress(done, len(chosen))
    return Drift(*(np.stack(differences) for differences in zip(*found, strict=True)))


def _read_by_head(model: onnx.ModelProto, view: str, graph: Path) -> str:
    """The tensor of statistics that the head's reader of a view subtracts its mean from."""
    for node in model.graph.node:
        if node.name == f"/network/head/{view}/Sub":
            return str(node.input[0])
    raise ConfigurationError(f"{graph} is no frame graph of `edge`: its head reads no statistics")
