"""Layers that are `stateful`: the states that a graph takes and gives, and the models that have none."""

from __future__ import annotations

import pytest

from compiler.ir.graph import Input
from compiler.ir.verify import verify
from compiler.pipeline import optimize, training_step
from tests.compiler.lower.specs import checked, diagnostics, errors, model


def spec(body: str, signature: str = "text: words", output: str = "next: next(text)") -> str:
    return model(f"embed 5\n{body}\ndense softmax", signature, output)


def test_each_state_of_each_layer_is_an_input_and_its_last_value_an_output():
    network = checked(spec("lstm 3 layers=2 stateful"), V=9).network
    assert {c.name: str(c.type) for c in network.carried} == {
        "lstm.1.h.carried": "f32[B, 3]",
        "lstm.1.c.carried": "f32[B, 3]",
        "lstm.2.h.carried": "f32[B, 3]",
        "lstm.2.c.carried": "f32[B, 3]",
    }
    for graph in (network.training, network.evaluation, network.prediction):
        assert {n.op.name for n in graph.inputs if isinstance(n.op, Input)} >= {c.name for c in network.carried}
        given = {o.name: o.node.type for o in graph.outputs}
        assert all(given[c.next].shape == c.type.shape for c in network.carried)
    assert [p.stream for p in network.ports] == [True, False]


def test_a_cell_that_is_not_stateful_carries_nothing():
    network = checked(spec("lstm 3"), V=9).network
    assert network.carried == ()
    assert not any(p.stream for p in network.ports)


def test_uses_of_shared_weights_have_states_of_their_own():
    body = "shared both { srn 5 stateful }\na = both\nb = a | both\nb | dense 5"
    assert [c.name for c in checked(spec(body), V=9).network.carried] == ["both.srn.h.carried", "both.srn.h.carried.2"]


def test_a_training_step_hands_its_states_on_and_no_gradient_goes_into_them():
    found = training_step(checked(spec("gru 3 stateful"), V=9))
    for graph in (found.graph, optimize(found.graph)):
        verify(graph)
        assert "gru.h.carried'" in [o.name for o in graph.outputs]
    assert not any("carried" in (o.update or "") for o in found.graph.outputs)


SECTION = "train {{ {} }}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (model("embed 5\nlstm 3 stateful\ndense softmax", output="tag: class per text"), [("NN518", 3, 1)]),
        (model("embed 5\nlstm 3 stateful\nlast\ndense softmax"), [("NN518", 3, 1)]),
        (model("embed 5\nlstm 3 stateful\ndense softmax", "text: words(max=9)", "then: next(text)"), [("NN518", 3, 1)]),
        (spec("lstm 3 stateful", "text: words, more: words").replace("embed", "text | embed"), [("NN503", 1, 22)]),
        (
            spec("lstm 3 stateful", output="next: next(text), label: class").replace(
                "dense softmax", "next = dense softmax\nlabel = last | dense softmax"
            ),
            [("NN518", 3, 1)],
        ),
        (spec("lstm 3") + SECTION.format("unroll 20"), [("NN609", 6, 9)]),
        (spec("lstm 3 stateful") + SECTION.format("batch tokens=90"), [("NN609", 6, 9)]),
        (spec("lstm 3 stateful") + SECTION.format("unroll 0"), [("NN404", 6, 16)]),
    ],
)
def test_error_is_at_the_layer_or_entry(text: str, found: list[tuple[str, int, int]]):
    assert errors(text) == found


def test_error_says_why_the_text_is_no_stream():
    from compiler.pipeline import check
    from dsl.errors import SpecError

    with pytest.raises(SpecError) as caught:
        check(model("embed 5\nlstm 3 stateful\nlast\ndense softmax"), "spec.nn")
    message = "stateful goes along one stream of text, and label is class, for which a text is an example by itself"
    assert caught.value.diagnostics[0].message == message


def test_a_window_of_a_language_model_is_advised_to_be_unrolled():
    (found,) = diagnostics(model("embed 5\nlstm 3 stateful\ndense softmax", "text: words(max=9)", "then: next(text)"))
    assert found.help.startswith("leave max= out; `unroll 35` in `train`")
