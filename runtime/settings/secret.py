"""A secret in the configuration: better from a file or the environment than written down beside the rest."""

import os
from pathlib import Path

from ..errors import ConfigurationError
from .credentials import is_utf8, remember
from .section import Section


def secret_option(options: Section, key: str, folder: Path) -> str | None:
    """The secret that one of ``KEY``, ``KEY_file`` and ``KEY_env`` gives; ``None`` where all are absent.

    Messages name the key, never the value.

    Raises:
        ConfigurationError: more than one is given, the file or variable is missing or empty, or it is no single line.
    """
    names = (key, f"{key}_file", f"{key}_env")
    given = [name for name in names if name in options]
    inline, file, variable = (_quiet_text(options, name) for name in names)
    if len(given) > 1:
        raise ConfigurationError(f"{options.path_of(given[0])} and {options.path_of(given[1])}: keep one of them")
    if not given:
        return None
    where = options.path_of(given[0])
    if inline is not None:
        return _checked(inline, where)
    if file is not None:
        path = folder / file
        try:
            return _checked(path.read_text(encoding="utf-8").rstrip("\r\n"), f"{where} ({path})")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise ConfigurationError(f"{where}: {path} cannot be read ({reason}): check the name and rights") from None
    assert variable is not None
    if variable not in os.environ:
        raise ConfigurationError(f"{where}: the environment has no {variable}: set it")
    return _checked(os.environ[variable], f"{where} ({variable})")


def _quiet_text(options: Section, key: str) -> str | None:
    """A text option whose complaint does not show what was given."""
    try:
        return options.optional_text(key)
    except ConfigurationError:
        raise ConfigurationError(f"{options.path_of(key)} is no text, or empty: give a text") from None


def _checked(secret: str, where: str) -> str:
    if not secret or any(ord(character) < 32 or ord(character) == 127 for character in secret):
        raise ConfigurationError(f"{where} is empty or holds a line end or control character: give one line of text")
    if not is_utf8(secret):
        raise ConfigurationError(f"{where} holds bytes that are no UTF-8: save it as UTF-8")
    remember(secret)
    return secret
