"""A settings file (TOML, YAML, or JSON) as a plain mapping; ``settings_section.py`` checks what its keys mean."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .errors import ConfigurationError, MachineError

LARGEST_BYTES = 1 << 20


def read_settings(path: str | Path) -> dict[str, Any]:
    """The mapping that a settings file holds; the suffix says the format (.toml, .yaml, .yml, .json).

    Raises:
        ConfigurationError: the file is missing, too large, not UTF-8, not of its format, or not a mapping.
        MachineError: a YAML file, and PyYAML is not installed.
    """
    file = Path(path)
    parse = _PARSERS.get(file.suffix.lower())
    if parse is None:
        raise ConfigurationError(f"{file}: the name must end in {', '.join(_PARSERS)}: it says how to read the file")
    content = parse(file, _text_of(file))
    if not isinstance(content, Mapping):
        raise ConfigurationError(f"{file} holds a {type(content).__name__}: it must be a mapping of names to settings")
    return dict(content)


def _text_of(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            content = stream.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}: check the name") from None
    if len(content) > LARGEST_BYTES:
        raise ConfigurationError(f"{file} is larger than {LARGEST_BYTES} bytes: this is no settings file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not UTF-8 text (byte {error.start}): save it as UTF-8") from None


def _toml(file: Path, text: str) -> Any:
    if sys.version_info < (3, 11):
        import tomli as toml
    else:
        import tomllib as toml
    try:
        return toml.loads(text)
    except (toml.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError(f"{file} is not TOML: {_one_line(error)}") from None


def _yaml(file: Path, text: str) -> Any:
    try:
        import yaml
    except ModuleNotFoundError:
        raise MachineError(f"{file}: reading YAML needs PyYAML: pip install pyyaml, or write it as TOML") from None
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # ValueError: an impossible date, say
        raise ConfigurationError(f"{file} is not YAML: {_one_line(error)}") from None
    return {} if content is None else content


def _json(file: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{file} is not JSON: {_one_line(error)}") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


_PARSERS: dict[str, Callable[[Path, str], Any]] = {".toml": _toml, ".yaml": _yaml, ".yml": _yaml, ".json": _json}
