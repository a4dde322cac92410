"""A calibration result on disk: the ranges, and everything they depend on.

A stored result is used only under the very key it was made for; a stale or damaged file is replaced and the
replacement is said aloud, never silent.
"""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dgiqa_edge.runtime.errors import CalibrationError
from dgiqa_edge.runtime.ground.atomic import write_text
from dgiqa_edge.runtime.ground.names import json_text
from dgiqa_edge.runtime.ground.strict_text import parse_json
from dgiqa_edge.runtime.hashing import Json, sha256_json

from .equalize import Equalized
from .ranges import TensorRange

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class CalibrationResult:
    """Ranges of one graph on one image set.

    Attributes:
        ranges: per tensor name.
        method, options: the observer and its settings.
        graph_sha256: of the float ONNX file.
        image_set_sha256, images, skipped: of the calibration set; ``skipped`` names what could not be used.
        selection: how the set was chosen of what there was; it is a note and enters no key.
        equalized: what was done to the float graph before its ranges were observed (``equalize.py``).
        preprocessing_sha256: of whatever turns a file into the graph's input outside the graph.
    """

    ranges: Mapping[str, TensorRange]
    method: str
    options: Mapping[str, Json]
    graph_sha256: str
    image_set_sha256: str
    preprocessing_sha256: str
    images: int
    skipped: tuple[str, ...]
    selection: Mapping[str, Json] | None = None
    equalized: tuple[Equalized, ...] = ()

    @property
    def key(self) -> str:
        return cache_key(self.graph_sha256, self.image_set_sha256, self.preprocessing_sha256, self.method, self.options)

    def to_json(self) -> dict[str, Any]:
        """JSON object; ``from_json`` is its inverse."""
        content = asdict(self)
        content["ranges"] = {name: asdict(seen) for name, seen in self.ranges.items()}
        content["skipped"] = list(self.skipped)
        content["equalized"] = [group.to_json() for group in self.equalized]
        for name in ("selection", "equalized"):
            if not content[name]:
                del content[name]
        body = {"schema_version": SCHEMA_VERSION, "key": self.key, **content}
        return {**body, "content_sha256": sha256_json(body)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "CalibrationResult":
        """Read a JSON object.

        Raises:
            CalibrationError: fields are missing or of the wrong kind, of another version, or do not fit
                their key.
        """
        try:
            if content["schema_version"] != SCHEMA_VERSION:
                raise CalibrationError(
                    f"calibration result of schema {content['schema_version']}, not {SCHEMA_VERSION}"
                )
            result = cls(
                ranges={str(name): _range(fields) for name, fields in content["ranges"].items()},
                method=str(content["method"]),
                options=dict(content["options"]),
                graph_sha256=str(content["graph_sha256"]),
                image_set_sha256=str(content["image_set_sha256"]),
                preprocessing_sha256=str(content["preprocessing_sha256"]),
                images=int(content["images"]),
                skipped=tuple(str(name) for name in content["skipped"]),
                selection=content.get("selection"),
                equalized=tuple(map(Equalized.from_json, content.get("equalized", ()))),
            )
            stated = content["key"]
            digest = content["content_sha256"]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CalibrationError(f"calibration result is damaged ({error})") from error
        if stated != result.key:
            raise CalibrationError("calibration result is damaged (its key does not fit its content)")
        if digest != result.to_json()["content_sha256"]:
            raise CalibrationError("calibration result is damaged (its hash does not fit its content)")
        return result

    def save(self, path: Path) -> None:
        """Write the result as JSON, whole or not at all."""
        write_text(path, json_text(self.to_json(), indent=1, allow_nan=False) + "\n")


def load_result(path: Path) -> CalibrationResult:
    """Read a result that ``save`` wrote.

    Raises:
        CalibrationError: the file is missing, no JSON, damaged, or of another version.
    """
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CalibrationError(f"calibration result {path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise CalibrationError(f"calibration result {path} is damaged (not a JSON object)")
    return CalibrationResult.from_json(content)


def cache_key(
    graph_sha256: str,
    image_set_sha256: str,
    preprocessing_sha256: str,
    method: str,
    options: Mapping[str, Json],
) -> str:
    """Key of a calibration: equal only when graph, images, preprocessing, method and options all are."""
    return sha256_json(
        {
            "graph": graph_sha256,
            "images": image_set_sha256,
            "preprocessing": preprocessing_sha256,
            "method": method,
            "options": dict(options),
        }
    )


def load_or_observe(
    path: Path, key: str, observe: Callable[[], CalibrationResult], *, tensors: Collection[str] = ()
) -> tuple[CalibrationResult, str]:
    """The result stored at ``path`` when its key is ``key``; otherwise a fresh one, which takes its place.

    Args:
        tensors: that must have a range; a stored result of a narrower placement is observed again.

    Returns:
        The result, and a note for the user that says where it came from and why.

    Raises:
        CalibrationError: the fresh result does not have ``key``, so the caller described its inputs wrongly.
    """
    note = "calibrated"
    if path.exists():
        try:
            stored = load_result(path)
        except CalibrationError as error:
            note = f"calibrated again: {error}"
        else:
            missing = set(tensors) - set(stored.ranges)
            if stored.key == key and not missing:
                return stored, f"calibration reused from {path} (same graph, images and preprocessing)"
            if stored.key != key:
                note = f"calibrated again: {path} belongs to another graph, image set, preprocessing or method"
            else:
                note = f"calibrated again: {path} lacks {len(missing)} of the tensors this placement needs"
    fresh = observe()
    if fresh.key != key:
        raise CalibrationError("the calibration that ran is not the one asked for: its key differs")
    fresh.save(path)
    return fresh, note


def _range(fields: Mapping[str, Any]) -> TensorRange:
    seen = TensorRange(**{name: float(fields[name]) for name in ("low", "high", "observed_low", "observed_high")})
    if not all(math.isfinite(value) for value in asdict(seen).values()):
        raise ValueError("a range is not finite")
    if seen.low > seen.high or seen.observed_low > seen.observed_high:
        raise ValueError("a range is upside down")
    return seen
