"""What a value looks at, as the graph says it and as numbers show it."""

from __future__ import annotations

import random
from math import inf

import numpy as np
import pytest

from compiler.causality import HERE, Reach, reaches
from compiler.ir.graph import Graph, Input
from compiler.pipeline import check
from dsl.errors import SpecError
from runtime.interpret import evaluate
from tests.compiler.lower.specs import errors, model
from tests.compiler.random_language_models import CELLS, USERS_CELL, WIDTH, random_language_model

LONG, IDS = 7, 9


def tagger(body: str) -> str:
    """The same body with an output that may look at everything."""
    return f"{USERS_CELL}{model(body, output='tag: class per text')}"


def reach_of(graph: Graph, output: str = "tag.scores") -> Reach:
    return reaches(graph, "T", {"text": HERE})[next(o.node for o in graph.outputs if o.name == output)]


def prediction(text: str) -> Graph:
    sizes = {"V": IDS} if "next(" in text else {"V": IDS, "classes": 3}
    return check(text, "m.nn", sizes=sizes, dtype="f64").network.prediction


def seen(graph: Graph, output: str, seed: int) -> Reach:
    """How far a change of one token is seen, ahead of it and behind it: by numbers."""
    rng = np.random.default_rng(seed)
    given = {}
    for node in graph.inputs:
        assert isinstance(node.op, Input)
        if node.op.kind == "weight":
            given[node.op.name] = rng.normal(size=node.type.shape)
        elif node.op.name.endswith(".carried"):
            given[node.op.name] = rng.normal(size=(1, node.type.shape[1]))
    given["lengths.T"] = np.array([LONG])
    ids = rng.integers(4, IDS, (1, LONG))
    sizes = {"B": 1, "T": LONG}
    before = evaluate(graph, {**given, "text": ids}, sizes)[output]
    behind = ahead = -1
    for at in range(LONG):
        for other in range(4, IDS):
            changed = ids.copy()
            changed[0, at] = other
            after = evaluate(graph, {**given, "text": changed}, sizes)[output]
            moved = np.flatnonzero((after != before).any(axis=2)[0])
            behind = max([behind, *(moved - at)])
            ahead = max([ahead, *(at - moved)])
    return Reach(behind, ahead)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("embed 4\ndense softmax", Reach(0, 0)),
        ("embed 4\nconv k=3 filters=4 causal\ndense softmax", Reach(2, 0)),
        ("embed 4\nconv k=3 filters=4 causal dilation=2\ndense softmax", Reach(4, 0)),
        ("embed 4\nconv k=4 filters=4 same\ndense softmax", Reach(1, 2)),
        ("embed 4\nconv k=3 filters=4 wide\nconv k=3 filters=4\ndense softmax", Reach(2, 2)),
        ("embed 4\nconv k=2 filters=4 causal\nconv k=3 filters=4 causal\ndense softmax", Reach(3, 0)),
        ("embed 4\nlstm 4\ndense softmax", Reach(inf, 0)),
        ("embed 4\nlstm 4 reverse\ndense softmax", Reach(0, inf)),
        ("embed 4\ngru 4 layers=2 bidir\ndense softmax", Reach(inf, inf)),
        ("embed 4\nconv k=3 filters=4 same\nlstm 4\ndense softmax", Reach(inf, 1)),
        ("x = embed 4\ny = x | lstm 4\nconcat(x, y)\ndense softmax", Reach(inf, 0)),
        ("x = embed 4\ny = x | mean\nx + (y | dense 4)\ndense softmax", Reach(inf, inf)),
        ("x = embed 4\nx | lstm(h=(x | last | dense 4)) 4\ndense softmax", Reach(inf, inf)),
        ("embed 4\nmap_only 4\ndense softmax", Reach(0, 0)),
        ("embed 4\nattention heads=2 causal dropout=0.1\ndense softmax", Reach(inf, 0)),
        ("embed 4\nattention\ndense softmax", Reach(inf, inf)),
        ("embed 4\nconv k=3 filters=4 same\nattention causal\ndense softmax", Reach(inf, 1)),
        ("x = embed 4\ny = x | conv k=3 filters=4 same\nx | attention(y) causal\ndense softmax", Reach(inf, 1)),
        ("x = embed 4\ny = x | maxpool k=2\nx | attention(y)\ndense softmax", Reach(inf, inf)),
        ("embed 4\npositions sinusoid\ndense softmax", Reach(0, 0)),
    ],
)
def test_reach_of_layers(body: str, wanted: Reach):
    cell = "cell map_only(x) state h { h' = tanh(linear(x)) }\n"
    assert reach_of(prediction(cell + tagger(body))) == wanted


def _layer(rng: random.Random) -> str:
    cell, way = rng.choice(CELLS), rng.choice(("", "", "reverse", "bidir"))
    padding = rng.choice(("causal", "causal", "same"))
    return rng.choice((
        f"{cell} size={WIDTH} {way}",
        f"conv k={rng.randint(1, 3)} filters={WIDTH} {padding} tanh",
        f"residual {{ conv k=3 filters={WIDTH} {padding} ; layernorm }}",
        f"dense {WIDTH} tanh",
        f"positions sinusoid ; attention heads=2{rng.choice((' causal', ' causal', ''))}",
        f"causal_layer heads=1 ff={WIDTH}",
    ))  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_numbers_show_what_the_graph_says(seed: int):
    rng = random.Random(seed)
    body = "\n".join([f"embed {WIDTH}", *(_layer(rng) + f"\ndense {WIDTH} tanh" for _ in range(rng.randint(1, 3)))])
    graph = prediction(tagger(f"{body}\ndense softmax"))
    said, shown = reach_of(graph), seen(graph, "tag.scores", seed)
    assert shown.behind == min(said.behind, LONG - 1)
    assert shown.ahead == min(said.ahead, LONG - 1)


@pytest.mark.parametrize("seed", range(6))
def test_a_language_model_that_is_let_through_never_knows_what_comes(seed: int):
    graph = prediction(random_language_model(seed))
    assert seen(graph, "next.scores", seed).ahead == 0


def spec(body: str, output: str = "next: next(text)", sort: str = "words") -> str:
    return model(f"{body}\ndense softmax", f"text: {sort}", output)


PREVIOUS = "before: previous(text)"


@pytest.mark.parametrize(
    ("text", "line", "help"),
    [
        (spec("embed 4\nlstm 4 bidir"), 3, "leave bidir and reverse out"),
        (spec("embed 4\nlstm 4 reverse\ndense 4 tanh"), 3, "leave bidir and reverse out"),
        (spec("embed 4\nattention heads=2"), 3, "write causal: attention ... causal"),
        (spec("x = embed 4\ny = x | mean\nx + (y | dense 4) | attention causal"), 3, "leave mean out"),
        (spec("embed 4\nencoder_layer heads=2 ff=4"), 3, "write causal: attention ... causal"),
        (spec("embed 4\nattention causal", PREVIOUS), 3, "use a cell with reverse"),
        (spec("embed 4\nconv k=3 filters=4 same"), 3, "write causal: conv k=3 causal"),
        (spec("embed 4 n=2"), 2, "write embed ... n=2 before"),
        (spec("embed 4 n=2 before", sort="words(reverse)"), 2, "leave before out"),
        (spec("x = embed 4\ny = x | mean | dense 4\nx + y"), 3, "leave mean out"),
        (spec("embed 4\nlstm 4", PREVIOUS), 3, "write lstm ... reverse"),
        (spec("embed 4\nconv k=3 filters=4 causal", PREVIOUS), 3, "use a cell with reverse"),
        (spec("embed 4 n=2 before", PREVIOUS), 2, "leave before out"),
    ],
)
def test_error_is_at_the_line_that_looks_and_says_what_to_write(text: str, line: int, help: str):
    with pytest.raises(SpecError) as caught:
        check(text, "spec.nn")
    (found,) = caught.value.diagnostics
    assert (found.code, found.span is not None and found.span.line) == ("NN519", line)
    assert help in found.help


def test_each_output_is_looked_at_by_itself():
    two = "next: next(text), prev: previous(text)"
    body = "x = embed 4\nnext = x | lstm 4 | dense softmax\nprev = x | lstm 4 {} | dense softmax"
    assert errors(model(body.format("reverse"), output=two)) == []
    assert [(code, line) for code, line, _ in errors(model(body.format(""), output=two))] == [("NN519", 4)]


def test_characters_of_a_word_may_be_read_in_both_directions():
    assert errors(spec("spelling { embed 4 ; lstm 4 bidir ; last }\nlstm 4")) == []


def test_batchnorm_is_looked_at_as_it_learns():
    assert [code for code, *_ in errors(spec("embed 4\nlstm 4\nbatchnorm"))] == ["NN519"]
