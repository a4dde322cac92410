"""The runtime's own commands: one module each, with ``SUMMARY``, ``configure(parser)`` and ``run(args)``."""
