"""What tests of compiled kernels share: a backend with the cache of the suite, and a program run on both."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

import pytest

from compiler.emit import together
from runtime.backend import Backend

needs_numba = pytest.mark.skipif(find_spec("numba") is None, reason="compiled kernels need Numba")


@cache
def shared_backend(threads: int = 1) -> Backend:
    """One for all tests of a process: a kernel is loaded once."""
    from runtime.native.backend import native_backend

    return native_backend(threads=threads)


@pytest.fixture
def all_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads share whatever they can, also where that is slower."""
    monkeypatch.setattr(together, "CALLING", -1e18)
    monkeypatch.setattr(together, "WAITING", 0.0)
