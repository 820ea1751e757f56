"""What can be wrong with the standard streams, tried on the real program."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nnc.failure import guarded
from runtime import model_file

ROOT = Path(__file__).resolve().parents[2]
SPEC = """model m(text: words) -> label: class {
  embed 5
  maxpool
  dense softmax
}
data { train "train.tsv" ; valid "train.tsv" }
train { epochs 2 }
"""
FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "m.nn").write_text(SPEC)
    (tmp_path / "train.tsv").write_text("好\ta fine thing\ncafé\ta poor thing\n" * 10)
    return tmp_path


def shell(folder: Path, line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`nnc` in the line is our program."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    program = f'nnc() {{ "{sys.executable}" -P -m nnc "$@"; }}; '
    done = subprocess.run(
        ["bash", "-c", program + line], cwd=folder, env=variables, capture_output=True, text=True, timeout=60
    )
    assert not any(word in done.stderr for word in ("Traceback", "NN901", "Exception")), done.stderr
    return done


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_a_closed_stream_keeps_no_command_from_its_work(here: Path, closed: str):
    assert shell(here, f"nnc train m.nn --out run {closed}").returncode == 0
    weights, _ = model_file.load(here / "run" / "model.safetensors")
    assert weights


def test_predict_with_standard_input_closed_has_nothing_to_answer(here: Path):
    done = shell(here, "nnc train m.nn --out run > /dev/null && nnc predict run <&-")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@FULL
@pytest.mark.parametrize("command", ["check m.nn", "check --json m.nn", "--help", "doctor"])
def test_output_on_a_full_disk_fails_in_words(here: Path, command: str):
    done = shell(here, f"nnc {command} > /dev/full")
    assert done.returncode == 1
    assert "error[NN805]: the output cannot be written: No space left on device" in done.stderr


@FULL
def test_errors_that_nobody_can_be_told_are_an_exit_code(here: Path):
    assert shell(here, "nnc check none.nn 2> /dev/full").returncode == 1


@pytest.mark.parametrize("line", ["nnc train m.nn --out run | true", "nnc train m.nn --out run > /dev/full"])
def test_a_run_that_can_no_longer_show_anything_saves_its_model(here: Path, line: str):
    shell(here, line)
    weights, _ = model_file.load(here / "run" / "model.safetensors")
    assert weights


def test_what_an_encoding_lacks_is_escaped_as_in_json(here: Path):
    poor = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
    done = shell(here, "nnc train m.nn --out run && nnc predict run --json --proba fine", **poor)
    assert done.returncode == 0
    assert r"caf\u00e9, \u597d" in done.stdout
    assert set(json.loads(done.stdout.splitlines()[-1])["label"]["probabilities"]) == {"好", "café"}


def test_an_absurd_width_is_no_width(here: Path):
    done = shell(here, "nnc check m.nn", COLUMNS="9" * 5000)
    assert done.returncode == 0


def test_memory_that_runs_out_is_told_in_words(capsys: pytest.CaptureFixture[str]):
    def hungry(arguments: object) -> int:
        raise MemoryError

    assert guarded([], hungry) == 1
    assert "error[NN852]" in capsys.readouterr().err


def test_ctrl_c_while_the_program_is_loaded_ends_it_without_a_word(here: Path):
    """An import that waits stands for a slow one."""
    (here / "click.py").write_text("import time\nprint('loading', flush=True)\ntime.sleep(60)\n")
    variables = {**os.environ, "PYTHONPATH": f"{here}:{ROOT}"}
    command = [sys.executable, "-P", "-m", "nnc", "check", "m.nn"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=here, env=variables, **pipes) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "loading\n"
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=30)
    assert (program.returncode, errors) == (-signal.SIGINT, "")
