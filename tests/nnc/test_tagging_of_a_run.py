"""Models of segments and spans: trained, scored, asked, resumed, on the command line and in Python."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

import nnc
from nnc import cli
from nnc.failure import guarded

WORDS = ("ab", "c", "dde", "a")
SEGMENTER = """model cut(text: chars) -> words: segments per text {
  embed 8
  gru 12 bidir
  dense softmax
}
data { train "cut.txt" ; valid 20% }
train { adam lr=0.05 ; batch 8 ; epochs 12 }
"""
TAGGER = """model names(words: words) -> kinds: spans per words, marks: class per words {
  x = embed 8 | gru 12 bidir
  kinds = x | dense crf
  marks = x | dense crf
}
data { train "names.tsv" columns=words,kinds,marks ; valid 20% }
train { adam lr=0.05 ; batch 8 ; epochs 12 ; stop patience=12 metric=kinds.f1 }
"""
TOKENS = {"Mr": ("B-PER", "t"), "Smith": ("I-PER", "n"), "in": ("O", "f"), "Rome": ("B-LOC", "n"), "sings": ("O", "v")}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = random.Random(3)
    Path("cut.txt").write_text("".join(" ".join(rng.choices(WORDS[:3], k=1 + i % 5)) + "\n" for i in range(80)))
    rows = []
    for i in range(60):
        said = [*(["Mr", "Smith"] if i % 2 else []), "sings", *(["in", "Rome"] if i % 3 else [])]
        rows.append("".join("\t".join((word, *TOKENS[word])) + "\n" for word in said))
    Path("names.tsv").write_text("\n".join(rows))
    Path("cut.nn").write_text(SEGMENTER)
    Path("names.nn").write_text(TAGGER)
    return tmp_path


def run(*arguments: str) -> int:
    return guarded(arguments, cli.run)


def output(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    code = run(*arguments)
    said = capsys.readouterr()
    assert code == 0, said.err
    return said.out


@pytest.mark.parametrize("head", ["softmax", "crf"])
def test_text_is_cut_in_words(here: Path, capsys: pytest.CaptureFixture[str], head: str):
    Path("cut.nn").write_text(SEGMENTER.replace("softmax", head))
    output(capsys, "train", "cut.nn", "--out", "r")
    assert output(capsys, "predict", "r", "abcddeab", "d de", "").splitlines() == ["ab c dde ab", "dde", ""]
    assert json.loads(output(capsys, "predict", "r", "--json", "abc")) == {"words": ["ab", "c"]}
    scores = json.loads(output(capsys, "eval", "r", "--json"))
    assert scores["valid"]["f1"] == 1
    assert list(scores["valid"])[:5] == ["loss", "f1", "precision", "recall", "accuracy"]
    Path("b.txt").write_text("ab c\nabc\n")
    # Two words of three are right: all characters of the second line are said to be one word.
    found = json.loads(output(capsys, "eval", "r", "--data", "b.txt", "--json"))["test"]
    assert (found["precision"], found["recall"]) == (0.5, pytest.approx(2 / 3))
    assert output(capsys, "predict", "r", "--file", "b.txt").splitlines() == ["ab c", "ab c"]


def test_spans_and_tags_are_told(here: Path, capsys: pytest.CaptureFixture[str]):
    said = output(capsys, "train", "names.nn", "--out", "r")
    assert "PER" in said
    assert "f1" in said
    assert output(capsys, "predict", "r", "Mr Smith sings in Rome") == "B-PER I-PER O O B-LOC\tt n v f n\n"
    found = json.loads(output(capsys, "predict", "r", "--json", "Mr Smith"))
    assert found == {"kinds": ["B-PER", "I-PER"], "marks": ["t", "n"]}
    shares = output(capsys, "predict", "r", "--proba", "Mr Smith").rstrip("\n").split("\t")
    assert [each.split()[::2] for each in shares] == [["B-PER", "I-PER"], ["t", "n"]]
    assert all(float(number) > 0.8 for each in shares for number in each.split()[1::2])
    found = json.loads(output(capsys, "predict", "r", "--proba", "--json", "Mr Smith"))["kinds"]
    assert found["label"] == ["B-PER", "I-PER"]
    assert [next(iter(each)) for each in found["probabilities"]] == ["B-PER", "I-PER"]
    assert sum(found["probabilities"][0].values()) == pytest.approx(1)
    scores = json.loads(output(capsys, "eval", "r", "--json"))["valid"]["kinds"]
    assert scores["f1"] == scores["accuracy"] == 1
    assert scores["classes"]["PER"].keys() == {"f1", "precision", "recall", "count"}


def test_python_cuts_and_tags(here: Path):
    nnc.train("cut.nn", out="r")
    cut = nnc.load("r")
    assert cut.predict(["abc", ""]) == [("ab", "c"), ()]
    assert cut.evaluate(["ab c", "dde"])["f1"] == 1


def test_python_gives_rows_of_its_own(here: Path):
    lines = Path("cut.txt").read_text().splitlines()
    assert nnc.train("cut.nn", lines).model.predict(["abc"]) == [("ab", "c")]
    rows = [(["B-PER", "I-PER", "O"], ["t", "n", "v"], "Mr Smith sings"), (["O"], ["v"], "sings")] * 20
    found = nnc.train("names.nn", rows).model.predict(["Mr Smith sings"])
    assert found == [{"kinds": ("B-PER", "I-PER", "O"), "marks": ("t", "n", "v")}]


def test_python_tells_how_likely_each_tag_of_a_token_is(here: Path):
    rows = [(["B-PER", "O"], "Mr sings"), (["O"], "sings")] * 20
    spec = (
        TAGGER.replace(", marks: class per words", "").replace("  marks = x | dense crf\n", "").replace("s,marks", "s")
    )
    Path("one.nn").write_text(spec.replace("kinds = x | dense crf", "x | dense softmax"))
    model = nnc.train("one.nn", rows).model
    (found,) = model.predict_proba(["Mr sings"])
    assert [next(iter(each)) for each in found] == ["B-PER", "O"]
    assert model.predict_proba([""]) == [[]]


def test_file_to_predict_may_be_texts_without_tags(here: Path, capsys: pytest.CaptureFixture[str]):
    output(capsys, "train", "names.nn", "--out", "r", "--set", "train.epochs=1")
    Path("lines.txt").write_text("Mr Smith sings\nsings\n")
    said = output(capsys, "predict", "r", "--file", "lines.txt")
    assert said == output(capsys, "predict", "r", "Mr Smith sings", "sings")


@pytest.mark.parametrize("text", ["chars(reverse)", "chars(marks)", "chars(lower, max=9)"])
def test_text_is_cut_in_words_however_it_is_read(here: Path, capsys: pytest.CaptureFixture[str], text: str):
    spec = SEGMENTER.replace("softmax", "crf").replace(": chars)", f": {text})").replace("epochs 12", "epochs 16")
    Path("cut.nn").write_text(spec)
    output(capsys, "train", "cut.nn", "--out", "r")
    assert output(capsys, "predict", "r", "abcdde", "").splitlines() == ["ab c dde", ""]
    assert json.loads(output(capsys, "eval", "r", "--json"))["valid"]["f1"] > 0.9


def test_run_of_tags_goes_on_as_if_it_had_not_stopped(here: Path, capsys: pytest.CaptureFixture[str]):
    output(capsys, "train", "names.nn", "--out", "r", "--set", "train.epochs=4")
    output(capsys, "train", "names.nn", "--out", "s", "--set", "train.epochs=2")
    output(capsys, "train", "names.nn", "--out", "s", "--resume", "--set", "train.epochs=4")
    first, second = (nnc.load(name).weights for name in ("r", "s"))
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name])


@pytest.mark.parametrize("text", ["words", "words(reverse)"])
def test_unlearnt_tagger_obeys_the_scheme(here: Path, capsys: pytest.CaptureFixture[str], text: str):
    spec = TAGGER.replace("kinds = x | dense crf", "kinds = x | dense softmax").replace(": words)", f": {text})")
    Path("names.nn").write_text(spec.replace("lr=0.05", "lr=1e-9").replace("epochs 12", "epochs 1"))
    for seed in ("1", "2", "3"):
        output(capsys, "train", "names.nn", "--out", f"r{seed}", "--seed", seed)
        tags = output(capsys, "predict", f"r{seed}", "Smith in Rome Smith sings Mr").partition("\t")[0].split()
        for before, tag in zip(["O", *tags], tags, strict=False):
            assert not tag.startswith("I-") or before[2:] == tag[2:]
