"""Word vectors: asked for neighbours, analogies and likeness, written and read again, begun with by other models."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

import nnc
from nnc.opening import open_model
from tests.nnc.word_models import SKIPGRAM, THINGS, ran, write


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write()


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
