"""Raw samples inside a JSON document: a plain list while it is short, compressed float32 when it is long."""

import base64
import binascii
import zlib
from typing import Any

import numpy as np

from dgiqa_edge.runtime.errors import ReportError

LONGEST_LIST = 2000
DECIMALS = 4
_ENCODING = "base64 of zlib of little-endian float32"


def encode(values: np.ndarray) -> dict[str, Any]:
    """``{"count", "values"}`` or ``{"count", "encoding", "data"}``; values that are no numbers become null."""
    array = np.asarray(values, np.float64)
    if len(array) <= LONGEST_LIST:
        plain = [None if np.isnan(value) else round(float(value), DECIMALS) for value in array]
        return {"count": len(array), "values": plain}
    packed = zlib.compress(array.astype("<f4").tobytes(), 9)
    return {"count": len(array), "encoding": _ENCODING, "data": base64.b64encode(packed).decode("ascii")}


def decode(document: dict[str, Any]) -> np.ndarray:
    """Float64 array of an encoded series.

    Raises:
        ReportError: the series is damaged.
    """
    if "values" in document:
        array = np.array([np.nan if value is None else value for value in document["values"]], np.float64)
    else:
        try:
            raw = zlib.decompress(base64.b64decode(document["data"], validate=True))
            array = np.frombuffer(raw, "<f4").astype(np.float64)
        except (zlib.error, binascii.Error, ValueError) as error:
            raise ReportError(f"a series in the report is damaged ({error}): measure again") from error
    if len(array) != document["count"]:
        raise ReportError(f"a series in the report has {len(array)} values, it promises {document['count']}")
    return array
