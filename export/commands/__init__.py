"""Commands of the export room; each has ``SUMMARY``, ``configure`` and ``run``."""
