"""Commands of the benchmarks room; each has ``SUMMARY``, ``configure`` and ``run``."""
