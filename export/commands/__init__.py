"""Commands of the export room; each has ``SUMMARY``, ``EXTRA``, ``configure`` and ``run``."""
