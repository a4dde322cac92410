"""One value from one file of a virtual file system; ``None`` for whatever cannot be read there."""

from pathlib import Path


def read_text(path: Path) -> str | None:
    """The file's text without line ends and the zero bytes of device-tree strings."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n ")
    except OSError:
        return None


def read_number(path: Path) -> float | None:
    """The file's only number."""
    text = read_text(path)
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
