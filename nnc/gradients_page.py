"""Gradients for people: as a tree of a formula, or as a table of a network's lines."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice, takewhile
from math import isfinite

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from compiler.chain import Link
from compiler.ir.graph import Node
from dsl.render import columns as columns_of
from dsl.render import show
from nnc.backprop import Edge
from nnc.chalk import Board, without_rows
from runtime.backend import Array

IN_FULL = (4, 3, 2, 1)
"""Numbers of an array that are shown in full, the most that the terminal has room for; of a larger one its norm."""
MOST_ROWS, MOST_WEIGHTS = 200, 6
"""Of a tree; of a line's arrays of weights, which are shown together where there are more."""
MOST_POSITIONS, BAR = 24, 20
"""Positions of a text that are shown, and the columns of the longest bar."""
NOTE = "|x| is a norm: the square root of the sum of the squares"
Row = tuple["str | Text", ...]


def number(value: float, digits: int = 4) -> str:
    """`6`, `0.7071`, `-1.2e-07`."""
    return f"{value + 0.0:.{digits}g}"


def cell(value: Array, full: int = 4, *, shaped: bool = True) -> str:
    """A number; `[0.5 0.1]`; `[2 x 2: 1 0 0 1]`; or `[8 x 4] |3.1|`.

    full: numbers that are shown, of a larger array its norm; shaped: with the shape
    """
    if value.size == 1:
        return number(float(value.ravel()[0]))
    prefix = shape(value) if shaped else ""
    if value.size <= full:
        numbers = " ".join(number(x, 3) for x in value.ravel().tolist())
        return f"[{prefix}: {numbers}]" if prefix and value.ndim > 1 else f"[{numbers}]"
    norm = f"|{number(float(np.linalg.norm(value)), 3)}|"
    return f"[{prefix}] {norm}" if prefix else norm


def shape(value: Array) -> str:
    return " x ".join(map(str, value.shape))


def local_cell(local: Array | None, full: int) -> str:
    """A local gradient; of what works on each number by itself, the diagonal."""
    if local is None:
        return "-"
    if local.shape[0] == local.shape[1] > 1 and not (local - np.diag(np.diag(local))).any():
        return f"diagonal {cell(np.diag(local), full, shaped=False)}"
    return cell(local[0] if local.shape[0] == 1 else local[:, 0] if local.shape[1] == 1 else local, full)


def _fitting(
    headings: Row, rows: Callable[[int], list[Row]], columns: int, left: Collection[int], spare: Sequence[int]
) -> Table:
    """The rows with as many numbers in full as there is room for.

    rows: takes how many; spare: columns that are left out, in this order, where even one is too much
    """
    found, kept = rows(IN_FULL[0]), list(range(len(headings)))
    for full in IN_FULL[1:]:
        if _together(headings, found, kept) > columns:
            found = rows(full)
    for column in spare:
        if _together(headings, found, kept) > columns:
            kept.remove(column)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for i in kept:
        table.add_column(headings[i], justify="left" if i in left else "right", overflow="fold")
    for row in found:
        table.add_row(*(row[i] for i in kept))
    return table


def _together(headings: Row, rows: Sequence[Row], kept: Sequence[int]) -> int:
    """The columns of a terminal that these columns take."""
    return sum(max(_width(row[i]) for row in (headings, *rows)) for i in kept) + 2 * (len(kept) - 1)


def _width(text: str | Text) -> int:
    return columns_of(text.plain if isinstance(text, Text) else text)


def tree(board: Board, title: str, columns: int, line: int | None = None) -> RenderableType:
    """line: of the spec, whose ops alone are shown; else the whole graph"""
    there = board.links if line is None else tuple(k for k in board.links if on_line(k, board, line))
    by_op = line is not None
    ends = [r for link in there for r in link.results if not _read_in(r, there)]
    edges = {end: list(islice(_below(end, board, there), MOST_ROWS)) for end in ends}

    def rows(full: int) -> list[Row]:
        found: list[Row] = []
        for end, below in edges.items():
            name = board.name if end is board.root else _label(board, end, by_op)
            bare = cell(board.gradient(end), full, shaped=False)
            found.append((_bold(name), cell(board.value(end), full), bare, "", ""))
            found += [
                _edge_row(board, *each, by_op, board.link_of.get(each[1].operand) in there, full) for each in below
            ]
        return found

    table = _fitting(("", "value", "upstream", "local", "downstream"), rows, columns, (0,), spare=(2, 3, 1))
    sums = [_sum(board, leaf) for leaf in board.leaves if any(leaf in link.operands for link in there)]
    parts: list[RenderableType] = [title, "", table]
    if any(len(below) == MOST_ROWS for below in edges.values()):
        parts.append(f"and more: the first {MOST_ROWS} are shown")
    normed = any("|" in _plain(c) for column in table.columns for c in column.cells)
    return Group(*parts, "", *sums, *([NOTE] if normed else []))


def _plain(text: object) -> str:
    return text.plain if isinstance(text, Text) else str(text)


def _edge_row(
    board: Board, guide: str, edge: Edge, upstream: Array, again: bool, by_op: bool, inside: bool, full: int
) -> Row:
    text = (
        Text(guide)
        .append(show(_label(board, edge.operand, by_op and inside)), style="bold")
        .append(" ↑" if again else "")
    )
    downstream = cell(without_rows(edge.operand, edge.downstream), full, shaped=False)
    return (
        text,
        cell(board.value(edge.operand), full),
        cell(upstream, full, shaped=False),
        local_cell(edge.local, full),
        Text(downstream, style="green"),
    )


def _below(end: Node, board: Board, there: Collection[Link]) -> Iterator[tuple[str, Edge, Array, bool]]:
    """The edges below a value, each with its guide, what its link was handed, and whether what is below it was shown
    before."""
    passed = {each.link: each for each in board.walk.passed}
    seen: set[Link] = set()
    stack: list[tuple[str, str, Edge | None, Node, Node]] = [("", "", None, end, end)]
    while stack:
        own, below, edge, node, reader = stack.pop()
        link = board.link_of.get(node)
        again = link in seen
        if edge is not None:
            yield own, edge, board.gradient(reader), again
        if link is None or link not in there or again:
            continue
        seen.add(link)
        edges = passed[link].edges
        for i, each in reversed(list(enumerate(edges))):
            last = i == len(edges) - 1
            guide = ("└─ ", "   ") if last else ("├─ ", "│  ")
            stack.append((below + guide[0], below + guide[1], each, each.operand, node))


def _label(board: Board, node: Node, by_op: bool) -> str:
    link = board.link_of.get(node)
    if link is None:
        return board.leaf_name(node)
    label = board.label(link, by_op=by_op)
    if len(link.results) < 2 or node not in link.results:
        return label
    # A formula that others read pieces of.
    if node.span is not None and len({n.span for n in link.results}) == len(link.results):
        return " ".join(node.span.snippet.split())
    return f"{label} ({link.results.index(node) + 1})"


def _read_in(node: Node, there: Sequence[Link]) -> bool:
    return any(node in link.operands for link in there)


def _bold(text: str) -> Text:
    return Text(show(text), style="bold")


def _sum(board: Board, leaf: Node) -> Text:
    """`d out / d y = 2 + 3 = 5`."""
    flows = [without_rows(leaf, e.downstream) for p in board.walk.passed for e in p.edges if e.operand is leaf]
    parts = " + ".join(map(cell, flows)) + " = " if len(flows) > 1 and board.value(leaf).size == 1 else ""
    total = cell(board.gradient(leaf))
    return Text(f"d {show(board.name)} / d {show(board.leaf_name(leaf))} = {parts}").append(total, style="bold green")


def on_line(link: Link, board: Board, line: int) -> bool:
    return line in lines_of(link, board)


def lines_of(link: Link, board: Board) -> set[int]:
    """The lines of the spec that a link comes from: its own, and those that use the block around it."""
    rows = board.experiment.network.layers
    spans = [link.span]
    depth = 0 if link.row is None else rows[link.row].depth + 1
    for row in reversed(rows[: 0 if link.row is None else link.row + 1]):
        if row.depth < depth:
            depth = row.depth
            spans.append(row.span)
    return {span.line for span in spans if span is not None and span.file == board.experiment.file}


def lines(board: Board, title: str, columns: int, words: Callable[[Node], Sequence[str]]) -> RenderableType:
    """Every line of the spec, its weights below it. words: what stands at the positions of a value"""
    weights = {p.name for p in board.experiment.network.parameters}
    outside = [leaf for leaf in board.leaves if board.leaf_name(leaf) not in weights]
    owned: dict[Link, list[Node]] = {}
    for leaf in board.leaves:
        reader = next((link for link in board.links if leaf in link.operands), None)
        if reader is not None and leaf not in outside:
            owned.setdefault(reader, []).append(leaf)

    def rows(full: int) -> list[Row]:
        found: list[Row] = [("", _bold(board.leaf_name(leaf)), *_cells(board, leaf, full)) for leaf in outside]
        for link in board.links:
            for node in link.results:
                found.append((_line(link, board), _bold(_label(board, node, False)), *_cells(board, node, full)))
            found += _weight_rows(board, owned.get(link, []), full)
        return found

    table = _fitting(("line", "", "shape", "value", "gradient"), rows, columns, (1,), spare=(2, 0))
    parts: list[RenderableType] = [title, "", table, ""]
    spoken = next(((n, found) for link in board.links for n in link.results if (found := words(n))), None)
    if spoken is not None:
        parts += [_by_position(board, *spoken), ""]
    return Group(*parts, f"gradient: of {show(board.name)}, with respect to the value. {NOTE}")


def _weight_rows(board: Board, leaves: list[Node], full: int) -> list[Row]:
    """The weights of a line, named as they differ; where there are many, all of them together."""
    names = [board.leaf_name(leaf).split(".") for leaf in leaves]
    alike = sum(
        1 for _ in takewhile(lambda each: len(set(each)) == 1, zip(*(name[:-1] for name in names), strict=False))
    )
    if len(leaves) <= MOST_WEIGHTS:
        return [
            ("", Text(f"  {show('.'.join(name[alike:]))}"), *_cells(board, leaf, full))
            for name, leaf in zip(names, leaves, strict=True)
        ]
    value, gradient = (np.concatenate([each(n).ravel() for n in leaves]) for each in (board.value, board.gradient))
    norm = Text(cell(gradient, full, shaped=False), style="green")
    return [("", f"  its {len(leaves)} arrays of weights", f"[{value.size}]", cell(value, full, shaped=False), norm)]


def _line(link: Link, board: Board) -> str:
    span = link.span if link.row is None else board.experiment.network.layers[link.row].span
    if span is None:
        return ""
    own = span.file == board.experiment.file
    return str(span.line) if own else f"{show(span.file.rpartition('/')[2])}:{span.line}"


def _cells(board: Board, node: Node, full: int) -> Row:
    value = board.value(node)
    gradient = cell(board.gradient(node), full, shaped=False)
    return f"[{shape(value)}]" if value.ndim else "", cell(value, full, shaped=False), Text(gradient, style="green")


def _by_position(board: Board, node: Node, words: Sequence[str]) -> RenderableType:
    """How strongly each position decides: the norm of its gradient, as a bar."""
    norms = [float(np.linalg.norm(each)) for each in board.gradient(node)]
    most = max((x for x in norms if isfinite(x)), default=0.0)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for justify in ("right", "left", "right", "left"):
        table.add_column(justify=justify, overflow="fold")
    for i, (norm, word) in enumerate(zip(norms, words, strict=True)):
        if len(norms) > MOST_POSITIONS and MOST_POSITIONS // 2 <= i < len(norms) - MOST_POSITIONS // 2:
            if i == MOST_POSITIONS // 2:
                table.add_row("...", "", "", "")
            continue
        bar = "█" * round(BAR * norm / most) if most and isfinite(norm) else ""
        table.add_row(str(i + 1), show(word), f"|{number(norm, 3)}|", Text(bar, style="green"))
    label = board.label(board.link_of[node])
    return Group(f"the gradient of {show(label)}, position by position", table)
