"""What `benchmarks.recurrence` times: one forward and backward pass of a layer, by each engine, of the same numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from benchmarks.recurrence_hand import Both, Layer, Stack
from benchmarks.recurrence_workloads import Workload
from benchmarks.turns import Engine
from compiler.autodiff import gradients
from compiler.ir.graph import Graph, Input, Node, Output, apply, sorted_nodes
from compiler.ir.text import op_name
from compiler.ir.types import BATCH, Type
from compiler.ops.elementwise import Mul
from compiler.ops.reduction import Sum
from compiler.ops.scan import Part, Scan
from compiler.ops.shape import Concat
from compiler.passes import optimize
from compiler.pipeline import check, compiler_for
from compiler.plan.plan import Plan, Positions
from compiler.recurrence import opened
from runtime.backend import Backend
from runtime.execute import Executor
from runtime.numpy_backend import numpy_backend

Array = NDArray[np.float32]


def engines(w: Workload, threads: int, with_torch: bool) -> dict[str, Engine]:
    graph = layer_graph(w)
    arrays = dict(_drawn(graph, w))
    found = {"ours": ours(graph, arrays, w)}
    if find_spec("numba") is not None:
        from runtime.native.backend import native_backend

        found["ours, fast"] = ours(graph, arrays, w, native_backend())
    if w.use.startswith("lstm "):
        if w.ways == 2:
            found["hand, both at once"] = by_hand(w, arrays, at_once=True)
        found["hand"] = by_hand(w, arrays, at_once=False)
    if with_torch:
        import torch

        from benchmarks.recurrence_torch import fused, loop

        torch.set_num_threads(threads)
        if w.use.startswith("lstm "):
            found["torch.nn.LSTM"] = fused(w, arrays)
        elif w.layers == w.ways == 1:
            found["torch, a loop"] = loop(w, arrays)
    return found


def compared(each: dict[str, Engine]) -> None:
    """Raises where two engines do not compute the same."""
    for engine in each.values():
        engine.step()
    wanted = each["ours"].results()
    for name, engine in each.items():
        found = engine.results()
        assert found.keys() == wanted.keys(), (name, found.keys() ^ wanted.keys())
        for key, value in wanted.items():
            scale = float(np.abs(value).max())
            np.testing.assert_allclose(found[key], value, rtol=0, atol=2e-5 * scale, err_msg=f"{name}: {key}")


def layer_graph(w: Workload) -> Graph:
    """A use of a cell, taken out of a model: x and d_out in, time first, without padding, all gradients out."""
    spec = f"model m(t: words) -> y: class {{\nembed {w.inside}\n{w.use}\nmean\ndense softmax\n}}\n"
    network = check(spec, "m.nn", sizes={"V": 9, "classes": 2}).network
    x = apply(Input("x", "data", Type("f32", (w.length, BATCH, w.inside))))
    loops = [n for n in network.training.nodes() if isinstance(n.op, Scan)]
    below: list[Node] = [x]
    tops: list[Node] = []
    for i, scan in enumerate(loops):
        op = scan.op
        assert isinstance(op, Scan)
        loop = opened(scan)
        fed = (*(s.initial for s in loop.states), below[-1], *scan.inputs[op.states + op.sequences : -1])
        tops.append(apply(Part(op.states), apply(replace(op, length=w.length), *fed)))
        if (i + 1) % w.ways == 0:
            below.append(tops[-1] if w.ways == 1 else apply(Concat(2), *tops[-w.ways :]))
    out = below[-1]
    d_out = apply(Input("d_out", "data", out.type))
    total = apply(Sum((0, 1, 2)), apply(Mul(), out, d_out))
    weights = [n for n in sorted_nodes([total]) if isinstance(n.op, Input) and n.op.kind == "weight"]
    wanted = [x, *weights]
    found = gradients(total, wanted, {})
    outputs = [Output("out", out)]
    for node, gradient in zip(wanted, found, strict=True):
        assert gradient is not None
        assert isinstance(node.op, Input)
        outputs.append(Output(node.op.name, gradient))
    return Graph((x, d_out, *weights), tuple(outputs))


def _drawn(graph: Graph, w: Workload) -> Iterator[tuple[str, Array]]:
    chance = np.random.default_rng(1)
    for node in graph.inputs:
        assert isinstance(node.op, Input)
        shape = tuple(d if isinstance(d, int) else w.batch for d in node.type.shape)
        yield node.op.name, (chance.standard_normal(shape) / 12).astype(np.float32)


def ours(graph: Graph, arrays: dict[str, Array], w: Workload, backend: Backend | None = None) -> Engine:
    """backend: NumPy where there is none"""
    store = {n.op.name: arrays[n.op.name] for n in graph.inputs if isinstance(n.op, Input) and n.op.kind == "weight"}
    backend = numpy_backend() if backend is None else backend
    executor = Executor(backend, optimize(graph), compiler_for(backend.native is not None, backend.threads), store)
    feeds, sizes = {name: arrays[name] for name in ("x", "d_out")}, {"B": w.batch}
    latest: dict[str, Array] = {}

    def step() -> None:
        latest.update(executor.run(feeds, sizes))

    def results() -> dict[str, Array]:
        return {name: value.copy() for name, value in latest.items() if name != "out"}

    return Engine(step, results, counted(executor.plan(sizes)))


def counted(plan: Plan) -> str:
    """The calls of one position in each loop, and those around the loops."""

    def text(calls: Counter[str]) -> str:
        products = sum(calls.pop(name, 0) for name in ("mat_mul", "outer"))
        rest = ", ".join(f"{count} {name}" for name, count in calls.most_common())
        return f"{products} products, {sum(calls.values())} other calls ({rest})"

    lines: list[str] = []
    around: Counter[str] = Counter()
    for step in plan.steps:
        for work in step.work:
            if isinstance(work, Positions):
                calls = Counter(op_name(type(c.op)) for c in work.calls)
                calls["sigmoid"] *= 4
                lines.append(f"  in a loop: {text(+calls)}")
            else:
                around[op_name(type(step.node.op))] += 1
    return "\n".join([*lines, f"  around: {text(around)}", f"  arena: {plan.arena_bytes / 1e6:.1f} MB"])


def by_hand(w: Workload, arrays: dict[str, Array], at_once: bool) -> Engine:
    size = (w.length, w.batch, w.inside, w.width)
    layers: list[Layer]
    plan = Both(*size, at_once) if w.ways == 2 else Stack(*size, w.layers)
    plan.x[...] = arrays["x"]
    plan.d_out[...] = arrays["d_out"].reshape(plan.d_out.shape)
    layers = plan.layers
    paths = (
        [f"lstm.{way}." for way in ("forward", "backward")]
        if w.ways == 2
        else [f"lstm.{k + 1}." for k in range(w.layers)]
    )
    gates = ("i", "f", "o", "g")
    for path, layer in zip(paths, layers, strict=True):
        for part, whole in (("weight_x", layer.w_x), ("weight_h", layer.w_h), ("bias", layer.bias)):
            np.concatenate([arrays[f"{path}{gate}.{part}"] for gate in gates], axis=-1, out=whole)

    def results() -> dict[str, Array]:
        found: dict[str, Array] = {"x": plan.d_x.reshape(arrays["x"].shape)}
        for path, layer in zip(paths, layers, strict=True):
            for part, whole in (("weight_x", layer.g_x), ("weight_h", layer.g_h), ("bias", layer.g_b)):
                cut = np.split(whole, 4, axis=-1)
                found |= {f"{path}{gate}.{part}": g for gate, g in zip(gates, cut, strict=True)}
        return found

    return Engine(plan.step, results)
