"""`--set`: constants, entries and their settings, labelled layers."""

from __future__ import annotations

import pytest

from compiler.settings.data import Files, Share
from tests.compiler.lower.specs import checked, diagnostics, model, weights

BODY = """embed width as emb
a = repeat 2 as stack { dense 4 relu as d }
b = (a | dense 5 as left) | conv 3 filters=6 same as c
concat(b, (b | dense 7 as inner)) | mean
dropout 0.5
dense softmax"""
SPEC = (
    "let width = 3\n"
    + model(BODY)
    + 'data { train "a.tsv" header ; valid "v.tsv" }\ntrain { adam lr=1e-3 ; batch 8 }\n'
)


@pytest.mark.parametrize(
    ("change", "weight", "shape"),
    [
        ("width=9", "emb.weight", "[V, 9]"),
        ("emb.size=9", "emb.weight", "[V, 9]"),
        ("left.size=9", "left.weight", "[4, 9]"),
        ("c.filters=9", "c.weight", "[15, 9]"),
        ("c.k=5", "c.weight", "[25, 6]"),
        ("inner.size=9", "inner.weight", "[6, 9]"),
        ("d.size=3", "stack.1.d.weight", "[3, 3]"),
    ],
)
def test_set_reaches_constants_and_labelled_layers(change: str, weight: str, shape: str):
    assert weights(SPEC, None, change)[weight] == shape


def test_set_reaches_a_word_and_the_rounds():
    assert "stack.3.d.weight" in weights(SPEC, None, "stack.n=3")
    assert not diagnostics(SPEC, None, "d.activation=tanh", "c.padding=causal")


def test_set_reaches_a_labelled_block():
    spec = "block f(x) width p=0.1 { dense width ; dropout p }\n" + model("embed 3\nf 4 as ff\nmean\ndense softmax")
    assert weights(spec, None, "ff.width=9")["ff.dense.weight"] == "[3, 9]"
    assert not diagnostics(spec, None, "ff.p=0.3")


def test_set_reaches_the_size_of_a_labelled_cell():
    cell = "cell mine(x) wide state h { h' = tanh(linear(x, h)) * wide }\n"
    spec = cell + model("embed 3\nlstm 4 bidir as a\nmine 5 6 as b\nlast\ndense softmax")
    found = weights(spec, None, "a.size=7", "a.bidir=false", "b.size=8", "b.wide=2")
    assert (found["a.i.weight_h"], found["b.h.weight_h"]) == ("[7, 7]", "[8, 8]")


def test_set_reaches_entries():
    assert checked(SPEC, None, "train.batch=64").train.batch == 64
    assert checked(SPEC, None, "train.epochs=3").train.epochs == 3
    assert checked(SPEC, None, "train.adam.lr=0.5").train.optimizer.lr == 0.5
    assert checked(SPEC, None, "train.clip.norm=3").train.clip.norm == 3
    assert checked(model("embed 3\nmean\ndense softmax"), None, "train.batch=64").train.batch == 64


def test_set_of_another_optimizer_takes_the_place_of_the_one():
    adam = model("embed 3\nmean\ndense softmax") + "train { adam lr=0.5 betas=0.8,0.9 ; epochs 3 }"
    found = checked(adam, None, "train.rmsprop.lr=0.1").train
    assert (found.optimizer.name, found.optimizer.lr, found.epochs) == ("rmsprop", 0.1, 3)
    assert checked(adam, None, "train.sgd=lr=0.2 momentum=0.9 nesterov").train.optimizer.nesterov
    assert checked(adam, None, "train.adam.lr=0.1").train.optimizer.betas == (0.8, 0.9)


def test_set_of_a_schedule_leaves_nothing_of_the_old_one_but_its_warm_up():
    spec = model("embed 3\nmean\ndense softmax") + "train { schedule step from=4 factor=0.5 warmup=7 }"
    cosine = checked(spec, None, "train.schedule=cosine", "train.schedule.to=1e-4").train.schedule
    assert (cosine.kind, cosine.to, cosine.warmup, cosine.start) == ("cosine", 1e-4, 7, None)
    assert checked(spec, None, "train.schedule=linear to=0.1 warmup=10%").train.schedule.warmup == 0.1
    assert checked(spec, None, "train.schedule.from=5").train.schedule.start == 5
    assert checked(SPEC, None, "train.schedule=rsqrt warmup=9").train.schedule.kind == "rsqrt"


def test_another_loss_leaves_the_settings_of_the_one_before():
    spec = "model m(x: real[2]) -> a: real, b: class {\n  a = x | dense 1\n  b = x | dense softmax\n}\n"
    spec += "train { loss huber delta=2 of=a b=3 }"
    loss = checked(spec, None, "train.loss=sum").train.loss
    assert (loss.kind, loss.delta, loss.of, loss.sum, loss.weights) == ("auto", 1.0, None, True, (("b", 3.0),))


def test_set_of_a_batch_is_of_rows_or_of_tokens():
    spec = model("embed 3\nmean\ndense softmax") + "train { batch tokens=99 }"
    assert checked(spec, None, "train.batch=8").train.batch_tokens is None
    assert checked(SPEC, None, "train.batch=tokens=4096").train.batch_tokens == 4096
    assert checked(SPEC, None, "train.batch.size=9").train.batch == 9


def test_set_reaches_what_a_loss_weighs():
    spec = model("h = embed 3 | mean\na = h | dense softmax\nb = h | dense", output="a: class, b: real")
    loss = checked(spec + "train { loss a=0.5 }", None, "train.loss.b=2", "train.loss=huber").train.loss
    assert (loss.kind, loss.weight("a"), loss.weight("b")) == ("huber", 0.5, 2)


def test_later_set_wins():
    assert checked(SPEC, None, "train.batch=64", "train.batch=65").train.batch == 65


def test_set_reaches_a_named_section():
    spec = model("embed 3\nmean\ndense softmax") + "train tune { batch 8 }"
    assert checked(spec, None, "tune.batch=9").train.batch == 9
    assert checked(spec, None, "train.batch=9").train.batch == 9


def test_set_file_keeps_how_it_is_read():
    data = checked(SPEC, None, "data.train=other/b.tsv", "data.valid=10%", "data.test=t.tsv").data
    assert data is not None
    assert (data.train.paths, data.train.header, data.train.free) == (("other/b.tsv",), True, True)
    assert isinstance(data.valid, Share)
    assert isinstance(data.test, Files)
    assert data.test.free


def test_file_of_the_spec_is_not_free():
    data = checked(SPEC).data
    assert data is not None
    assert not data.train.free


@pytest.mark.parametrize(
    ("change", "code", "hint"),
    [
        ("width", "NN608", "--set train.batch=64"),
        ("width=", "NN608", ""),
        ("=3", "NN608", ""),
        ("width={", "NN403", ""),  # a string, as a path is
        ("width=,", "NN608", "written as in a spec"),
        ("widht=3", "NN309", "width"),
        ("epochs=3", "NN309", "train.epochs"),
        ("embb.size=3", "NN309", "emb"),
        ("a.b.c.d=3", "NN309", ""),
        ("train.bacth=3", "NN602", "batch"),
        ("train.lr=3", "NN602", "write --set train.adam.lr=3"),
        ("lr=3", "NN309", "did you mean train.adam.lr?"),
        ("adam.lr=3", "NN309", "did you mean train.adam.lr?"),
        ("train.adam.rl=3", "NN401", "lr"),
        ("train.batch=-3", "NN608", "written as in a spec"),
        ("train.batch=0", "NN404", ""),
        ("emb.siez=3", "NN401", "size"),
    ],
)
def test_set_that_reaches_nothing_is_refused(change: str, code: str, hint: str):
    found = diagnostics(SPEC, None, change)[0]
    assert found.code == code
    assert hint in found.help


def test_error_in_an_override_shows_what_was_typed():
    (found,) = diagnostics(SPEC, None, "emb.size=0")
    assert found.span is not None
    assert (found.span.file, found.span.snippet) == ("--set", "emb.size=0")
