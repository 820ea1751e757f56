"""A label of two texts, or of one: from each kind of file, from a program, and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import nnc
from nnc import cli
from nnc.failure import guarded
from nnc.training import recipe
from runtime.data.tokens import Sequences

MODEL = """model m(pair: sentence_pair(max=9)) -> label: class {
  w = pair.words | embed 6
  s = pair.segment | embed 6
  w + s | attention heads=2
  first
  dense softmax
}
"""
ROWS = [
    ("no", "good", "bad day"),
    ("yes", "good", "good day"),
    ("no", "bad", "a good day"),
    ("yes", "bad", "bad"),
]
TAGGER = """model m(words: sentence_pair) -> tags: class per words {
  embed 6
  dense softmax
}
data { train "train.tsv" columns=words,tags }
train { epochs 30 ; adam lr=0.1 }
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def nnc_run(*arguments: str) -> int:
    return guarded(arguments, cli.run)


def rows_of(data: str) -> list[list[int]]:
    """The ids of each row, read as the data section says."""
    Path("m.nn").write_text(MODEL + data)
    made = recipe(Path("m.nn"))
    column = made.read(made.check()).train.columns["pair"]
    assert isinstance(column, Sequences)
    return [column.ids[a:b].tolist() for a, b in zip(column.offsets[:-1], column.offsets[1:], strict=True)]


@pytest.mark.parametrize(
    ("name", "text", "entry"),
    [
        ("a.tsv", "\n".join("\t".join(row) for row in ROWS), "columns=label,pair,pair"),
        ("a.tsv", "\n".join("\t".join(row) for row in ROWS), ""),
        ("a.csv", "x,y,q\n" + "\n".join(f"{q},{a},{b}" for a, b, q in [(r[1], r[2], r[0]) for r in ROWS]),
         'header ; columns label=x pair=y,q'),
        ("a.jsonl", "\n".join(json.dumps({"label": c, "pair": [a, b]}) for c, a, b in ROWS), ""),
    ],
)  # fmt: skip
def test_two_columns_are_the_texts_of_a_pair(name: str, text: str, entry: str):
    Path(name).write_text(text + "\n")
    # good is seen three times, bad and day too; a once: [mask] 4, bad 5, day 6, good 7, a 8 by count and name
    counts = {"good": 4, "bad": 4, "day": 3, "a": 1}
    ids = {word: i for i, word in enumerate(sorted(counts, key=lambda w: (-counts[w], w)), 5)}
    wanted = [[2, *(ids[w] for w in a.split()), 3, *(ids[w] for w in b.split()), 3] for _, a, b in ROWS]
    assert rows_of(f'data {{ train "{name}" {entry} }}') == wanted


def test_one_column_is_a_pair_without_a_second_text():
    Path("a.tsv").write_text("yes\tgood day\nno\tbad\n")
    assert [len(row) for row in rows_of('data { train "a.tsv" columns=label,pair }')] == [4, 3]


def test_predict_takes_one_text_or_two(capsys: pytest.CaptureFixture[str]):
    Path("a.tsv").write_text("\n".join("\t".join(row) for row in ROWS * 5) + "\n")
    Path("m.nn").write_text(MODEL + 'data { train "a.tsv" columns=label,pair,pair }\ntrain { epochs 1 }\n')
    assert nnc_run("train", "m.nn", "--out", "run") == 0
    capsys.readouterr()
    assert nnc_run("predict", "run", "good\tbad day", "good") == 0
    printed = capsys.readouterr().out.split()
    model = nnc.load("run")
    assert printed == model.predict([("good", "bad day"), "good"])
    Path("b.tsv").write_text("good\tbad day\n")
    assert nnc_run("predict", "run", "--file", "b.tsv") == 0
    assert capsys.readouterr().out.split() == printed[:1]


def test_rows_in_memory_are_pairs_too():
    Path("m.nn").write_text(MODEL + "train { epochs 1 }\n")
    pairs = [(label, (a, b)) for label, a, b in ROWS]
    columns = {"label": [r[0] for r in ROWS], "pair": [[r[1], r[2]] for r in ROWS]}
    first, second = (nnc.train("m.nn", data=data).model for data in (pairs, columns))
    for name, weight in first.weights.items():
        np.testing.assert_array_equal(weight, second.weights[name])


def test_each_token_of_one_text_has_a_tag(capsys: pytest.CaptureFixture[str]):
    Path("train.tsv").write_text("a\tX\nb\tY\n\nb\tY\n" * 5)
    Path("m.nn").write_text(TAGGER)
    assert nnc_run("train", "m.nn", "--out", "run") == 0
    capsys.readouterr()
    assert nnc_run("predict", "run", "b a b") == 0
    assert capsys.readouterr().out.split() == ["Y", "X", "Y"]
