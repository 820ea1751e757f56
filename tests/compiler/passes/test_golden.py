"""One file a rewrite: the graph before and the graph after. Each is checked for its text, its types and its values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compiler.ir.graph import Graph
from compiler.ir.parse import parse
from compiler.ir.text import show
from compiler.ir.verify import verify
from compiler.passes import PASSES, Pass
from compiler.passes.canonical import RULES as CANONICAL
from compiler.passes.factors import RULES as FACTORS
from compiler.passes.maximum import RULES as MAXIMUM
from compiler.passes.pooling import RULES as POOLING
from compiler.passes.stability import RULES as STABILITY
from runtime.interpret import evaluate
from tests.compiler.random_graphs import feeds_for, real_positions

FOLDER = Path(__file__).parent
BY_NAME = {p.name: p for p in PASSES}
FILES = sorted(FOLDER.glob("*/*.ir"))


def read(file: Path) -> tuple[Pass, Graph, Graph]:
    before, after = file.read_text(encoding="utf-8").removeprefix("before\n").split("\nafter\n")
    return BY_NAME[file.parent.name], parse(before), parse(after)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f"{f.parent.name}-{f.stem}")
def test_pass_makes_the_graph_of_its_file(file: Path):
    one, before, after = read(file)
    made = one.run(before)
    verify(made)
    assert show(made) == show(after)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f"{f.parent.name}-{f.stem}")
def test_pass_leaves_its_own_result_alone(file: Path):
    one, _, after = read(file)
    assert show(one.run(after)) == show(after)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f"{f.parent.name}-{f.stem}")
def test_graphs_of_a_file_compute_the_same(file: Path):
    one, before, after = read(file)
    sizes = {"B": 2, "T": 5, "V": 4}
    feeds = feeds_for(before, sizes, np.random.default_rng(7))
    wanted, found = evaluate(before, feeds, sizes), evaluate(after, feeds, sizes)
    tolerance = 0.0 if one.exact else 1e-12
    for output in (o for o in before.outputs if o.name in found):
        real = real_positions(output.node.type, feeds.get("lengths.T", np.full(2, 5)), sizes)
        np.testing.assert_allclose(found[output.name][real], wanted[output.name][real], tolerance, tolerance)


def test_every_rule_has_a_file():
    named = {"canonical": CANONICAL, "stability": STABILITY, "maximum": MAXIMUM, "pooling": POOLING, "factors": FACTORS}
    rules = [(name, rule) for name, found in named.items() for rule in found]
    assert [
        f"{folder}/{r.__name__}" for folder, r in rules if not (FOLDER / folder / f"{r.__name__}.ir").exists()
    ] == []


def test_every_rule_says_the_rewrite():
    for rule in (*CANONICAL, *STABILITY, *MAXIMUM, *POOLING, *FACTORS):
        assert "->" in (rule.__doc__ or ""), rule.__name__
