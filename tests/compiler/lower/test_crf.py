"""The chain of tags against a sum over all its paths, against central differences, and against PyTorch."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from compiler.autodiff import gradients
from compiler.emit.numpy import emit
from compiler.ir.graph import Graph, Input, Node, Output, apply
from compiler.ir.parse import parse
from compiler.ir.text import same, show
from compiler.ir.types import BATCH, Dim, Dtype, Type, symbol
from compiler.ir.verify import verify
from compiler.lower.crf import Chain, best_path, log_partition, negative_log_likelihood, partly_known, path_score
from compiler.ops.reduction import Sum
from compiler.passes import optimize
from compiler.plan import make_plan
from runtime.execute import Executor
from runtime.interpret import evaluate
from runtime.numpy_backend import numpy_backend

Array = NDArray[Any]
LENGTHS = np.array([4, 1, 3, 2])
PARTS = ("scores", "step", "first", "last")


def graph_of(tags: Dim, length: Dim, dtype: Dtype = "f64", pad: Any = "finite") -> Graph:
    """Everything that a chain gives, and the gradient of its likelihood."""
    shapes: tuple[tuple[Dim, ...], ...] = ((BATCH, length, tags), (tags, tags), (tags,), (tags,))
    kinds: tuple[Any, ...] = ("data", "weight", "weight", "weight")
    pads = (pad, "finite", "finite", "finite")
    x = [
        apply(Input(name, kind, Type(dtype, shape, p)))
        for name, kind, shape, p in zip(PARTS, kinds, shapes, pads, strict=True)
    ]
    lengths = apply(Input("lengths.T", "lengths", Type("i64", (BATCH,))))
    path = apply(Input("path", "data", Type("i64", (BATCH, length))))
    chain = Chain(x[0], x[1], x[2], x[3], lengths)
    loss = negative_log_likelihood(chain, path)
    outputs = [
        Output("partition", log_partition(chain)),
        Output("score", path_score(chain, path)),
        Output("loss", loss),
        Output("best", best_path(chain)),
        Output("partly", partly_known(chain, path)),
    ]
    outputs += slopes("d", loss, x, lengths) + slopes("marginal", outputs[0].node, x[:1], lengths)
    return Graph((*x, lengths, path), tuple(outputs))


def slopes(name: str, of: Node, wrt: list[Node], lengths: Node) -> list[Output]:
    found = gradients(apply(Sum((0,)), of), wrt, {"T": lengths})
    return [Output(f"{name}.{n.op.name}", g) for n, g in zip(wrt, found, strict=True) if g and isinstance(n.op, Input)]


def drawn(seed: int, tags: int, length: int, lengths: Array = LENGTHS) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(len(lengths), length, tags)) * 2
    past = np.arange(length) >= lengths[:, None]
    scores[past] = 50
    return {
        "scores": scores,
        "step": rng.normal(size=(tags, tags)),
        "first": rng.normal(size=tags),
        "last": rng.normal(size=tags),
        "lengths.T": lengths,
        "path": np.where(past, 7, rng.integers(0, tags, (len(lengths), length))),
    }


def weigh(x: Mapping[str, Array], row: int, path: tuple[int, ...]) -> float:
    total = x["first"][path[0]] + x["last"][path[-1]]
    total += sum(x["scores"][row, t, tag] for t, tag in enumerate(path))
    return float(total + sum(x["step"][a, b] for a, b in itertools.pairwise(path)))


def ran(graph: Graph, x: Mapping[str, Array], length: int) -> dict[str, Array]:
    """By the program that the passes and the plan make."""
    store = {n.op.name: x[n.op.name] for n in graph.inputs if isinstance(n.op, Input) and n.op.kind == "weight"}
    feeds = {name: value for name, value in x.items() if name not in store}
    sizes = {"B": len(x["lengths.T"]), "T": length}

    def compile_bucket(graph: Graph, sizes: Mapping[str, int]) -> tuple[str, Any]:
        plan = make_plan(graph, sizes)
        return emit(plan), plan

    found = Executor(numpy_backend(), optimize(graph), compile_bucket, store).run(feeds, sizes)
    return {name: value.copy() for name, value in found.items()}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("tags", [1, 2, 3])
@pytest.mark.parametrize("ragged", [True, False], ids=["ragged", "fixed"])
def test_chain_is_what_the_sum_over_all_paths_says(seed: int, tags: int, ragged: bool):
    lengths = LENGTHS if ragged else np.full(3, 4)
    graph = graph_of(tags, symbol("T") if ragged else 4)
    verify(graph)
    x = drawn(seed, tags, 5 if ragged else 4, lengths)
    for found in (evaluate(graph, x, {"B": len(lengths), "T": 5}), ran(graph, x, 5)):
        for row, n in enumerate(lengths):
            weights = {path: weigh(x, row, path) for path in itertools.product(range(tags), repeat=int(n))}
            gold = weights[tuple(x["path"][row, :n])]
            total = np.log(sum(np.exp(w) for w in weights.values()))
            np.testing.assert_allclose(found["partition"][row], total, rtol=1e-12)
            np.testing.assert_allclose(found["score"][row], gold, rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(found["loss"][row], total - gold, rtol=1e-9, atol=1e-9)
            assert tuple(found["best"][row, :n]) == max(weights, key=weights.__getitem__)
            assert not found["best"][row, n:].any()
            for t in range(n):
                for tag in range(tags):
                    there = sum(np.exp(w - total) for path, w in weights.items() if path[t] == tag)
                    np.testing.assert_allclose(found["marginal.scores"][row, t, tag], there, rtol=1e-9)


@pytest.mark.parametrize("seed", range(2))
def test_gradient_of_the_likelihood_is_that_of_its_values(seed: int):
    graph = graph_of(3, symbol("T"))
    sizes = {"B": 4, "T": 5}
    x = drawn(seed, 3, 5)
    found = evaluate(graph, x, sizes)
    for name in PARTS:
        numeric = np.zeros_like(x[name])
        for at in np.ndindex(x[name].shape):
            sides: list[float] = []
            for sign in (1, -1):
                moved = {**x, name: x[name].copy()}
                moved[name][at] += sign * 1e-6
                sides.append(evaluate(graph, moved, sizes)["loss"].sum())
            numeric[at] = (sides[0] - sides[1]) / 2e-6
        np.testing.assert_allclose(found[f"d.{name}"], numeric, atol=1e-8)


def test_row_alone_is_as_in_any_batch():
    x = drawn(0, 3, 9)
    x["scores"][np.arange(9) >= LENGTHS[:, None]] = np.nan
    graph = graph_of(3, symbol("T"), pad="any")
    together = ran(graph, x, 9)
    for row, n in enumerate(LENGTHS):
        own = {"scores": x["scores"][row : row + 1, :n], "path": x["path"][row : row + 1, :n]}
        alone = ran(graph, {**x, **own, "lengths.T": LENGTHS[row : row + 1]}, int(n))
        for name in ("partition", "score", "loss"):
            np.testing.assert_allclose(together[name][row], alone[name][0], rtol=1e-12)
        for name in ("best", "d.scores", "marginal.scores"):
            np.testing.assert_allclose(together[name][row, :n], alone[name][0], rtol=1e-12, atol=1e-15)
            assert not together[name][row, n:].any()


def test_tags_that_are_not_known_may_be_any():
    x = drawn(2, 3, 5)
    x["path"][0, 1] = x["path"][0, 3] = x["path"][1, 0] = x["path"][3, 0] = -2
    graph = graph_of(3, symbol("T"))
    found = evaluate(graph, x, {"B": 4, "T": 5})["partly"]
    for row, n in enumerate(LENGTHS):
        weights = {path: weigh(x, row, path) for path in itertools.product(range(3), repeat=int(n))}
        fits = [p for p in weights if all(g in (-2, tag) for g, tag in zip(x["path"][row, :n], p, strict=True))]
        total, own = (np.log(sum(np.exp(weights[path]) for path in paths)) for paths in (weights, fits))
        np.testing.assert_allclose(found[row], total - own, rtol=1e-9, atol=1e-9)


def test_large_scores_in_single_precision_stay_finite():
    x = {k: v.astype(np.float32) if v.dtype == np.float64 else v for k, v in drawn(0, 3, 5).items()}
    x["scores"][...] *= 1000
    x["step"][0, 1] = x["last"][2] = -1e4
    found = ran(graph_of(3, symbol("T"), "f32"), x, 5)
    for name in ("partition", "loss", "d.scores", "d.step", "d.first", "d.last"):
        assert np.isfinite(found[name]).all()
    for row, n in enumerate(LENGTHS):
        best = max(itertools.product(range(3), repeat=int(n)), key=lambda path: weigh(x, row, path))
        np.testing.assert_allclose(found["partition"][row], weigh(x, row, best), rtol=1e-4)


def test_chain_reads_back_from_its_text():
    graph = graph_of(symbol("classes"), symbol("T"))
    again = parse(show(graph))
    verify(again)
    assert same(again, graph)


def test_chain_is_that_of_pytorch():
    """The usual implementation, with its own reverse walk."""
    torch = pytest.importorskip("torch")
    x = drawn(5, 4, 6)
    scores, step, first, last = (torch.tensor(x[name], requires_grad=True) for name in PARTS)
    losses: list[Any] = []
    for row, n in enumerate(LENGTHS):
        gold = [int(tag) for tag in x["path"][row, :n]]
        a = first + scores[row, 0]
        total = first[gold[0]] + scores[row, 0, gold[0]] + last[gold[-1]]
        for t in range(1, int(n)):
            a = torch.logsumexp(a[:, None] + step, 0) + scores[row, t]
            total = total + step[gold[t - 1], gold[t]] + scores[row, t, gold[t]]
        losses.append(torch.logsumexp(a + last, 0) - total)
    sum(losses).backward()
    found = ran(graph_of(4, symbol("T")), x, 6)
    np.testing.assert_allclose(found["loss"], [each.item() for each in losses], rtol=1e-9)
    for name, theirs in zip(PARTS, (scores, step, first, last), strict=True):
        np.testing.assert_allclose(found[f"d.{name}"], theirs.grad.numpy(), rtol=1e-9, atol=1e-12)
