"""What was learnt from the training rows: vocabularies, labels, scalings. Part of the model file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import TypeVar, cast

from compiler.sorts import Ahead, Port, Real, Series, Word, has_ids, has_labels, owner, symbol_of
from compiler.views import is_view
from dsl.errors import Diagnostic, RunError
from dsl.render import show
from runtime.data.real import Scaling
from runtime.data.tokens import Vocabulary
from runtime.data.views import views_of

T = TypeVar("T")
SCALED = (Real, Series, Ahead)
"""The sorts that may be `(standard)`."""


@dataclass(frozen=True)
class Tables:
    """vocabularies, of texts, views and categories, by who owns each; labels by output; scalings by port, of
    `(standard)` ones; counts, of the vocabularies of outputs that are words: how often each token stands there."""

    vocabularies: Mapping[str, Vocabulary]
    labels: Mapping[str, tuple[str, ...]]
    scalings: Mapping[str, Scaling]
    counts: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, "tuple[int, ...]"])

    def sizes(self) -> dict[str, int]:
        """The symbols that data decide: `V`, `classes`; with the port's name behind a dot where there are several."""
        sizes: dict[str, int] = {}
        several = sum(not is_view(name) for name in self.vocabularies) > 1
        for name, vocabulary in self.vocabularies.items():
            sizes[symbol_of("V", name, several or is_view(name))] = len(vocabulary)
        for name, labels in self.labels.items():
            sizes[symbol_of("classes", name, len(self.labels) > 1)] = len(labels)
        return sizes

    def to_json(self) -> dict[str, object]:
        """Lists, strings and numbers only; from_json reads it back to the last bit."""
        found: dict[str, object] = {
            "vocabularies": {name: list(v.tokens) for name, v in self.vocabularies.items()},
            "labels": {name: list(labels) for name, labels in self.labels.items()},
            "scalings": {
                name: {"mean": list(s.mean), "deviation": list(s.deviation)} for name, s in self.scalings.items()
            },
        }
        return {**found, "counts": {name: list(c) for name, c in self.counts.items()}} if self.counts else found

    @staticmethod
    def from_json(value: object, ports: tuple[Port, ...] | None = None) -> Tables:
        """The tables that to_json gave. ports: those of the model that they must fit, where it is known.

        Raises RunError NN806 when anything is not as to_json writes it.
        """
        parts = _object(value, "tables")
        if set(parts) - {"counts"} != {"vocabularies", "labels", "scalings"}:
            raise _wrong("the tables are not vocabularies, labels and scalings")
        tables = Tables(
            _each(parts["vocabularies"], "vocabularies", lambda v: Vocabulary(_strings(v, "a vocabulary", 0))),
            _each(parts["labels"], "labels", lambda v: _strings(v, "a label set", 2)),
            _each(parts["scalings"], "scalings", _scaling),
            _each(parts.get("counts", {}), "counts", _counts),
        )
        if ports is not None:
            _check_fit(tables, ports)
        return tables


def _check_fit(tables: Tables, ports: tuple[Port, ...]) -> None:
    wanted = (
        (
            "vocabularies",
            tables.vocabularies,
            {*(owner(p) for p in ports if has_ids(p)), *(v.owner for v in views_of(ports))},
        ),
        ("labels", tables.labels, {p.name for p in ports if has_labels(p)}),
        ("counts", tables.counts, {owner(p) for p in ports if isinstance(p.sort, Word)}),
        ("scalings", tables.scalings, {p.name for p in ports if isinstance(p.sort, SCALED) and p.sort.standard}),
    )
    for what, found, names in wanted:
        if set(found) != names:
            raise _wrong(f"the {what} are not those that the model's inputs and outputs ask for")
    for name, counts in tables.counts.items():
        if len(counts) != len(tables.vocabularies[name].tokens):
            raise _wrong(f"the counts of `{show(name)}` are not as many as its words")
    for port in ports:
        if (
            isinstance(port.sort, SCALED)
            and port.sort.standard
            and len(tables.scalings[port.name].mean) != port.sort.width
        ):
            raise _wrong(f"the scaling of `{show(port.name)}` has another number of columns than the model")


def _object(value: object, what: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _wrong(f"the {what} are no object")
    return cast(dict[str, object], value)


def _each(value: object, what: str, read: Callable[[object], T]) -> dict[str, T]:
    return {name: read(one) for name, one in _object(value, what).items()}


def _strings(value: object, what: str, least: int) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _wrong(f"{what} is no list")
    found: list[str] = []
    for one in cast(list[object], value):
        if not isinstance(one, str) or not one or (not one.isascii() and _has_surrogate(one)):
            raise _wrong(f"{what} holds something that is no text")
        found.append(one)
    if len(set(found)) != len(found):
        raise _wrong(f"{what} holds something twice")
    if len(found) < least:
        raise _wrong(f"{what} has fewer than {least} entries")
    return tuple(found)


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)


def _scaling(value: object) -> Scaling:
    parts = _object(value, "numbers of a scaling")
    if set(parts) != {"mean", "deviation"}:
        raise _wrong("a scaling is not mean and deviation")
    mean, deviation = (_numbers(parts[key]) for key in ("mean", "deviation"))
    if len(mean) != len(deviation) or not mean or any(d <= 0 for d in deviation):
        raise _wrong("a scaling has no deviation above 0 for each mean")
    return Scaling(mean, deviation)


def _counts(value: object) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise _wrong("counts are no list")
    found: list[int] = []
    for one in cast(list[object], value):
        if not isinstance(one, int) or isinstance(one, bool) or not 0 <= one < 2**53:
            raise _wrong("counts hold something that is no count")
        found.append(one)
    return tuple(found)


def _numbers(value: object) -> tuple[float, ...]:
    if not isinstance(value, list):
        raise _wrong("the numbers of a scaling are no list")
    found: list[float] = []
    for one in cast(list[object], value):
        if not isinstance(one, float) or not isfinite(one):
            raise _wrong("a scaling holds something that is no finite number")
        found.append(one)
    return tuple(found)


def _wrong(reason: str) -> RunError:
    return RunError(
        Diagnostic("NN806", f"the model file does not hold what a model needs: {reason}", help="train it again")
    )
