"""A graph as links: what is looked at as one, in an order that the chain rule can go back through."""

import numpy as np
import pytest

from compiler import pipeline
from compiler.chain import backward, links, taken
from compiler.ir.graph import Input, Node
from runtime.interpret import evaluate

SUM = "model f(x: real, y: real) -> out: real {\n  a = x * y\n  out = a + a * x\n}\n"
NET = """model m(text: words) -> label: class {
  repeat 3 {
    residual { layernorm ; relu }
  }
  conv k=2,3 filters=4 tanh
  maxpool
  dense softmax
}
""".replace("  repeat", "  embed 4\n  repeat")


def found(spec: str, grain, depth=None):
    network = pipeline.check(spec, "m.nn", dtype="f64").network
    graph = network.training
    leaves = [n for n in graph.inputs if isinstance(n.op, Input) and n.type.dtype == "f64" and n.op.kind != "number"]
    leaves = [n for n in leaves if n.op.name != "out"]
    return links(graph.outputs[0].node, leaves, network.layers, grain, depth), leaves


@pytest.mark.parametrize("grain", ["line", "expression", "op"])
@pytest.mark.parametrize("spec", [SUM, NET])
def test_a_link_stands_behind_all_that_it_takes(spec: str, grain):
    seen: set[Node] = set(found(spec, grain)[1])
    for link in found_once(spec, grain, seen):
        assert set(link.operands) <= seen
        assert set(link.results) <= set(link.nodes)
        seen |= set(link.nodes)


def found_once(spec, grain, seen):
    made, leaves = found(spec, grain)
    seen.clear()
    seen.update(leaves)
    return made


def test_every_link_reads_a_leaf_or_another_link_and_none_is_lost():
    made, leaves = found(NET, "op")
    assert all(link.operands for link in made)
    read = {n for link in made for n in link.operands}
    assert set(leaves) <= read
    assert sum(r not in read for link in made for r in link.results) == 1


def test_a_formula_is_a_link_for_each_of_its_pieces():
    made, _ = found(SUM, "expression")
    assert [link.span.snippet for link in made if link.span][:3] == ["x * y", "a * x", "a + a * x"]


def test_a_line_is_one_link_whatever_ops_it_has():
    made, _ = found(NET, "line")
    texts = [link.span.snippet for link in made if link.span]
    assert texts.count("conv k=2,3 filters=4 tanh") == 1
    assert texts.count("layernorm") == 3


def test_lines_that_are_nested_deeper_are_parts_of_those_around_them():
    texts = [link.row for link in found(NET, "line", 0)[0]]
    assert len(texts) < len(found(NET, "line", 1)[0]) < len(found(NET, "line")[0])


def test_a_link_hands_back_upstream_times_local():
    """a + a * x of a = 3, x = 2: with 10 from above a gets 10 (1 + x), x gets 10 a."""
    made, _ = found(SUM, "line")
    (link,) = (k for k in made if k.span is not None and k.span.snippet == "a + a * x")
    graph = backward(link, {})
    names = ["a" if n in made[0].results else "x" for n in taken(link, {})]
    given = {f"value.{i}": np.array([[{"a": 3.0, "x": 2.0}[name]]]) for i, name in enumerate(names)}
    flows = evaluate(graph, {**given, "upstream.0": np.array([[10.0]])}, {"B": 1})
    got = {names[taken(link, {}).index(n)]: flows[f"downstream.{i}"].item() for i, n in enumerate(link.operands)}
    assert got == {"a": 30.0, "x": 30.0}
