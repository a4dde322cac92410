"""What the device does while it is measured: power, temperatures, clocks, memory, throttling.

One adapter per kind of device; a sampler thread asks those that work here. What cannot be read is reported as not
measured, with the reason.
"""

from .reading import Adapter, Channel, Reading, Trace
from .sampler import Sampler
from .summary import TelemetrySummary, summarize

__all__ = ["Adapter", "Channel", "Reading", "Sampler", "TelemetrySummary", "Trace", "summarize"]
