import random

from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.backoff import BackoffPolicy
from dgiqa_edge.runtime.engines.remote.breaker import CircuitBreaker

STEPS = st.lists(st.tuples(st.floats(0, 30), st.booleans()), max_size=60)


@given(STEPS, st.integers(0, 1000))
def test_a_server_that_fails_is_left_alone_for_longer_and_longer_until_it_answers(steps, seed):
    policy = BackoffPolicy(first_s=0.1, longest_s=5.0, jitter=0.2)
    breaker = CircuitBreaker(policy, random.Random(seed))
    now, failures = 0.0, 0
    for passed_s, answers in steps:
        now += passed_s
        wait_s = breaker.wait_s(now)
        assert 0.0 <= wait_s <= 6.0
        assert breaker.is_open == (failures > 0)
        assert failures or wait_s == 0.0
        now += wait_s  # asking before would be no one's right
        if answers:
            breaker.succeeded()
            failures = 0
            assert breaker.wait_s(now) == 0.0
        else:
            breaker.failed(now)
            failures += 1
            pause_s = min(0.1 * 2.0 ** (failures - 1), 5.0)
            assert 0.8 * pause_s <= breaker.wait_s(now) + 1e-9
            assert breaker.wait_s(now) <= 1.2 * pause_s + 1e-9
            assert breaker.wait_s(now + 6.0) == 0.0


def test_it_starts_closed():
    breaker = CircuitBreaker()
    assert not breaker.is_open
    assert breaker.wait_s(0.0) == 0.0
