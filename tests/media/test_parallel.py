"""Results in order, few under way, errors told."""

import threading
import time

import pytest

from headsmith.media.parallel import map_in_order


def test_results_come_in_order_from_several_threads():
    seen = set()

    def work(number: int) -> int:
        seen.add(threading.get_ident())
        time.sleep(0.002 * (number % 3 == 0))
        return number * number

    assert list(map_in_order(work, range(50), 3)) == [(number, number * number) for number in range(50)]
    assert len(seen) > 1


def test_items_are_read_as_results_are_taken():
    read = []

    def items():
        for number in range(1000):
            read.append(number)
            yield number

    results = map_in_order(lambda number: number, items(), 2)
    for expected in range(10):
        assert next(results)[0] == expected
        assert len(read) <= expected + 4
    results.close()


def test_errors_are_raised_here():
    with pytest.raises(ZeroDivisionError):
        list(map_in_order(lambda number: 1 // number, [2, 1, 0, 5], 2))
