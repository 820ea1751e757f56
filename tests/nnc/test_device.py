"""`--device`: auto never fails, a name always means that device."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dsl.errors import Diagnostic, RunError
from nnc.cli import run
from nnc.device import backend_of, gpu_or_why_not
from nnc.failure import guarded
from runtime import cuda_backend as cuda
from tests.runtime.fake_cupy import Machine, OutOfMemoryError, installer


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[Machine], None]:
    return installer(monkeypatch)


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
    assert backend_of("cpu", "numpy").name == "numpy"


@pytest.mark.parametrize("machine", [Machine(driver=0), Machine(count=0), Machine(count_error=999)])
def test_auto_computes_without_a_gpu_that_does_not_work(machine: Machine, install: Callable[[Machine], None]):
    install(machine)
    assert backend_of("auto", "numpy").name == "numpy"
    why = gpu_or_why_not()
    assert isinstance(why, Diagnostic)
    assert why.code in ("NN841", "NN843", "NN846")


@pytest.mark.usefixtures("without_cupy")
def test_auto_computes_without_cupy_and_a_name_does_not():
    assert backend_of("auto", "numpy").name == "numpy"
    with pytest.raises(RunError):
        backend_of("cuda")
    why = gpu_or_why_not()
    assert isinstance(why, Diagnostic)
    assert why.code == "NN840"


SPEC = """model m(text: words) -> label: class {
  embed 4 ; conv k=2 filters=3 relu ; maxpool ; dropout 0.3 ; dense softmax
}
data { train "train.tsv" ; valid 25% }
train { adam lr=0.05 ; batch 4 ; epochs 2 }
"""


def test_train_eval_and_predict_on_a_gpu_say_what_the_processor_says(
    install: Callable[[Machine], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    install(machine := Machine())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.nn").write_text(SPEC)
    (tmp_path / "train.tsv").write_text("good\ta fine thing\nbad\ta poor thing indeed\n" * 12)
    told: dict[str, list[str]] = {}
    for device in ("cpu", "cuda"):
        assert guarded(["train", "m.nn", "--out", device, "--device", device], run) == 0
        assert machine.used == ([0] if device == "cuda" else [])
        capsys.readouterr()
        assert guarded(["eval", device, "--device", device, "--json"], run) == 0
        assert guarded(["predict", device, "a fine poor thing", "--device", device], run) == 0
        told[device] = capsys.readouterr().out.splitlines()
    here, there = (json.loads(told[device][0])["valid"] for device in ("cpu", "cuda"))
    assert there["loss"] == pytest.approx(here["loss"], rel=1e-4)
    assert there["accuracy"] == here["accuracy"]
    assert told["cuda"][1:] == told["cpu"][1:]


def test_memory_of_a_gpu_that_runs_out_between_steps_is_told_as_such(
    install: Callable[[Machine], None], capsys: pytest.CaptureFixture[str]
):
    install(Machine())

    def command(arguments: object) -> int:
        raise OutOfMemoryError("out of memory allocating 1,024 bytes")

    assert guarded([], command) == 1
    assert "error[NN852]: the memory of the GPU is full" in capsys.readouterr().err


def test_doctor_tells_of_the_gpu(install: Callable[[Machine], None], capsys: pytest.CaptureFixture[str]):
    install(Machine())
    guarded(["doctor"], run)
    assert "gpu      NVIDIA Fake, 7.7 GB free, cupy 14.2.0, driver 12.4" in capsys.readouterr().out


@pytest.mark.usefixtures("without_cupy")
def test_doctor_says_why_there_is_no_gpu(capsys: pytest.CaptureFixture[str]):
    guarded(["doctor"], run)
    assert (
        "gpu      none: CuPy is not installed, by which nnc uses a GPU (nnc explain NN840)" in capsys.readouterr().out
    )
    guarded(["doctor", "--json"], run)
    assert json.loads(capsys.readouterr().out)["gpu"]["code"] == "NN840"


def test_kernels_that_need_numba_say_how_to_get_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr("nnc.device.find_spec", lambda name: None)
    assert guarded(["train", "--device", "cpu", "--kernels", "fast"], run) == 1
    said = capsys.readouterr().err
    assert "error[NN847]" in said
    assert 'pip install "nnc[fast]"' in said


def test_kernels_are_numpys_where_nothing_else_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NNC_KERNELS")
    assert backend_of("cpu").native is None
    monkeypatch.setenv("NNC_KERNELS", "slow")
    with pytest.raises(ValueError, match="kernels are auto or numpy or fast"):
        backend_of("cpu")


def test_threads_of_fast_kernels_may_be_said():
    pytest.importorskip("numba")
    assert backend_of("cpu", "fast", 1).threads == 1


@pytest.mark.parametrize(("kernels", "count"), [("numpy", 2), ("fast", 0)])
def test_threads_that_no_kernel_has_are_refused(kernels: str, count: int):
    with pytest.raises(ValueError, match="threads are at least one"):
        backend_of("cpu", kernels, count)
