"""Where frames come from: cameras, streams, files and a scripted test scene, behind one protocol."""

from .protocol import Damaged, End, Frame, ReadResult, Source, Stall
from .registry import create_source

__all__ = ["Damaged", "End", "Frame", "ReadResult", "Source", "Stall", "create_source"]
