"""Attention as a map: which token looks at which, on a terminal and as a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from compiler.ir.html import safe
from dsl.render import columns, show
from dsl.source import Span
from nnc.attention import Look, Looker
from nnc.widths import cut

Weights = NDArray[np.float64]
SHADES = ((0.7, "█"), (0.4, "▓"), (0.2, "▒"), (0.05, "░"))
"""From which share on a cell is so dark."""
LEGEND = "░ from 5 %  ▒ 20 %  ▓ 40 %  █ 70 %"
LEAST = 0.05
MOST_NAMED = 4
"""Tokens that are named for each where the map has no room."""
LONGEST = 20
"""Columns of a token."""
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em;color:#222;background:#fff}"
    "table{border-collapse:collapse;margin:.5em 0 1.5em}"
    "th{font-weight:400;padding:2px 6px;white-space:pre}"
    "tr:first-child th{height:7em;vertical-align:bottom;writing-mode:vertical-rl;transform:rotate(180deg);"
    "text-align:left;padding:6px 2px}th.r{text-align:right}"
    "td{width:1.7em;min-width:1.7em;height:1.7em;border:1px solid #eee;padding:0}"
    "td.n{border:0}h2{font-size:1.1em;margin:1.5em 0 .2em}.d{color:#777}summary{cursor:pointer;color:#777}"
)


def named(looker: Looker, layer: int, head: int | None) -> str:
    """`layer 3 of 9, line 12: attend(h, memory)`, `..., mean of 4 heads`."""
    span = looker.span(layer)
    place = "" if span is None else f", {_place(span)}: {span.snippet}"
    heads = "" if head is None else f", head {head}"
    return f"layer {layer} of {max(looker.layers)}{place}{heads}"


def _place(span: Span) -> str:
    return f"line {span.line}" + (f" of {span.file}" if "/" in span.file else "")


def lines(look: Look, head: int | None, width: int) -> list[str]:
    """The map where it has room, else for each token those that it looks at most."""
    weights = look.mean(head)
    rows = [cut(token_text(token), LONGEST) for token in look.rows]
    tokens = [cut(token_text(token), LONGEST) for token in look.columns]
    left = max(map(columns, rows), default=0)
    if not rows or not tokens:
        return []
    widths = [max(columns(token), 2) for token in tokens]
    if left + sum(w + 1 for w in widths) <= width:
        heading = " ".join(_padded(token, w) for token, w in zip(tokens, widths, strict=True))
        cells = [" ".join(_shade(x) * w for x, w in zip(row, widths, strict=True)) for row in weights.tolist()]
        return [
            f"{' ' * left} {heading}".rstrip(),
            *(f"{_padded(row, left)} {cell}".rstrip() for row, cell in zip(rows, cells, strict=True)),
        ]
    return [f"{_padded(row, left)}  {_named(tokens, each)}".rstrip() for row, each in zip(rows, weights, strict=True)]


def token_text(token: str) -> str:
    """A token as it is shown: a piece of a word without the space before it."""
    return show(token.strip()) or "␣"


def _padded(text: str, width: int) -> str:
    return text + " " * (width - columns(text))


def _shade(weight: float) -> str:
    return next((shade for least, shade in SHADES if weight >= least), " ")


def _named(tokens: Sequence[str], weights: Weights) -> str:
    best = np.argsort(-weights, kind="stable")[:MOST_NAMED].tolist()
    return "  ".join(f"{tokens[i]} {weights[i]:.0%}" for i in best if weights[i] >= LEAST)


def as_json(look: Look, head: int | None) -> dict[str, object]:
    """Of each token that looks how much it looks at each."""
    weights = [[round(x, 6) for x in row] for row in look.mean(head).tolist()]
    return {"layer": look.layer, "rows": list(look.rows), "columns": list(look.columns), "weights": weights}


def page(
    title: str, looker: Looker, chosen: int, head: int | None, examples: Iterable[tuple[str, Mapping[int, Look]]]
) -> Iterator[str]:
    """A page that loads nothing, in pieces. examples: of each what is said of it, and its looks by layer"""
    yield f"<!doctype html><html><head><meta charset='utf-8'><title>{safe(title)}</title><style>{STYLE}</style></head>"
    yield f"<body><h1>{safe(title)}</h1>"
    yield "<p class='d'>Each row is a token that looks; the darker a cell, the more it looks at the column's.</p>"
    for said, looks in examples:
        yield f"<h2>{safe(said)}</h2>"
        yield f"<div class='d'>{safe(named(looker, chosen, head))}</div>{_table(looks[chosen], head)}"
        heads = len(looks[chosen].weights)
        for each in range(1, heads + 1) if heads > 1 else ():
            inside = _table(looks[chosen], each)
            yield f"<details><summary>{safe(named(looker, chosen, each))}</summary>{inside}</details>"
        for layer, look in looks.items():
            if layer != chosen:
                inside = _table(look, None)
                yield f"<details><summary>{safe(named(looker, layer, None))}</summary>{inside}</details>"
    yield "</body></html>\n"


def _table(look: Look, head: int | None) -> str:
    top = "".join(f"<th>{safe(token_text(token))}</th>" for token in look.columns)
    body = "".join(
        f"<tr><th class='r'>{safe(token_text(token)) if token else ''}</th>{''.join(map(_cell, row))}</tr>"
        for token, row in zip(look.rows, look.mean(head).tolist(), strict=True)
    )
    return f"<table><tr><td class='n'></td>{top}</tr>{body}</table>"


def _cell(weight: float) -> str:
    dark = min(max(weight, 0.0), 1.0)
    return f"<td title='{weight:.1%}' style='background:rgba(20,90,170,{dark:.3f})'></td>"
