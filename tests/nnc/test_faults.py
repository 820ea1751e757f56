"""Every call that writes fails in turn; afterwards --resume ends as the run in which nothing failed."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from nnc import runs
from tests.kills.faults import every_fault, train
from tests.kills.specs import contents, write_all


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_all(Path())


def test_a_run_in_which_any_write_fails_is_gone_on_with():
    assert every_fault("faults", 1) > 30


def failing_replace(name: str, times: int) -> Callable[[Path, Path], None]:
    """An os.replace that fails for files of that name, so many times."""
    real, left = os.replace, [times]

    def replace(source: Path, target: Path) -> None:
        if Path(target).name == name and left[0]:
            left[0] -= 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(source, target)

    return replace


def test_a_disk_that_is_full_for_a_while_costs_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    assert train("faults", "whole") == 0
    capsys.readouterr()
    monkeypatch.setattr(os, "replace", failing_replace("checkpoint.safetensors", 1))
    assert train("faults", "run") == 0
    assert capsys.readouterr().err.count("warning[NN817]") == 1
    assert contents(Path("run")) == contents(Path("whole"))


def test_a_model_that_cannot_be_written_is_written_by_resume(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    assert train("faults", "whole") == 0
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", failing_replace("model.safetensors", 1))
        assert train("faults", "run") == 1
    told = capsys.readouterr().err
    assert "NN805" in told
    assert "--resume goes on from the last checkpoint" in " ".join(told.split())
    assert train("faults", "run") == 0
    assert "nothing left to train" in capsys.readouterr().out
    assert contents(Path("run")) == contents(Path("whole"))


def test_a_run_whose_folder_somebody_removes_still_leaves_its_model(monkeypatch: pytest.MonkeyPatch):
    assert train("faults", "whole") == 0
    monkeypatch.setattr(runs, "note_time", lambda path, entry: shutil.rmtree("run", ignore_errors=True))
    assert train("faults", "run") == 0
    assert Path("run/model.safetensors").read_bytes() == Path("whole/model.safetensors").read_bytes()
