"""`check` refuses what no data could make fit this machine, and sizes and values that mean nothing."""

from pathlib import Path

import pytest

from nnc import cli
from nnc.failure import guarded

HUNGRY = """model m(text: words) -> label: class {
  embed 1000
  conv 3 filters=100000
  maxpool
  dense softmax
}
"""


def nnc_run(*arguments: str) -> int:
    return guarded(arguments, cli.run)


def test_check_refuses_weights_that_fit_no_machine_at_their_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nnc.commands.check.available_bytes", lambda: 1_000_000_000)
    spec = tmp_path / "hungry.nn"
    spec.write_text(HUNGRY, "utf-8")
    assert nnc_run("check", str(spec)) == 1
    said = capsys.readouterr().err
    assert "NN852" in said
    assert "hungry.nn:3:3" in said


def test_inspect_refuses_a_size_that_the_model_has_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "m.nn"
    spec.write_text("model m(x: real[2]) -> y: real { dense }\n", "utf-8")
    assert nnc_run("inspect", str(spec), "--sizes", "T=3") == 2
    assert "no size T" in capsys.readouterr().err
