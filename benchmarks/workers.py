"""Processes that hold one engine each, and what they are asked."""

from __future__ import annotations

import importlib.util
import json
import os
import select
import subprocess
import sys
from typing import Any

from benchmarks.worker import ENGINES

CORES = 2

NEEDS = {"nnc fast": "numba", "torch": "torch", "torch fused": "torch", "torch compiled": "torch", "jax": "jax"}
"""engine -> the package without which there is none"""


class TooLong(Exception):
    """There was no answer in time; the process is gone."""


class Engine:
    """A worker process, started when it is first asked."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._process: subprocess.Popen[str] | None = None

    def ask(self, **request: Any) -> None:
        if self._process is None:
            self._process = _started(self.name)
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def answer(self, within: float) -> dict[str, Any]:
        """Raises TooLong after so many seconds."""
        assert self._process is not None
        out = self._process.stdout
        assert out is not None
        if not select.select([out], [], [], within)[0]:
            self.stop()
            raise TooLong
        line = out.readline()
        if not line:
            self.stop()
            return {"failed": "its process ended"}
        return json.loads(line)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        self._process = None


def installed() -> list[str]:
    """The engines that can be had here, ours first."""
    return [name for name in ENGINES if name not in NEEDS or importlib.util.find_spec(NEEDS[name]) is not None]


def hold_cores() -> None:
    """This process and what it starts get as many cores as the figures are of, however many the machine has."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


def _started(name: str) -> subprocess.Popen[str]:
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(CORES))
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.worker", name],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, **threads},
    )  # fmt: skip
