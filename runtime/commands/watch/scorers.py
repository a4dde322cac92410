"""What scores for all cameras of a watch: a bundle, the current one of several, or one on a server."""

import contextlib
import logging
import math
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ConfigurationError, RemoteError
from .. import abrupt_exit

if TYPE_CHECKING:
    from ...scoring.fallback import FallbackScorer
    from ...scoring.scorer import Scorer
    from ...watch.assembly.config import WatchSettings
    from ...watch.loop.slot_follower import SlotFollower

log = logging.getLogger("dgiqa_edge.watch")


def open_scorer(settings: "WatchSettings") -> "Scorer | FallbackScorer":
    """The scorer that all cameras share, of the current bundle where it is one of several.

    Raises:
        SignatureError: none of the keys that the settings require has signed it.
        ConfigurationError: settings that contradict each other; or the bundle takes several frames and no fewer.
        DgiqaEdgeError: as ``Scorer``.
    """
    from ...engines.remote.model import open_bundle
    from ...scoring.fallback import FallbackScorer
    from ...scoring.scorer import Scorer
    from ...settings.remote_address import is_remote, parse_address
    from ...update.signature import read_public_keys, verify_signature
    from ...update.slots import is_slots, slots_of

    engine, bundle, keys = settings.engine, settings.bundle, settings.update.require_signature
    remote = is_remote(bundle)
    if engine.fallback is not None and not remote:
        raise ConfigurationError(f"{bundle} is on no server: it needs no fallback, leave that out")
    if keys and remote and (engine.fallback is None or engine.fallback_differs):
        raise ConfigurationError(
            f"{bundle} is on a server, which shows no signature: name the same bundle, signed, as the fallback"
        )
    here = engine.fallback if remote else bundle
    if here is not None and is_slots(here):
        slots = slots_of(here)
        here = slots.path(str(slots.current))
    if here is not None and keys:
        verify_signature(here, read_public_keys(keys))
    opened = open_bundle(here or bundle)
    batch = opened.manifest.batch
    if batch.least > 1:
        raise ConfigurationError(
            f"{opened.path} takes {batch.most} frames at once, and cameras give one at a time: build it with "
            f"--batch 1..{batch.most}, or without --batch"
        )
    scorer = Scorer(
        opened,
        threads=engine.threads,
        backend=engine.backend,
        providers=engine.providers,
        allow_spinning=engine.spinning,
        fit=engine.fit,
        cache_folder=engine.cache_folder,
    )
    if engine.fallback is None:
        return scorer
    try:
        return FallbackScorer(parse_address(str(bundle)), scorer, engine.fallback_differs)
    except BaseException:
        scorer.close()
        raise


@contextlib.contextmanager
def opened(
    settings: "WatchSettings", stop: threading.Event, limit_s: float | None
) -> "Iterator[tuple[Scorer | FallbackScorer, SlotFollower | None] | None]":
    """The scorer, and who brings another one: None where the bundle is the only one.

    A server that is away is waited for, ``limit_s`` at most; None where the watch is stopped before it answers.
    """
    from ...update.slots import is_slots

    if is_slots(settings.bundle):
        with _followed(settings) as follower:
            yield follower.scorer, follower  # type: ignore[misc]  # what it opens is of these
        return
    scorer = _when_it_answers(settings, stop, limit_s)
    if scorer is None:
        yield None
        return
    with scorer:
        yield scorer, None


@contextlib.contextmanager
def _followed(settings: "WatchSettings") -> "Iterator[SlotFollower]":
    from ...update.slots import slots_of
    from ...watch.loop.slot_follower import SlotFollower
    from ...watch.loop.watch import refuse_unfit

    def opened_fit(bundle: Path) -> "Scorer | FallbackScorer":
        scorer = open_scorer(replace(settings, bundle=bundle))
        try:
            refuse_unfit(settings.cameras, scorer)
        except BaseException:
            scorer.close()
            raise
        return scorer

    follower = SlotFollower(slots_of(settings.bundle), opened_fit, settings.update.trial)
    try:
        with follower:
            yield follower
    finally:
        if follower.is_loading:  # a library that would return into an interpreter that is gone
            abrupt_exit.request()


def _when_it_answers(
    settings: "WatchSettings", stop: threading.Event, limit_s: float | None
) -> "Scorer | FallbackScorer | None":
    from ...backoff import Backoff, BackoffPolicy

    backoff = Backoff(BackoffPolicy(), random.Random())
    give_up_at = math.inf if limit_s is None else time.monotonic() + limit_s
    while True:
        try:
            return open_scorer(settings)
        except RemoteError as error:
            pause_s = backoff.next_s()
            if time.monotonic() + pause_s > give_up_at:
                raise
            log.warning("%s; asked again in %.1f s, no camera is opened before", error, pause_s)
        if stop.wait(pause_s):
            return None
