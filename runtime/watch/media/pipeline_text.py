"""Writing values into the text of a GStreamer pipeline, and taking such a text apart."""

import re
import shlex
from fractions import Fraction

from ...errors import ConfigurationError

_PLAIN = re.compile(r"[\w./:+-]+")
_NAME = re.compile(r"[A-Za-z][\w-]*")
_APPSINK = re.compile(r"!\s*appsink\b[^!]*$")


def property_text(value: str) -> str:
    """A property's value, quoted where GStreamer's pipeline syntax needs it."""
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def rate_text(fps: float) -> str:
    """A frame rate as caps have it; 29.97 and its like are those of television, 30000/1001."""
    nominal = round(fps * 1.001)
    if not float(fps).is_integer() and abs(fps - nominal * 1000 / 1001) < 0.005:
        return f"{nominal * 1000}/1001"
    rate = Fraction(fps).limit_denominator(1001)
    return f"{rate.numerator}/{rate.denominator}"


def without_appsink(pipeline: str) -> str:
    """The pipeline without a closing ``! appsink ...``."""
    return _APPSINK.sub("", pipeline.strip()).rstrip("! \t")


def elements(pipeline: str) -> list[str]:
    """The names of a pipeline's elements, each once: what stands at its start or behind a ``!`` and is no format."""
    words = arguments(pipeline)
    named = [
        word for before, word in zip(["!", *words], words, strict=False) if before == "!" and _NAME.fullmatch(word)
    ]
    return list(dict.fromkeys(named))


def arguments(pipeline: str) -> list[str]:
    """The pipeline as arguments of ``gst-launch-1.0``.

    Raises:
        ConfigurationError: its quotes do not close.
    """
    try:
        return shlex.split(pipeline)
    except ValueError as error:
        raise ConfigurationError(
            f"the pipeline's quotes do not close ({error}): check it with gst-launch-1.0"
        ) from None
