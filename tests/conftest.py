"""`python -m pytest --kernels fast`: the whole suite with compiled kernels wherever a backend is chosen by option.
`--no-optimize`: whatever a test trains or asks runs as its graph was lowered. `-n auto`: a process a core, each with
one BLAS thread: two processes with two threads each wait for each other longer than they compute."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from compiler import pipeline
from nnc.machine import KERNELS


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kernels", choices=KERNELS, default="numpy", help="What computes where a test does not say.")
    parser.addoption("--no-optimize", action="store_true", help="Run graphs as they were lowered.")


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("PYTEST_XDIST_WORKER"):
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # Read when NumPy is imported, here and in what tests start.
        os.environ.pop("COLUMNS", None)  # Set for each process; lines are as long as they are where no terminal is.
    # Compiled kernels outlive a run of the tests, but never come from the user's own cache folder, nor go there.
    place = Path(config.rootpath, ".pytest_cache", "compiled")
    place.mkdir(parents=True, exist_ok=True)
    os.environ["XDG_CACHE_HOME"] = str(place)
    os.environ["NNC_KERNELS"] = config.getoption("--kernels")
    if config.getoption("--no-optimize"):
        pipeline.optimize = pipeline.as_lowered
