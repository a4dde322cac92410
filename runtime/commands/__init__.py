"""The runtime's own commands: one module each, with ``SUMMARY``, ``EXTRA``, ``configure(parser)`` and ``run(args)``."""
