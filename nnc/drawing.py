"""A network as a picture: a box a layer, an arrow where one reads another; plain SVG in the page's own colors."""

from __future__ import annotations

from collections.abc import Mapping

from compiler.experiment import LayerRow, Network
from compiler.ir.graph import Input, Node
from compiler.ir.html import safe
from dsl.render import columns
from nnc.layers import shape_in_words

MOST_BOXES = 60
"""Of more boxes nobody sees anything: then there is no drawing."""
LETTER, MARGIN, HEIGHT, GAP, APART = 7.3, 12, 36, 26, 18
"""Pixels: a letter's width, of a box its inner margins and height, and what lies between two, down and across."""
LONGEST = 44

Edges = dict[int, list[int]]


def drawing(network: Network) -> str:
    """The SVG; empty where the network is too large for one."""
    texts, shapes, edges = _boxes(network)
    if len(texts) > MOST_BOXES:
        return ""
    ranks = _ranks(len(texts), edges)
    widths = [max(columns(t), columns(s)) * LETTER + 2 * MARGIN for t, s in zip(texts, shapes, strict=True)]
    rows = _ordered(ranks, edges)
    total = max(sum(widths[i] for i in row) + APART * (len(row) - 1) for row in rows)
    centers, tops = [0.0] * len(texts), [0.0] * len(texts)
    for rank, row in enumerate(rows):
        x = (total - sum(widths[i] for i in row) - APART * (len(row) - 1)) / 2
        for i in row:
            centers[i], tops[i] = x + widths[i] / 2, rank * (HEIGHT + GAP) + 2.0
            x += widths[i] + APART
    parts: list[str] = []
    lanes = 0
    for target, sources in edges.items():
        for source in sources:
            start, end = (centers[source], tops[source] + HEIGHT), (centers[target], tops[target])
            if ranks[target] - ranks[source] == 1:
                bend = GAP / 2
                parts.append(
                    f"M{start[0]:.0f} {start[1]:.0f}C{start[0]:.0f} {start[1] + bend:.0f} "
                    f"{end[0]:.0f} {end[1] - bend:.0f} {end[0]:.0f} {end[1]:.0f}"
                )
            else:
                # Past the boxes between them, in a lane of its own at the right.
                lanes += 1
                lane = total + 10 * lanes
                parts.append(
                    f"M{start[0] + 8:.0f} {start[1]:.0f}C{start[0] + 8:.0f} {start[1] + GAP:.0f} "
                    f"{lane:.0f} {start[1]:.0f} {lane:.0f} {start[1] + GAP:.0f}V{end[1] - GAP:.0f}"
                    f"C{lane:.0f} {end[1]:.0f} {end[0] + 8:.0f} {end[1] - GAP:.0f} {end[0] + 8:.0f} {end[1]:.0f}"
                )
    boxes = [
        _box(centers[i], tops[i], widths[i], texts[i], shapes[i], i < len(network.inputs)) for i in range(len(texts))
    ]
    width, height = total + 10 * lanes + 4, len(rows) * (HEIGHT + GAP) - GAP + 4
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="-2 0 {width:.0f} {height:.0f}" font-family="monospace" font-size="12" color="inherit">'
        f'<path d="{"".join(parts)}" fill="none" stroke="currentColor" stroke-opacity=".45"/>{"".join(boxes)}</svg>'
    )


def _box(center: float, top: float, width: float, text: str, shape: str, is_input: bool) -> str:
    round_corners = HEIGHT / 2 if is_input else 4
    return (
        f'<rect x="{center - width / 2:.0f}" y="{top:.0f}" width="{width:.0f}" height="{HEIGHT}" '
        f'rx="{round_corners:.0f}" fill="currentColor" fill-opacity=".06" stroke="currentColor" stroke-opacity=".5"/>'
        f'<g text-anchor="middle" fill="currentColor"><text x="{center:.0f}" y="{top + 15:.0f}">{safe(text)}</text>'
        f'<text x="{center:.0f}" y="{top + 29:.0f}" font-size="10.5" opacity=".6">{safe(shape)}</text></g>'
    )


def _boxes(network: Network) -> tuple[list[str], list[str], Edges]:
    """Text and shape of each box, the inputs first, and for each the boxes that it reads."""
    nodes = network.training.nodes()
    when = {node: i for i, node in enumerate(nodes)}
    last = {i: max(when.get(n, 0) for n in row.nodes) for i, row in enumerate(network.layers) if row.nodes}
    # A residual stands above what it adds, but is computed after it.
    rows = [network.layers[i] for i in sorted(last, key=lambda i: last[i]) if not _is_between(network.layers[i], when)]
    owner: dict[Node, int] = {}
    for i, row in enumerate(rows):
        for node in row.nodes:
            owner.setdefault(node, len(network.inputs) + i)
    places = {port.name: i for i, port in enumerate(network.inputs)}
    texts = [port.name for port in network.inputs] + [row.text for row in rows]
    types = {n.op.name: n.type for n in network.training.inputs if isinstance(n.op, Input)}
    first = [(types[p.name],) if p.name in types else () for p in network.inputs]
    shapes = [*map(shape_in_words, first), *(shape_in_words(row.out) for row in rows)]
    read: dict[int, dict[int, None]] = {i: {} for i in range(len(network.inputs), len(texts))}
    origins: dict[Node, frozenset[int]] = {}
    for node in nodes:
        if isinstance(node.op, Input):
            known = node.op.kind == "data" and node.op.name in places
            origins[node] = frozenset({places[node.op.name]}) if known else frozenset()
            continue
        below = frozenset[int]().union(*(origins[n] for n in node.inputs))
        mine = owner.get(node)
        if mine is None:
            origins[node] = below
        else:
            read[mine] |= dict.fromkeys(sorted(below - {mine}))
            origins[node] = frozenset({mine})
    # Arrows go forward alone, so that there is an order to draw.
    edges = {box: [b for b in sources if b < box] for box, sources in read.items()}
    return [_cut(t) for t in texts], [_cut(s) for s in shapes], edges


def _is_between(row: LayerRow, when: Mapping[Node, int]) -> bool:
    """Whether a line's arithmetic is computed before and after another layer: it has no box, arrows pass through it."""
    if row.layer:
        return False
    first, last = (choose(when.get(n, 0) for n in row.nodes) for choose in (min, max))
    own = set(row.nodes)
    return any(first < i < last and node not in own and own & set(node.inputs) for node, i in when.items())


def _ranks(count: int, edges: Edges) -> list[int]:
    ranks = [0] * count
    for box in range(count):
        ranks[box] = 1 + max((ranks[b] for b in edges.get(box, ())), default=-1)
    return ranks


def _ordered(ranks: list[int], edges: Edges) -> list[list[int]]:
    """The boxes of each rank, from left to right by where those stand that they read."""
    rows: list[list[int]] = [[] for _ in range(max(ranks) + 1)]
    for box, rank in enumerate(ranks):
        rows[rank].append(box)
    place: dict[int, float] = {}
    for row in rows:
        means = {b: sum(place[s] for s in edges.get(b, ())) / max(len(edges.get(b, ())), 1) for b in row}
        row.sort(key=lambda box: (means[box], box))
        place |= {box: (k + 0.5) / len(row) for k, box in enumerate(row)}
    return rows


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
