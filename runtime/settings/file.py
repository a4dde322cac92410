"""A settings file (TOML, YAML, or JSON) as a plain mapping; ``section.py`` checks what its keys mean."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError, MachineError
from ..ground.input_file import file_bytes
from ..ground.strict_text import KeyRuleError, parse_json, parse_toml, parse_yaml

LARGEST_BYTES = 1 << 20


def read_settings(path: str | Path) -> dict[str, Any]:
    """The mapping that a settings file holds; the suffix says the format (.toml, .yaml, .yml, .json).

    Raises:
        ConfigurationError: the file is missing, too large, not UTF-8, not of its format, gives a key twice, or is no
            mapping.
        MachineError: a YAML file, and PyYAML is not installed.
    """
    file = Path(path)
    kind, parse = _FORMATS.get(file.suffix.lower(), ("", None))
    if parse is None:
        raise ConfigurationError(f"{file}: the name must end in {', '.join(_FORMATS)}: it says how to read the file")
    text = _text_of(file)
    try:
        content = parse(text)
    except ModuleNotFoundError:
        raise MachineError(f"{file}: reading YAML needs PyYAML: pip install pyyaml, or write it as TOML") from None
    except KeyRuleError as error:
        raise ConfigurationError(f"{file}, {error}") from None
    except ValueError as error:
        raise ConfigurationError(f"{file} is not {kind}: {error}") from None
    if not isinstance(content, Mapping):
        raise ConfigurationError(f"{file} holds a {type(content).__name__}: it must be a mapping of names to settings")
    return dict(content)


def _text_of(file: Path) -> str:
    try:
        content = file_bytes(file, LARGEST_BYTES)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}: check the name") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not UTF-8 text (byte {error.start}): save it as UTF-8") from None


def _yaml(text: str) -> Any:
    content = parse_yaml(text)
    return {} if content is None else content


_FORMATS: dict[str, tuple[str, Callable[[str], Any]]] = {
    ".toml": ("TOML", parse_toml),
    ".yaml": ("YAML", _yaml),
    ".yml": ("YAML", _yaml),
    ".json": ("JSON", parse_json),
}
