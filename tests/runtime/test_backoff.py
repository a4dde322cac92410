"""Waiting times between attempts: growing, bounded, jittered."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.backoff import Backoff, BackoffPolicy


def test_times_double_up_to_the_longest_and_start_anew() -> None:
    backoff = Backoff(BackoffPolicy(first_s=0.5, factor=2.0, longest_s=5.0, jitter=0.0), random.Random(0))
    assert [backoff.next_s() for _ in range(6)] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    backoff.reset()
    assert backoff.next_s() == 0.5


@given(seed=st.integers(), failures=st.integers(0, 2000))
def test_jitter_stays_within_its_share(seed: int, failures: int) -> None:
    policy = BackoffPolicy()
    backoff = Backoff(policy, random.Random(seed))
    backoff._failures = failures
    exact = min(policy.first_s * policy.factor ** min(failures, 64), policy.longest_s)
    assert backoff.next_s() == pytest.approx(exact, rel=policy.jitter + 1e-9)


def test_two_cameras_do_not_wait_alike() -> None:
    first, second = (Backoff(BackoffPolicy(), random.Random(seed)) for seed in (1, 2))
    assert first.next_s() != second.next_s()
