"""Named `train` sections: which model and data each picks, where it starts, what it leaves as it is."""

from __future__ import annotations

import pytest

from compiler.pipeline import check, phases, training_step
from dsl.errors import SpecError
from tests.compiler.lower.specs import Place, diagnostics, errors

MODEL = "model m(text: words) -> label: class { embed 4 as emb ; mean ; dense softmax as head }\n"
OTHER = "model o(text: words) -> label: class { embed 3 ; mean ; dense softmax }\n"
TWO = MODEL + "train first { epochs 2 }\ntrain then { sgd lr=1 ; epochs 3 }\n"


def test_phases_are_the_train_sections_in_order() -> None:
    assert phases(MODEL, "m.nn") == ("",)
    assert phases(MODEL + "train { epochs 1 }", "m.nn") == ("",)
    assert phases(TWO, "m.nn") == ("first", "then")
    assert phases(MODEL + "train { epochs 1 }\ntrain then { epochs 1 }", "m.nn") == ("", "then")


def test_experiment_has_the_settings_of_its_phase() -> None:
    first, then = (check(TWO, "m.nn", phase=i) for i in (0, 1))
    assert (first.phase, first.train.epochs, first.train.optimizer.name) == ("first", 2, "adam")
    assert (then.phase, then.train.epochs, then.train.optimizer.name) == ("then", 3, "sgd")


def test_phase_picks_its_model_and_its_data() -> None:
    spec = (
        MODEL
        + OTHER
        + 'data big { train "a.tsv" }\ndata small { train "b.tsv" }\n'
        + "train a { model m ; data big }\ntrain b { model o ; data small }\n"
    )
    a, b = (check(spec, "m.nn", phase=i) for i in (0, 1))
    assert (a.network.name, b.network.name) == ("m", "o")
    assert a.data is not None
    assert b.data is not None
    assert (a.data.train.paths, b.data.train.paths) == (("a.tsv",), ("b.tsv",))


def test_nameless_data_section_is_taken_where_none_is_named() -> None:
    spec = (
        MODEL + 'data { train "a.tsv" }\ndata small { train "b.tsv" }\ntrain a { epochs 1 }\ntrain b { data small }\n'
    )
    found = [check(spec, "m.nn", phase=i).data for i in (0, 1)]
    assert [d.train.paths for d in found if d is not None] == [("a.tsv",), ("b.tsv",)]


def test_frozen_label_is_neither_trained_nor_given_a_state() -> None:
    experiment = check(MODEL + "train { freeze emb }", "m.nn")
    trained = {p.name: p.trained for p in experiment.network.parameters}
    assert trained == {"emb.weight": False, "head.weight": True, "head.bias": True}
    step = training_step(experiment)
    assert {o.update for o in step.graph.outputs if o.update is not None and o.update.startswith("emb")} == set()
    assert not any(s.name.startswith("emb") for s in step.states)


@pytest.mark.parametrize(
    "body",
    [
        "repeat 2 as part { dense 4 }",
        "residual as part { dense 4 }",
        "narrow as part",
        "shared part { dense 4 } ; e | part",
    ],
)
def test_label_of_what_has_layers_inside_freezes_them_all(body: str) -> None:
    spec = f"block narrow {{ dense 4 relu }}\nmodel m(x: real[4]) -> y: real {{ e = dense 4 ; {body} ; dense }}\n"
    parameters = check(spec + "train { freeze part }", "m.nn").network.parameters
    assert {p.name.startswith("part.") for p in parameters if not p.trained} == {True}
    assert all(p.trained for p in parameters if not p.name.startswith("part."))
    assert all(p.trained for p in check(spec, "m.nn").network.parameters)


def test_init_says_from_where_and_which_labels() -> None:
    init = check(MODEL + 'train { init from="runs/a" only=emb,head }', "m.nn").init
    assert init is not None
    assert (init.path, init.only, init.span.line) == ("runs/a", ("emb", "head"), 2)
    assert check(MODEL, "m.nn").init is None


@pytest.mark.parametrize(
    ("sections", "wanted"),
    [
        ('data a { train "a.tsv" }\ntrain { data b }', [("NN640", 3, 14)]),
        ("train { model n }", [("NN640", 2, 15)]),
        ("train { data }", [("NN405", 2, 9)]),
        ('data a { train "a.tsv" }\ndata b { train "b.tsv" }\ntrain { epochs 1 }', [("NN641", 4, 1)]),
        ("train { freeze ebm }", [("NN642", 2, 9)]),
        ('train { init from="r" only=ebm }', [("NN642", 2, 9)]),
        ("train { freeze }", [("NN405", 2, 9)]),
        ("train { init only=emb }", [("NN405", 2, 9)]),
        ('train { init from="../r" }', [("NN701", 2, 14)]),
        ('train { init from="/r" }', [("NN701", 2, 14)]),
        ("train { freeze emb head }", [("NN643", 2, 9)]),
        ("train a { epochs 0 }\ntrain b { epochs 0 }", [("NN404", 2, 18), ("NN404", 3, 18)]),
        ("train a { epochs 1 }\ntrain a { epochs 1 }", [("NN603", 3, 1)]),
        ("train { epochs 1 }\ntrain { epochs 1 }", [("NN603", 3, 1)]),
    ],
)
def test_what_is_wrong_is_told_at_its_place(sections: str, wanted: list[Place]) -> None:
    assert errors(MODEL + sections) == wanted


def test_error_of_a_model_with_two_phases_is_told_once() -> None:
    spec = (
        "model m(text: words) -> label: class { embed 4 ; dense softmax }\ntrain a { epochs 1 }\ntrain b { epochs 1 }\n"
    )
    assert [d.code for d in diagnostics(spec)] == ["NN203"]


def test_near_label_is_offered() -> None:
    assert "did you mean emb?" in diagnostics(MODEL + "train { freeze ebm }")[0].help


def test_seed_of_the_command_line_is_that_of_every_phase() -> None:
    assert [check(TWO, "m.nn", seed=7, phase=i).train.seed for i in (0, 1)] == [7, 7]
    assert check(MODEL, "m.nn", seed=7).train.seed == 7


def test_override_reaches_a_phase_by_its_name() -> None:
    found = [check(TWO, "m.nn", sets=("then.epochs=9",), phase=i).train.epochs for i in (0, 1)]
    assert found == [2, 9]


def test_override_of_one_phase_among_several_must_name_it() -> None:
    with pytest.raises(SpecError) as caught:
        check(TWO, "m.nn", sets=("train.epochs=9",))
    assert caught.value.diagnostics[0].code == "NN309"
    assert "first.epochs" in caught.value.diagnostics[0].help


@pytest.mark.parametrize("spec", [TWO, MODEL + "train first { epochs 1 }\n"])
def test_override_that_names_kind_and_phase_is_told_how_it_is_written(spec: str) -> None:
    with pytest.raises(SpecError) as caught:
        check(spec, "m.nn", sets=("train.first.epochs=9",))
    assert caught.value.diagnostics[0].code == "NN309"
    assert caught.value.diagnostics[0].help.endswith(": first.epochs=9")


def test_override_of_a_name_that_two_kinds_share_goes_where_the_entry_is() -> None:
    spec = MODEL + 'data a { train "a.tsv" }\ntrain a { epochs 1 }\n'
    assert check(spec, "m.nn", sets=("a.epochs=4",)).train.epochs == 4


def test_init_of_the_command_line_may_name_any_path() -> None:
    init = check(MODEL, "m.nn", sets=("train.init.from=/tmp/run",)).init
    assert init is not None
    assert (init.path, init.free) == ("/tmp/run", True)


def test_sweep_reaches_a_phase_by_its_name() -> None:
    assert errors(TWO + "sweep { then.epochs choice=1,2 }") == []
    assert errors(TWO + "sweep { then.epochs choice=1,0 }") == [("NN404", 4, 9)]
    assert errors(TWO + "sweep { train.epochs choice=1,2 }") == [("NN309", 4, 9)]
