"""A graph as a page for notebooks: what each line of the spec became, folded together. No scripts, nothing loaded."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from compiler.ir.graph import Graph, Input, Node
from compiler.ir.text import described, names_of, steps_of
from compiler.ir.text import show as show_graph
from compiler.ops.fused import Fused
from compiler.ops.scan import Scan
from dsl.render import show

MOST_NODES = 4000
"""Nodes that are listed: a notebook keeps the page, and a browser draws it."""
LONGEST = 200
"""Characters of a node's operands, or of a line of the spec."""

STYLE = (
    "<style>.nnc{font:13px/1.45 ui-monospace,Menlo,Consolas,monospace;color:inherit}"
    ".nnc table{border-collapse:collapse;margin:.2em 0 .5em 1.2em}"
    ".nnc td,.nnc th{padding:1px 12px 1px 0;text-align:left;vertical-align:top;border:0;background:none}"
    ".nnc td{white-space:pre-wrap}.nnc .n{text-align:right;white-space:nowrap}.nnc summary{cursor:pointer}"
    ".nnc .d{opacity:.6}.nnc pre{margin:.3em 0 .3em 1.2em;background:none;color:inherit}</style>"
)


def page(body: Iterable[str]) -> str:
    return f'{STYLE}<div class="nnc">{"".join(body)}</div>'


def table(headings: Iterable[str], rows: Iterable[Iterable[str]], numbers: frozenset[int] = frozenset()) -> str:
    """A table of plain texts, which are escaped here. numbers: the columns that are set to the right."""

    def cells(tag: str, row: Iterable[str]) -> str:
        kinds = (' class="n"' if i in numbers else "" for i in range(1 << 30))
        return "".join(f"<{tag}{kind}>{safe(text)}</{tag}>" for text, kind in zip(row, kinds, strict=False))

    head = cells("th", headings)
    top = f"<tr>{head}</tr>" if head else ""
    lines = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table>{top}{lines}</table>"


def details(summary: str, inside: str, extra: str = "", *, is_open: bool = False) -> str:
    """A part that folds. summary, extra: plain texts; inside: a page's part."""
    shown = f'{safe(summary)} <span class="d">{safe(extra)}</span>'
    return f"<details{' open' if is_open else ''}><summary>{shown}</summary>{inside}</details>"


def safe(text: str) -> str:
    """Text of a file in a page: nothing in it is a tag, and nothing hidden or turned around."""
    return escape(show(text))


def graph_page(graph: Graph) -> str:
    """The nodes by the line of the spec that made them, each line folded, in the order in which they are computed."""
    nodes = graph.nodes()
    listed = [node for node in nodes if not isinstance(node.op, Input)]
    every = list(dict.fromkeys((*graph.inputs, *nodes)))
    names = names_of(every, by_op=False)
    outputs = [(o.name, f"%{names[o.node]}", f"next value of {o.update}" if o.update else "") for o in graph.outputs]
    parts = [
        f'<b>graph</b> <span class="d">{len(listed):,} nodes, {len(graph.inputs):,} inputs, '
        f"{len(graph.outputs):,} outputs</span>",
        _inputs(graph, names),
        *_lines(listed[:MOST_NODES], names),
    ]
    if len(listed) > MOST_NODES:
        parts.append(f'<div class="d">and {len(listed) - MOST_NODES:,} nodes more</div>')
    shown = outputs[:MOST_NODES]
    parts.append(details("outputs", table((), shown), f"{len(outputs):,}"))
    return page(parts)


def _inputs(graph: Graph, names: dict[Node, str]) -> str:
    rows = [(f"%{names[n]}", str(n.type), n.op.kind) for n in graph.inputs if isinstance(n.op, Input)]
    return details("inputs", table((), rows[:MOST_NODES]), f"{len(rows):,}")


def _lines(nodes: list[Node], names: dict[Node, str]) -> Iterable[str]:
    lines: dict[tuple[str, int, str], list[Node]] = {}
    for node in nodes:
        span = node.span
        key = ("", 0, "what no line asks for by itself") if span is None else (span.file, span.line, span.text.strip())
        lines.setdefault(key, []).append(node)
    for (file, line, text), made in lines.items():
        where = f"{file}:{line}  " if file else ""
        count = f"{len(made):,} node{'s' * (len(made) != 1)}"
        yield details(where + _cut(text), table((), (_row(n, names) for n in made)), count)


def _row(node: Node, names: dict[Node, str]) -> tuple[str, str, str]:
    operands = _cut(" ".join(f"%{names[n]}" for n in node.inputs))
    made = [described(node.op, operands)]
    if isinstance(node.op, Fused):
        made = [f"fused {operands}", *(line.strip() for line in steps_of(node.op, len(node.inputs)))]
    if isinstance(node.op, Scan):
        made += show_graph(node.op.body.graph).splitlines()
    return (f"%{names[node]}", str(node.type), "\n".join(made))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
