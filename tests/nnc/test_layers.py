"""What is said of a network in a line."""

from __future__ import annotations

from compiler.pipeline import check
from nnc.layers import flops, row_cells, summary, table

SPEC = """model m(text: words) -> label: class {
  embed 4
  repeat 2 { dense 4 relu }
  parallel { mean ; maxpool }
  dense softmax
}
"""


def test_summary_counts_the_layers_of_the_table_those_inside_braces_too():
    network = check(SPEC, "m.nn").network
    assert sum(row.layer for row in network.layers) == 6
    assert summary(network).startswith("6 layers, ")


def test_table_heads_what_has_layers_inside_and_shows_arithmetic() -> None:
    spec = """block gated(x) {
  g = x | dense dim(x) sigmoid
  g * x + (1 - g) * x
}
model m(point: real[4]) -> y: real {
  residual { dense 4 }
  repeat 2 { gated }
  dense
}
"""
    rows = check(spec, "m.nn").network.layers
    gated = [("gated", 1, False), ("dense dim(x) sigmoid", 2, True), ("g * x + (1 - g) * x", 2, False)]
    assert [(row.text, row.depth, row.layer) for row in rows] == [
        ("residual", 0, False),
        ("dense 4", 1, True),
        ("repeat 2", 0, False),
        *gated,
        *gated,
        ("dense", 0, True),
    ]
    nodes = [node for row in rows for node in row.nodes]
    assert len(nodes) == len(set(nodes)), "a node's cost is counted once"


def test_steps_of_a_crf_are_so_many_as_pairs_of_classes():
    spec = "model m(text: words) -> tags: class per text {\n  embed 4\n  dense crf\n}\n"
    network = check(spec, "m.nn").network
    assert row_cells(network.layers[-1], True, "m.nn")[3] == "classes x 7 + classes x classes"
    assert "7 a class + 1 a pair of classes" in summary(network)


DEEP = """model m(text: words) -> tag: class per text {
  embed 32
  repeat 2 { encoder_layer_pre heads=4 ff=64 p=0.1 activation="relu" }
  dense softmax
}
"""


def test_lines_of_the_library_are_shown_with_its_name():
    lines = table(check(DEEP, "m.nn").network, 200)
    assert any(line.startswith("transformer:24      residual") for line in lines)
    assert any(line.startswith("             3  repeat 2") for line in lines)


def test_layers_are_cut_before_their_weights_are_left_out():
    lines = table(check(DEEP, "m.nn").network, 100)
    assert lines[0].split() == ["line", "layer", "out", "weights", "FLOP/word"]
    assert any("…" in line for line in lines)
    assert max(map(len, lines)) <= 100


def test_a_table_that_is_too_narrow_for_weights_keeps_the_layers_whole():
    lines = table(check(DEEP, "m.nn").network, 40)
    assert lines[0].split() == ["line", "layer", "out"]
    assert not any("…" in line for line in lines)


def test_a_head_of_words_costs_what_it_computes_in_training():
    of_words = "model m(center: word) -> context: word(vocabulary=center) {{\n  embed 10\n  dense {}\n}}\n"
    cost = {head: flops(check(of_words.format(head), "m.nn").network.layers[1].nodes, 1)
            for head in ("negatives=4", "softmax")}  # fmt: skip
    # five products of ten numbers: a multiplication and an addition each
    assert cost["negatives=4"] == 5 * 10 * 2
    assert cost["softmax"] > 10_000 * 10 * 2
