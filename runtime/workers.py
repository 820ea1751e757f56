"""Jobs in several threads of Python.

NumPy computes outside of Python's lock, and its products take one thread each meanwhile: so everything is done by
several threads that otherwise only products are.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from threading import Lock, Thread
from typing import TypeVar

from runtime.backend import Backend
from runtime.native.blas import thread_addresses
from runtime.threads import threads

Job = TypeVar("Job")
Tool = TypeVar("Tool")


def workers(backend: Backend, jobs: int) -> int:
    """How many threads are of use: one where the backend has its own, or where products cannot be told to take one."""
    if backend.name != "numpy" or not all(thread_addresses()):
        return 1
    return max(min(threads(), jobs), 1)


def share(work: Callable[[Tool, Job], None], jobs: Iterator[Job], tools: Sequence[Tool]) -> None:
    """Each job is done once, with one of the tools, each of which has a thread; that of the first is the caller's.

    After an error no job is begun, and it is raised when those that were have ended.
    """
    if len(tools) == 1:
        for job in jobs:
            work(tools[0], job)
        return
    lock, errors = Lock(), list[BaseException]()

    def taken() -> Iterator[Job]:
        while True:
            with lock:
                found = [] if errors else list(islice(jobs, 1))
            if not found:
                return
            yield found[0]

    def until_done(tool: Tool) -> None:
        try:
            for job in taken():
                work(tool, job)
        except BaseException as error:
            errors.append(error)

    others = [Thread(target=until_done, args=(tool,), daemon=True) for tool in tools[1:]]
    with PRODUCTS.by_one_thread():
        for thread in others:
            thread.start()
        until_done(tools[0])
        try:
            for thread in others:
                thread.join()
        except BaseException as error:
            # Ctrl-C: nobody begins another job.
            errors.append(error)
            raise
    if errors:
        raise errors[0]


class _Products:
    """How many threads NumPy's products take, which is the whole process's."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._asked, self._before = 0, 1

    @contextmanager
    def by_one_thread(self) -> Generator[None]:
        """While somebody is inside."""
        get, put = thread_addresses()
        ask, tell = ctypes.CFUNCTYPE(ctypes.c_int)(get), ctypes.CFUNCTYPE(None, ctypes.c_int)(put)
        with self._lock:
            if not self._asked:
                self._before = ask()
                tell(1)
            self._asked += 1
        try:
            yield
        finally:
            with self._lock:
                self._asked -= 1
                if not self._asked:
                    tell(self._before)


PRODUCTS = _Products()
