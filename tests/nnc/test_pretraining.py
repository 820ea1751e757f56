"""A model that learns from running text by masks and pairs, from its spec to its answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import nnc
from nnc import cli
from nnc.failure import guarded
from nnc.runs import Run, run_all
from nnc.training import recipe
from runtime.data import Rows
from tests.kills.specs import contents

TOPICS = (("cat", "dog", "bird"), ("car", "bus", "train"), ("cake", "milk", "sugar"))
SPEC = """model bert(pair: sentence_pair(max=12)) -> word: masked(pair, rate=20%), follows: follows(pair) {
  w = pair.words | embed 8 as emb
  s = pair.segment | embed 8 as segment
  h = w + s | positions learned as places | repeat 1 as encoder { encoder_layer heads=2 ff=16 p=0.1 }
  word = h | dense 8 gelu | dense softmax tied=emb
  follows = h | first | dense 8 tanh as pooler | dense softmax
}
data { train "corpus.txt" ; valid 20% }
train { adamw lr=0.01 ; batch 8 ; epochs 2 ; loss word=1 follows=0.5 }
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(3)
    documents = []
    for number in range(12):
        topic = TOPICS[number % 3]
        lines = [f"the {topic[a]} sees the {topic[b]} ." for a, b in rng.integers(0, 3, (4, 2))]
        documents.append("\n".join(lines))
    Path("corpus.txt").write_text("\n\n".join(documents) + "\n")
    Path("bert.nn").write_text(SPEC)
    return tmp_path


def nnc_run(*arguments: str) -> int:
    return guarded(arguments, cli.run)


def test_masks_and_pairs_are_learnt_scored_and_answered(capsys: pytest.CaptureFixture[str]):
    assert nnc_run("train", "bert.nn", "--out", "run", "--json", "--set", "train.epochs=12") == 0
    scores = json.loads(capsys.readouterr().out.splitlines()[-1])["valid"]
    assert set(scores["word"]) == {"perplexity", "nats", "accuracy"}
    assert set(scores["follows"]["classes"]) == {"no", "yes"}
    assert scores["word"]["nats"] < 2.2
    assert nnc_run("eval", "run", "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["valid"] == scores
    assert nnc_run("eval", "run", "--data", "corpus.txt", "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["test"]["rows"] == 36
    model = nnc.load("run")
    both, none = model.predict(["the [mask] sees [mask] cat .", "the dog sees"])
    assert (len(both["word"]), none["word"]) == (2, ())
    assert both["word"][1] == "the"
    assert {both["follows"], none["follows"]} <= {"no", "yes"}
    assert nnc_run("predict", "run", "the [mask] sees\tthe cat .") == 0
    (pair,) = model.predict([("the [mask] sees", "the cat .")])
    assert capsys.readouterr().out.split() == [*pair["word"], pair["follows"]]


def test_example_to_try_asks_for_a_word(capsys: pytest.CaptureFixture[str]):
    assert nnc_run("train", "bert.nn", "--out", "run", "--set", "train.steps=1") == 0
    assert "[mask]" in capsys.readouterr().out.splitlines()[-1]


def test_a_batch_of_other_rows_changes_no_answer():
    assert nnc_run("train", "bert.nn", "--out", "run") == 0
    model = nnc.load("run")
    texts = ["the [mask] sees the cat .", "the bus [mask]", "[mask] [mask] [mask] dog sees the bird .", "no mask"]
    together = model.predict_proba(texts)
    alone = [model.predict_proba([text])[0] for text in texts]
    words = [row["word"] for row in model.predict(texts)]
    assert words == [model.predict([text])[0]["word"] for text in texts]
    for one, other in zip(together, alone, strict=True):
        assert one["follows"] == pytest.approx(other["follows"], abs=1e-6)


def test_a_run_that_was_stopped_goes_on_with_the_pairs_and_masks_that_were_to_come():
    made = recipe(Path("bert.nn"))
    for name in ("whole", "run"):
        Path(name).mkdir()
    run_all(Run(made, Path("whole"), lambda _: None))
    # In the middle of both epochs, which have four batches each.
    for steps in (2, 4):
        asked = iter(range(100))
        run_all(Run(made, Path("run"), lambda _: None, lambda a=asked, n=steps: next(a) + 1 >= n, resume=steps > 2))
    run_all(Run(made, Path("run"), lambda _: None, resume=True))
    assert contents(Path("whole")) == contents(Path("run"))


def test_a_share_of_the_rows_takes_whole_documents():
    made = recipe(Path("bert.nn"))
    experiment = made.check()
    found = made.read(experiment)
    assert found.train.documents is not None
    assert len(found.train.documents.starts) - 1 == 10
    assert isinstance(found.valid, Rows)
    assert found.valid.count == 2 * 3


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("masked(pair, rate=20%)", "masked(par)"), "NN215"),
        (("sentence_pair(max=12)", "words(max=12)"), "NN544"),
        (("rate=20%", "rate=0"), "NN404"),
        (("rate=20%", "rat=20%"), "NN401"),
        (("follows(pair)", "follows"), "NN217"),
        (("pair.segment", "pair.segments"), "NN308"),
        (("max=12", "max=4"), "NN404"),
        (("pair: sentence_pair(max=12)", "pair: sentence_pair(max=12), x: real"), "NN545"),
        (('train "corpus.txt"', 'train "corpus.txt" columns=pair'), "NN611"),
        (('"corpus.txt" ;', '"corpus.txt" ; format csv ;'), "NN611"),
        (("embed 8 as segment", 'embed 8 vectors="glove.txt" as segment'), "NN530"),
        (("h = w + s", "h = w + s + (pair.words | embed 8 n=2)"), "NN611"),
    ],
)
def test_what_is_wrong_is_told(change: tuple[str, str], told: str, capsys: pytest.CaptureFixture[str]):
    Path("bert.nn").write_text(SPEC.replace(*change))
    assert nnc_run("check", "bert.nn") == 1
    assert told in capsys.readouterr().err


def test_a_corpus_without_empty_lines_is_told_to_be_one_document(capsys: pytest.CaptureFixture[str]):
    Path("corpus.txt").write_text("a b\nb c\nc d\n")
    assert nnc_run("train", "bert.nn", "--out", "run") == 1
    error = " ".join(capsys.readouterr().err.split())
    assert "of 1 document leaves none to train on" in error
    assert "an empty line stands between two documents" in error


def test_a_corpus_without_a_frequent_word_is_told_so(capsys: pytest.CaptureFixture[str]):
    Path("bert.nn").write_text(SPEC.replace("max=12", "max=12, min=99"))
    assert nnc_run("train", "bert.nn", "--out", "run") == 1
    assert "hold no words that stand there 99 times" in " ".join(capsys.readouterr().err.split())


def test_a_corpus_of_one_document_is_told(capsys: pytest.CaptureFixture[str]):
    Path("corpus.txt").write_text("a b\nb c\nc d\n\nd e\n")
    assert nnc_run("train", "bert.nn", "--out", "run") == 1
    assert "NN888" in capsys.readouterr().err


@pytest.mark.parametrize("data", ["with its data", "without"])
def test_gradients_of_masks_and_pairs_are_differences_of_the_loss(data: str, capsys: pytest.CaptureFixture[str]):
    spec = SPEC if data == "with its data" else "".join(x for x in SPEC.splitlines(True) if not x.startswith("data"))
    Path("bert.nn").write_text(spec.replace("p=0.1", "p=0"))
    sizes = () if data == "with its data" else ("--sizes", "V=9,T=7")
    assert nnc_run("gradcheck", "bert.nn", "--entries", "2", *sizes) == 0
    assert "ok" in capsys.readouterr().out


def test_gradients_of_an_example_are_shown_line_by_line(capsys: pytest.CaptureFixture[str]):
    assert nnc_run("inspect", "bert.nn", "--stage", "gradients", "--row", "2") == 0
    assert "positions learned as places" in capsys.readouterr().out


def test_a_step_is_planned_with_as_many_masks_as_the_texts_are_long(capsys: pytest.CaptureFixture[str]):
    assert nnc_run("inspect", "bert.nn", "--stage", "plan", "--sizes", "V=9,T=12,B=4") == 0
    assert f"M.word={4 * round(12 * 0.2)}" in capsys.readouterr().out
