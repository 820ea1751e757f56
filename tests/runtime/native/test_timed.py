"""Kernels with a clock between them: what each took, and that all compute as without one."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pytest

from tests.runtime.native.kernels import needs_numba

pytestmark = needs_numba

SOURCE = """\
def add(p):
    x = f32(p[0], p[1])
    for i in range(p[2]):
        for j in range(p[1]):
            x[j] = x[j] + np.float32(1)

def bind("""
PIECES = 4


def program(threads: int):
    from runtime.native.backend import Functions
    from runtime.native.cache import user_cache
    from runtime.native.timed import ThreadClocks, TimedFunctions

    clocks = ThreadClocks(threads, PIECES)
    return TimedFunctions(Functions(user_cache(), threads), clocks).of_program(SOURCE), clocks


def added(k: SimpleNamespace, x: object, times: int):
    return k.native("add", x, 64, times)


def test_time_of_a_kernel_counts_for_its_piece():
    k, clocks = program(1)
    x = np.zeros(64, np.float32)
    call = k.timed([added(k, x, 1), added(k, x, 100_000), added(k, x, 2)], [1, 2, 1])
    clocks.begin()
    start = time.perf_counter_ns()
    call()
    lasted = time.perf_counter_ns() - start
    (spent,) = clocks.spent()
    assert (x == 100_003).all()
    assert spent[0] == spent[3] == 0
    assert spent[2] > spent[1] > 0
    assert sum(spent) <= lasted


def test_time_of_a_loop_counts_for_the_kernels_of_its_positions():
    k, clocks = program(1)
    x = np.zeros(64, np.float32)
    position = (added(k, x, 1), added(k, x, 10_000))
    (loop,) = k.timed_loop([position] * 5, [1, 2], False)
    call = k.timed([loop], [3])
    clocks.begin()
    call()
    (spent,) = clocks.spent()
    assert (x == 50_005).all()
    assert spent[2] > spent[1] > 0
    assert spent[2] > 10 * spent[3]


@pytest.mark.parametrize("late", [0, 1])
def test_each_thread_has_its_own_time_and_waiting_is_a_piece(late: int):
    k, clocks = program(2)
    x, y = np.zeros(64, np.float32), np.zeros(64, np.float32)
    lists: list[list[object]] = [[], []]
    lists[late] = [added(k, x, 300_000), added(k, y, 1)]
    lists[1 - late] = [(late, 1), added(k, x, 1)]
    numbers = [[2, 3], [2, 3]]
    numbers[1 - late] = [1, 3]
    call = k.timed_together(lists, numbers)
    clocks.begin()
    call()
    spent = clocks.spent()
    assert (x == 300_001).all()
    assert spent[late][1] == 0
    # However late a worker is woken.
    assert min(spent[1 - late][1], spent[late][2]) > 0
    assert spent[1 - late][2] == 0
