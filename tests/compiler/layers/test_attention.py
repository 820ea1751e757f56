"""attention and positions: their weights, the graph of one, what is refused and how it is said."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.experiment import Init
from compiler.ir.text import show
from runtime.kernels.attention import key_softmax
from tests.compiler.lower.specs import checked, diagnostics, errors, model, shapes

END = "\nmean\ndense softmax"
GRAPH = """\
  %2: f32[B, T, 4]{zero} = mat_mul %1 %attention.weight_query
  %3: f32[B, T, 4] = add %2 %attention.bias_query
  %4: f32[] = constant 0.7071067811865475
  %5: f32[B, T, 4] = mul %3 %4
  %6: f32[B, T, 4]{zero} = mat_mul %1 %attention.weight_key
  %7: f32[B, T, 4] = add %6 %attention.bias_key
  %8: f32[B, 2, T, S] = head_scores %5 %7 heads=2
  %9: f32[B, 2, T, S] = key_softmax %8 %lengths.T
  %10: f32[B, T, 4]{zero} = mat_mul %1 %attention.weight_value
  %11: f32[B, T, 4] = add %10 %attention.bias_value
  %12: f32[B, T, 4] = head_mix %9 %11 heads=2
  %13: f32[B, T, 4] = mat_mul %12 %attention.weight_out
  %14: f32[B, T, 4] = add %13 %attention.bias_out
"""


def test_attention_is_this_graph():
    network = checked(model("embed 4\nattention heads=2\ndense softmax", "x: words", "y: class per x")).network
    lines = show(network.prediction).splitlines()
    own = [line.partition("#")[0].rstrip() for line in lines if "attention heads=2" in line and "= input" not in line]
    assert own == GRAPH.splitlines()


def test_projections_are_as_wide_as_the_query_and_start_as_a_dense_layer_does():
    spec = model(f"m = b | embed 6\na | embed 4\nattention(m) heads=2{END}", "a: words, b: words")
    found = {p.name: p for p in checked(spec).network.parameters if p.name.startswith("attention")}
    assert {n.removeprefix("attention."): str(p.type) for n, p in found.items()} == {
        "weight_query": "f32[4, 4]", "bias_query": "f32[4]", "weight_key": "f32[6, 4]", "bias_key": "f32[4]",
        "weight_value": "f32[6, 4]", "bias_value": "f32[4]", "weight_out": "f32[4, 4]", "bias_out": "f32[4]",
    }  # fmt: skip
    assert found["attention.weight_key"].init == found["attention.bias_key"].init == Init("uniform", None, 6, 4)


@pytest.mark.parametrize(
    ("use", "query"),
    [("a | attention(m)", 3), ("a\nattention(m)", 3), ("attention(a, m)", 3), ("a | attention(memory=m)", 3),
     ("a\nattention(memory=m)", 3), ("m | attention(query=a)", 3), ("m | attention", 5), ("a\nm\nattention", 5)],
)  # fmt: skip
def test_query_is_what_is_piped_in_and_the_memory_between_parentheses(use: str, query: int):
    spec = model(
        f"m = text | embed 5\na = text | embed 3\n{use}\ny = last\nz = concat((a | mean), (m | mean), y)\ndense softmax"
    )
    width = next(p.type.shape[0] for p in checked(spec).network.parameters if p.name == "attention.weight_query")
    assert width == query


def test_query_that_no_key_is_real_for_gets_zeros_and_no_nan():
    scores, lengths = np.array([[[[1.0, np.inf]]], [[[2.0, 3.0]]]]), np.array([0, 2])
    found, total, hidden = np.empty_like(scores), np.empty((2, 1, 1, 1)), np.empty((2, 1, 1, 2))
    scores[0, 0, 0, 1] = 5
    key_softmax(np, found, scores, lengths, total, hidden, least=0)
    assert found[0].tolist() == [[[0.0, 0.0]]]
    np.testing.assert_allclose(found[1, 0, 0], np.exp([2, 3]) / np.exp([2, 3]).sum())


def test_dropout_of_the_weights_is_of_training_alone():
    network = checked(model(f"embed 4\nattention dropout=0.3{END}")).network
    drawing = [
        any(type(n.op).__name__ == "DropoutMask" for n in g.nodes()) for g in (network.training, network.prediction)
    ]
    assert drawing == [True, False]


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ("embed 6\nattention heads=4", "NN570", "6 is no multiple of 4"),
        ("embed 4\nmean\nattention", "NN204", "attention needs a sequence, but gets a vector [4]"),
        ("x = embed 4\nm = x | mean\nx | attention(m)", "NN204", "attention needs a sequence, but gets a vector [4]"),
        ("attention", "NN208", "attention needs numbers, but gets ids [T]"),
        ("onehot\nattention", "NN213", "attention needs a width that is known"),
        ("x = embed 4\ny = x | conv k=2 filters=4\nx | attention(y) causal", "NN572", "they are T-1 and T"),
        ("x = embed 4\ny = x | conv k=2 filters=4\nx | attention(y) relative=8", "NN572", "relative attention needs"),
        ("embed 4\nattention relative=7", "NN404", "even and from 4 to 510 where keys stand on both sides, but is 7"),
        ("embed 4\nattention relative=2", "NN404", "even and from 4"),
        ("embed 4\nattention causal relative=300", "NN404", "from 2 to 255 where it is causal, but is 300"),
        ("embed 4\nattention heads=0", "NN404", "heads must be from 1"),
        ("embed 4\npositions", "NN405", "positions needs kind"),
        ("embed 4\npositions learned", "NN571", "has no bound"),
        ("embed 4\npositions learned max=9", "NN571", "has no bound"),
        ("embed 4\npositions sinusoid max=9", "NN405", "which max is about"),
        ("embed 4\npositions sinusoid frozen", "NN405", "which frozen is about"),
        ("positions sinusoid", "NN208", "positions needs numbers"),
        ("conv k=2,3 filters=4\nattention", "NN208", "conv needs numbers"),
        ("embed 4\nconv k=2,3 filters=4\nattention", "NN205", "attention cannot take a bundle"),
    ],
)
def test_misuse_is_told(body: str, code: str, message: str):
    (found,) = diagnostics(model(body + END))
    assert (found.code, message in found.message) == (code, True), found


def test_positions_fit_the_longest_text_that_the_input_lets_through():
    def table(sort: str, body: str) -> int:
        network = checked(model(f"{body}{END}", f"text: {sort}")).network
        return next(p.type.shape[0] for p in network.parameters if p.name == "positions.weight")

    assert table("words(max=9)", "embed 4\npositions learned") == 9
    assert table("words(max=9)", "embed 4\npositions learned max=12") == 12
    assert table("words(max=9)", "embed 4\nconv k=3 filters=4\npositions learned") == 7
    assert table("words", "embed 4\nmaxpool k=3\npositions learned") == 3
    few = model(f"embed 4\nconv k=2 filters=4 wide\npositions learned max=9{END}", "text: words(max=9)")
    assert [d.message for d in diagnostics(few)] == ["positions learned max=9 has too few: there may be 10"]


@pytest.mark.parametrize("layer", ["attention causal", "positions sinusoid"])
def test_window_of_a_stream_is_no_text(layer: str):
    spec = model(f"embed 4\nlstm 4 stateful\n{layer}\ndense softmax", output="next: next(text)")
    assert errors(spec) == [("NN573", 4, 1)]


def test_a_cell_holds_no_attention():
    cell = "cell mine(x) state h {\n  h' = tanh(linear(x, h)) | attention\n}\n"
    assert [d.code for d in diagnostics(cell + model(f"embed 4\nmine 4{END}"))] == ["NN558"]


def test_blocks_of_the_library_keep_the_width():
    body = "embed 8\nencoder_layer heads=2 ff=16\nencoder_layer_pre heads=4 ff=16\ncausal_layer heads=8 ff=16 p=0"
    assert shapes(model(f"{body}{END}"))[-3] == "[T, 8]"
    two = "m = b | embed 6\na | embed 8\ndecoder_layer(m) heads=2 ff=16\ndecoder_layer_pre(m) heads=2 ff=16"
    assert shapes(model(f"{two}{END}", "a: words, b: words"))[-3] == "[T.a, 8]"


def test_relative_positions_start_as_an_embedding_does_and_are_told_by_their_shape():
    found = checked(model(f"embed 4\nattention heads=2 relative=8{END}")).network.parameters
    (table,) = (p for p in found if p.name.endswith("weight_relative"))
    assert (str(table.type), table.init) == ("f32[8, 2]", Init("normal", 0.5, 8, 2))


@pytest.mark.parametrize(("causal", "codes"), [("", ["NN519"]), (" causal", [])])
def test_relative_positions_look_ahead_only_where_attention_does(causal: str, codes: list[str]):
    body = f"embed 4\nattention relative=8 dropout=0.1{causal}\ndense softmax"
    assert [d.code for d in diagnostics(model(body, "text: words", "y: next(text)"))] == codes
