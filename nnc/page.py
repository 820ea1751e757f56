"""What a notebook shows of a network, of a run, of a model: pages without scripts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from compiler.experiment import Experiment, LayerRow
from compiler.ir.html import details, page, safe, table
from nnc.drawing import drawing
from nnc.layers import row_cells, shape_in_words, signature_in_words, summary
from nnc.report import number, title
from nnc.scores import flat

LAYERS = ("line", "layer", "out", "weights")
MOST_ROWS = 2000
"""Lines of a table; a run of more epochs is shown by its last ones."""


def network_page(experiment: Experiment) -> str:
    """The drawing, the table of layers, the spec."""
    return page([*_network(experiment, is_open=True), _spec(experiment)])


def _network(experiment: Experiment, *, is_open: bool) -> Iterable[str]:
    network = experiment.network
    yield f"<b>{safe(network.name)}</b> <span class='d'>{safe(signature_in_words(network))}</span>"
    drawn = drawing(network)
    rows = _layers(experiment)
    yield details("layers", rows, summary(network), is_open=is_open and not drawn)
    if drawn:
        yield details("drawing", drawn, is_open=is_open)


def _layers(experiment: Experiment) -> str:
    """The table; of a network of many layers what stands inside a block is folded."""
    network = experiment.network
    file = network.inputs[0].span.file
    groups: list[list[LayerRow]] = []
    for row in network.layers:
        if row.depth == 0 or not groups:
            groups.append([])
        groups[-1].append(row)
    parts: list[str] = []
    plain: list[LayerRow] = []

    def cells(rows: list[LayerRow], headings: tuple[str, ...] = ()) -> str:
        return table(headings, (row_cells(r, False, file)[:4] for r in rows), frozenset({0, 3}))

    def flush(first: bool) -> None:
        if plain:
            parts.append(cells(plain, LAYERS if first else ()))
            plain.clear()

    folds = len(network.layers) > 40
    for group in groups:
        if not folds or len(group) == 1:
            plain.extend(group)
            continue
        flush(first=not parts)
        inside = cells(group[1 : MOST_ROWS + 1])
        first = group[0]
        parts.append(details(f"{first.span.line}  {first.text}", inside, f"{len(group) - 1} lines  {_out(first)}"))
    flush(first=not parts)
    return "".join(parts)


def _out(row: LayerRow) -> str:
    return shape_in_words(row.out)


def _spec(experiment: Experiment) -> str:
    return details("spec", f"<pre>{'<br>'.join(safe(line) for line in experiment.spec.splitlines())}</pre>")


def history_page(
    heading: str,
    epochs: Iterable[Mapping[str, Any]],
    best_epoch: int,
    scores: Mapping[str, Mapping[str, Any] | None],
    metric: str,
) -> str:
    """A run: what it came to, and a line an epoch, the best one marked, which is of the last phase."""
    several = list(epochs)
    last_phase = several[-1].get("phase") if several else None
    first = next((e["valid"] for e in several if e.get("valid")), None)
    names = list(flat(first))[:6] if first else []
    rows = [
        (
            (f"{e['phase']} " if e.get("phase") else "")
            + str(e["epoch"])
            + (" *" if (e["epoch"], e.get("phase")) == (best_epoch, last_phase) else ""),
            _number(e["loss"]),
            *(_number(flat(e["valid"] or {}).get(name)) for name in names),
        )
        for e in several[-MOST_ROWS:]
    ]
    headings = ("epoch", "loss", *(f"valid {title(name)}" for name in names))
    shown = [part for part in (scores_table(scores), table(headings, rows, frozenset(range(9)))) if part]
    extra = f"* the best epoch by {title(metric)}" if first else ""
    return page([f"<b>{safe(heading)}</b>", shown[0], *shown[1:], f'<div class="d">{safe(extra)}</div>'])


def model_page(heading: str, experiment: Experiment, scores: Mapping[str, Mapping[str, Any] | None]) -> str:
    parts = [f"<div><b>{safe(heading)}</b></div>", scores_table(scores)]
    return page([*parts, *_network(experiment, is_open=False), _spec(experiment)])


def scores_table(scores: Mapping[str, Mapping[str, Any] | None]) -> str:
    """A line a part (train, valid, test), a column a metric."""
    found = {part: flat(each) for part, each in scores.items() if each}
    names = list(dict.fromkeys(name for each in found.values() for name in each))
    if not found:
        return ""
    rows = [(part, *(_number(each.get(name)) for name in names)) for part, each in found.items()]
    return table(("", *(title(name) for name in names)), rows, frozenset(range(1, len(names) + 1)))


def _number(value: float | None) -> str:
    return "" if value is None else number(value)
