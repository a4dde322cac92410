"""The one place that states the version; setup.py and the bundle manifest read it."""

VERSION = "0.1.0"
