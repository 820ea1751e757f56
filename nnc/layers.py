"""The table of layers: line, layer, shape, weights, cost; and the one line that `nnc check` says of a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod
from pathlib import PurePosixPath

from compiler.experiment import Head, LayerRow, Network, Parameter
from compiler.ir.graph import Input, Node
from compiler.ir.types import Extent, Type, size_bytes, size_name
from compiler.sorts import (
    Ahead,
    Category,
    Class,
    Copy,
    Document,
    Following,
    Follows,
    Image,
    Masked,
    Penalty,
    Pixels,
    Port,
    Real,
    Segments,
    Series,
    Spans,
    Tokens,
    Word,
    has_ids,
    owner,
    vocabulary_symbol_of,
    vocabulary_word,
    word_of,
)
from dsl.render import columns, show
from dsl.source import Span
from nnc.sizes import GUESSES, asked
from nnc.widths import cut

NOUNS = {
    "words": "word",
    "chars": "character",
    "subwords": "piece",
    "sentences": "sentence",
    "sentence_pair": "word",
    "word": "word",
    "category": "value",
}
SHORT, LONG = 100, 200
"""Two lengths: the difference of what they cost is what a word costs."""
NARROWEST = 24
"""Columns that are left of a layer's text."""


def quantity(count: float) -> str:
    """`384`, `8,225`, `41 k`, `0.9 M`."""
    for limit, divisor, unit in ((1e4, 1, ""), (5e5, 1e3, " k"), (5e8, 1e6, " M"), (5e11, 1e9, " G")):
        if count < limit:
            value = count / divisor
            return f"{value:,.0f}" if not unit else f"{value:.1f}{unit}" if value < 10 else f"{value:,.0f}{unit}"
    return f"{count / 1e12:,.1f} T"


def weight_counts(parameters: Iterable[Parameter]) -> dict[tuple[str, ...], int]:
    """How many weights, by the symbols that multiply them: () for plain ones, ("V",) for so many a word."""
    counts: dict[tuple[str, ...], int] = {}
    for parameter in parameters:
        known = prod(d for d in parameter.type.shape if isinstance(d, int))
        symbols = tuple(str(d) for d in parameter.type.shape if not isinstance(d, int))
        counts[symbols] = counts.get(symbols, 0) + known
    return counts


def weights_in_words(network: Network) -> str:
    """`38,602 weights + 128 a word`."""
    counts = weight_counts(network.parameters)
    nouns = _nouns(network.ports)
    parts = [f"{counts.get((), 0):,} weights"] if counts.get((), 0) or not counts else []
    for symbols, count in counts.items():
        if symbols:
            # What is neither is a sum of several: one-hot values side by side.
            words = [nouns.get(s, "class" if s.startswith("classes") else "value") for s in symbols]
            names = "pair of classes" if words == ["class", "class"] else " and ".join(words)
            noun = "" if parts else " weight" if count == 1 else " weights"
            parts.append(f"{count:,}{noun} a {names}")
    return " + ".join(parts)


def _nouns(ports: tuple[Port, ...]) -> dict[str, str]:
    """What one of a vocabulary is called: `word`, `value of country`."""
    nouns: dict[str, str] = {}
    for port in ports:
        if has_ids(port):
            symbol = vocabulary_symbol_of(port, ports)
            unit = NOUNS[vocabulary_word(port.sort)]
            _, several, name = symbol.partition(".")
            nouns.setdefault(symbol, f"{unit} of {show(name)}" if several else unit)
            nouns.update({f"V.{view.of(owner(port))}": view.unit for view in port.views})
    return nouns


def sizes_at(nodes: Iterable[Node], length: int, given: Mapping[str, int] | None = None) -> dict[str, int]:
    """Sizes for one example whose texts have so many words."""
    sizes: dict[str, int] = {"B": 1}
    for node in nodes:
        for operand in (node, *node.inputs):
            for dim in operand.type.shape:
                if isinstance(dim, Extent):
                    for name in (size_name(name) for name, _ in dim.terms):
                        kind = name.partition(".")[0]
                        usual = length if kind in ("T", "W") else asked(length) if kind == "M" else GUESSES.get(kind, 1)
                        sizes[name] = (given or {}).get(name, usual)
    return {**sizes, "B": 1}


def flops(nodes: Sequence[Node], length: int) -> int:
    sizes = sizes_at(nodes, length)
    return sum(n.op.flops(tuple(i.type for i in n.inputs), n.type, sizes) for n in nodes)


def value_bytes(nodes: Sequence[Node], length: int) -> int:
    """What training keeps of these values until their gradients are known; views have no memory of their own."""
    sizes = sizes_at(nodes, length)
    return sum(size_bytes(n.type, sizes) for n in nodes if not n.op.view and not isinstance(n.op, Input))


def a_word(cost: Callable[[Sequence[Node], int], int], nodes: Sequence[Node]) -> tuple[float, float]:
    """What each word adds, and what comes once for each example."""
    short, long = cost(nodes, SHORT), cost(nodes, LONG)
    slope = (long - short) / (LONG - SHORT)
    return slope, max(short - slope * SHORT, 0.0)


def sort_in_words(port: Port) -> str:
    match port.sort:
        case Tokens(unit=unit):
            return f"{show(port.name)}: {'bag(word)' if unit == 'bag' else unit} [T]"
        case Word():
            return f"{show(port.name)}: word"
        case Category():
            return f"{show(port.name)}: category{' [T]' if port.per else ''}"
        case Real(width=width):
            return f"{show(port.name)}: real [{width}]"
        case Image(height=height, width=width, channels=channels):
            return f"{show(port.name)}: image [{height}, {width}{f', {channels}' if channels > 1 else ''}]"
        case Pixels(of=of, height=height, width=width):
            return f"{show(port.name)}: class per {show(of)} [{height}, {width}]"
        case Copy(of=of, width=width):
            return f"{show(port.name)}: copy({show(of)}) [{width}]"
        case Penalty():
            return f"{show(port.name)}: penalty"
        case Series(steps=steps, columns=columns):
            return f"{show(port.name)}: series [{steps}{'' if columns is None else f', {columns}'}]"
        case Ahead(of=of, steps=steps):
            return f"{show(port.name)}: next{'' if steps == 1 else f'[{steps}]'}({show(of)})"
        case Following() | Masked():
            return f"{show(port.name)}: {word_of(port.sort)}({show(port.per or '')})"
        case Follows(pair=pair):
            return f"{show(port.name)}: follows({show(pair)})"
        case Class() | Segments() | Spans():
            return f"{show(port.name)}: {word_of(port.sort)}{f' per {show(port.per)}' if port.per else ''}"


def loss_in_words(heads: Sequence[Head]) -> str:
    return " and ".join(dict.fromkeys(head.loss for head in heads))


def signature_in_words(network: Network) -> str:
    """`text: words [T]  ->  label: class, by cross-entropy`."""
    inputs = ", ".join(sort_in_words(p) for p in network.inputs)
    outputs = ", ".join(sort_in_words(p) for p in network.outputs)
    return f"{inputs}  ->  {outputs}, by {loss_in_words(network.heads)}"


def has_words(network: Network) -> bool:
    return any(isinstance(port.sort, Tokens) for port in network.inputs)


def summary(network: Network) -> str:
    """`6 layers, 38,602 weights + 128 a word, 0.9 MFLOP a word`."""
    count = sum(row.layer for row in network.layers)
    nodes = unique(node for row in network.layers for node in row.nodes)
    slope, once = a_word(flops, nodes)
    layers = f"{count} {'layer' if count == 1 else 'layers'}"
    # What a word costs does not hang on how many words or labels there are; what an example costs may.
    at = (
        f" at {sizes}"
        if not slope and (sizes := guessed(nodes))
        else _spelled(nodes, position_of(network))
        if slope
        else ""
    )
    return f"{layers}, {weights_in_words(network)}, {_flop(slope, once, position_of(network))}{at}"


def position_of(network: Network) -> str:
    """What a position of its texts is called where costs are told: a word, of documents a sentence."""
    return "sentence" if any(isinstance(port.sort, Document) for port in network.inputs) else "word"


def _flop(slope: float, once: float, position: str) -> str:
    number, _, unit = quantity(slope or once).partition(" ")
    return f"{number} {unit}FLOP {f'a {position}' if slope else 'an example'}"


def _spelled(nodes: Sequence[Node], position: str) -> str:
    """` of 8 characters`, where words are spelled; as if each stood in the text once. Of sentences ` of 8 words`."""
    spelled = any(s.partition(".")[0] == "K" for s in sizes_at(nodes, SHORT))
    return f" of {GUESSES['K']} {'words' if position == 'sentence' else 'characters'}" if spelled else ""


def guessed(nodes: Sequence[Node]) -> str:
    """`V=10,000, classes=2`: the sizes that a cost was computed with because data will decide them; empty without."""
    symbols = sorted(sizes_at(nodes, SHORT))
    return ", ".join(f"{s}={GUESSES[kind]:,}" for s in symbols if (kind := s.partition(".")[0]) in GUESSES)


def unique(nodes: Iterable[Node]) -> list[Node]:
    return list(dict.fromkeys(nodes))


def shape_in_words(types: Sequence[Type]) -> str:
    """`[T, 100]`, the batch left out; of a bundle each."""
    return " ".join("[" + ", ".join(map(str, t.shape[1:])) + "]" for t in types)


def table(network: Network, width: int) -> list[str]:
    """The table of layers, as wide as it needs; where the terminal is narrow columns are left out from the right, and
    layers are cut before their weights are."""
    words = has_words(network)
    per = f"/{position_of(network)}" if words else ""
    heading = ("line", "layer", "out", "weights", f"FLOP{per}", f"bytes{per}")
    rows = [heading, *(row_cells(row, words, network.inputs[0].span.file) for row in network.layers)]
    nodes = unique(n for row in network.layers for n in row.nodes)
    rows.append(("", "total", "", _weights(network.parameters), *_costs(nodes, words)))
    aligned = _aligned(rows, width)
    result = " -> ".join((", ".join(sort_in_words(p) for p in network.inputs), _outputs(network)))
    note = [f"costs at {sizes}, which the data will decide"] if (sizes := guessed(nodes)) else []
    return [*aligned, "", result, *note]


def _outputs(network: Network) -> str:
    return ", ".join(f"{sort_in_words(h.port)}, {h.loss}" for h in network.heads)


def row_cells(row: LayerRow, words: bool, file: str) -> tuple[str, ...]:
    text = "  " * row.depth + show(row.text)
    return (line_of(row.span, file), text, shape_in_words(row.out), _weights(row.parameters), *_costs(row.nodes, words))


def line_of(span: Span, file: str) -> str:
    """`12`; of a file that the spec uses, or of the library, `transformer:12`."""
    return str(span.line) if span.file == file else f"{show(PurePosixPath(span.file).stem)}:{span.line}"


def _weights(parameters: Sequence[Parameter]) -> str:
    counts = weight_counts(parameters)
    parts = [f"{counts[()]:,}"] if counts.get(()) else []
    # The steps of a crf are so many as pairs of classes, once each.
    parts += [" x ".join((*s, *([f"{n:,}"] if n > 1 or len(s) < 2 else []))) for s, n in counts.items() if s]
    return " + ".join(parts)


def _costs(nodes: Sequence[Node], words: bool) -> tuple[str, str]:
    found: list[str] = []
    for cost in (flops, value_bytes):
        slope, once = a_word(cost, nodes)
        value = slope if words else once
        # What comes once for each example, not for each word, stands behind a plus.
        found.append(quantity(value) if value else f"+ {quantity(once)}" if once else "")
    return found[0], found[1]


def _with_layer_cut(row: Sequence[str], width: int) -> Sequence[str]:
    return (row[0], cut(row[1], width), *row[2:])


def _aligned(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    left = (False, True, True, False, False, False)
    widths = [max(columns(row[i]) for row in rows) for i in range(len(rows[0]))]

    def spare(kept: int) -> int:
        return width - sum(widths[:kept]) - 2 * (kept - 1)

    kept = next((n for n in range(len(widths), 3, -1) if spare(n) >= 0), 3)
    # Weights and cost are what the table is for: a layer's text can be looked up in the spec.
    for wanted in (5, 4):
        if kept < wanted and widths[1] + spare(wanted) >= NARROWEST:
            widths[1] += spare(wanted)
            kept = wanted
    lines: list[str] = []
    for row in (_with_layer_cut(row, widths[1]) for row in rows):
        cells = [
            text + " " * (w - columns(text)) if on_left else " " * (w - columns(text)) + text
            for text, w, on_left in zip(row[:kept], widths, left, strict=False)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
