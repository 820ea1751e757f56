"""Plans: what lives at the same time lies apart, and no copy is made where none is needed."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest

from compiler.emit.numpy import emit
from compiler.ir.graph import Graph, Input, InputKind, Node, Output, apply
from compiler.ir.types import BATCH, Dim, Type
from compiler.ops import elementwise as e
from compiler.ops.product import MatMul
from compiler.ops.reduction import Sum
from compiler.ops.shape import Broadcast, Concat, Reshape, Slice, Transpose
from compiler.passes import optimize
from compiler.plan import Plan, make_plan, show
from compiler.plan.arena import ALIGNMENT, arranged
from compiler.plan.layout import contiguous, reshaped
from compiler.plan.names import plain
from compiler.plan.plan import Call, Loop, Place, Region, RowsPlace, Where
from dsl.source import Span
from tests.compiler.random_graphs import FUZZ, fresh_seed, random_graph, random_sizes


def weight(name: str, *shape: Dim) -> Node:
    return given(name, "weight", *shape)


def given(name: str, kind: InputKind, *shape: Dim) -> Node:
    return apply(Input(name, kind, Type("f64", shape)))


def calls(plan: Plan) -> list[Call]:
    work = [w for step in plan.steps for w in step.work]
    return [c for w in work for c in (w.body if isinstance(w, Loop) else (w,))]


def places(where: Where) -> Iterator[Place]:
    if isinstance(where, RowsPlace):
        yield from (where.ids, where.values, where.count)
    elif isinstance(where, Place):
        yield where


def test_regions_that_live_at_the_same_time_lie_apart():
    for _ in range(FUZZ or 50):
        seed = fresh_seed()
        print(f"seed {seed}")
        rng = random.Random(seed)
        regions = []
        for _ in range(rng.randint(1, 40)):
            born = rng.randint(-1, 30)
            regions.append(Region(rng.choice((0, 8, 100, 4096)), born, born + rng.randint(0, 8)))
        placed, total = arranged(regions)
        assert_apart(placed, total)


def test_plans_of_random_graphs_keep_apart_what_lives_at_the_same_time():
    for _ in range(FUZZ or 25):
        seed = fresh_seed()
        print(f"seed {seed}")
        sizes = random_sizes(np.random.default_rng(seed))
        for graph in (random_graph(seed), optimize(random_graph(seed))):
            plan = make_plan(graph, sizes)
            assert_apart(plan.regions, plan.arena_bytes)


def assert_apart(regions: tuple[Region, ...], total: int) -> None:
    here = [r for r in regions if r.store is None]
    for i, a in enumerate(here):
        assert a.offset % ALIGNMENT == 0
        assert a.offset + a.bytes <= total
        for b in here[:i]:
            if a.born <= b.dies and b.born <= a.dies:
                assert a.offset + a.bytes <= b.offset or b.offset + b.bytes <= a.offset


def test_every_value_is_written_before_it_is_read():
    for _ in range(FUZZ or 25):
        seed = fresh_seed()
        print(f"seed {seed}")
        plan = make_plan(optimize(random_graph(seed)), random_sizes(np.random.default_rng(seed)))
        known = {place.region for _, place in (*plan.inputs, *plan.store)}
        for call in calls(plan):
            assert all(p.region in known for where in call.inputs for p in places(where))
            known |= {p.region for p in (*places(call.out), *call.scratch)}
        assert all(p.region in known for _, where in plan.outputs for p in places(where))


def test_values_that_are_not_needed_at_once_share_memory():
    x, w = given("x", "data", 10, 10), weight("w", 10, 10)
    y = x
    for _ in range(5):
        y = apply(MatMul(), y, w)
    plan = make_plan(Graph((x, w), (Output("y", y),)), {})
    # x, and two products that take turns.
    assert plan.arena_bytes <= 3 * 832


def test_element_wise_result_takes_the_place_of_an_operand_that_dies():
    x = given("x", "data", 3, 4)
    w, b = weight("w", 4, 4), weight("b", 4)
    y = apply(e.Tanh(), apply(e.Add(), apply(MatMul(), x, w), b))
    plan = make_plan(Graph((x, w, b), (Output("y", y),)), {})
    assert len({p.region for call in calls(plan) for p in places(call.out)}) == 1


def test_operand_that_is_read_later_keeps_its_place():
    x = given("x", "data", 3)
    h = apply(e.Exp(), x)
    y = apply(e.Mul(), apply(e.Tanh(), h), h)
    plan = make_plan(Graph((x,), (Output("y", y),)), {})
    assert len({p.region for call in calls(plan) for p in places(call.out)}) == 2


def test_update_is_written_over_its_weight_after_all_who_read_it():
    x, w = given("x", "data", 2, 3), weight("w", 3)
    next_w = apply(e.Sub(), w, apply(Sum((0,)), x))
    loss = apply(Sum((0, 1)), apply(e.Mul(), x, w))
    plan = make_plan(Graph((x, w), (Output("w", next_w, "w"), Output("loss", loss))), {})
    store = dict(plan.store)["w"].region
    writers = [i for i, call in enumerate(calls(plan)) if store in {p.region for p in places(call.out)}]
    readers = [
        i for i, call in enumerate(calls(plan)) for where in call.inputs if store in {p.region for p in places(where)}
    ]
    assert len(writers) == 1
    assert max(readers) == writers[0]


def test_updates_that_read_each_others_old_value_wait_for_it():
    a, b = weight("a", 3), weight("b", 3)
    outputs = (
        Output("a", apply(e.Add(), a, apply(e.Mul(), b, b)), "a"),
        Output("b", apply(e.Add(), b, apply(e.Mul(), a, a)), "b"),
    )
    plan = make_plan(Graph((a, b), outputs), {})
    assert [type(call.op) for call in calls(plan)] == [e.Mul, e.Mul, e.Add, e.Add]


def test_update_whose_old_value_is_read_later_is_copied_at_the_end():
    a, b = weight("a", 3), weight("b", 3)
    next_a = apply(e.Add(), a, b)
    next_b = apply(e.Mul(), apply(e.Mul(), next_a, a), b)
    plan = make_plan(Graph((a, b), (Output("a", next_a, "a"), Output("b", next_b, "b"))), {})
    assert [type(call.op) for call in calls(plan)] == [e.Add, e.Mul, e.Mul, Broadcast]


def test_part_of_another_shape_is_laid_beside_others_along_a_later_axis():
    x, y = given("x", "data", BATCH, 2, 3), given("y", "data", BATCH, 4)
    part = apply(Reshape((BATCH, 6)), apply(e.Tanh(), x))
    plan = make_plan(Graph((x, y), (Output("z", apply(Concat(1), part, apply(e.Neg(), y))),)), {"B": 1})
    (_, where), *_ = plan.outputs
    assert isinstance(where, Place)
    assert where.shape == (1, 10)


def test_views_take_no_memory():
    x = given("x", "data", 6, 4)
    y = apply(Slice(1, 1, 2), apply(Transpose((1, 0)), apply(Reshape((4, 6)), x)))
    plan = make_plan(Graph((x,), (Output("y", apply(e.Exp(), y)),)), {})
    assert len(calls(plan)) == 1


@pytest.mark.parametrize("seed", range(200))
def test_strides_of_a_reshaped_view_are_those_of_numpy(seed: int):
    rng = random.Random(seed)
    shape = tuple(rng.choice((1, 2, 3, 4)) for _ in range(rng.randint(0, 4)))
    x = np.zeros(tuple(n + 1 for n in shape))[(..., *(slice(n) for n in shape))]
    if rng.random() < 0.7:
        x = np.zeros(shape)
    x = x.transpose(rng.sample(range(len(shape)), len(shape)))
    flat = [p for n in x.shape for p in {1: [1], 2: [2], 3: [3], 4: [2, 2]}[n]]
    to = []
    while flat:
        take = rng.randint(1, len(flat))
        to.append(int(np.prod(flat[:take])))
        flat = flat[take:]
    strides = tuple(s // 8 for s in x.strides)
    found = reshaped(x.shape, strides, tuple(to))
    view = x.reshape(to)
    shared = np.may_share_memory(view, x)
    assert (found is not None) == shared
    if found is not None:
        wide = [i for i, n in enumerate(to) if n != 1]
        assert [found[i] for i in wide] == [view.strides[i] // 8 for i in wide]


def test_contiguous_strides_are_those_of_numpy():
    assert contiguous((2, 3, 4)) == tuple(s // 8 for s in np.zeros((2, 3, 4)).strides)
    assert contiguous(()) == ()


def test_table_of_a_plan_names_every_value_with_its_line():
    x = given("x", "data", BATCH, 2)
    span = Span("f.nn", 7, 1, 7, 5, "dense 3")
    w = weight("dense.weight", 2, 3)
    y = apply(MatMul(), x, w, span=span)
    text = show(make_plan(Graph((x, w), (Output("y", y),)), {"B": 4}))
    lines = text.splitlines()
    assert lines[0].split() == ["value", "type", "bytes", "place", "born", "dies", "line"]
    assert lines[1].split()[:4] == ["dense_weight", "f64[2,", "3]", "48"]
    assert next(line for line in lines if line.startswith("mat_mul")).split()[-1] == "7"


@pytest.mark.parametrize(
    "name",
    ["lambda", "np", "step", "import os", "w\nimport os", "naïve", "_", "at", "print", "x" * 200, "词", "mat_mul_2"],
)
def test_names_of_a_spec_cannot_harm_the_program(name: str):
    x = given("x", "data", 2, 2)
    w = weight(name, 2, 2)
    source = emit(make_plan(Graph((x, w), (Output("y", apply(MatMul(), x, w)),)), {}))
    compile(source, "test", "exec")
    assert "import" not in source
    assert source.isascii()


@pytest.mark.parametrize(
    "text", ["a\nimport os", "a\rimport os", "a\u2028b", "\x1b[31m", "a\x0cb", "\ud800", "\\", '"""']
)
def test_line_of_a_spec_stays_in_its_comment(text: str):
    x = given("x", "data", 2)
    node = apply(e.Exp(), x, span=Span("f.nn", 1, 1, 1, 2, text))
    source = emit(make_plan(Graph((x,), (Output("y", node),)), {}))
    compile(source, "test", "exec")
    assert not any(line.strip().startswith("import") for line in source.splitlines())
    assert sum(line.strip().startswith("# 1  ") for line in source.splitlines()) == 1


def test_long_name_is_known_by_its_end():
    name = "repeat.1.encoder_layer_pre.attention.weight_query"
    assert plain(name, "weight") == "encoder_layer_pre_attention_weight_query"
    assert plain("x" * 41, "weight") == "weight"
    assert plain("é.attention.weight", "weight") == "weight"
