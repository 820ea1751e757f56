"""Jobs that several threads share."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from threading import Barrier, get_ident

import pytest

from runtime.native.blas import thread_addresses
from runtime.numpy_backend import numpy_backend
from runtime.workers import share, workers


def test_jobs_are_done_once_each_by_tools_in_threads_of_their_own():
    done: list[tuple[str, int, int]] = []
    together = Barrier(2, timeout=60)

    def work(tool: str, job: int) -> None:
        if job < 2:
            # Two at once, or neither goes on.
            together.wait()
        done.append((tool, get_ident(), job))

    share(work, iter(range(9)), ["a", "b"])
    assert sorted(job for _, _, job in done) == list(range(9))
    assert len({(tool, thread) for tool, thread, _ in done}) == 2
    assert get_ident() in {thread for tool, thread, _ in done if tool == "a"}


def test_error_of_any_thread_is_raised_and_no_job_begun_after_it():
    done: list[int] = []

    def work(tool: str, job: int) -> None:
        if job == 3:
            raise ValueError("third")
        done.append(job)

    with pytest.raises(ValueError, match="third"):
        share(work, iter(range(100_000)), ["a", "b"])
    assert len(done) < 100_000


def test_error_of_what_gives_the_jobs_is_raised():
    def jobs():
        yield 1
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        share(lambda tool, job: None, jobs(), ["a", "b"])


@pytest.mark.skipif(not all(thread_addresses()), reason="NumPy's products cannot be told")
def test_products_take_one_thread_meanwhile_and_as_many_as_before_afterwards():
    ask, tell = (
        ctypes.CFUNCTYPE(kind, *given)(address)
        for kind, given, address in zip((ctypes.c_int, None), ((), (ctypes.c_int,)), thread_addresses(), strict=True)
    )
    before, found = ask(), list[int]()
    tell(2)
    try:
        share(lambda tool, job: found.append(ask()), iter(range(3)), ["a", "b"])
        assert found == [1, 1, 1]
        assert ask() == 2
    finally:
        tell(before)


def test_threads_are_as_many_as_there_are_jobs_and_one_where_the_backend_has_its_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("runtime.workers.threads", lambda: 4)
    monkeypatch.setattr("runtime.workers.thread_addresses", lambda: (1, 1))
    backend = numpy_backend()
    assert [workers(backend, jobs) for jobs in (0, 1, 3, 9)] == [1, 1, 3, 4]
    assert workers(replace(backend, name="numba"), 9) == 1
    monkeypatch.setattr("runtime.workers.thread_addresses", lambda: (0, 0))
    assert workers(backend, 9) == 1
