"""Threads that work at one step together: what they compute, and that nothing leaves one of them waiting."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from tests.runtime.native.kernels import needs_numba

pytestmark = needs_numba

ADD_ONE = """\
def add_one(p):
    x = f32(p[0], p[1])
    for j in range(p[1]):
        x[j] = x[j] + np.float32(1)
"""
DOUBLE = ADD_ONE.replace("add_one", "double").replace("+ np.float32(1)", "* np.float32(2)")
SOURCE = f"{ADD_ONE}\n{DOUBLE}\ndef bind("


def program(threads: int) -> SimpleNamespace:
    from runtime.native.backend import Functions
    from runtime.native.cache import user_cache

    return Functions(user_cache(), threads).of_program(SOURCE)


def halves(k: SimpleNamespace, name: str, x: object, length: int):
    return k.shared(name, ((0, length // 2, length), 1, ((0, 4),)), x, length)


def test_thread_sees_what_it_waits_for():
    k, x = program(2), np.zeros(100_000, np.float32)
    up, twice = halves(k, "add_one", x, x.size), halves(k, "double", x, x.size)
    # Each thread doubles what the other has added to.
    run = k.together([[up[0], (1, 1), twice[1]], [up[1], (0, 1), twice[0]]])
    wanted = 0.0
    for _ in range(15):
        run()
        wanted = (wanted + 1) * 2
        assert (x == wanted).all()


def test_three_threads_share_what_two_share():
    k, x = program(3), np.zeros(1000, np.float32)
    shares = k.shared("add_one", ((0, 333, 667, 1000), 1, ((0, 4),)), x, 1000)
    k.together([[shares[0]], [shares[1]], [(0, 1), shares[2]]])()
    assert (x == 1).all()


def test_worker_that_sleeps_is_woken():
    k, x = program(2), np.zeros(10, np.float32)
    shares = halves(k, "add_one", x, 10)
    run = k.together([[shares[0]], [shares[1]]])
    for _ in range(3):
        run()
        time.sleep(0.02)
    assert (x == 3).all()


def test_two_programs_in_two_python_threads_end():
    def work(k: SimpleNamespace, x: object):
        shares = halves(k, "add_one", x, 1000)
        run = k.together([[shares[0], (1, 1)], [shares[1], (0, 1)]])
        for _ in range(50):
            run()

    one, arrays = program(2), [np.zeros(1000, np.float32) for _ in range(4)]
    # Two have a team each, two have one together.
    callers = [
        threading.Thread(target=work, args=(k, x))
        for k, x in zip((one, one, *(program(2) for _ in "ab")), arrays, strict=True)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(30)
    assert all((x == 50).all() for x in arrays)


def test_worker_ends_with_its_program():
    k, x = program(2), np.zeros(10, np.float32)
    shares = halves(k, "add_one", x, 10)
    k.together([[shares[0]], [shares[1]]])()
    workers = [t for t in threading.enumerate() if t.name == "nnc kernels"]
    assert workers
    del k, shares
    gc.collect()
    for _ in range(100):
        left = [t for t in workers if t.is_alive()]
        if len(left) < len(workers):
            return
        time.sleep(0.01)
    pytest.fail("all workers are still there")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_child_of_fork_has_a_worker_of_its_own():
    k, x = program(2), np.zeros(10, np.float32)
    shares = halves(k, "add_one", x, 10)
    run = k.together([[shares[0]], [shares[1]]])
    run()
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # ends the child where it waits for ever
        run()
        os._exit(0 if (x == 2).all() else 1)
    assert os.waitpid(child, 0)[1] == 0


END_WHILE_THEY_WAIT = """
import numpy as np
from tests.runtime.native.test_team import halves, program
k, x = program(2), np.zeros(10, np.float32)
shares = halves(k, "add_one", x, 10)
run = k.together([[shares[0]], [shares[1]]])
run()
print("ran", flush=True)
{then}
"""


def ended(then: str, interrupted: bool = False) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", END_WHILE_THEY_WAIT.format(then=then)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        if interrupted:
            time.sleep(0.1)
            process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=30)
        return subprocess.CompletedProcess(command, process.returncode, first + out, error)


def test_process_ends_while_its_worker_waits():
    found = ended("")
    assert (found.returncode, found.stdout, found.stderr) == (0, "ran\n", "")


def test_interrupt_reaches_the_thread_that_runs_steps():
    then = """
try:
    while True:
        run()
except KeyboardInterrupt:
    whole = bool((x == x[0]).all())
    run()
    print("interrupted", whole, bool((x == x[0]).all()))
"""
    found = ended(then, interrupted=True)
    assert (found.returncode, found.stdout, found.stderr) == (0, "ran\ninterrupted True True\n", "")


def test_products_have_as_many_threads_afterwards_as_before():
    import ctypes

    from runtime.native.blas import thread_addresses

    get, put = thread_addresses()
    if not get:
        pytest.skip("NumPy brings no OpenBLAS")
    ask, tell = ctypes.CFUNCTYPE(ctypes.c_int)(get), ctypes.CFUNCTYPE(None, ctypes.c_int)(put)
    k, x = program(2), np.zeros(10, np.float32)
    shares = halves(k, "add_one", x, 10)
    were = ask()
    try:
        tell(2)
        k.together([[shares[0]], [shares[1]]])()
        assert ask() == 2
    finally:
        tell(were)
