"""Every way in which a GPU can be missing or fail has an error of its own; a fake CuPy plays them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from dsl.errors import Diagnostic, RunError
from runtime import cuda_backend as cuda
from runtime.cuda_backend import cuda_backend, gpu
from tests.runtime.fake_cupy import (
    CUDARuntimeError,
    DynamicLibNotFoundError,
    FakeCuPy,
    Machine,
    OutOfMemoryError,
    installer,
)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[Machine], None]:
    return installer(monkeypatch)


def refused(device: int = 0) -> Diagnostic:
    with pytest.raises(RunError) as caught:
        cuda_backend(device)
    return caught.value.diagnostics[0]


def failing(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def test_a_gpu_that_works_computes(install: Callable[[Machine], None]):
    install(machine := Machine())
    backend = cuda_backend(1)
    assert backend.name == "cuda:1"
    assert machine.used == [1]
    x = backend.to_device(np.ones((2, 3)))
    assert backend.to_host(backend.xp.matmul(x, x.T)).tolist() == [[3.0, 3.0], [3.0, 3.0]]
    assert 0.8 < backend.available_bytes() / (1 << 33) < 1


def test_doctor_can_name_it(install: Callable[[Machine], None]):
    install(Machine())
    found = gpu()
    assert (found.name, found.cupy, found.driver) == ("NVIDIA Fake", "14.2.0", "12.4")


def test_without_cupy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cuda, "_packages", list)
    monkeypatch.setitem(sys.modules, "cupy", None)
    found = refused()
    assert found.code == "NN840"
    assert 'pip install "nnc[cuda12]"' in (found.help or "")


def test_two_cupys_are_refused_before_either_is_imported(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cuda, "_packages", lambda: ["cupy-cuda12x", "cupy-cuda13x"])
    monkeypatch.setitem(sys.modules, "cupy", None)
    found = refused()
    assert found.code == "NN845"
    assert "cupy-cuda12x and cupy-cuda13x" in found.message


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"driver": 0}, "NN841", "no NVIDIA driver"),
        ({"driver": 11080}, "NN842", "for CUDA 11.8, and the installed CuPy wants CUDA 12.9"),
        ({"count_error": 35}, "NN842", "CUDA 12.4"),
        ({"count_error": 100}, "NN843", "no GPU"),
        ({"count": 0}, "NN843", "no GPU"),
        ({"count_error": 999}, "NN846", "error 999 of CUDA"),
        ({"on_matmul": failing(ImportError("libcublas.so.12: cannot open shared object file"))}, "NN844", "libcublas"),
        ({"on_matmul": failing(DynamicLibNotFoundError('Failure finding "libnvrtc.so.12"'))}, "NN844", "libnvrtc"),
        ({"on_matmul": failing(OutOfMemoryError("out of memory"))}, "NN852", "17 GB, 8.6 GB of it free"),
        ({"on_matmul": failing(CUDARuntimeError(2)), "free": 0}, "NN852", "the memory of the GPU is full"),
        ({"on_matmul": failing(CUDARuntimeError(700))}, "NN846", "error 700 of CUDA"),
    ],
)
def test_a_gpu_that_cannot_be_used_says_why(
    change: dict[str, object], code: str, said: str, install: Callable[[Machine], None]
):
    install(replace(Machine(), **change))
    found = refused()
    assert found.code == code
    assert said in found.message
    assert "and more of it" not in found.message
    assert found.help


def test_a_device_beyond_the_last_is_told_what_is_there(
    install: Callable[[Machine], None], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    install(Machine())
    found = refused(2)
    assert found.code == "NN865"
    assert "cuda:0, cuda:1" in (found.help or "")
    assert "within CUDA_VISIBLE_DEVICES='4,5'" in (found.help or "")


def test_an_empty_choice_of_gpus_is_named(install: Callable[[Machine], None], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    install(Machine(count_error=100))
    assert "CUDA_VISIBLE_DEVICES is ''" in (refused().help or "")


def test_a_gpu_that_computes_wrong_numbers_is_refused(
    install: Callable[[Machine], None], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(FakeCuPy, "asnumpy", lambda self, array: array.get() * 0)
    install(Machine())
    assert refused().code == "NN846"


def test_memory_that_runs_out_later_is_told_in_our_words(install: Callable[[Machine], None]):
    install(machine := Machine())
    backend = cuda_backend()
    machine.on_allocation = failing(OutOfMemoryError("out of memory"))
    with pytest.raises(RunError) as caught:
        backend.empty(100)
    assert caught.value.diagnostics[0].code == "NN852"


def test_an_error_in_a_step_is_told_in_our_words_and_one_of_ours_is_not_hidden(install: Callable[[Machine], None]):
    install(Machine())
    backend = cuda_backend()
    with pytest.raises(RunError) as caught, backend.quiet():
        raise CUDARuntimeError(700)
    assert caught.value.diagnostics[0].code == "NN846"
    with pytest.raises(ZeroDivisionError), backend.quiet():
        _ = 1 / 0
