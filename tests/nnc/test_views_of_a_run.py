"""A model that reads n-grams: trained, scored, asked, resumed and begun from, on the command line and in Python."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import nnc
from nnc import cli
from nnc.failure import guarded

SPEC = """model m(text: chars) -> label: class {
  e = concat((text | embed 6), (text | embed 8 n=2 min=1 as pairs))
  gru 8 bidir
  last
  dense softmax
}
data { train "a.tsv" columns=text,label ; valid 20% }
train { adam lr=0.03 ; batch 8 ; epochs 12 }
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a spec and data: `yes` where ab stands."""
    monkeypatch.chdir(tmp_path)
    texts = [f"{'dcba'[i % 4]}{'abcd'[i // 4 % 4]}{'badc'[i // 16]}{'ab' * (i % 2)}" for i in range(64)]
    Path("a.tsv").write_text("".join(f"{t}\t{'yes' if 'ab' in t else 'no'}\n" for t in texts))
    Path("m.nn").write_text(SPEC)
    return tmp_path


def run(*arguments: str) -> int:
    return guarded(arguments, cli.run)


def test_a_model_of_ngrams_is_trained_asked_and_scored(here, capsys):
    assert run("train", "m.nn", "--out", "r") == 0, capsys.readouterr().err
    capsys.readouterr()
    assert run("predict", "r", "dcab") == 0
    assert "yes" in capsys.readouterr().out
    assert run("eval", "r", "--json") == 0
    scores = json.loads(capsys.readouterr().out)
    model = nnc.load("r")
    assert model.predict(["dcab", "", "zzzz"])[0] == "yes"
    assert scores["valid"]["accuracy"] > 0.9
    assert len(model.tables.vocabularies["text.2grams.min1"]) > 10


def stopped_and_resumed_is_the_same(spec: str, epochs: int, capsys):
    assert run("train", spec, "--out", "r") == 0
    assert run("train", spec, "--out", "s", "--set", "train.epochs=5") == 0
    resumed = run("train", spec, "--out", "s", "--resume", "--set", f"train.epochs={epochs}")
    assert resumed == 0, capsys.readouterr().err
    first, second = (nnc.load(name).weights for name in ("r", "s"))
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name])


def test_a_run_of_ngrams_goes_on_as_if_it_had_not_stopped(here, capsys):
    stopped_and_resumed_is_the_same("m.nn", 12, capsys)


def test_a_table_of_ngrams_is_begun_from_with_its_vocabulary(here, capsys):
    assert run("train", "m.nn", "--out", "r") == 0
    Path("b.tsv").write_text("abx\tyes\nxba\tno\n" * 10)
    begun = SPEC.replace('"a.tsv"', '"b.tsv"').replace("train { adam", 'train { init from="r" only=pairs ; adam')
    Path("n.nn").write_text(begun)
    assert run("train", "n.nn", "--out", "s") == 0, capsys.readouterr().err
    first, second = (nnc.load(name).tables.vocabularies for name in ("r", "s"))
    assert first["text.2grams.min1"] == second["text.2grams.min1"]
    assert first["text"] != second["text"]


def test_check_says_how_many_ngrams_there_are(here, capsys):
    assert run("check", "m.nn", "--data") == 0
    assert "2-grams" in capsys.readouterr().out


SPELLED = """model m(text: words) -> label: class {
  c = text | spelling marks { embed 6 ; conv k=3 filters=12 ; maxpool }
  concat((text | embed 4), c)
  mean
  dense softmax
}
data { train "b.tsv" columns=text,label ; valid 20% }
train { adam lr=0.03 ; batch 8 ; epochs 15 }
"""


@pytest.fixture
def spelled(here: Path) -> None:
    """`yes` where a word ends in `ing`: no word stands in the data twice."""
    words = [f"{'dcba'[i % 4]}{'abcd'[i // 4 % 4]}{'badc'[i // 16]}" for i in range(64)]
    rows = [f"{w}{'ing' * (i % 2)} x{w}o\t{'yes' if i % 2 else 'no'}" for i, w in enumerate(words)]
    Path("b.tsv").write_text("\n".join(rows) + "\n")
    Path("s.nn").write_text(SPELLED)


def test_a_model_that_spells_knows_words_that_it_never_saw(spelled, capsys):
    assert run("train", "s.nn", "--out", "r") == 0, capsys.readouterr().err
    capsys.readouterr()
    assert run("predict", "r", "quing") == 0
    assert "yes" in capsys.readouterr().out
    model = nnc.load("r")
    assert model.predict(["ading oo", "zzz oo", "", "x" * 500])[:2] == ["yes", "no"]
    assert run("eval", "r", "--json") == 0
    assert json.loads(capsys.readouterr().out)["valid"]["accuracy"] > 0.9


def test_a_run_that_spells_goes_on_as_if_it_had_not_stopped(spelled, capsys):
    stopped_and_resumed_is_the_same("s.nn", 15, capsys)


def test_a_model_that_spells_is_shown_with_its_costs(spelled, capsys):
    assert run("check", "s.nn", "--data") == 0
    assert "9 characters" in capsys.readouterr().out
    assert run("inspect", "s.nn", "--stage", "code") == 0
    assert (
        run("inspect", "s.nn", "--stage", "plan", "--sizes", "V=9,V.text.spelling.marks=8,classes=2,T=5,W.marks=20")
        == 0
    )
    assert run("check", "s.nn") == 0
    assert "FLOP a word of 8 characters" in capsys.readouterr().out
    program = nnc.compile("s.nn").program({"B": 2, "T": 3, "K.marks": 9})
    assert "spelling" in program


def test_a_language_model_spells_the_words_of_its_stream(here, capsys):
    body = "spelling { embed 4 ; conv k=2 filters=5 ; maxpool }\n  lstm 6 stateful\n  dense softmax"
    train = 'data { train "t.txt" ; valid 20% last }\ntrain { adam lr=0.05 ; batch 4 ; unroll 5 ; epochs 8 }\n'
    Path("l.nn").write_text(f"model lm(text: words) -> next: next(text) {{\n  {body}\n}}\n{train}")
    Path("t.txt").write_text("one two three four\nfive six seven\n" * 40)
    assert run("train", "l.nn", "--out", "r", "--json") == 0, capsys.readouterr().err
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[-1]["valid"]["perplexity"] < 1.5
