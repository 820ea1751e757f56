import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import nnc
from compiler import pipeline
from nnc import cli
from nnc.failure import guarded
from nnc.locking import locked
from runtime import model_file
from tests.kills.specs import SPECS, contents, write_all

ROOT = Path(__file__).resolve().parents[2]
BASE = ("train", "plain.nn", "--out", "run")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_all(tmp_path)
    return tmp_path


def nnc_run(*arguments: str) -> int:
    return guarded(arguments, cli.run)


def started(*arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "nnc", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for_epoch(process: "subprocess.Popen[str]", epoch: int) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(f"epoch {epoch} ") or f'"epoch", "epoch": {epoch},' in line:
            return


def test_more_epochs_are_the_run_that_had_them_from_the_start():
    assert nnc_run(*BASE, "--set", "train.epochs=2") == 0
    assert nnc_run(*BASE, "--resume", "--set", "train.epochs=7") == 0
    assert nnc_run("train", "plain.nn", "--out", "whole", "--set", "train.epochs=7") == 0
    assert contents(Path("run")) == contents(Path("whole"))


def test_a_finished_run_says_so_and_stays_as_it_is(capsys: pytest.CaptureFixture[str]):
    assert nnc_run(*BASE) == 0
    before = contents(Path("run"))
    capsys.readouterr()
    assert nnc_run(*BASE, "--resume") == 0
    assert "this run was finished: there was nothing left to train" in capsys.readouterr().out
    assert contents(Path("run")) == before


def test_resume_without_out_goes_on_with_the_only_run(capsys: pytest.CaptureFixture[str]):
    assert nnc_run("train", "plain.nn", "--set", "train.epochs=2") == 0
    assert nnc_run("train", "plain.nn", "--resume") == 0
    assert sorted(p.name for p in Path("runs").iterdir()) == ["plain"]
    assert nnc_run("train", "plain.nn") == 0
    assert nnc_run("train", "plain.nn", "--resume") == 1
    assert "error[NN815]" in capsys.readouterr().err


def test_resume_without_a_checkpoint_starts_afresh_and_says_so(capsys: pytest.CaptureFixture[str]):
    assert nnc_run(*BASE, "--resume") == 0
    assert "run has no checkpoint yet: the run starts afresh" in capsys.readouterr().out
    assert nnc_run("train", "plain.nn", "--out", "whole") == 0
    assert contents(Path("run")) == contents(Path("whole"))


def test_layout_comments_and_an_order_of_entries_do_not_make_another_run():
    assert nnc_run(*BASE, "--set", "train.epochs=2") == 0
    text = SPECS["plain"].replace("adamw lr=0.05 ; batch 8", "batch 8 # rows\n  adamw lr=0.05")
    Path("plain.nn").write_text(text)
    assert nnc_run(*BASE, "--resume") == 0


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--set", "train.batch=4"), "train: `batch 8` is now `train.batch=4`"),
        (("--set", "train.adamw.lr=0.1"), "`adamw lr=0.05`"),
        (("--set", "train.decay=0.1"), "`train.decay=0.1` is new"),
        (("--seed", "7"), "the seed was 1 and is 7"),
        (("--no-optimize",), "--no-optimize was not given"),
        (("--set", "emb.size=6"), "model m has changed"),
    ],
)
def test_another_run_is_refused_by_what_differs(more: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]):
    assert nnc_run(*BASE) == 0
    before = contents(Path("run"))
    capsys.readouterr()
    assert nnc_run(*BASE, "--resume", *more) == 1
    told = capsys.readouterr().err
    assert "error[NN811]" in told
    assert said in " ".join(told.split())
    assert contents(Path("run")) == before


def test_other_data_are_refused(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run(*BASE) == 0
    (here / "train.tsv").write_text((here / "train.tsv").read_text() + "good\tmore\n")
    assert nnc_run(*BASE, "--resume") == 1
    assert "the data files are not the same" in capsys.readouterr().err


def test_a_phase_that_is_behind_may_not_change(capsys: pytest.CaptureFixture[str]):
    base = ("train", "phases.nn", "--out", "run")
    assert nnc_run(*base) == 0
    assert nnc_run(*base, "--resume", "--set", "second.epochs=7") == 0
    assert nnc_run(*base, "--resume", "--set", "first.epochs=7") == 1
    assert "train first" in capsys.readouterr().err


def test_folds_and_no_folds_are_different_runs(capsys: pytest.CaptureFixture[str]):
    assert nnc_run("train", "folds.nn", "--out", "run") == 0
    assert nnc_run(*BASE, "--resume") == 1
    assert "trained with folds" in capsys.readouterr().err
    assert nnc_run("train", "plain.nn", "--out", "other") == 0
    assert nnc_run("train", "folds.nn", "--out", "other", "--resume") == 1
    assert "trained without folds" in capsys.readouterr().err


def test_a_model_without_a_checkpoint_is_not_trained_over(capsys: pytest.CaptureFixture[str]):
    assert nnc_run(*BASE) == 0
    Path("run/checkpoint.safetensors").unlink()
    assert nnc_run(*BASE, "--resume") == 1
    assert "error[NN812]" in capsys.readouterr().err
    assert Path("run/model.safetensors").is_file()


def test_another_machine_is_told_and_goes_on(capsys: pytest.CaptureFixture[str]):
    assert nnc_run(*BASE, "--set", "train.epochs=2") == 0
    path = Path("run/checkpoint.safetensors")
    tensors, meta = model_file.load(path)
    meta["about"]["facts"]["NumPy"] = "1.0"
    model_file.save(path, tensors, meta)
    assert nnc_run(*BASE, "--resume") == 0
    told = " ".join(capsys.readouterr().err.split())
    assert "warning[NN813]" in told
    assert "NumPy was 1.0 and is" in told


@pytest.mark.parametrize(
    "change",
    [
        {"phase": "other"},
        {"phases": None},
        {"fold": 1},
        {"log": -1},
        {"log": True},
        {"identity": {}},
        {"identity": None},
        {"facts": []},
        {"vocabularies": {"text": 1}},
    ],
)
def test_a_checkpoint_that_does_not_say_what_it_is_of_is_refused(
    change: dict[str, object], capsys: pytest.CaptureFixture[str]
):
    assert nnc_run(*BASE) == 0
    path = Path("run/checkpoint.safetensors")
    tensors, meta = model_file.load(path)
    model_file.save(path, tensors, {**meta, "about": {**meta["about"], **change}})
    assert nnc_run(*BASE, "--resume") == 1
    told = capsys.readouterr().err
    assert "NN901" not in told
    assert "error[NN81" in told


def test_a_log_that_was_cut_is_told(capsys: pytest.CaptureFixture[str]):
    assert nnc_run(*BASE) == 0
    Path("run/log.jsonl").write_text("")
    assert nnc_run(*BASE, "--resume") == 0
    assert "warning[NN816]" in capsys.readouterr().err


@pytest.mark.parametrize("more", [(), ("--resume",), ("--overwrite",)])
def test_a_folder_in_which_another_process_trains_is_refused(more: tuple[str, ...], capsys: pytest.CaptureFixture[str]):
    Path("run").mkdir()
    with locked(Path("run")):
        assert nnc_run(*BASE, *more) == 1
    assert "error[NN810]" in capsys.readouterr().err
    assert nnc_run(*BASE, *more) == 0


def test_what_killed_processes_left_half_written_goes(here: Path):
    assert nnc_run(*BASE) == 0
    stray = here / "run" / ".model.safetensors.0123456789abcdef.nnc-tmp"
    stray.write_bytes(b"half")
    (here / "run" / "notes.txt").write_text("mine")
    assert nnc_run(*BASE, "--resume") == 0
    assert not stray.exists()
    assert (here / "run" / "notes.txt").read_text() == "mine"


def again() -> str:
    """It says by which kernels."""
    kernels = os.environ["NNC_KERNELS"]
    return f"nnc train plain.nn --out run --resume --set train.epochs=100000 --kernels {kernels}"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_saves_and_says_how_to_go_on(number: int, code: int):
    process = started(*BASE, "--set", "train.epochs=100000")
    wait_for_epoch(process, 2)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == code, err
    assert err == ""
    assert out.splitlines()[-1] == f"go on:  {again()}"
    assert nnc.load("run").predict(["poor"])
    log = Path("run/log.jsonl").read_text().splitlines()
    assert nnc_run(*BASE, "--resume", "--set", f"train.epochs={len(log) + 2}") == 0
    assert len(Path("run/log.jsonl").read_text().splitlines()) == len(log) + 2


def test_a_stopped_run_says_so_in_json():
    process = started(*BASE, "--set", "train.epochs=100000", "--json")
    wait_for_epoch(process, 1)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=30)
    last = json.loads(out.splitlines()[-1])
    assert last["event"] == "stopped"
    assert last["resume"] == again()


def test_the_log_has_no_times_and_the_times_are_beside_it():
    assert nnc_run(*BASE) == 0
    log = [json.loads(line) for line in Path("run/log.jsonl").read_text().splitlines()]
    times = [json.loads(line) for line in Path("run/times.jsonl").read_text().splitlines()]
    assert [list(entry) for entry in log] == [["epoch", "loss", "lr", "valid", "best"]] * 5
    assert [entry["lr"] for entry in log] == [0.05] * 5
    assert [entry["epoch"] for entry in times] == [1, 2, 3, 4, 5]
    assert all(entry["seconds"] >= 0 for entry in times)


def test_resume_and_overwrite_exclude_each_other():
    assert nnc_run(*BASE, "--resume", "--overwrite") == 2


def test_a_run_that_is_stopped_in_an_early_phase_has_a_checkpoint_and_no_model_yet():
    # A process of its own does not know that the suite runs without the passes, which decide the last bits.
    passes = ["--no-optimize"] if pipeline.optimize is pipeline.as_lowered else []
    base = ("train", "phases.nn", *passes, "--out", "run")
    process = started(*base, "--set", "first.epochs=100000")
    wait_for_epoch(process, 2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "")
    assert "before the last of its phases; saved" in out
    assert not Path("run/model.safetensors").exists()
    epochs = len(Path("run/log.jsonl").read_text().splitlines()) + 1
    assert nnc_run(*base, "--resume", "--set", f"first.epochs={epochs}") == 0
    assert nnc_run("train", "phases.nn", *passes, "--out", "whole", "--set", f"first.epochs={epochs}") == 0
    assert contents(Path("run")) == contents(Path("whole"))


def test_a_checkpoint_is_told_from_a_model(capsys: pytest.CaptureFixture[str]):
    assert nnc_run(*BASE) == 0
    assert nnc_run("predict", "run/checkpoint.safetensors", "fine") == 1
    assert "it is a checkpoint" in capsys.readouterr().err
