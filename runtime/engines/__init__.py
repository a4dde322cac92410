"""Backends that execute a bundle's engine files: one file each here, and one line in ``registry.py``."""

from .protocol import Engine, EngineOptions, TensorSpec
from .registry import BACKENDS, load_engine

__all__ = ["BACKENDS", "Engine", "EngineOptions", "TensorSpec", "load_engine"]
