import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import nnc
from nnc import cli
from nnc.failure import guarded
from runtime import model_file

ROOT = Path(__file__).resolve().parents[2]
SPEC = """model m(text: words) -> label: class {
  embed 5
  maxpool
  dense softmax
}
data { train "train.tsv" ; valid "valid.tsv" ; test "valid.tsv" }
train { adam lr=0.05 ; batch 8 ; epochs 4 }
"""
ROWS = [("good", "a fine thing"), ("bad", "a poor thing"), ("good", "fine fine work"), ("bad", "poor work indeed")]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.nn").write_text(SPEC)
    for name, times in (("train", 10), ("valid", 2)):
        (tmp_path / f"{name}.tsv").write_text("".join(f"{label}\t{text}\n" for label, text in ROWS) * times)
    return tmp_path


@pytest.fixture
def run(here: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert nnc_run("train", "m.nn") == 0
    capsys.readouterr()
    return here / "runs" / "m"


def nnc_run(*arguments: str) -> int:
    return guarded(arguments, cli.run)


def test_train_writes_a_run_and_says_how_good_it_is(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("train", "m.nn") == 0
    told = capsys.readouterr()
    assert told.err == ""
    lines = told.out.splitlines()
    assert lines[0].startswith("m.nn  bad, good  40 train · 8 valid · 8 test")
    assert [line.split()[:2] for line in lines[1:5]] == [["epoch", str(i)] for i in range(1, 5)]
    assert "best epoch" in told.out
    assert 'try it:  nnc predict runs/m "a fine thing"' in told.out
    run = here / "runs" / "m"
    files = ["checkpoint.safetensors", "log.jsonl", "model.safetensors", "spec.nn", "times.jsonl"]
    assert sorted(p.name for p in run.iterdir()) == files
    assert (run / "spec.nn").read_text() == SPEC
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [entry["epoch"] for entry in log] == [1, 2, 3, 4]
    assert log[-1]["valid"]["accuracy"] == 1


def test_train_as_json_writes_an_event_a_line_and_the_result_last(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("train", "m.nn", "--json", "--seed", "3") == 0
    told = capsys.readouterr()
    *events, found = [json.loads(line) for line in told.out.splitlines()]
    assert [e["event"] for e in events] == ["started", *["epoch"] * 4, "checkpoint"]
    assert events[0]["rows"] == {"train": 40, "valid": 8, "test": 8}
    assert [e["epoch"] for e in events[1:5]] == [1, 2, 3, 4]
    assert found["test"]["accuracy"] == 1
    assert found["test"]["classes"]["good"]["recall"] == 1
    assert found["epochs"] == 4
    assert found["seconds"] > 0
    assert told.err == ""


def test_two_runs_have_the_same_model(here: Path):
    assert nnc_run("train", "m.nn", "--out", "a") == 0
    assert nnc_run("train", "m.nn", "--out", "b") == 0
    assert (here / "a/model.safetensors").read_bytes() == (here / "b/model.safetensors").read_bytes()


def test_set_and_seed_are_remembered_with_the_model(here: Path):
    assert nnc_run("train", "m.nn", "--set", "train.epochs=1", "--seed", "9", "--out", "a") == 0
    model = nnc.load("a")
    assert model.experiment.train.epochs == 1
    assert model.experiment.train.seed == 9


def test_a_run_that_fails_before_it_starts_leaves_no_folder(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "train.tsv").write_text("good\ttext\textra\nbad\tother\textra\n")
    assert nnc_run("train", "m.nn") == 1
    assert "NN7" in capsys.readouterr().err
    assert not (here / "runs").exists()


def test_folds_are_runs_of_their_own_and_a_mean(here: Path, capsys: pytest.CaptureFixture[str]):
    data = 'data { train "train.tsv" ; folds 3 ; valid 20% }'
    (here / "f.nn").write_text(SPEC.replace(SPEC.splitlines()[5], data))
    assert nnc_run("train", "f.nn", "--json") == 0
    *events, found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [e["fold"] for e in events if e["event"] == "started"] == [1, 2, 3]
    assert len(found["folds"]) == 3
    mean = sum(fold["test"]["accuracy"] for fold in found["folds"]) / 3
    assert found["test"]["accuracy"] == pytest.approx(mean)
    assert nnc_run("predict", "runs/f/fold-2", "a fine thing") == 0
    assert capsys.readouterr().out == "good\n"
    assert nnc_run("eval", "runs/f/fold-2", "--json") == 0
    assert json.loads(capsys.readouterr().out)["test"] == found["folds"][1]["test"]


def test_a_sweep_is_said_once_to_be_one_training(here: Path, capsys: pytest.CaptureFixture[str]):
    data = 'data { train "train.tsv" ; folds 2 ; valid 20% }'
    swept = "sweep { train.adam.lr log=1e-3,1e-1 ; trials 3 }\n"
    (here / "s.nn").write_text(SPEC.replace(SPEC.splitlines()[5], data) + swept)
    assert nnc_run("train", "s.nn", "--set", "train.epochs=1", "--json") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    said = "sweep is checked, not run: one setting is trained, the spec's own"
    assert [e for e in events if e.get("event") == "note"] == [{"event": "note", "text": said}]


def test_folds_end_with_the_mean_of_each_score_and_warn_once(here: Path, capsys: pytest.CaptureFixture[str]):
    rows = "".join(f"{label}\t{text}.\n" for label, text in ROWS) * 10
    (here / "train.tsv").write_text(rows)
    data = 'data { train "train.tsv" ; folds 3 ; valid 20% }'
    (here / "f.nn").write_text(SPEC.replace(SPEC.splitlines()[5], data))
    assert nnc_run("train", "f.nn") == 0
    out, err = capsys.readouterr()
    means = out[out.index("mean of 3 folds") :].splitlines()
    assert means[1].split()[:2] == ["test", "accuracy"]
    assert " to " in means[1]
    assert any("macro F1" in line for line in means)
    assert err.count("NN722") == 1


def test_header_counts_the_words_of_the_training_rows_alone(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("train", "m.nn") == 0
    # a fine thing poor work indeed; the ids for padding, unknown, begin and end are no words
    assert "6 words" in capsys.readouterr().out.splitlines()[0]


def test_predict_answers_each_argument(run: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("predict", "runs/m", "a fine thing", "poor", "") == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["good", "bad"]


def test_predict_takes_an_argument_that_begins_with_a_minus(run: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("predict", "runs/m", "a fine thing", "-1.5", "- poor", "--json", "--device", "cpu") == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert nnc_run("predict", "-1") == 1
    assert "there is no run -1" in capsys.readouterr().err
    assert nnc_run("predict", "runs/m", "--prob") == 2


def test_predict_with_probabilities_names_the_likeliest_first(run: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("predict", "runs/m", "a fine thing", "--proba") == 0
    label, share, other, rest = capsys.readouterr().out.split()
    assert (label, other) == ("good", "bad")
    assert float(share) + float(rest) == pytest.approx(1, abs=0.011)
    assert nnc_run("predict", "runs/m", "a fine thing", "--proba", "--json") == 0
    found = json.loads(capsys.readouterr().out)["label"]
    assert found["label"] == "good"
    assert sum(found["probabilities"].values()) == pytest.approx(1)


def test_predict_reads_standard_input_line_by_line(run: Path):
    with subprocess.Popen(
        [sys.executable, "-m", "nnc", "predict", "runs/m"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"a fine thing\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"good\n"
        process.stdin.write(b"poor work\r\nfine")
        process.stdin.close()
        assert process.stdout.read() == b"bad\ngood\n"
    assert process.returncode == 0


def test_predict_says_which_line_of_the_input_is_wrong(run: Path):
    done = subprocess.run(
        [sys.executable, "-m", "nnc", "predict", "runs/m"],
        input=b"a fine thing\nb\xff\n",
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 1
    assert b"--> standard input:2:2" in done.stderr


def test_predict_reads_a_file_with_or_without_labels(here: Path, run: Path, capsys: pytest.CaptureFixture[str]):
    (here / "texts.tsv").write_text("a fine thing\npoor\n")
    assert nnc_run("predict", "runs/m", "--file", "texts.tsv") == 0
    assert capsys.readouterr().out == "good\nbad\n"
    assert nnc_run("predict", "runs/m", "--file", "valid.tsv") == 0
    assert capsys.readouterr().out == "good\nbad\ngood\nbad\n" * 2


def test_predict_gives_the_same_alone_and_among_others(run: Path):
    model = nnc.load(run)
    texts = ["fine", "a poor thing", "unknown words here and there", "", "work " * 40]
    together = model.predict_proba(texts)
    alone = [model.predict_proba([text])[0] for text in texts]
    for a, b in zip(together, alone, strict=True):
        assert a.keys() == b.keys()
        assert all(abs(a[label] - b[label]) < 1e-6 for label in a)


def test_eval_scores_the_splits_that_training_had(run: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("eval", "runs/m", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["valid"]["accuracy"] == found["test"]["accuracy"] == 1


def test_eval_of_another_file_counts_unknown_labels_as_wrong(here: Path, run: Path, capsys: pytest.CaptureFixture[str]):
    (here / "other.tsv").write_text("good\tfine\nawful\tpoor\n")
    assert nnc_run("eval", "runs/m", "--data", "other.tsv", "--json") == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["test"]["accuracy"] == 0.5
    assert "awful" in told.err


@pytest.mark.parametrize(
    "command",
    [("eval", "runs/m", "--data", "a.png"), ("predict", "runs/m", "--file", "a.png"),
     ("check", "m.nn", "--data", "--set", "data.train=a.png"),
     ("check", "beside.nn", "--data", "--set", "data.train.label=a.png")],
)  # fmt: skip
def test_a_file_of_the_command_line_that_is_wrong_has_no_place_in_the_spec(
    here: Path, run: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
):
    (here / "a.png").write_bytes(b"")
    beside = 'data { train text="x.txt" label="y.txt" }'
    (here / "beside.nn").write_text(
        f"model m(text: words) -> label: class {{ embed 4 ; mean ; dense softmax }}\n{beside}\n"
    )
    for name, lines in (("x.txt", "good\nbad\n"), ("y.txt", "a\nb\n")):
        (here / name).write_text(lines)
    assert nnc_run(*command) == 1
    printed = capsys.readouterr().err
    assert "error[NN743]" in printed
    assert ("--> --set:1:1" if "--set" in command else "--> command line:1:1") in printed
    assert ".nn:" not in printed


def test_eval_refuses_data_that_have_changed(here: Path, run: Path, capsys: pytest.CaptureFixture[str]):
    (here / "train.tsv").write_text((here / "train.tsv").read_text() + "good\tmore\n")
    assert nnc_run("eval", "runs/m") == 1
    assert "NN866" in capsys.readouterr().err


def test_a_model_works_without_the_folder_it_was_trained_in(
    here: Path, run: Path, tmp_path_factory: pytest.TempPathFactory
):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "some.safetensors"
    elsewhere.write_bytes((run / "model.safetensors").read_bytes())
    for name in ("m.nn", "train.tsv", "valid.tsv"):
        (here / name).unlink()
    assert nnc.load(elsewhere).predict(["a fine thing"]) == ["good"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w, m: (w, {**m, "spec": m["spec"].replace("embed 5", "embed 6")}), "another shape"),
        (lambda w, m: (dict(list(w.items())[1:]), m), "weights"),
        (lambda w, m: ({k: v.astype("float64") for k, v in w.items()}, m), "another shape"),
        (lambda w, m: ({k: v * float("nan") for k, v in w.items()}, m), "finite"),
        (lambda w, m: (w, {k: v for k, v in m.items() if k != "sets"}), "cannot be used"),
        (lambda w, m: (w, {**m, "seed": "1"}), "cannot be used"),
        (lambda w, m: (w, {**m, "uses": [["a"]]}), "cannot be used"),
        (lambda w, m: (w, {**m, "spec": "model {"}), "its spec is refused"),
        (lambda w, m: (w, {**m, "tables": {}}), "tables"),
    ],
)
def test_a_model_file_that_contradicts_itself_is_refused(
    run: Path, change: object, said: str, capsys: pytest.CaptureFixture[str]
):
    weights, meta = model_file.load(run / "model.safetensors")
    weights, meta = change(weights, meta)  # type: ignore[operator]  # one of the functions above
    model_file.save(run / "model.safetensors", weights, meta)
    assert nnc_run("predict", "runs/m", "text") == 1
    told = capsys.readouterr().err
    assert said in told
    assert "NN8" in told
    assert "NN901" not in told


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_and_saves(here: Path, number: int, code: int):
    process = subprocess.Popen(
        [sys.executable, "-m", "nnc", "train", "m.nn", "--set", "train.epochs=100000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("epoch 2 "):
            break
    started = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == code, err
    assert time.monotonic() - started < 10
    assert "stopped in epoch" in out
    assert err == ""
    assert nnc.load(here / "runs" / "m").predict(["poor"])


def test_a_model_trained_in_a_folder_whose_name_is_no_utf8_opens(here: Path):
    folder = Path(os.fsdecode(os.fsencode(here) + b"/\xff"))
    folder.mkdir()
    for name in ("m.nn", "train.tsv", "valid.tsv"):
        (folder / name).write_bytes((here / name).read_bytes())
    assert nnc_run("train", str(folder / "m.nn"), "--out", "run") == 0
    assert nnc_run("predict", "run", "fine") == 0
    assert nnc_run("eval", "run", "--data-root", str(folder)) == 0


def test_predict_refuses_an_argument_that_is_not_utf8(run: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("predict", str(run), "fine", os.fsdecode(b"a\xff")) == 1
    told = capsys.readouterr()
    assert "error[NN703]" in told.err
    assert "argument:2:2" in told.err


def test_a_run_that_does_not_fit_the_memory_replaces_no_other(run: Path, capsys: pytest.CaptureFixture[str]):
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    hungry = Path("m.nn").read_text().replace("embed 5", "embed 100000\n  conv k=3 filters=100000")
    Path("hungry.nn").write_text(hungry)
    assert nnc_run("train", "hungry.nn", "--out", str(run), "--overwrite") == 1
    assert "error[NN852]" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_a_text_that_does_not_fit_the_memory_is_refused(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("runtime.numpy_backend.available_bytes", lambda: 1 << 20)
    assert nnc_run("predict", str(run), "fine") == 0
    assert nnc_run("predict", str(run), "fine " * 100_000) == 1
    assert "error[NN852]: scoring these rows needs" in capsys.readouterr().err


def test_predict_collects_a_long_line_in_linear_time(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    text = b" " * 100_000_000 + b"fine\nfine\r\n\npoor"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(text))))
    assert nnc_run("predict", str(run)) == 0
    first, second, empty, last = capsys.readouterr().out.split()
    assert first == second
    assert {empty, last} <= {"good", "bad"}


def test_predict_refuses_a_line_without_end(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("nnc.commands.predict.available_bytes", lambda: 10 << 20)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(b"x" * 1_000_000))))
    assert nnc_run("predict", str(run)) == 1
    told = capsys.readouterr().err
    assert "error[NN706]" in told
    assert "standard input:1:1" in told


def test_no_optimize_gives_the_same_numbers(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("train", "m.nn", "--json", "--out", "with") == 0
    optimized = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert nnc_run("train", "m.nn", "--json", "--out", "without", "--no-optimize") == 0
    as_lowered = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert as_lowered["test"]["loss"] == pytest.approx(optimized["test"]["loss"], rel=1e-4)
    for arguments in (["eval", "with"], ["predict", "with", "a fine thing", "--proba"]):
        assert nnc_run(*arguments) == 0
        said = capsys.readouterr().out
        assert nnc_run(*arguments, "--no-optimize") == 0
        assert capsys.readouterr().out == said
