"""Commands of the benchmarks room; each has ``SUMMARY``, ``EXTRA``, ``configure`` and ``run``."""
