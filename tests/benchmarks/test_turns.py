"""Engines take turns, and none works in another's."""

from threading import Thread
from time import perf_counter, thread_time

from benchmarks.turns import rest


def _work(seconds: float) -> None:
    end = thread_time() + seconds
    while thread_time() < end:
        pass


def test_rest_waits_for_threads_that_still_work():
    thread = Thread(target=_work, args=(0.05,))
    begin = perf_counter()
    thread.start()
    rest()
    assert perf_counter() - begin >= 0.05
    thread.join()
