"""`--kernels auto`: NumPy first, compiled kernels once they are there, and one of them for the whole of a run."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from nnc import auto
from nnc.device import backend_of
from nnc.run_events import PartBegun, RunEvent
from nnc.runs import Run, run_all
from nnc.training import recipe
from runtime.native.cache import user_cache
from tests.kills.specs import write_all
from tests.runtime.native.kernels import needs_numba


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_all(tmp_path)
    monkeypatch.setattr(auto, "WHILE", 0.0)


def run(folder: str, kernels: str = "auto", *, until_compiled: bool = False, resume: bool = False) -> str:
    """A run in that folder; the name of what computed it. It may be stopped once word is left of all kernels."""
    Path(folder).mkdir(exist_ok=True)
    names: list[str] = []
    end = time.monotonic() + 120

    def told(event: RunEvent) -> None:
        if isinstance(event, PartBegun):
            names.append(event.backend.name)

    def stop() -> bool:
        return until_compiled and (bool(networks()) or time.monotonic() > end)

    epochs = "100000" if until_compiled else "3"
    made = recipe(Path("plain.nn"), sets=(f"train.epochs={epochs}",))
    run_all(Run(made, Path(folder), told, stop, resume, backend=backend_of("cpu", kernels, 2)))
    (name,) = names
    return name


def networks() -> list[Path]:
    place = user_cache().folder
    assert place is not None
    return list(place.glob("network_*"))


@needs_numba
@pytest.mark.slow
def test_kernels_are_compiled_while_numpy_runs_and_taken_by_the_next_run():
    for each in networks():
        each.unlink()
    # What lies where one works is no part of the program.
    Path("json.py").write_text("raise SystemExit('run by the compiling process')\n")
    assert run("first", until_compiled=True) == "numpy"
    assert len(networks()) == 1
    assert run("second") == "numba"
    assert run("first", resume=True) == "numpy", "a run ends as it began"


@needs_numba
def test_run_by_fast_kernels_leaves_word_of_them():
    for each in networks():
        each.unlink()
    assert run("first", "fast") == "numba"
    assert run("second") == "numba"


def test_without_numba_auto_is_numpy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("nnc.device.find_spec", lambda name: None)
    backend = backend_of("cpu", "auto")
    assert backend.native is None
    assert backend.later is None
