"""Weights: each layer written has its own; shared, `repeat shared` and `tied=` are the exceptions."""

from __future__ import annotations

import pytest

from tests.compiler.lower.specs import Place, checked, diagnostics, errors, model, shapes, weights

END = "\nmean\ndense softmax"
HEAD = {"dense.weight": "[4, classes]", "dense.bias": "[classes]"}


def test_every_layer_written_has_its_own():
    assert list(weights(model(f"embed 4\ndense 4\ndense 4{END}"))) == [
        "embed.weight",
        "dense.weight",
        "dense.bias",
        "dense.2.weight",
        "dense.2.bias",
        "dense.3.weight",
        "dense.3.bias",
    ]


def test_every_use_of_a_block_has_its_own():
    found = weights("block b { dense 4 }\n" + model(f"embed 4\nb\nb{END}"))
    assert {n for n in found if n.startswith("b")} == {
        "b.dense.weight",
        "b.dense.bias",
        "b.2.dense.weight",
        "b.2.dense.bias",
    }


def test_every_round_has_its_own():
    found = weights(model(f"embed 4\nrepeat 2 {{ dense 4 }}{END}"))
    assert [n for n in found if n.startswith("repeat")] == [
        "repeat.1.dense.weight",
        "repeat.1.dense.bias",
        "repeat.2.dense.weight",
        "repeat.2.dense.bias",
    ]


def test_rounds_run_through_a_list():
    spec = model(f"embed 4\nrepeat n=5,7 p=0.1,0.2 {{ dense n ; dropout p }}{END}")
    assert shapes(spec)[1:5] == ["[T, 5]", "[T, 5]", "[T, 7]", "[T, 7]"]


def test_shared_rounds_have_the_same():
    found = weights(model(f"embed 4\nrepeat 3 shared {{ dense 4 }}{END}"))
    assert [n for n in found if n.startswith("repeat")] == ["repeat.dense.weight", "repeat.dense.bias"]
    assert errors(model(f"embed 4\nrepeat 3 shared {{ dense 5 }}{END}")) == [("NN213", 3, 19)]


def test_labels_name_them():
    assert list(weights(model(f"embed 4 as emb\nrepeat 1 as up {{ dense 4 as d }}{END}")))[:2] == [
        "emb.weight",
        "up.1.d.weight",
    ]


def test_shared_network_has_one_set_for_all_its_uses():
    body = "shared s { embed 4 ; mean }\nconcat((a | s), (b | s))\ndense softmax"
    found = checked(model(body, "a: words, b: words"))
    assert [p.name for p in found.network.parameters] == ["s.embed.weight", "dense.weight", "dense.bias"]


def test_shared_network_in_parallel_has_one_set():
    found = weights(model(f"embed 4\nshared s {{ dense 4 }}\nparallel {{ s ; s | relu }}{END}"))
    assert [n for n in found if n.startswith("s")] == ["s.dense.weight", "s.dense.bias"]


def test_shared_table_makes_one_vocabulary():
    body = "shared s { embed 4 ; mean }\nconcat((a | s), (b | s))\ndense softmax"
    found = checked(model(body, "a: words, b: words"))
    assert [getattr(p.sort, "vocabulary", None) for p in found.network.inputs] == [None, "a"]
    bound = checked(model(body, "a: words, b: words"), None, V=9, classes=3)
    assert str(bound.network.parameters[0].type) == "f32[9, 4]"


def test_tied_table_makes_one_vocabulary():
    body = "x = a | embed 4 as e | mean\ny = b | embed 4 tied=e | mean\nconcat(x, y)\ndense softmax"
    assert weights(model(body, "a: words, b: words"))["e.weight"] == "[V, 4]"


def test_tables_of_words_and_chars_cannot_be_one():
    body = "shared s { embed 4 ; mean }\nconcat((a | s), (b | s))\ndense softmax"
    assert errors(model(body, "a: words, b: chars")) == [("NN307", 2, 12)]


def test_shared_network_wants_the_same_widths():
    body = "shared s { dense 4 }\nconcat((a | s), (b | s))\ndense softmax"
    assert errors(model(body, "a: real[2], b: real[3]")) == [("NN213", 2, 12)]


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        ("embed 4\nmean\ndense 4 as d\ndense 4 tied=d", "[4]"),  # all weights of the layer
        ("embed 4\nmean\ndense 6 as d\ndense 4 tied=d", "[4]"),  # turned round
        ("v = onehot | sum\ntext | embed 4 as e | mean | dense dim(v) tied=e\nmax(v)", "[V]"),
    ],
)
def test_tied_layer_uses_the_others_weights(body: str, shape: str):
    assert shapes(model(f"{body}\ndense softmax"))[-2] == shape


def test_tied_weights_are_no_second_set():
    found = weights(
        model("embed 4 as e\nmean\ndense 4 as d\ndense 4 tied=d\ndense 6 as q\ndense 4 tied=q\ndense softmax")
    )
    assert [n for n in found if n.startswith("dense")] == ["dense.2.bias", "dense.3.weight", "dense.3.bias"]


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("embed 4 as e\nmean\ndense 5 tied=e", [("NN506", 4, 1)]),
        ("embed 4 as e\nmean\ndense 4 tied=f", [("NN308", 4, 9)]),
        ("embed 4\nmean\ndense 4 tied=d\ndense 4 as d", [("NN308", 4, 9)]),
        ("embed 4\nlayernorm as l\nmean\ndense 4 tied=l", [("NN506", 5, 1)]),
        ("embed 4\nrepeat 2 { dense 4 as d }\nmean\ndense 4 tied=d", [("NN308", 5, 9)]),
        ("embed 4\nrepeat 2 as r { dense 4 }\nmean\ndense 4 tied=r", [("NN506", 5, 9)]),
        ("embed 4\nrepeat 2 { dense 4 as d ; dense 4 tied=d }\nmean", [("NN506", 3, 35)]),
        ("a = embed 4 as e\nb = text | embed 5 tied=e\nconcat(a, b)\nmean", [("NN506", 3, 12)]),
        ("embed 4\nconv 3 filters=4 same as c\nconv 5 filters=4 same tied=c\nmean", [("NN506", 4, 1)]),
        ("embed 4\nconv 3 filters=4 same as c\nconv 3 filters=4 same tied=c\nmean", []),
    ],
)
def test_tie_that_does_not_fit_is_refused(body: str, wanted: list[Place]):
    assert errors(model(f"{body}\ndense softmax")) == wanted


def test_block_cannot_be_tied_to():
    spec = "block b { dense 4 }\n" + model(f"embed 4\nb as q\ndense 4 tied=q{END}")
    assert errors(spec) == [("NN506", 5, 9)]


def test_frozen_block_and_layer_are_not_trained():
    spec = "block b { dense 4 }\n" + model(f"embed 4 frozen\nb frozen\nb{END}")
    trained = {p.name: p.trained for p in checked(spec).network.parameters}
    assert [n for n, yes in trained.items() if not yes] == ["embed.weight", "b.dense.weight", "b.dense.bias"]


@pytest.mark.parametrize(
    "layer",
    ["embed 4", "embed 4 ; conv k=2 filters=4", "embed 4 ; dense 4", "embed 4 ; layernorm", "embed 4 ; batchnorm"],
)
@pytest.mark.parametrize("init", ["zeros", "uniform scale=0.5", "normal scale=0.5", "xavier", "he"])
def test_every_layer_with_weights_takes_every_start(layer: str, init: str):
    own = layer.rpartition(" ; ")[2].split()[0]
    found = {p.name: p.init for p in checked(model(f"{layer} init={init}{END}")).network.parameters}
    plain = {p.name: p.init for p in checked(model(f"{layer}{END}")).network.parameters}
    changed = {name for name in found if found[name] != plain[name]}
    assert changed <= {f"{own}.weight"}
    assert found[f"{own}.weight"].kind == init.split()[0]


@pytest.mark.parametrize("init", ["zeros", "xavier", "he"])
def test_scale_beside_a_start_of_a_width_of_its_own_is_refused(init: str):
    assert [d.code for d in diagnostics(model(f"embed 4\ndense 4 init={init} scale=0.1{END}"))] == ["NN531"]


def test_init_and_scale_reach_the_weights():
    spec = model(f"embed 4 init=uniform scale=0.1\ndense 4 xavier{END}")
    starts = {p.name: (p.init.kind, p.init.scale) for p in checked(spec).network.parameters}
    assert (starts["embed.weight"], starts["dense.weight"]) == (("uniform", 0.1), ("xavier", None))
    assert starts["dense.bias"][0] == "uniform"


def test_head_is_marked():
    found = checked(model(f"embed 4\ndense 4{END}")).network.parameters
    assert [p.name for p in found if p.head] == ["dense.2.weight", "dense.2.bias"]
