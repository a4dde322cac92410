"""The options that all queued sinks share: ``queue``, ``when_full`` and, where a retry makes sense, ``attempts``."""

import dataclasses

from ..settings.section import Section
from ..watch.sinks.queued import QueuePolicy


def queue_options(options: Section, default: QueuePolicy, with_attempts: bool = False) -> QueuePolicy:
    """The sink's default policy with what the settings say about it."""
    attempts = options.integer("attempts", default.attempts, low=1, high=100) if with_attempts else default.attempts
    return dataclasses.replace(
        default,
        size=options.integer("queue", default.size, low=1, high=100_000),
        when_full="oldest"
        if options.choice("when_full", default.when_full, ("oldest", "newest")) == "oldest"
        else "newest",
        attempts=attempts,
    )
