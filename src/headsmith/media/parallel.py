"""Working on a stream of frames in several threads, in order, with few frames in memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_order(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int, most: int = 0
) -> Iterator[tuple[Item, Result]]:
    """Yield each item with what the function makes of it, in the items' order.

    Args:
        function: Called from ``threads`` threads at once; what it raises is raised here.
        items: Read one by one, as results are taken.
        threads: How many threads.
        most: How many items may be under way; 0: twice ``threads``.
    """
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for item in items:
            waiting.append((item, pool.submit(function, item)))
            if len(waiting) >= (most or 2 * threads):
                first, result = waiting.popleft()
                yield first, result.result()
        while waiting:
            first, result = waiting.popleft()
            yield first, result.result()
