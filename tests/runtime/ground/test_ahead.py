"""Results in order, work ahead, and an end at any moment."""

import threading
import time

import pytest

from dgiqa_edge.runtime.ground.ahead import ahead


def test_results_come_in_the_order_of_the_items_whatever_each_takes():
    def work(number):
        time.sleep(0.002 * (number % 3))
        return number * number

    assert list(ahead(work, range(40), 4)) == [number * number for number in range(40)]


def test_so_many_are_worked_on_at_once():
    together = threading.Barrier(3, timeout=30)  # breaks unless three wait at the same time
    assert sorted(ahead(lambda item: together.wait(), range(6), 3)) == [0, 0, 1, 1, 2, 2]


def test_no_more_is_begun_than_a_few_results_ahead():
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number

    results = ahead(lambda item: item, items(), 2)
    assert next(results) == 0
    assert len(taken) == 4
    results.close()
    assert len(taken) == 4


def test_an_error_comes_in_its_turn_and_ends_the_rest():
    done = []

    def work(number):
        if number == 3:
            raise ValueError("three")
        done.append(number)
        return number

    results = ahead(work, range(1000), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)
    assert len(done) < 10
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]


def test_no_items_are_no_results():
    assert list(ahead(str, [], 2)) == []
