"""Every stage of a spec as text: what `nnc inspect` prints."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, cast

from compiler import pipeline
from compiler.experiment import Experiment
from compiler.ir.graph import Graph, Input
from compiler.ir.text import op_name, show
from compiler.ops.scan import Scan
from compiler.passes import PASSES, trace
from compiler.written import page
from dsl.errors import Diagnostic, SpecError
from dsl.nearest import nearest
from dsl.parse import parse

if TYPE_CHECKING:
    from compiler.plan.plan import Plan

IN_STEP = " in a step"
"""What marks the ops of a loop's body."""

NODE_NUMBER = re.compile(r"(?<=[a-z_])\.\d+")


def stage(experiment: Experiment, name: str, sizes: Mapping[str, int], *, native: int = 0) -> str:
    """The text of a stage. sizes: for plan and code, every symbol of the graph. native: with kernels, for so many
    threads; 0 for none"""
    match name:
        case "ast":
            return tree(parse(experiment.spec, experiment.file))
        case "graph":
            return show(experiment.network.training)
        case "gradients":
            return show(pipeline.training_step(experiment).graph)
        case "optimized":
            return show(pipeline.optimize(pipeline.training_step(experiment).graph))
        case "step":
            return page(experiment.network)
        case "plan":
            from compiler.emit.native import show_threads
            from compiler.plan.show import show as show_plan

            plan = _compiled(experiment, sizes, native)[1]
            return f"{show_plan(plan)}\n\n{show_threads(plan, native)}" if native else show_plan(plan)
        case _:
            return _compiled(experiment, sizes, native)[0]


def _compiled(experiment: Experiment, sizes: Mapping[str, int], native: int = 0) -> tuple[str, Plan]:
    return pipeline.compiler_for(native > 0, native)(pipeline.optimize(pipeline.training_step(experiment).graph), sizes)


def tree(node: object, depth: int = 0) -> str:
    """A syntax tree, a line a node; the parser bounds how deep it is."""
    if not is_dataclass(node):
        return repr(node)
    own = type(node).__name__
    values = [(f.name, getattr(node, f.name)) for f in fields(node) if f.name != "span"]
    plain = " ".join(
        f"{k}={v!r}" for k, v in values if not is_dataclass(v) and not isinstance(v, tuple) and v is not None
    )
    lines = ["  " * depth + own + (f" {plain}" if plain else "")]
    for _, value in values:
        children = cast(tuple[object, ...], value if isinstance(value, tuple) else (value,))
        lines += [tree(child, depth + 1) for child in children if is_dataclass(child)]
    return "\n".join(lines)


def diff(experiment: Experiment, pass_name: str) -> str:
    """What one pass changes in the training step: the sentence of the pass, the ops it adds and drops, the lines."""
    names = [p.name for p in PASSES]
    if pass_name not in names:
        near = nearest(pass_name, names)
        help = f"did you mean {near}?" if near else f"the passes are {', '.join(names)}"
        raise SpecError(Diagnostic("NN870", f"there is no pass {pass_name}", help=help))
    chosen = PASSES[names.index(pass_name)]
    before, after = trace(pipeline.training_step(experiment).graph, pass_name)[-1][1:]
    counts = [_count(before), _count(after)]
    head = [f"{chosen.name}   {chosen.sentence}{'' if chosen.exact else ' (roundings may change)'}", ""]
    changed = sorted(op for op in counts[0] | counts[1] if counts[0][op] != counts[1][op])
    width = max((len(op) for op in (*changed, f"all{IN_STEP}")), default=0)
    head += [f"{'ops':{width + 2}}before  after"] if changed else ["it changes nothing here"]
    head += [f"  {op:{width}}{counts[0][op]:>6}{counts[1][op]:>7}" for op in changed]
    for name, inside in (("all", False), (f"all{IN_STEP}", True)):
        total = [sum(n for op, n in c.items() if op.endswith(IN_STEP) == inside) for c in counts]
        head += [f"  {name:{width}}{total[0]:>6}{total[1]:>7}"] if changed and any(total) else []
    head.append("")
    return "\n".join([*head, *_changed_lines(before, after)])


def _changed_lines(before: Graph, after: Graph) -> list[str]:
    """The lines that went (-) and came (+), each group with the line before it. Numbers alone are no change."""
    old, new = (show(g, by_op=True).splitlines() for g in (before, after))
    matcher = SequenceMatcher(
        None, *([NODE_NUMBER.sub("", line) for line in text] for text in (old, new)), autojunk=False
    )
    lines: list[str] = []
    for tag, i, j, m, n in matcher.get_opcodes():
        if tag != "equal":
            lines += ["@@", *(f" {line}" for line in old[max(i - 1, 0) : i])]
            lines += [*(f"-{line}" for line in old[i:j]), *(f"+{line}" for line in new[m:n])]
    return lines


def _count(graph: Graph) -> Counter[str]:
    """The ops of a graph, and those of a step of its loops, all loops together."""
    found: Counter[str] = Counter()
    blocks = [(graph, "")]
    while blocks:
        block, where = blocks.pop()
        for node in block.nodes():
            if not isinstance(node.op, Input):
                found[f"{op_name(type(node.op))}{where}"] += 1
            if isinstance(node.op, Scan):
                blocks.append((node.op.body.graph, IN_STEP))
    return found
