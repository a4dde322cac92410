"""A JSON file that the program itself wrote: it says what it is and of which version, and both are checked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..ground.input_file import file_bytes
from ..ground.names import json_text
from ..ground.strict_text import KeyRuleError, parse_json


class UnusableError(Exception):
    """Why a file is not what it is taken for, in words for a message."""


def own_text(kind: str, version: int, content: Mapping[str, Any], indent: int | None = None) -> str:
    """The text of such a file."""
    return json_text({"kind": kind, "version": version, **content}, indent=indent) + "\n"


def own_document(path: Path, kind: str, version: int) -> dict[str, Any]:
    """What the file holds; what it says beyond kind and version is the caller's to check.

    Raises:
        FileNotFoundError: there is none.
        UnusableError: it cannot be read, or is of another kind or version.
    """
    try:
        document = parse_json(file_bytes(path).decode())
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnusableError(str(error.strerror)) from error
    except KeyRuleError as error:
        raise UnusableError(f"it is damaged: {error}") from error
    except ValueError:
        raise UnusableError("it is damaged: no JSON") from None
    if not isinstance(document, dict) or document.get("kind") != kind:
        raise UnusableError("it holds something else")
    if document.get("version") != version:
        raise UnusableError(f"its version is {document.get('version')!r}, this program reads {version}")
    return document
