"""Sections: every entry and setting checked; what a run gets."""

from __future__ import annotations

import pytest

from compiler.settings.data import Column, Files, Share
from compiler.settings.train import TrainSettings
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
        ('data { train "photos" ; format folder }', []),
        ('data { train "a.tsv" ; missing skip }', []),
        ('data { train "a.tsv" ; missing last }', [("NN605", 4, 24)]),
        ('data { train "a.tsv" ; missing mean }', [("NN402", 4, 32)]),
        ('data { train "a.tsv" ; augment flip }', [("NN605", 4, 24)]),
        ('data { train text="a.txt" label="b.txt" }', []),
        ('data { train text="a.txt","c.txt" label="b.txt","d.txt" ; valid 10% }', []),
        ('data { train text="a.txt" label="b.txt" ; valid text="c.txt" label="d.txt" }', []),
        ('data { train text="a.txt" label="b.txt" ; train text="c.txt" label="d.txt" }', []),
        ('data { train text="a.txt" }', [("NN606", 4, 8)]),
        ('data { train text="a.txt","c.txt" label="b.txt" }', [("NN606", 4, 8)]),
        ('data { train text="a.txt" label="../b.txt" }', [("NN701", 4, 27)]),
        ('data { train "a.tsv" text="a.txt" label="b.txt" }', [("NN605", 4, 8)]),
        ('data { train text="a.txt" label="b.txt" columns=label,text }', [("NN605", 4, 8)]),
        ('data { train text="a.txt" lable="b.txt" }', [("NN401", 4, 27)]),
        ('data { train "a.tsv" ; valid 10% text="a.txt" label="b.txt" }', [("NN605", 4, 24)]),
        ("data { train header }", [("NN405", 4, 8)]),
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
        ("train { sgd nesterov }", [("NN405", 4, 9)]),
        ("train { sgd momentum=0.9 nesterov }", []),
        ("train { rmsprop lr=0.01 rho=0.9 momentum=0.5 }", []),
        ("train { rmsprop rho=1 }", [("NN404", 4, 17)]),
        ("train { rmsprop nesterov }", [("NN402", 4, 17)]),
        ("train { adadelta lr=1 rho=0.95 eps=1e-6 }", []),
        ("train { adadelta momentum=0.9 }", [("NN401", 4, 18)]),
        ("train { batch }", [("NN405", 4, 9)]),
        ("train { batch 0 }", [("NN404", 4, 15)]),
        ("train { batch tokens=4096 }", []),
        ("train { batch tokens=0 }", [("NN404", 4, 15)]),
        ("train { batch 32 tokens=4096 }", [("NN605", 4, 9)]),
        ("train { clip }", [("NN405", 4, 9)]),
        ("train { loss huber delta=1 }", [("NN609", 4, 9)]),
        ("train { loss }", [("NN405", 4, 9)]),
        ("train { loss hubre }", [("NN402", 4, 14)]),
        ("train { loss delta=1 }", [("NN605", 4, 9)]),
        ("train { loss of=label }", [("NN605", 4, 9)]),
        ("train { loss perceptron }", [("NN513", 1, 25)]),
        ("train { loss huber of=label }", [("NN609", 4, 9)]),
        ("train { loss huber of=lable }", [("NN609", 4, 9)]),
        ("train { loss sum }", []),
        ("train { loss sum label=0.5 }", []),
        ("train { loss label=-1 }", [("NN404", 4, 14)]),
        ("train { loss text=2 }", [("NN609", 4, 9)]),
        ("train { adam label=2 }", [("NN401", 4, 14)]),
        ("train { loss contrastive margin=0.5 }", [("NN209", 1, 25)]),
        ("train { loss margin=0.5 }", [("NN605", 4, 9)]),
        ("train { loss perceptron margin=0.5 }", None),
        ("train { smoothing 0.1 ; classes balanced }", []),
        ("train { smoothing 1 }", [("NN404", 4, 19)]),
        ("train { smoothing }", [("NN405", 4, 9)]),
        ("train { classes even }", [("NN402", 4, 17)]),
        ("train { classes }", [("NN405", 4, 9)]),
        ("train { loss kidn=perceptron }", [("NN401", 4, 14)]),
        ("train { schedule cosine }", []),
        ("train { schedule cosine warmup=100 to=1e-4 }", []),
        ("train { schedule cosine warmup=10% }", []),
        ("train { schedule warmup=100 }", []),
        ("train { schedule }", [("NN405", 4, 9)]),
        ("train { schedule cosin }", [("NN402", 4, 18)]),
        ("train { schedule cosine warmup=1.5 }", [("NN403", 4, 9)]),
        ("train { schedule cosine warmup=-1 }", [("NN404", 4, 25)]),
        ("train { schedule cosine warmup=100% }", [("NN404", 4, 9)]),
        ("train { schedule step from=2 warmup=20.0 factor=50% }", []),
        ("train { schedule cosine warmup=1e3 }", []),
        ("train { schedule cosine factor=0.5 }", [("NN401", 4, 25)]),
        ("train { schedule step from=4 factor=0.5 }", []),
        ("train { schedule step at=80,120 factor=0.1 }", []),
        ("train { schedule step factor=0.1 }", [("NN405", 4, 9)]),
        ("train { schedule step from=4 at=5 factor=0.1 }", [("NN405", 4, 9)]),
        ("train { schedule step from=4 }", [("NN405", 4, 9)]),
        ("train { schedule step from=4 factor=2 }", [("NN404", 4, 30)]),
        ("train { schedule linear to=-1 }", [("NN404", 4, 25)]),
        ("train { schedule rsqrt warmup=1000 }", []),
        ("train { schedule rsqrt }", [("NN405", 4, 9)]),
        ("train { schedule rsqrt warmup=0 }", [("NN404", 4, 9)]),
        ("train { schedule plateau factor=0.5 patience=2 }", []),
        ("train { schedule plateau patience=-1 }", [("NN404", 4, 26)]),
        ('data { train "a.tsv" }\ntrain { schedule plateau }', [("NN605", 5, 9)]),
        ("train { schedule inverse decay=0.05 }", []),
        ("train { schedule inverse }", [("NN405", 4, 9)]),
        ("train { steps 100 }", []),
        ("train { steps 0 }", [("NN404", 4, 15)]),
        ("train { epochs -3 }", None),
        ("train { stop patience=2 }", []),
        ('data { train "a.tsv" }\ntrain { stop patience=2 }', [("NN605", 5, 9)]),
        ("train { seed 1.5 }", [("NN403", 4, 14)]),
        ("train { train.batch 3 }", [("NN602", 4, 9)]),
        ("train a { epochs 3 }", []),
        ("train a { epochs 3 }\ntrain b { epochs 3 }", []),
        ("predict { beam 4 max=100 }", [("NN605", 4, 1)]),
        ("predict { baem 4 }", [("NN602", 4, 11)]),
        ("data_ { }", [("NN601", 4, 1)]),
        ("sweep { train.adam.lr log=1e-4,1e-2 ; train.batch choice=8,16 ; trials 5 }", []),
        ("sweep { width choice=50,100 }", [("NN309", 4, 9)]),
        ("sweep { train.adma.lr choice=1e-3 }", [("NN602", 4, 9)]),
        ("sweep { train.adam.lr }", [("NN405", 4, 9)]),
        ("sweep { train.adam.lr log=1e-3 }", [("NN405", 4, 9)]),
        ("sweep { train.adam.lr log=1e-2,1e-4 }", [("NN404", 4, 9)]),
        ("sweep { train.adam.lr chocie=1e-3 }", [("NN401", 4, 23)]),
        ("sweep { trials 0 }", [("NN404", 4, 16)]),
        ("sweep { trials 2 }\nsweep { trials 3 }", [("NN603", 5, 1)]),
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


def trained(section: str) -> TrainSettings:
    return checked(GOOD + f'data {{ train "a.tsv" ; valid 10% }}\ntrain {{ {section} }}').train


def test_steps_alone_set_no_limit_to_the_epochs():
    assert (trained("steps 7").epochs, trained("steps 7").steps) == (None, 7)
    assert (trained("steps 7 ; epochs 2").epochs, trained("steps 7 ; epochs 2").steps) == (2, 7)
    assert (trained("batch 3").epochs, trained("batch 3").steps) == (10, None)


def test_batch_of_tokens_leaves_the_rows_of_scoring():
    assert (trained("batch tokens=4096").batch, trained("batch tokens=4096").batch_tokens) == (32, 4096)


def test_seed_may_be_0():
    assert trained("seed 0").seed == 0


def test_optimizers_have_their_own_settings():
    assert trained("sgd momentum=0.9 nesterov").optimizer.nesterov
    rmsprop = trained("rmsprop").optimizer
    assert (rmsprop.lr, rmsprop.rho, rmsprop.momentum, rmsprop.eps) == (0.01, 0.99, 0, 1e-8)
    adadelta = trained("adadelta").optimizer
    assert (adadelta.lr, adadelta.rho, adadelta.eps) == (1, 0.9, 1e-6)


def test_schedule_holds_what_its_kind_takes():
    assert trained("schedule step at=80,120 factor=0.1").schedule.at == (80, 120)
    linear = trained("schedule linear warmup=10% to=1e-4").schedule
    assert (linear.kind, linear.warmup, linear.to) == ("linear", 0.1, 1e-4)
    plateau = trained("schedule plateau").schedule
    assert (plateau.factor, plateau.patience) == (0.5, 0)
    assert trained("batch 3").schedule.kind == "constant"


def test_loss_weighs_each_of_several_outputs():
    body = "h = embed 4 | mean\na = h | dense softmax\nb = h | dense"
    loss = checked(model(body, output="a: class, b: real") + "train { loss huber delta=2 a=0.5 }").train.loss
    assert (loss.kind, loss.delta, loss.weights) == ("huber", 2, (("a", 0.5),))
    assert (loss.weight("a"), loss.weight("b")) == (0.5, 1)
    alone = checked(model(body, output="a: class, b: real") + "train { loss a=0 }").train.loss
    assert (alone.weight("a"), alone.weight("b")) == (0, 1)


@pytest.mark.parametrize("entry", ["decay 1e39", "sgd lr=1e39", "clip norm=1e39", "loss a=1e39"])
def test_a_number_that_float32_has_not_is_refused(entry: str):
    spec = model("h = embed 4 | mean\na = h | dense\nb = h | dense", output="a: real, b: real")
    assert [code for code, *_ in errors(spec + f"train {{ {entry} }}")] == ["NN404"]


def test_loss_sum_is_no_weight_of_an_output_of_that_name():
    assert checked(model("embed 4 | mean\ndense", output="sum: real") + "train { loss sum }").train.loss.weights == ()


@pytest.mark.parametrize("name", ["kind", "delta", "margin", "of"])
def test_an_output_called_as_a_setting_of_loss_is_not_taken_for_it(name: str):
    spec = model(f"h = embed 4 | mean\n{name} = h | dense\nb = h | dense", output=f"{name}: real, b: real")
    assert errors(spec + "train { loss huber b=2 }") == []
    (found,) = diagnostics(spec + f"train {{ loss {name}=1 b=2 }}")
    assert (found.code, found.help) == ("NN410", "rename the output")


def test_an_input_called_as_a_setting_of_loss_leaves_it_the_setting():
    spec = "model m(delta: words) -> b: real {\n  embed 4\n  mean\n  dense\n}\ntrain { loss huber delta=2 }"
    assert checked(spec).train.loss.delta == 2


def test_loss_of_one_output_leaves_the_others():
    body = "h = embed 4 | mean\na = h | dense\nb = h | dense"
    network = checked(model(body, output="a: real, b: real") + "train { loss huber of=b }").network
    assert [head.loss for head in network.heads] == ["mean squared error", "huber"]


def test_tokens_of_a_batch_are_positions_of_texts():
    spec = "model m(x: real[2]) -> y: real {\n  dense\n}\ntrain { batch tokens=9 ; smoothing 0.1 ; classes balanced }"
    assert errors(spec) == [("NN609", 4, 9), ("NN609", 4, 26), ("NN609", 4, 42)]


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


BATCHNORM = "model m({input}) -> label: class {{ {body} ; batchnorm ; {end} }}\ntrain {{ batch 1 }}\n"


def test_batchnorm_of_vectors_wants_more_than_one_row():
    (found,) = diagnostics(BATCHNORM.format(input="x: real[4]", body="dense 8", end="dense softmax"))
    assert (found.code, found.span and found.span.line) == ("NN532", 1)


def test_batchnorm_of_positions_may_have_one_row():
    assert diagnostics(BATCHNORM.format(input="text: words", body="embed 8", end="mean ; dense softmax")) == ()


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        ("augment flip crop=4", []),
        ("augment crop=7", []),
        ("augment", [("NN405", 2, 25)]),
        ("augment crop=8", [("NN404", 2, 25)]),
        ("augment crop=0", [("NN404", 2, 33)]),
        ("augment turn", [("NN402", 2, 33)]),
    ],
)
def test_augment_moves_pictures_that_stay_in_sight(entry: str, wanted: list[Place]):
    spec = f'model m(x: image[8,9]) -> y: class {{ flatten ; dense softmax }}\ndata {{ train "photos" ; {entry} }}\n'
    assert errors(spec) == wanted
