"""ONNX graphs from files that this run did not write: a bundle's, or one that was named."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from dgiqa_edge.runtime.bundle.bundle import Bundle
from dgiqa_edge.runtime.bundle.manifest import GraphRecord
from dgiqa_edge.runtime.errors import BundleError

if TYPE_CHECKING:
    from onnx import ModelProto


def read_graph(path: Path) -> "ModelProto":
    """Read one graph.

    Raises:
        BundleError: it is no ONNX graph.
    """
    import onnx

    try:
        model = onnx.load(str(path))
        if not model.graph.output:
            raise ValueError("empty")
    except Exception as error:  # protobuf's own errors
        raise BundleError(
            f"{path} is no ONNX graph ({type(error).__name__}): build it again, or give another one"
        ) from error
    return model


def graphs_of(bundle: Bundle, graphs: Iterable[GraphRecord] | None = None) -> "dict[str, ModelProto]":
    """The bundle's portable graphs (or others of its ``graphs``) by role, in the order in which a frame passes them;
    raises as ``read_graph``.
    """
    files = {graph.role: graph.file for graph in graphs or bundle.manifest.graphs}
    return {role: read_graph(bundle.file(files[role])) for role in bundle.roles}
