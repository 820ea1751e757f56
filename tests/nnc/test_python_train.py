"""`nnc.train` and the history and the model that it gives."""

from __future__ import annotations

import copy
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnc
import nnc.history
from tests.nnc.test_python_compile import Wellformed

HEAD = "model m(x: real[2]) -> y: class { dense 4 tanh ; dense softmax }\n"
SPEC = HEAD + "train { adam lr=0.05 ; epochs 4 ; batch 8 }\n"
ROWS = [("low", [0.0, 1.0]), ("high", [1.0, 0.0])] * 20
TEXTS = "model m(text: words) -> y: class { embed 4 ; mean ; dense softmax }\ntrain { epochs 2 }\n"


@pytest.fixture(scope="module")
def history() -> nnc.History:
    return nnc.train(SPEC, ROWS, valid=ROWS[:6], test=ROWS[:4], seed=1)


def test_history_has_an_epoch_after_the_other(history: nnc.History):
    assert [e["epoch"] for e in history.epochs] == [1, 2, 3, 4]
    assert all(e["lr"] == 0.05 and e["valid"]["rows"] == 6 for e in history.epochs)
    assert history.epochs[-1]["loss"] < history.epochs[0]["loss"]


def test_history_has_the_scores_of_the_best_epoch(history: nnc.History):
    assert history.valid == history.epochs[history.best_epoch - 1]["valid"]
    assert history.test is not None
    assert history.test["accuracy"] == 1.0
    assert history.test["rows"] == 4


def test_nothing_is_written_and_nothing_printed(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert nnc.train(SPEC, ROWS).path is None
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr() == ("", "")


def test_verbose_says_that_a_sweep_is_one_training(capsys):
    nnc.train(SPEC + "sweep { train.batch choice=4,8 }\n", ROWS, epochs=1, verbose=True)
    assert "one setting is trained" in capsys.readouterr().out


def test_verbose_prints_a_line_an_epoch(capsys):
    nnc.train(SPEC, ROWS, epochs=2, verbose=True)
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()] == [["epoch", "1"], ["epoch", "2"]]


def test_same_seed_gives_the_same_run():
    one, same, other = (nnc.train(SPEC, ROWS, seed=seed) for seed in (3, 3, 4))
    assert [e["loss"] for e in one.epochs] == [e["loss"] for e in same.epochs] != [e["loss"] for e in other.epochs]


def test_rows_in_memory_train_as_the_file_does(tmp_path: Path):
    rows = [("pos", "a fine film"), ("neg", "a dull one"), ("pos", "so fine"), ("neg", "how dull")] * 5
    (tmp_path / "rows.tsv").write_text("".join(f"{y}\t{text}\n" for y, text in rows), encoding="utf-8")
    (tmp_path / "m.nn").write_text(TEXTS + 'data { train "rows.tsv" ; valid 20% }\n', encoding="utf-8")
    of_file, of_memory = nnc.train(tmp_path / "m.nn"), nnc.train(tmp_path / "m.nn", rows)
    assert [e["loss"] for e in of_file.epochs] == [e["loss"] for e in of_memory.epochs]
    assert of_file.valid == of_memory.valid


def test_spec_without_data_needs_rows():
    with pytest.raises(nnc.SpecError, match="NN650"):
        nnc.train(SPEC)


def test_validation_rows_alone_are_refused():
    with pytest.raises(nnc.DataError, match="NN892"):
        nnc.train(SPEC, valid=ROWS)


@pytest.mark.parametrize("rows", [5, None.__class__, object(), 0.1])
def test_rows_that_are_none_are_refused(rows: Any):
    with pytest.raises(nnc.DataError, match=r"NN892.*rows are wanted, not"):
        nnc.train(SPEC, rows)


def test_settings_and_specs_that_are_no_text_are_refused():
    with pytest.raises(nnc.SpecError, match="NN608"):
        nnc.train(SPEC, ROWS, set=[5])  # pyright: ignore[reportArgumentType]
    with pytest.raises(nnc.SpecError, match="NN101"):
        nnc.compile("model \ud800 {")


def test_stop_needs_validation_rows_in_memory_too():
    early = SPEC.replace("epochs 4", "epochs 200 ; stop patience=1")
    with pytest.raises(nnc.SpecError, match="NN605"):
        nnc.train(early, ROWS)
    turned = [("high", [0.0, 1.0]), ("low", [1.0, 0.0])]
    assert nnc.train(early, ROWS, valid=turned).early
    history = nnc.train(early + 'data { train "none.tsv" }\n', ROWS, valid=turned)
    assert history.early
    assert copy.deepcopy(history.model) is not None, "its file opens"


def test_phases_run_one_after_the_other():
    spec = HEAD + "train first { epochs 2 }\ntrain second { epochs 1 }\n"
    history = nnc.train(spec, ROWS)
    assert [(e["phase"], e["epoch"]) for e in history.epochs] == [("first", 1), ("first", 2), ("second", 1)]
    assert history.epochs[2]["loss"] < history.epochs[0]["loss"]


def test_run_in_a_folder_is_the_run_in_memory(tmp_path: Path):
    history = nnc.train(SPEC, ROWS, test=ROWS[:4], out=tmp_path / "run")
    unsaved = nnc.train(SPEC, ROWS, test=ROWS[:4])
    assert history.path == tmp_path / "run"
    assert [e["loss"] for e in history.epochs] == [e["loss"] for e in unsaved.epochs]
    assert unsaved.model is not None
    assert nnc.load(tmp_path / "run").predict_proba([[0, 1]]) == unsaved.model.predict_proba([[0, 1]])


def test_folder_that_holds_a_run_is_not_overwritten_unasked(tmp_path: Path):
    nnc.train(SPEC, ROWS, epochs=1, out=tmp_path / "run")
    with pytest.raises(nnc.RunError, match="NN861"):
        nnc.train(SPEC, ROWS, epochs=1, out=tmp_path / "run")
    nnc.train(SPEC, ROWS, epochs=2, out=tmp_path / "run", overwrite=True)
    assert nnc.load(tmp_path / "run").experiment.train.epochs == 2


def test_wrong_rows_leave_no_folder(tmp_path: Path):
    with pytest.raises(nnc.DataError):
        nnc.train(SPEC, [("low", [0, None])], out=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_interrupted_run_is_gone_on_with(tmp_path: Path, monkeypatch):
    whole = nnc.train(SPEC, ROWS)
    lines: list[int] = []

    def line(event: Any) -> str:
        lines.append(event.epoch)
        if event.epoch == 2 and len(lines) == 2:
            signal.raise_signal(signal.SIGINT)
        return ""

    monkeypatch.setattr(nnc.history, "epoch_line", line)
    assert nnc.train(SPEC, ROWS, out=tmp_path / "run").stopped
    resumed = nnc.train(SPEC, ROWS, out=tmp_path / "run", resume=True)
    assert resumed.model is not None
    assert whole.model is not None
    assert resumed.model.predict_proba([[0, 1]]) == whole.model.predict_proba([[0, 1]])


def test_device_that_is_none_is_refused():
    with pytest.raises(ValueError, match="device is auto, cpu, cuda or cuda:1, not 'cud'"):
        nnc.train(SPEC, ROWS, device="cud")
    with pytest.raises(ValueError, match="not None"):
        nnc.train(SPEC, ROWS, device=None)  # pyright: ignore[reportArgumentType]


def test_generator_of_rows_serves_every_fold():
    assert len(nnc.train(SPEC + 'data { train "none.tsv" ; folds 3 }\n', iter(ROWS)).folds) == 3


def test_folds_have_a_history_each():
    history = nnc.train(SPEC + 'data { train "none.tsv" ; folds 2 }\n', ROWS)
    assert len(history.folds) == 2
    assert history.model is None
    assert history.test is not None
    assert history.test["accuracy"] == sum(f.test["accuracy"] for f in history.folds if f.test) / 2
    Wellformed(history._repr_html_())


def test_interrupt_returns_what_is_learnt(monkeypatch):
    def line(event: Any) -> str:
        if event.epoch == 2:
            signal.raise_signal(signal.SIGINT)
        return ""

    monkeypatch.setattr(nnc.history, "epoch_line", line)
    history = nnc.train(SPEC, ROWS, valid=ROWS[:4])
    assert history.stopped
    assert len(history.epochs) == 2
    assert history.model is not None
    assert len(history.model.predict([[0, 1]])) == 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_warning_is_kept_in_the_history():
    history = nnc.train(SPEC, [*ROWS, ("Low", [0, 1])])
    assert len(history.warnings) == 1
    assert "warning[NN718]" in history.warnings[0]
    assert "train (in memory):41:1" in history.warnings[0]


def test_history_shows_itself(history: nnc.History):
    assert repr(history).startswith("<History 4 epochs, best ")
    page = Wellformed(history._repr_html_())
    assert "4 *" in page.texts or any(text.endswith(" *") for text in page.texts)


# The model


def test_model_predicts_labels_and_probabilities(history: nnc.History):
    model = history.model
    assert model is not None
    assert model.predict([[0, 1], [1, 0]]) == ["low", "high"]
    assert model.predict(np.array([[0.0, 1.0]])) == ["low"]
    assert model.predict({"x": [[0, 1]]}) == ["low"]
    (probabilities,) = model.predict_proba([[0, 1]])
    assert list(probabilities) == ["low", "high"]
    assert sum(probabilities.values()) == pytest.approx(1)


def test_model_takes_a_text_alone():
    model = nnc.train(TEXTS, [("pos", "good"), ("neg", "bad")] * 4).model
    assert model is not None
    assert len(model.predict("good")) == 1
    assert len(model.predict(["good", "bad"])) == 2


def test_model_scores_rows_and_files(history: nnc.History, tmp_path: Path):
    model = history.model
    assert model is not None
    assert model.evaluate(ROWS)["accuracy"] == 1.0
    (tmp_path / "rows.tsv").write_text("low\t0\t1\nhigh\t0\t1\n", encoding="utf-8")
    assert model.evaluate(tmp_path / "rows.tsv")["accuracy"] == 0.5


def test_model_that_is_saved_answers_as_before(history: nnc.History, tmp_path: Path):
    model = history.model
    assert model is not None
    model.save(tmp_path / "m.safetensors")
    assert nnc.load(tmp_path / "m.safetensors").predict_proba([[0.3, 1]]) == model.predict_proba([[0.3, 1]])


def test_model_is_copied_as_its_file(history: nnc.History):
    assert history.model is not None
    assert copy.deepcopy(history.model).predict_proba([[0.3, 1]]) == history.model.predict_proba([[0.3, 1]])


def test_model_shows_itself(history: nnc.History):
    model = history.model
    assert repr(model) == "<Model m: x: real [2]  ->  y: class, by cross-entropy, 22 weights>"
    assert model is not None
    assert "accuracy" in Wellformed(model._repr_html_()).texts


def test_example_that_does_not_fit_is_refused(history: nnc.History):
    assert history.model is not None
    with pytest.raises(nnc.DataError, match="row 2, x: 2 numbers are wanted, but it has 3"):
        history.model.predict([[1, 2], [1, 2, 3]])


# The package


def test_import_is_light():
    heavy = "numpy", "lark", "rich", "sklearn", "compiler", "runtime"
    code = f"import nnc, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_every_public_name_is_there():
    assert all(hasattr(nnc, name) for name in nnc.__all__)
    assert set(nnc.__all__) <= set(dir(nnc))
    with pytest.raises(AttributeError, match="no attribute trian"):
        nnc.trian  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]


# Every sort


RANDOM = np.random.Generator(np.random.Philox(3))
PICTURES = RANDOM.integers(0, 256, (40, 3, 4), dtype=np.uint8)
CASES = {
    "picture": (
        "model m(p: image[3,4]) -> y: class { flatten ; dense softmax }",
        {"p": PICTURES, "y": PICTURES.mean(axis=(1, 2)) > 127},
        PICTURES[:2],
    ),
    "category": (
        "model m(c: category, x: real) -> y: class { e = c | embed 3\n concat(e, x)\n dense softmax }",
        [(int(i % 3 == 0), i % 3, float(i)) for i in range(20)],
        [(2, 0.5), (1, 1.5)],
    ),
    "number": (
        "model m(x: real(standard)) -> y: real { dense 1 }",
        [(2.0 * i, i) for i in range(20)],
        [3, 4.5],
    ),
    "category per words": (
        "model m(w: words, t: category per w) -> y: class {\n a = w | embed 3\n b = t | embed 2\n"
        " concat(a, b)\n mean\n dense softmax }",
        [{"w": ["so", "fine"], "t": ["ADV", "ADJ"], "y": 1}, {"w": ["dull"], "t": ["ADJ"], "y": 0}] * 5,
        [{"w": ["fine"], "t": ["ADJ"]}, {"w": ["a", "b", "c"], "t": ["X", "Y", "Z"]}],
    ),
    "two outputs": (
        "model m(x: real[2]) -> a: class, b: real { h = dense 4 tanh\n a = h | dense softmax\n b = h | dense 1 }",
        {"x": np.eye(2).repeat(5, axis=0), "a": ["u", "v"] * 5, "b": list(range(10))},
        np.eye(2),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_model_of_this_sort_trains_scores_predicts_and_opens(name: str):
    text, rows, examples = CASES[name]
    model = nnc.train(f"{text}\ntrain {{ epochs 2 }}\n", rows).model
    assert model is not None
    answers = model.predict(examples)
    assert len(answers) == 2
    assert len(model.predict_proba(examples)) == 2
    assert model.evaluate(rows)["rows"] in (10, 20, 40)
    assert copy.deepcopy(model).predict(examples) == answers
    Wellformed(model._repr_html_())
