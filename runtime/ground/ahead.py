"""Work done ahead of whoever takes its results: several items at once, results in order, few of them waiting."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Generator[Result, None, None]:
    """``work(item)`` of every item, in the order of the items, by so many threads at once.

    At most twice as many results as threads are begun and not yet taken: memory is bounded, however slowly they are
    taken. Where the iterator ends early, or ``work`` raises (in the item's turn), what has begun ends first and nothing
    else begins.
    """
    begun: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="ahead") as pool:
        try:
            for item in items:
                begun.append(pool.submit(work, item))
                if len(begun) == 2 * threads:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for one in begun:
                one.cancel()
