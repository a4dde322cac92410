"""Where frame events go: files, other processes, servers. Each sink is one file; ``registry.py`` knows them."""

from .registry import create

__all__ = ["create"]
