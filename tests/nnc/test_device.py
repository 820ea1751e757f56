"""`--device`: auto never fails, a name always means that device."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from dsl.errors import Diagnostic, RunError
from nnc.cli import run
from nnc.device import backend_of, gpu_or_why_not
from nnc.failure import guarded
from runtime import cuda_backend as cuda
from tests.runtime.fake_cupy import FakeCuPy, Machine


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[Machine], None]:
    def install(machine: Machine) -> None:
        monkeypatch.setattr(cuda, "_packages", lambda: ["cupy-cuda12x"])
        monkeypatch.setitem(sys.modules, "cupy", FakeCuPy(machine))

    return install


@pytest.fixture
def without_cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "_packages", list)
    monkeypatch.setattr("nnc.device.installed", lambda: False)
    monkeypatch.setitem(sys.modules, "cupy", None)


@pytest.mark.parametrize("command", [["train"], ["eval", "run"], ["predict", "run", "text"]])
@pytest.mark.parametrize("written", ["", "gpu0", "cuda:", "cuda:-1", "cuda:x", "cpu:0", "CUDA", "cuda:99999", "cuda:²"])
def test_what_is_no_device_exits_2(written: str, command: list[str], capsys: pytest.CaptureFixture[str]):
    assert guarded([*command, "--device", written], run) == 2
    assert "--device is auto, cpu, cuda or cuda:0" in capsys.readouterr().err


@pytest.mark.usefixtures("without_cupy")
@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:11"])
def test_a_device_that_is_not_there_exits_1(device: str, capsys: pytest.CaptureFixture[str]):
    assert guarded(["train", "--device", device], run) == 1
    assert "error[NN840]" in capsys.readouterr().err


def test_auto_takes_a_gpu_that_works(install: Callable[[Machine], None]):
    install(Machine())
    assert backend_of("auto").name == "cuda:0"
    assert backend_of("cuda").name == "cuda:0"
    assert backend_of("cuda:1").name == "cuda:1"
    assert backend_of("cpu").name == "numpy"


@pytest.mark.parametrize("machine", [Machine(driver=0), Machine(count=0), Machine(count_error=999)])
def test_auto_computes_without_a_gpu_that_does_not_work(machine: Machine, install: Callable[[Machine], None]):
    install(machine)
    assert backend_of("auto").name == "numpy"
    why = gpu_or_why_not()
    assert isinstance(why, Diagnostic)
    assert why.code in ("NN841", "NN843", "NN846")


@pytest.mark.usefixtures("without_cupy")
def test_auto_computes_without_cupy_and_a_name_does_not():
    assert backend_of("auto").name == "numpy"
    with pytest.raises(RunError):
        backend_of("cuda")
    why = gpu_or_why_not()
    assert isinstance(why, Diagnostic)
    assert why.code == "NN840"
