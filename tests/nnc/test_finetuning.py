"""From a model of running text to one of labels: its weights, its words, and what cannot be copied."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import nnc
from nnc import cli
from nnc.failure import guarded
from nnc.opening import open_model

ENCODER = """  w = pair.words | embed 8 as emb
  s = pair.segment | embed 8 as segment
  h = w + s | positions learned as places | repeat 2 as encoder { encoder_layer heads=2 ff=16 p=0 }
"""
PRETRAINED = f"""model bert(pair: sentence_pair(max=12)) -> word: masked(pair), follows: follows(pair) {{
{ENCODER}  word = h | dense softmax tied=emb
  follows = h | first | dense 8 tanh as pooler | dense softmax
}}
data {{ train "corpus.txt" }}
train {{ adam lr=0.01 ; batch 8 ; epochs 1 }}
"""
JUDGE = f"""model judge(pair: sentence_pair(max=12)) -> label: class {{
{ENCODER}  label = h | first | dense 8 tanh as pooler | dense softmax
}}
data {{ train "rated.tsv" columns=label,pair }}
"""
PHASES = """train head { init from="run" ; freeze emb segment places encoder ; adam lr=0.01 ; batch 8 ; epochs 1 }
train all { adamw lr=0.01 ; layerwise 0.5 ; batch 8 ; epochs 1 }
"""
TAGGER = f"""model tagger(pair: sentence_pair) -> tags: class per pair {{
{ENCODER.replace("places", "at")}  tags = h | dense softmax
}}
data {{ train "tagged.tsv" columns=pair,tags }}
train {{ init from="run" ; adam lr=0.01 ; batch 8 ; epochs 1 }}
"""
WORDS = ("the", "cat", "sees", "dog", "car", "bus", ".")


@pytest.fixture(autouse=True, scope="module")
def here(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("finetuning")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        rng = np.random.default_rng(3)
        lines = [" ".join(rng.choice(WORDS, rng.integers(2, 6))) for _ in range(24)]
        Path("corpus.txt").write_text("\n\n".join("\n".join(lines[i : i + 4]) for i in range(0, 24, 4)) + "\n")
        Path("rated.tsv").write_text("good\tthe cat purrs\nbad\ta bus\n" * 8)
        Path("tagged.tsv").write_text("the\tD\ncat\tN\n\na\tD\nbus\tN\n" * 4)
        Path("bert.nn").write_text(PRETRAINED)
        assert guarded(("train", "bert.nn", "--out", "run"), cli.run) == 0
        yield


def trained(spec: str, capsys: pytest.CaptureFixture[str], code: int = 0) -> str:
    Path("tune.nn").write_text(spec)
    assert guarded(("train", "tune.nn", "--out", "tuned", "--overwrite"), cli.run) == code
    said = capsys.readouterr()
    return said.out + said.err


def test_few_rows_need_no_words_of_their_own(capsys: pytest.CaptureFixture[str]):
    frozen = PHASES.splitlines()[0].replace("train head", "train")
    spec = JUDGE.replace("sentence_pair(max=12)", "sentence_pair(max=12, min=30)") + frozen + "\n"
    assert "NN724" in trained(spec.replace('init from="run" ; freeze emb segment places encoder ; ', ""), capsys, 1)
    trained(spec, capsys)
    assert open_model("tuned").tables.vocabularies == open_model("run").tables.vocabularies


def test_the_words_come_with_the_weights_and_what_is_frozen_stays(capsys: pytest.CaptureFixture[str]):
    frozen = PHASES.splitlines()[0].replace("train head", "train")
    said = trained(JUDGE + frozen + "\n", capsys)
    assert "weights of emb, segment, places, encoder, pooler from run" in said
    source, model = open_model("run"), open_model("tuned")
    assert model.tables.vocabularies == source.tables.vocabularies
    kept = [name for name in model.weights if name.startswith(("emb", "segment", "places", "encoder"))]
    assert len(kept) == 3 + 2 * 16
    for name in kept:
        np.testing.assert_array_equal(model.weights[name], source.weights[name])
    assert not np.array_equal(model.weights["pooler.weight"], source.weights["pooler.weight"])
    assert guarded(("predict", "tuned", "the cat sees"), cli.run) == 0
    assert capsys.readouterr().out.strip() in {"good", "bad"}


def test_the_head_first_and_then_everything(capsys: pytest.CaptureFixture[str]):
    trained(JUDGE + PHASES, capsys)
    source, model = open_model("run"), open_model("tuned")
    moved = {
        name: float(np.abs(model.weights[name] - source.weights[name]).max())
        for name in model.weights
        if name in source.weights and name != "dense.weight" and name != "dense.bias"
    }
    assert all(moved[name] > 0 for name in moved if name != "segment.weight" and not name.endswith("bias_key"))
    # Adam's first step is as long as its rate, whatever the gradient: a round further down is moved half as far.
    assert (
        moved["encoder.1.encoder_layer.attention.weight_query"]
        < moved["encoder.2.encoder_layer.attention.weight_query"] * 0.8
    )


def test_a_tagger_begins_with_the_same_encoder(capsys: pytest.CaptureFixture[str]):
    spec = TAGGER.replace("pair: sentence_pair)", "pair: sentence_pair(max=12))")
    assert "weights of emb, segment, encoder from run" in trained(spec, capsys)
    assert nnc.load("tuned").predict(["the cat"])[0] in [(a, b) for a in "DN" for b in "DN"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (('from="run"', 'from="ran"'), "NN862"),
        (("embed 8 as emb", "embed 9 as emb"), "NN201"),
        (("ff=16", "ff=12"), "NN872"),
        (("repeat 2 as encoder", "repeat 3 as encoder"), "NN872"),
        (("max=12", "max=10"), "NN872"),
        (("sentence_pair(max=12)", "words(max=12)"), "NN308"),
        (("as emb", "as words"), "NN642"),
    ],
)
def test_what_does_not_fit_is_told_with_a_way_out(
    change: tuple[str, str], code: str, capsys: pytest.CaptureFixture[str]
):
    said = trained((JUDGE + PHASES).replace(*change), capsys, 1)
    assert f"[{code}]" in said
    assert "= help:" in said


def test_a_run_that_set_names_is_told_where_it_is_named(capsys: pytest.CaptureFixture[str]):
    Path("judge.nn").write_text(JUDGE + PHASES)
    said = ["train", "judge.nn", "--out", "elsewhere", "--set", "head.init.from=ran"]
    assert guarded(said, cli.run) == 1
    printed = capsys.readouterr().err
    assert "error[NN862]" in printed
    assert "--> --set:1:1" in printed
