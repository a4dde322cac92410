"""Reads what TensorRT's engine inspector says about a plan: its layers and its inputs and outputs.

Pure text in, values out. Up to TensorRT 10 the JSON lists inputs and outputs by name under ``Bindings``, from 11 on as
objects under ``I/O Tensors``; layers are objects where the engine was built with detailed verbosity, else bare names.
Source: TensorRT documentation, "Engine Inspector" and "Migrating IEngineInspector Usage from TensorRT 10.x to 11.x".
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import EngineCompatibilityError

_TYPE_WORDS = re.compile(
    r"\b(FP32|FP16|BF16|FP8|FP4|INT8|INT4|INT32|INT64|UINT8|BOOL|Float|Half|Int8|Int32|Int64)\b", re.I
)
_SHORT = {"float": "FP32", "half": "FP16"}


@dataclass(frozen=True)
class Layer:
    """One layer of the plan. ``kind`` and ``output_types`` are empty where the engine was built without details."""

    name: str
    kind: str
    output_types: tuple[str, ...]


@dataclass(frozen=True)
class EngineLayers:
    """Layers in execution order, and names of the engine's inputs and outputs."""

    layers: tuple[Layer, ...]
    io_tensors: tuple[str, ...]

    def of(self, name: str) -> Layer:
        """The layer of that name; one without details where the inspector did not list it."""
        return next((layer for layer in self.layers if layer.name == name), Layer(name, "", ()))


def parse(text: str) -> EngineLayers:
    """Parse the inspector's JSON, of any version.

    Raises:
        EngineCompatibilityError: the text is neither dialect.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise EngineCompatibilityError(f"TensorRT's inspector gave no JSON ({error}): report this version") from error
    if not isinstance(document, dict) or not isinstance(document.get("Layers"), list):
        raise EngineCompatibilityError("TensorRT's inspector listed no layers: report this version")
    return EngineLayers(
        layers=tuple(_layer(entry) for entry in document["Layers"]),
        io_tensors=tuple(_io_names(document.get("I/O Tensors") or document.get("Bindings") or ())),
    )


def _io_names(entries: Iterable[Any]) -> Iterable[str]:
    for entry in entries:
        yield str(entry["Name"]) if isinstance(entry, Mapping) else str(entry)


def _layer(entry: Any) -> Layer:
    if not isinstance(entry, Mapping):
        return Layer(str(entry), "", ())
    outputs = entry.get("Outputs") or ()
    return Layer(
        name=str(entry.get("Name", "")),
        kind=str(entry.get("LayerType", "")),
        output_types=tuple(_type_of(output) for output in outputs if isinstance(output, Mapping)),
    )


def _type_of(tensor: Mapping[str, Any]) -> str:
    """The number format, from whichever field the version has: ``Format/Datatype``, or ``Datatype`` beside it."""
    for key in ("DataType", "Datatype", "Format/Datatype", "Format"):
        match = _TYPE_WORDS.search(str(tensor.get(key, "")))
        if match:
            word = match[1]
            return _SHORT.get(word.lower(), word.upper())
    return ""
