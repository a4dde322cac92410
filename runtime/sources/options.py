"""What all families read alike: the options of a source, and what it is created with."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ConfigurationError
from ..settings.section import Section
from ..watch.sources.uri import SourceUri

_SIZE = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")


@dataclass(frozen=True)
class Surroundings:
    """``open_timeout_s``, ``read_timeout_s``: after which a family that can give up on its own does so."""

    open_timeout_s: float = 15.0
    read_timeout_s: float = 10.0


def merged_options(uri: SourceUri, given: Mapping[str, Any], path: str) -> Section:
    """The options of the URI's query and those of the settings, as one section.

    Raises:
        ConfigurationError: an option stands in both.
    """
    twice = sorted(uri.options.keys() & given.keys())
    if twice:
        raise ConfigurationError(f"{path}.{twice[0]} is also in the query of {uri.shown!r}: keep one")
    return Section({**uri.options, **given}, path)


def size_option(options: Section, key: str = "size") -> tuple[int, int] | None:
    """Width and height of an option such as ``1280x720``; None where it is absent."""
    if key not in options:
        options.optional_number(key, None)
        return None
    match = _SIZE.fullmatch(options.text(key))
    if match is None:
        raise ConfigurationError(
            f"{options.path_of(key)} is {options.text(key)!r}: give WIDTHxHEIGHT, such as 1280x720"
        )
    return int(match[1]), int(match[2])
