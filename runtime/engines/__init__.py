"""Backends that execute a bundle's engine files: one file or folder each here, and one line in ``registry.py``."""

from .protocol import Engine, EngineOptions, Spinning, TensorSpec
from .registry import load_engine

__all__ = ["Engine", "EngineOptions", "Spinning", "TensorSpec", "load_engine"]
