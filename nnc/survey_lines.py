"""What `nnc check --data` says of the rows: a line or two for each input and output, on one screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dsl.render import columns, show
from nnc.widths import cut, packed
from runtime.data.survey import Lengths, Range, Survey, VocabularySurvey
from runtime.data.table import plural

UNITS = {
    "words": "word",
    "chars": "character",
    "subwords": "piece",
    "sentences": "sentence",
    "sentence_pair": "word",
    "category": "value",
}
MOST_LABELS = 8
MOST_NUMBERS = 6
LONGEST = 30
"""Columns of a label or a word."""
NARROW = 40
"""Columns below which a name stands above what is said of it."""


def lines(survey: Survey, memory: str, width: int) -> list[str]:
    """memory: what training takes of what is free"""
    found: list[tuple[str, list[str]]] = [("tokens" if survey.stream else "rows", _rows(survey))]
    for name, lengths in survey.texts.items():
        found.append((name, _lengths(lengths, UNITS[lengths.unit])))
    for name, vocabulary in survey.vocabularies.items():
        found.append((", ".join(vocabulary.ports) or name, _vocabulary(vocabulary)))
    found += [(name, _ranges(ranges)) for name, ranges in survey.numbers.items()]
    found += [
        (name, [f"from {_share(r.low)} to {_share(r.high)}, mean {_share(r.mean)}"])
        for name, r in survey.pictures.items()
    ]
    found += [(name, _labels(labels)) for name, labels in survey.labels.items()]
    if repeated := _repeats(survey):
        found.append(("repeats", repeated))
    found.append(("memory", [memory]))
    return _laid_out(found, width)


def _laid_out(found: Sequence[tuple[str, list[str]]], width: int) -> list[str]:
    names = [cut(show(name), LONGEST) for name, _ in found]
    indent = 2 if width < NARROW else 4 + max(map(columns, names))
    result: list[str] = []
    before = ""
    for name, (_, parts) in zip(names, found, strict=True):
        facts = packed(parts, max(width - indent, 1), " · ")
        if width < NARROW:
            result += [f"{name}:", *(" " * indent + fact for fact in facts)]
            continue
        for i, fact in enumerate(facts):
            head = name if i == 0 and name != before else ""
            result.append(f"  {head}{' ' * (indent - 2 - columns(head))}{fact}")
        before = name
    return result


def _rows(survey: Survey) -> list[str]:
    return [f"{count:,} {part}" for part, count in survey.rows.items()]


def _lengths(lengths: Lengths, unit: str) -> list[str]:
    most = plural(lengths.most, unit)
    parts = [f"{most} each"]
    if lengths.least < lengths.most:
        middle = f"median {lengths.median:,}"
        parts = [f"{lengths.least:,} to {most}", middle, f"95% up to {lengths.most_of_95_percent:,}"]
    if lengths.cut_texts:
        parts.append(
            f"max={lengths.max} cuts {plural(lengths.cut_tokens, unit)} of {plural(lengths.cut_texts, 'text')}"
        )
    return parts


def _vocabulary(found: VocabularySurvey) -> list[str]:
    parts = [plural(found.ids, UNITS.get(found.unit, found.unit))]
    if found.once:
        rare = ", ".join(f'"{cut(show(token), LONGEST)}"' for token in found.rare)
        parts.append(f"{found.once:,} seen once: {rare}" + (", …" if found.once > len(found.rare) else ""))
    unknown = [f"{_percent(share)} of {part}" for part, share in found.unknown.items() if share]
    others = any(part != "train" for part in found.unknown)
    return [*parts, f"unknown: {', '.join(unknown)}" if unknown else "none unknown"] if unknown or others else parts


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.0005 else "less than 0.1%"


def _ranges(ranges: Sequence[Range]) -> list[str]:
    said = [f"{_number(r.low)} to {_number(r.high)}, mean {_number(r.mean)}" for r in ranges[:MOST_NUMBERS]]
    if len(ranges) == 1:
        return said
    more = [f"… {len(ranges)} columns"] if len(ranges) > MOST_NUMBERS else []
    constant = sum(r.low == r.high for r in ranges)
    same = [f"{plural(constant, 'column')} always the same"] if constant else []
    return [*(f"[{i}] {text}" for i, text in enumerate(said, 1)), *more, *same]


def _number(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}" if abs(value) < 1e9 else f"{value:.3g}"


def _share(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _labels(labels: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Of the training rows: how often each stands there; of many the most frequent and the rarest."""
    counts = {label: each["train"] for label, each in labels.items() if each["train"]}
    if len(counts) <= MOST_LABELS:
        return [f"{_label(label)}: {count:,}" for label, count in counts.items()]
    ordered = sorted(counts, key=lambda label: -counts[label])
    first = [f"{_label(label)}: {counts[label]:,}" for label in ordered[: MOST_LABELS // 2]]
    last = f"the rarest is {_label(ordered[-1])}: {counts[ordered[-1]]:,}"
    return [plural(len(counts), "label"), *first, "…", last]


def _label(label: str) -> str:
    return cut(show(label), LONGEST)


def _repeats(survey: Survey) -> list[str]:
    parts: list[str] = []
    for part, found in survey.repeats.items():
        if found.inside:
            parts.append(f"{found.inside:,} of {part} repeat{'s' * (found.inside == 1)} another's inputs")
        if found.in_training:
            parts.append(f"{found.in_training:,} of {part} stand{'s' * (found.in_training == 1)} in train too")
    return parts
