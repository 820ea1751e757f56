"""What a run tells, as text: header, table, summary. Knows widths, but nothing of terminals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dsl.render import columns, show
from nnc.layers import quantity
from nnc.scores import scores_json
from nnc.widths import cut, packed
from runtime.evaluate import Evaluation, OutputScores
from runtime.events import EpochDone, Started, TrainResult
from runtime.memory import in_words
from runtime.metrics import better

METRIC_TITLES = {
    "macro_f1": "macro F1",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R2",
    "auc": "AUC",
    "bleu": "BLEU",
    "chrf": "chrF",
    "exact_match": "exact match",
    "mean_iou": "mean IoU",
    "persistence_rmse": "RMSE of the last value",
    "least_squares_rmse": "RMSE of least squares",
}
MOST_CLASSES_IN_A_TABLE = 12
LONGEST_LABEL = 40
LONGEST_EXAMPLE = 80
NARROW = 30
"""Columns below which a table has no margins."""


@dataclass(frozen=True)
class Header:
    """What is said of a run before it starts.

    labels: of the outputs that have some; tokens: how many the vocabularies hold; unit: what one is called, plural
    cores: that may be used
    title: `fold 3 of 10`, or empty; place: the same as JSON has it
    """

    file: str
    labels: tuple[str, ...]
    tokens: int
    unit: str
    backend: str
    cores: int
    title: str = ""
    place: Mapping[str, int | str] = field(default_factory=dict[str, "int | str"])


def title(metric: str) -> str:
    """A metric's name as it is shown: `macro F1`."""
    output, dot, name = metric.rpartition(".")
    return f"{show(output)}{dot}{METRIC_TITLES.get(name, name)}"


def header_parts(header: Header, started: Started) -> list[str]:
    """`sentiment.nn`, `positive, negative`, `3,600 train · 400 valid`, `412 words`."""
    parts = [show(header.file)]
    if header.labels:
        few = header.labels if len(header.labels) <= 4 else (*header.labels[:3], f"… {len(header.labels)} labels")
        parts.append(", ".join(cut(show(label), LONGEST_LABEL) for label in few))
    parts = [*parts, " · ".join(f"{count:,} {part}" for part, count in started.rows.items())]
    if header.tokens:
        parts.append(f"{header.tokens:,} {header.unit}")
    return [header.title, *parts] if header.title else parts


def cost_parts(header: Header, started: Started, first_step_seconds: float) -> list[str]:
    return [
        f"{header.backend}, {header.cores} {'core' if header.cores == 1 else 'cores'}",
        f"weights {quantity(started.weights)}",
        f"memory {in_words(started.needed_bytes)} of {in_words(started.available_bytes)}",
        f"first step after {first_step_seconds:.1f} s",
    ]


def duration(seconds: float) -> str:
    """`7 s`, `3 min`, `1 h 20 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


@dataclass(frozen=True)
class Column:
    """rank: what goes first where the width is short (the highest)."""

    key: str
    heading: str
    rank: int


def table_columns(metrics: Sequence[str], validates: bool, width: int) -> tuple[Column, ...]:
    """The table's columns that fit."""
    found = [Column("epoch", "epoch", 0), Column("loss", "loss", 2 if metrics else 1)]
    if validates:
        found.append(Column("valid_loss", "valid loss", 4))
        found += [Column(name, title(name), 1 if i == 0 else 3 + 2 * (i > 1)) for i, name in enumerate(metrics)]
    found.append(Column("time", "time", 6))
    while len(found) > 2 and 2 + sum(column_width(c) + 2 for c in found) > width:
        found.remove(max(found, key=lambda c: c.rank))
    return tuple(found)


def column_width(column: Column) -> int:
    return max(5, columns(column.heading))


def shown_metrics(evaluation: Evaluation) -> tuple[str, ...]:
    """What the table has: two metrics of the first output, one of each other."""
    first, *others = evaluation.outputs
    several = f"{first.name}." if others else ""
    names = [f"{several}{name}" for name in list(first.metrics)[:2]]
    return (*names, *(f"{o.name}.{next(iter(o.metrics))}" for o in others))


def cell(column: Column, done: EpochDone) -> str:
    match column.key:
        case "epoch":
            return str(done.epoch)
        case "loss":
            return number(done.loss)
        case "time":
            return f"{done.seconds:.1f}s" if done.seconds < 100 else duration(done.seconds).replace(" ", "")
        case "valid_loss":
            return number(done.valid.loss) if done.valid else ""
        case metric:
            return number(done.valid.value(metric)) if done.valid else ""


def number(value: float) -> str:
    """Three decimals where that says something; NaN is shown as NaN."""
    if value != value:
        return "NaN"
    if 0 < abs(value) < 0.0005:
        return f"{value:.0e}"
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:.4g}"


def direction(metric: str, new: float, old: float | None) -> int:
    """1 where it went better, -1 worse, 0 where what is shown of it stays the same."""
    name = metric.rpartition(".")[2].removeprefix("valid_")
    if old is None or number(new) == number(old):
        return 0
    return 1 if better(name, new, old) else -1


def summary(result: TrainResult, epochs: int, width: int) -> list[str]:
    """The answer: which epoch, how good."""
    if result.valid is not None:
        early = " (it stopped getting better)" if result.early else ""
        first = f"best epoch {result.best_epoch} of {result.epochs} by {title(result.metric)}{early}"
    else:
        first = f"trained {result.epochs} of {epochs} epochs; no validation rows to choose one by"
    lines = packed([first], width, "")
    if result.test is not None:
        lines += scores(result.test, "test", result.valid, width)
    elif result.valid is not None:
        lines += scores(result.valid, "valid", None, width)
    elif result.train is not None:
        lines += scores(result.train, "train", None, width)
    return lines


def scores(evaluation: Evaluation, name: str, beside: Evaluation | None, width: int) -> list[str]:
    """Every metric in a line of its own, and confusion matrices; beside: the validation's, in parentheses."""
    lines: list[str] = []
    several = len(evaluation.outputs) > 1
    narrow = width < NARROW
    leads = {o.name: f"{name} {show(o.name)}" if several else name for o in evaluation.outputs}
    margin = max(6, *(columns(lead) for lead in leads.values()))

    widest = max(10, *(columns(title(metric)) for o in evaluation.outputs for metric in o.metrics))

    def line(lead: str, metric: str, value: float) -> str:
        if narrow:
            return f"{cut(metric, width - 8):<10}{number(value):>7}"
        return f"  {lead}{' ' * (margin - columns(lead))} {metric:<{widest}} {number(value):>7}"

    for output in evaluation.outputs:
        lead = leads[output.name]
        if narrow:
            lines.append(lead)
        for metric, value in output.metrics.items():
            text = line(lead, title(metric), value)
            if beside is not None:
                extra = f"   (valid {number(beside.value(f'{output.name}.{metric}'))})"
                text += extra if columns(text) + len(extra) <= width else ""
            lines.append(text)
            lead = ""
    lines.append(line("", "loss", evaluation.loss))
    if any("persistence_rmse" in output.metrics for output in evaluation.outputs):
        lines.append("  RMSE and MAE are in the data's own units")
    lines += [f"  {output.signature}" for output in evaluation.outputs if output.signature is not None]
    for output in evaluation.outputs:
        for table in (confusion(output, width), by_class(output, width)):
            lines += ["", *table] if table else []
    return [cut(text, width) for text in lines]


def confusion(scores: OutputScores, width: int) -> list[str]:
    """Rows: the true label; columns: what it was called. Left out where it does not fit."""
    if scores.classes is None or scores.confusion is None or len(scores.classes) > MOST_CLASSES_IN_A_TABLE:
        return []
    labels = [show(label) for label in scores.classes]
    corner = "true \\ called"
    longest = max(columns(label) for label in labels)
    lead = max(longest + 2, len(corner))
    each = max(longest, len(str(max(max(row) for row in scores.confusion))))
    if (room := (width - lead - 2) // len(labels) - 2) < each:
        each = max(room, 5)
        if 2 + lead + len(labels) * (each + 2) > width:
            return []

    def right(text: str) -> str:
        text = cut(text, each)
        return "  " + " " * (each - columns(text)) + text

    lines = [f"  {corner:<{lead}}" + "".join(right(label) for label in labels)]
    for label, row in zip(labels, scores.confusion, strict=True):
        lines.append(f"    {label}" + " " * (lead - 2 - columns(label)) + "".join(right(str(n)) for n in row))
    return lines


def by_class(scores: OutputScores, width: int) -> list[str]:
    """Precision, recall and F1 of each label, and how many there are. Left out where it does not fit."""
    if scores.classes is None or len(scores.classes) > MOST_CLASSES_IN_A_TABLE:
        return []
    headings = ("precision", "recall", "F1", "count")
    numbers = "".join(f"  {heading:>9}" for heading in headings)
    lead = max(*(columns(show(label)) for label in scores.classes), len("label"))
    lead = min(lead, width - 4 - len(numbers))
    if lead < len("label"):
        return []
    lines = [f"  {'label':<{lead}}{numbers}"]
    for label, of_label in scores.classes.items():
        values = (*(number(of_label[key]) for key in ("precision", "recall", "f1")), f"{int(of_label['count']):,}")
        name = cut(show(label), lead)
        lines.append(f"  {name}{' ' * (lead - columns(name))}" + "".join(f"  {value:>9}" for value in values))
    return lines


def model_lines(path: Path, run: Path, example: str | None, command: str = "predict") -> list[str]:
    """Where the model is, and what to do next: the command with its run and an example."""
    size = in_words(path.stat().st_size)
    lines = [f"{show(str(path))}   {size}"]
    if example is not None:
        lines.append(f"try it:  nnc {command} {show(str(run))} {example}".rstrip())
    # Commands are not cut: a line that is folded by the terminal can still be copied.
    return lines


def json_of(result: TrainResult, model: Path) -> dict[str, Any]:
    """The line that `train --json` ends with."""
    on_train = {"train": result.train.to_json()} if result.train else {}
    return {
        **on_train,
        "test": scores_json(result.test),
        "valid": scores_json(result.valid),
        "epochs": result.epochs,
        "best_epoch": result.best_epoch,
        "metric": result.metric,
        "seconds": round(result.seconds, 3),
        "model": str(model),
    }
