"""From a configuration to a running watch, and ``--check``."""
