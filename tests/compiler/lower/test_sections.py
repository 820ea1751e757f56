"""Sections: every entry and setting checked; what a run gets."""

from __future__ import annotations

import pytest

from compiler.settings.data import Column, Files, Share
from tests.compiler.lower.specs import Place, checked, diagnostics, errors, model

GOOD = model("embed 4 ; mean ; dense softmax").rstrip() + "\n"


@pytest.mark.parametrize(
    ("section", "wanted"),
    [
        ('data { train "a.tsv" }', []),
        ('data { train "a.tsv" ; valid 10% ; test 20% last ; format csv ; seed 3 }', []),
        ('data { train "a.tsv" header ; columns label="Class of" ; valid "b.tsv" }', []),
        ('data { train "a.tsv" columns=label,_,text ; folds 5 ; valid 10% }', []),
        ('data { train "a.tsv" "b.tsv" ; train "c.tsv" }', []),
        ("data { valid 10% }", [("NN604", 4, 1)]),
        ("data { train 3 }", [("NN403", 4, 14)]),
        ('data { train "a.tsv" columns=label }', [("NN606", 4, 22)]),
        ('data { train "a.tsv" columns=lable,text ; valid 0% }', [("NN606", 4, 30), ("NN404", 4, 43)]),
        ('data { train "a.tsv" columns=label,text,text }', [("NN606", 4, 22)]),
        ('data { train "a.tsv" ; columns lable="x" }', [("NN606", 4, 24)]),
        ('data { train "a.tsv" ; columns "x" }', [("NN401", 4, 32)]),
        ('data { train "a.tsv" ; valid 0% }', [("NN404", 4, 24)]),
        ('data { train "a.tsv" ; valid 100% }', [("NN404", 4, 24)]),
        ('data { train "a.tsv" ; valid }', [("NN405", 4, 24)]),
        ('data { train "a.tsv" ; valid 10% "b.tsv" }', [("NN605", 4, 24)]),
        ('data { train "a.tsv" ; folds 5 ; test 10% }', [("NN605", 4, 24)]),
        ('data { train "a.tsv" ; folds 1 }', [("NN404", 4, 30)]),
        ('data { train "a.tsv" ; format xml }', [("NN402", 4, 31)]),
        ('data { train "a.tsv" ; format jsonl }', [("NN350", 4, 31)]),
        ('data { train "a.tsv" ; augment flip }', [("NN350", 4, 24)]),
        ('data { train text="a.txt" label="b.txt" }', [("NN350", 4, 14), ("NN350", 4, 27)]),
        ('data { train "a.tsv" header ; train "b.tsv" columns=label,text }', [("NN605", 4, 31)]),
        ('data { train "a.tsv" ; valid 10% ; valid 20% }', [("NN603", 4, 36)]),
        ('data { train "a.tsv" ; seed 1 ; seed 2 }', [("NN603", 4, 33)]),
        ('data { train "a.tsv" }\ndata { train "b.tsv" }', [("NN603", 5, 1)]),
        ('data { trian "a.tsv" ; train "a.tsv" }', [("NN602", 4, 8)]),
        ("train { adam lr=1e-3 betas=0.9,0.98 eps=1e-6 }", []),
        (
            "train { sgd lr=0.1 momentum=0.9 ; decay 1e-4 ; batch 8 ; epochs 3 ; clip norm=5 ; seed 2 }",
            [],
        ),
        ("train { adam ; sgd }", [("NN603", 4, 16)]),
        ("train { adam betas=0.9 }", [("NN403", 4, 9)]),
        ("train { adam betas=0.9,1 }", [("NN404", 4, 14)]),
        ("train { adam nesterov }", [("NN402", 4, 14)]),
        ("train { sgd nesterov }", [("NN350", 4, 13)]),
        ("train { batch }", [("NN405", 4, 9)]),
        ("train { batch 0 }", [("NN404", 4, 15)]),
        ("train { batch tokens=4096 }", [("NN350", 4, 15)]),
        ("train { clip }", [("NN405", 4, 9)]),
        ("train { loss huber delta=1 }", [("NN350", 4, 14), ("NN350", 4, 20)]),
        ("train { loss label=2 }", [("NN350", 4, 14)]),
        ("train { loss kidn=perceptron }", [("NN401", 4, 14)]),
        ("train { schedule cosine }", [("NN350", 4, 9)]),
        ("train { steps 100 }", [("NN350", 4, 9)]),
        ("train { epochs -3 }", None),
        ("train { stop patience=2 }", []),
        ('data { train "a.tsv" }\ntrain { stop patience=2 }', [("NN605", 5, 9)]),
        ("train { seed 1.5 }", [("NN403", 4, 14)]),
        ("train { train.batch 3 }", [("NN602", 4, 9)]),
        ("train a { epochs 3 }", []),
        ("train a { epochs 3 }\ntrain b { epochs 3 }", []),
        ("predict { beam 4 max=100 }", [("NN350", 4, 11)]),
        ("predict { baem 4 }", [("NN602", 4, 11)]),
        ("data_ { }", [("NN601", 4, 1)]),
        ("sweep { train.adam.lr log=1e-4,1e-2 ; train.batch choice=8,16 ; trials 5 }", []),
        ("sweep { width choice=50,100 }", [("NN309", 4, 9)]),
        ("sweep { train.adma.lr choice=1e-3 }", [("NN602", 4, 9)]),
        ("sweep { train.adam.lr }", [("NN405", 4, 9)]),
        ("sweep { train.adam.lr log=1e-3 }", [("NN405", 4, 9)]),
        ("sweep { train.adam.lr chocie=1e-3 }", [("NN401", 4, 23)]),
        ("sweep { trials 0 }", [("NN404", 4, 16)]),
    ],
)
def test_section_is_checked(section: str, wanted: list[Place] | None):
    if wanted is not None:
        assert errors(GOOD + section) == wanted


def test_several_files_are_read_one_after_the_other():
    data = checked(GOOD + 'data { train "a.tsv" "b.tsv" header ; train "c.tsv" ; valid "v.tsv" ; test 10% last }').data
    assert data is not None
    assert data.train.paths == ("a.tsv", "b.tsv", "c.tsv")
    assert isinstance(data.valid, Files)
    assert data.valid.header
    assert isinstance(data.test, Share)
    assert data.test.last


def test_columns_are_named_in_order_or_by_heading():
    listed = checked(GOOD + 'data { train "a.tsv" columns=label,_,text ; valid "v.tsv" }').data
    assert listed is not None
    assert [c.port for c in listed.train.columns or ()] == ["label", None, "text"]
    assert isinstance(listed.valid, Files)
    assert [c.port for c in listed.valid.columns or ()] == ["label", None, "text"]
    headed = checked(GOOD + 'data { train "a.tsv" header ; columns label="pm2.5" }').data
    assert headed is not None
    assert [(c.port, c.heading) for c in headed.train.columns or ()] == [("label", "pm2.5"), ("text", "text")]
    assert isinstance((headed.train.columns or ())[0], Column)


def test_sections_have_defaults():
    found = checked(GOOD)
    assert found.data is None
    assert (found.train.optimizer.name, found.train.batch, found.train.epochs) == ("adam", 32, 10)


def test_metric_of_one_of_several_outputs_has_a_dot():
    body = "h = embed 4 | mean\na = h | dense softmax\nb = h | dense"
    spec = model(body, output="a: class, b: real") + 'data { train "a" ; valid 10% }\ntrain { stop metric=b.rmse }'
    assert checked(spec).train.metric == "b.rmse"


def test_constant_may_stand_in_a_section():
    assert checked("let n = 7\n" + GOOD + "train { batch n ; epochs n }").train.batch == 7


def test_spec_without_model_is_refused():
    assert errors("") == [("NN514", 1, 1)]
    assert errors("train { epochs 3 }") == [("NN514", 1, 1)]


def test_errors_of_all_parts_are_told_in_order():
    spec = model("embd 4\nmean\ndense softmax") + 'data { trian "a" ; train "a" }\ntrain { epoch 3 }'
    assert [c for c, _, _ in errors(spec)] == ["NN301", "NN602", "NN602"]


def test_later_things_are_told_once_each():
    spec = model("embed 4\nlstm 4\nlstm 5 | attention\nlast\ndense softmax")
    assert [d.message.split()[0] for d in diagnostics(spec)] == ["lstm", "attention"]
