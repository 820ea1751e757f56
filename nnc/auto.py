"""`--kernels auto`: a training takes compiled kernels where they are there, and else has them compiled meanwhile.

Which kernels compute is settled before the first step, and holds for the whole run: so it does not hang on how fast
something was compiled what the last bits of its numbers are. A run that finds no kernels of its network in the cache is
computed by NumPy; once it has taken a while another process, which ends with it, compiles them for the runs to come.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from threading import Event, Thread

from compiler import pipeline
from compiler.ir.text import show
from runtime.backend import Backend
from runtime.data import Rows, largest_sizes
from runtime.data.ahead import threads_of_steps
from runtime.execute import CompileBucket
from runtime.job import Job

WHILE = 5.0
"""Seconds after which a run is one that compiled kernels are worth it for."""


def settled(job: Job, before: str | None) -> Job:
    """With what computes all of it. before: the name of what computed the steps of a checkpoint"""
    fast = job.backend.later
    if fast is None:
        return job
    chosen = fast()
    if not (before == chosen.name if before is not None else _there(job, chosen)):
        return job
    return replace(job, backend=chosen, compile_bucket=compiler_of(chosen, job.dataset.train))


def compiler_of(backend: Backend, rows: Rows) -> CompileBucket:
    """What makes programs for it. rows: that are learnt"""
    return pipeline.compiler_for(backend.native is not None, threads_of_steps(rows, backend.threads))


@contextmanager
def compiled_meanwhile(job: Job) -> Generator[None]:
    """While the job is run by NumPy, if compiled kernels would have been taken; ends with it."""
    if job.backend.later is None:
        yield
        if job.backend.native is not None:
            _leave(job)
        return
    over = Event()
    thread = Thread(target=_compile, args=(job, job.backend.later(), over), daemon=True, name="nnc compiles")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _compile(job: Job, fast: Backend, over: Event) -> None:
    if over.wait(WHILE):
        return
    settings, data = job.settings, job.dataset
    sizes = largest_sizes(data.train, settings.batch, settings.batch_tokens, settings.unroll)[0]
    programs = [(show(job.step.graph), sizes)]
    scored = data.valid or data.test
    if scored is not None:
        programs.append((show(job.evaluation), largest_sizes(scored, settings.batch)[0]))
    count = threads_of_steps(data.train, fast.threads)
    given = {"name": _name(job, fast), "threads": count, "programs": programs}
    quiet = subprocess.DEVNULL
    with suppress(OSError):
        # -P: nothing in the working directory is a module.
        command = [sys.executable, "-P", "-m", "nnc.compiling"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet) as other:
            assert other.stdin is not None
            with other.stdin as pipe:
                pipe.write(json.dumps(given).encode())
            while other.poll() is None:
                if over.wait(0.1):
                    other.kill()


def _there(job: Job, fast: Backend) -> bool:
    from runtime.native.cache import user_cache

    return user_cache().read(_name(job, fast)) is not None


def _leave(job: Job) -> None:
    """Word that all kernels of this network are compiled."""
    from runtime.native.cache import MARK, user_cache

    user_cache().write(_name(job, job.backend), MARK)


def _name(job: Job, fast: Backend) -> str:
    """Of the word that says so."""
    from runtime.native.machine import machine_key

    count = threads_of_steps(job.dataset.train, fast.threads)
    text = "\n".join((machine_key(), str(count), show(job.step.graph), show(job.evaluation)))
    return f"network_{sha256(text.encode()).hexdigest()}"
