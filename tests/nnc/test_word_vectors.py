"""Word vectors from a running text: trained, stopped and gone on with, scored and asked on the command line."""

from __future__ import annotations

import json
import os
import random
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import nnc
from nnc import cli
from nnc.failure import guarded
from nnc.opening import open_model
from nnc.runs import Run, run_all
from nnc.training import recipe
from runtime.data.ahead import threads_of_steps
from runtime.data.batches import batch_count, batches
from tests.kills.specs import contents

THINGS = (["cat", "dog", "cow", "horse"], ["red", "green", "blue", "black"], ["one", "two", "three", "four"])
SKIPGRAM = """model m(center: word(min=2)) -> context: word(vocabulary=center) {
  embed 8 as vectors
  dense negatives=4
}
data { train "text.txt" windows=skipgram radius=3 shrink ; valid 10% ; subsample 0.2 }
train { loss sum ; sgd lr=0.05 ; batch 50 ; epochs 3 }
"""
CBOW = """model m(around: bag(word)) -> center: word(vocabulary=around) {
  embed 8 as vectors
  mean
  dense hierarchical
}
data { train "text.txt" windows=cbow radius=2 ; valid 10% }
train { loss sum ; sgd lr=0.1 ; batch 20 ; epochs 3 }
"""
SOFTMAX = SKIPGRAM.replace("negatives=4", "softmax").replace("loss sum ; sgd lr=0.05", "adam lr=0.05")
PAIRS = """model m(center: word) -> context: word(vocabulary=center) { embed 4 ; dense negatives=3 }
data { train "pairs.tsv" columns=center,context ; valid 20% }
train { adam lr=0.1 ; batch 8 ; epochs 4 }
"""


def text() -> str:
    """Lines about one kind of thing each, some words that are everywhere, and one that stands there once."""
    draw = random.Random(3)
    lines = [[draw.choice((*kind, "the")) for _ in range(draw.randint(1, 9))] for kind in THINGS * 70]
    return "\n".join(" ".join(line) for line in [*lines, ["hapax", "cat"]]) + "\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text(text())
    for name, spec in (("skipgram", SKIPGRAM), ("cbow", CBOW), ("softmax", SOFTMAX), ("pairs", PAIRS)):
        Path(f"{name}.nn").write_text(spec)
    Path("pairs.tsv").write_text("".join(f"{a}\t{b}\n" for kind in THINGS for a in kind for b in kind))
    return tmp_path


def ran(*arguments: str) -> int:
    return guarded(arguments, cli.run)


@pytest.mark.parametrize(("name", "counts"), [("skipgram", [1, 1, 2]), ("cbow", [1, 1, 2]), ("pairs", [1, 2, 3])])
def test_steps_of_a_running_text_leave_a_thread_to_who_makes_its_batches(name: str, counts: list[int]):
    made = recipe(Path(f"{name}.nn"))
    rows = made.read(made.check(), None).train
    assert [threads_of_steps(rows, count) for count in (1, 2, 3)] == counts


@pytest.mark.parametrize("name", ["skipgram", "cbow"])
def test_batches_that_are_made_together_are_the_same_from_any_of_them_on(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(import_module("runtime.data.batches"), "TOGETHER", 90)
    made = recipe(Path(f"{name}.nn"))
    rows = made.read(made.check(), None).train

    def found(start: int) -> list[tuple[dict[str, int], dict[str, object]]]:
        every = batches(rows, 30, order="train", seed=1, epoch=0, start=start)
        return [(b.sizes, {name: values.tolist() for name, values in b.arrays.items()}) for b in every]

    whole = found(0)
    assert {sizes["B"] for sizes, _ in whole[:-1]} == {30}
    assert len(whole) == batch_count(rows, 30, seed=1) > 7
    for start in (1, 2, 3, 4, len(whole) - 1):
        assert found(start) == whole[start:]


@pytest.mark.parametrize("name", ["skipgram", "cbow"])
def test_a_run_without_other_lines_ends_with_its_losses(name: str, capsys: pytest.CaptureFixture[str]):
    spec = Path(f"{name}.nn").read_text().replace(" ; valid 10%", "")
    Path("alone.nn").write_text(spec)
    assert ran("train", "alone.nn", "--out", "run", "--set", "train.epochs=1") == 0
    printed = capsys.readouterr().out
    assert "epoch 1 loss" in printed
    assert "try it:  nnc predict run" in printed


@pytest.mark.parametrize("name", ["skipgram", "cbow", "softmax", "pairs"])
def test_words_are_predicted_from_their_neighbours(name: str, capsys: pytest.CaptureFixture[str]):
    assert ran("train", f"{name}.nn", "--out", "run", "--json") == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    losses = [json.loads(line)["loss"] for line in Path("run/log.jsonl").read_text().splitlines() if "epoch" in line]
    assert losses[1] < losses[0]
    assert ("accuracy" in last["valid"]) == (name == "softmax")
    assert ran("eval", "run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["valid"] == last["valid"]
    assert ran("predict", "run", "cat", "hapax") == 0
    known = {"the", *(word for kind in THINGS for word in kind)}
    assert set(capsys.readouterr().out.split()) <= known


@pytest.mark.parametrize("name", ["skipgram", "cbow"])
def test_resuming_gives_the_run_that_never_stopped(name: str):
    arguments = ("train", f"{name}.nn", "--out", "run")
    assert ran(*arguments, "--set", "train.epochs=1") == 0
    assert ran(*arguments, "--resume", "--set", "train.epochs=3") == 0
    assert ran("train", f"{name}.nn", "--out", "whole", "--set", "train.epochs=3") == 0
    assert contents(Path("run")) == contents(Path("whole"))


def test_run_that_is_stopped_late_in_an_epoch_is_gone_on_with():
    """Skip-gram has more examples than the text has words."""
    made = recipe(Path("skipgram.nn"), sets=("data.subsample=1",))
    rows = made.read(made.check(), None).train
    assert rows.text is not None
    asked = [0]

    def stop() -> bool:
        asked[0] += 1
        return asked[0] * 50 > rows.text.words + 100

    Path("run").mkdir()
    (result,) = run_all(Run(made, Path("run"), lambda event: None, stop))
    assert (result.stopped, result.epochs) == (True, 0)
    sets = ("--set", "data.subsample=1")
    assert ran("train", "skipgram.nn", "--out", "run", "--resume", *sets) == 0
    assert ran("train", "skipgram.nn", "--out", "whole", *sets) == 0
    assert contents(Path("run")) == contents(Path("whole"))


@pytest.mark.parametrize("name", ["skipgram", "cbow", "softmax"])
def test_scores_do_not_hang_on_the_size_of_a_batch(name: str):
    assert ran("train", f"{name}.nn", "--out", "run") == 0
    model = open_model(Path("run"))
    rows, _ = model.read(["text.txt"], outputs_optional=False)
    from runtime.evaluate import evaluate

    executor, heads = model.executor(model.experiment.network.evaluation), model.experiment.network.heads
    found = [evaluate(executor, heads, rows, model.tables, batch).loss for batch in (7, 64)]
    assert found[0] == pytest.approx(found[1], abs=1e-6)


@pytest.mark.parametrize("name", ["skipgram", "cbow", "softmax"])
def test_probabilities_are_those_of_words_the_likeliest_first(name: str):
    assert ran("train", f"{name}.nn", "--out", "run") == 0
    (found,) = nnc.load("run").predict_proba(["cat"])
    shares = list(found.values())
    assert len(found) == 10
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 1 + 1e-6


def test_vectors_of_rare_words_are_not_there_and_counts_are_in_the_model_file():
    assert ran("train", "skipgram.nn", "--out", "run") == 0
    tables = open_model(Path("run")).tables
    words = tables.vocabularies["center"].tokens
    assert "hapax" not in words
    assert len(tables.counts["center"]) == len(words)
    assert list(tables.counts["center"]) == sorted(tables.counts["center"], reverse=True)


def test_similar_words_come_to_be_neighbours():
    Path("skipgram.nn").write_text(SKIPGRAM.replace("; subsample 0.2", "").replace("epochs 3", "epochs 12"))
    assert ran("train", "skipgram.nn", "--out", "run") == 0
    model = open_model(Path("run"))
    table, index = model.weights["vectors.weight"], model.tables.vocabularies["center"].index
    unit = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9)
    near = unit @ unit.T
    inside = [near[index[a], index[b]] for kind in THINGS for a in kind for b in kind if a != b]
    across = [near[index[a], index[b]] for a in THINGS[0] for b in (*THINGS[1], *THINGS[2])]
    assert np.mean(inside) > np.mean(across) + 0.5


def test_a_text_without_neighbours_is_refused(capsys: pytest.CaptureFixture[str]):
    Path("text.txt").write_text("the\ncat\nthe\ncat\n" * 5)
    assert ran("train", "skipgram.nn") == 1
    assert "NN790" in capsys.readouterr().err


def test_running_text_without_windows_is_told_of_them(capsys: pytest.CaptureFixture[str]):
    Path("skipgram.nn").write_text(
        SKIPGRAM.replace(" windows=skipgram radius=3 shrink", "").split("; subsample")[0] + "}"
    )
    assert ran("check", "--data", "skipgram.nn") == 1
    assert "windows=skipgram" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("share", "told"),
    [("1e-9", "leaves 0.099 words of an epoch"), ("1e-6", "leaves no two words of a line in epoch")],
)
def test_a_share_that_leaves_no_word_a_neighbour_is_refused(share: str, told: str, capsys: pytest.CaptureFixture[str]):
    Path("skipgram.nn").write_text(SKIPGRAM.replace("subsample 0.2", f"subsample {share}"))
    assert ran("train", "skipgram.nn") == 1
    error = capsys.readouterr().err
    assert "NN790" in error
    assert told in error


@pytest.fixture
def run() -> str:
    assert ran("train", "skipgram.nn", "--out", "run", "--set", "train.epochs=1") == 0
    return "run"


def test_neighbours_are_shown_and_vectors_written_and_read_again(run: str, capsys: pytest.CaptureFixture[str]):
    capsys.readouterr()
    assert ran("neighbours", run, "cat", "--top", "3", "--vectors", "v.txt", "--json") == 0
    near = json.loads(capsys.readouterr().out)["cat"]
    assert len(near) == 3
    assert list(near.values()) == sorted(near.values(), reverse=True)
    Path("again.nn").write_text(SKIPGRAM.replace("as vectors", 'vectors="v.txt" as vectors'))
    assert ran("train", "again.nn", "--out", "again", "--set", "train.sgd.lr=1e-30", "--set", "train.steps=1") == 0
    first, second = (open_model(Path(name)).weights["vectors.weight"] for name in (run, "again"))
    np.testing.assert_array_equal(first[4:], second[4:])


def test_known_words_have_their_neighbours_beside_an_unknown_one(run: str, capsys: pytest.CaptureFixture[str]):
    capsys.readouterr()
    words = ("neighbours", run, "zebra", "cat", "catt", "--top", "2")
    assert ran(*words) == 1
    out, err = capsys.readouterr()
    assert [line[:2] == "  " for line in out.splitlines()] == [False, True, True]
    assert [word in err for word in ("no vector of zebra", "no vector of catt", "2 errors")] == [True] * 3
    assert ran(*words, "--json") == 1
    near, failed = map(json.loads, capsys.readouterr().out.splitlines())
    assert list(near) == ["cat"]
    assert [e["code"] for e in failed["errors"]] == ["NN791", "NN791"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("neighbours", "run", "catt"), "NN791"),
        (("neighbours", "run", "cat", "--layer", "vector"), "NN792"),
        (("neighbours", "run", "--vectors", "nowhere/v.txt"), "NN793"),
        (("eval", "run", "--data", "broken.txt"), "NN794"),
        (("eval", "run", "--data", "odd.txt"), "NN794"),
        (("eval", "run", "--data", "headed.txt"), "NN794"),
        (("eval", "run", "--data", "spaces.txt"), "NN794"),
        (("eval", "run", "--data", "commas.csv"), "NN794"),
        (("eval", "run", "--data", "alone.txt"), "NN790"),
    ],
)
def test_what_vectors_cannot_tell_is_refused(
    run: str, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: str
):
    Path("broken.txt").write_text(": family\ncat dog cow\n")
    Path("odd.txt").write_text("cat\tdog\t1\ncat\tcow\tnan\n")
    Path("headed.txt").write_text("one\tother\tmean\ncat\tdog\t9\ncat\tcow\t1\n")
    Path("spaces.txt").write_text("cat dog 9.5\ncat  cow 1\ncat red 2\n")
    Path("commas.csv").write_text("Word 1,Word 2,Human (mean)\ncat,dog,9\ncat,cow,1\n")
    Path("alone.txt").write_text("cat\n\ndog\n")
    assert ran(*arguments) == 1
    assert code in capsys.readouterr().err


@pytest.mark.parametrize("text", ["cat dog cow one\ncat one 2\n", "cat dog 1999\n"])
def test_a_line_of_two_words_and_a_number_makes_no_file_of_pairs(run: str, text: str):
    Path("running.txt").write_text(text)
    assert ran("eval", run, "--data", "running.txt") == 0


def test_eval_knows_analogies_and_pairs_by_their_form(run: str, capsys: pytest.CaptureFixture[str]):
    Path("analogies.txt").write_text(": kinds\ncat dog red green\nCat Dog one duke\n")
    Path("pairs.txt").write_text("cat\tdog\t9.5\ncat\tred\t1\none\ttwo\t8\ncat\tduke\t3\n")
    capsys.readouterr()
    assert ran("eval", run, "--data", "analogies.txt", "--json") == 0
    found = json.loads(capsys.readouterr().out)["test"]
    assert (found["covered"], found["questions"], list(found["sections"])) == (1, 2, ["kinds"])
    assert ran("eval", run, "--data", "pairs.txt") == 0
    lines = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert (lines["covered"], lines["pairs"]) == ("3", "4")
    assert -1 <= float(lines["spearman"]) <= 1


def test_pairs_without_tabs_are_told_of_them_and_running_text_is_scored(run: str, capsys: pytest.CaptureFixture[str]):
    Path("pairs.csv").write_text("Word 1,Word 2,Human (mean)\ncat,dog,9\ncat,cow,1\n")
    assert ran("eval", run, "--data", "pairs.csv") == 1
    printed = capsys.readouterr().err
    assert "--> pairs.csv:2:1" in printed
    assert "a line has two words and a number, with TABs between" in printed
    Path("numbers.txt").write_text("cat dog 9\ncat dog cow\n")
    assert ran("eval", run, "--data", "numbers.txt") == 0
    assert "nats" in capsys.readouterr().out


CHANNELS = """model textcnn(text: words) -> label: class {
  parallel {
    embed 8 frozen as static
    embed 8 as tuned
    embed 8 as chance
  }
  conv k=2 filters=6 relu
  maxpool
  dense softmax as head
}
data { train "labelled.tsv" columns=label,text ; valid 10% }
train { init from="v.txt" only=static,tuned ; adam lr=1e-2 ; epochs 2 }
"""


@pytest.fixture
def channels(run: str) -> str:
    assert ran("neighbours", run, "--vectors", "v.txt") == 0
    rows = [f"{i % 3}\t{' '.join([THINGS[i % 3][i // 3 % 4], 'the', THINGS[i % 3][i // 12]])}\n" for i in range(36)]
    Path("labelled.tsv").write_text("".join(rows))
    return CHANNELS


def test_channels_begin_with_the_vectors_of_a_file_and_one_is_tuned(channels: str, capsys: pytest.CaptureFixture[str]):
    Path("channels.nn").write_text(channels)
    assert ran("train", "channels.nn", "--out", "channels") == 0
    assert "vectors: 13 of 13 words found in v.txt" in capsys.readouterr().out
    lines = [line.split(" ") for line in Path("v.txt").read_text().splitlines()[1:]]
    model = nnc.load("channels")
    index = model.tables.vocabularies["text"].index
    for word, *numbers in lines:
        if word in index:
            row = np.array(numbers, np.float32)
            static, tuned, chance = (model.weights[f"{n}.weight"][index[word]] for n in ("static", "tuned", "chance"))
            np.testing.assert_array_equal(static, row)
            assert 0 < np.abs(tuned - row).max() < 0.5
            assert np.abs(chance - row).max() > 0.01
    again = channels.replace('init from="v.txt" only=static,tuned ; ', "").replace(
        "as static", 'vectors="v.txt" as static'
    )
    Path("again.nn").write_text(again.replace("as tuned", 'vectors="v.txt" as tuned'))
    assert ran("train", "again.nn", "--out", "again") == 0
    for name, weight in nnc.load("again").weights.items():
        np.testing.assert_array_equal(weight, model.weights[name], err_msg=name)


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [("only=static,tuned", "only=head", "NN871"), ("embed 8 as tuned", "embed 9 as tuned", "NN750"),
     ('from="v.txt"', 'from="nowhere.txt"', "NN862"), ('from="v.txt"', 'from="labelled.tsv"', "NN751")],
)  # fmt: skip
def test_init_from_a_file_that_does_not_fit_is_refused(
    channels: str, capsys: pytest.CaptureFixture[str], before: str, after: str, code: str
):
    Path("channels.nn").write_text(channels.replace(before, after))
    assert ran("train", "channels.nn", "--out", "channels") == 1
    printed = capsys.readouterr().err
    assert f"error[{code}]" in printed
    assert ("labelled.tsv:1:" if code == "NN751" else "channels.nn:12:") in printed


def test_file_of_vectors_with_a_brace_where_a_model_has_one_is_read(channels: str, capsys: pytest.CaptureFixture[str]):
    numbers = " 0.5" * 8
    Path("v.txt").write_text(f"0002 08\n{{{numbers}\ncat{numbers}\n")
    Path("channels.nn").write_text(channels)
    assert ran("train", "channels.nn", "--out", "channels") == 0
    assert "vectors: 1 of 13 words found in v.txt" in capsys.readouterr().out


def test_init_from_a_pipe_is_refused_and_does_not_wait(channels: str, capsys: pytest.CaptureFixture[str]):
    os.mkfifo("pipe")
    Path("channels.nn").write_text(channels.replace("v.txt", "pipe"))
    assert ran("train", "channels.nn", "--out", "channels") == 1
    assert "pipe is no file" in capsys.readouterr().err


def test_vectors_are_those_of_the_words_of_a_document_too(channels: str, capsys: pytest.CaptureFixture[str]):
    Path("labelled.tsv").write_text("".join(f"{i % 2}\tcat dog. {THINGS[i % 2][0]} the.\n" for i in range(20)))
    spec = """model m(text: sentences(punctuation)) -> label: class {
  each { embed 8 vectors="v.txt" frozen as words ; mean }
  mean
  dense softmax
}
data { train "labelled.tsv" columns=label,text }
train { steps 1 }
"""
    Path("document.nn").write_text(spec)
    assert ran("train", "document.nn", "--out", "document") == 0
    assert "vectors: 4 of 5 words found in v.txt" in capsys.readouterr().out
    assert ran("neighbours", "document", "cat", "--top", "1") == 0


def test_vectors_are_those_of_a_pair_of_texts_too(channels: str, capsys: pytest.CaptureFixture[str]):
    Path("labelled.tsv").write_text("".join(f"{i % 2}\tcat dog {THINGS[i % 2][0]} the\n" for i in range(20)))
    spec = """model m(text: sentence_pair(max=9)) -> label: class {
  text.words | embed 8 as words | mean | dense softmax
}
data { train "labelled.tsv" columns=label,text }
train { init from="v.txt" ; steps 1 }
"""
    Path("pair.nn").write_text(spec)
    assert ran("train", "pair.nn", "--out", "pair") == 0
    assert "words found in v.txt" in capsys.readouterr().out
    assert ran("neighbours", "pair", "cat", "--top", "1") == 0


def test_a_word_that_is_not_known_is_answered_and_told(run: str, capsys: pytest.CaptureFixture[str]):
    capsys.readouterr()
    assert ran("predict", run, "cat", "zebra") == 0
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 2
    assert "warning[NN876]: `center`: zebra is not in the vocabulary" in told.err
    assert "cat" not in told.err
