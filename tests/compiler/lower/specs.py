"""Small specs for tests: what one gives, or which errors where."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from compiler.experiment import Experiment
from compiler.ir.graph import Node
from compiler.pipeline import check
from compiler.values import shape_of, show_dims
from dsl.errors import Diagnostic, SpecError

Place = tuple[str, int, int]
"""Code, line, column."""


def model(body: str, signature: str = "text: words", output: str = "label: class") -> str:
    """A spec whose body starts on its second line."""
    return f"model m({signature}) -> {output} {{\n{body}\n}}\n"


def checked(spec: str, files: Mapping[str, str] | None = None, *sets: str, **sizes: int) -> Experiment:
    """The spec's experiment. files: what it may `use`."""
    given = files or {}

    def read(path: str) -> bytes:
        if path not in given:
            raise FileNotFoundError(2, "No such file or directory", path)
        return given[path].encode()

    return check(spec, "spec.nn", read_use=read, sets=sets, sizes=sizes)


def layers(spec: str, files: Mapping[str, str] | None = None, *sets: str) -> list[tuple[str, str]]:
    """Each layer's text and its result's shape, without the batch; of a bundle all of them."""
    rows = checked(spec, files, *sets).network.layers
    return [(row.text, " ".join(shape_of(_with(t)) for t in row.out)) for row in rows if row.layer]


def _with(type: object) -> Node:
    from compiler.ir.graph import Op

    return Node(Op(), (), type)  # type: ignore[arg-type] # shape_of looks at the type alone


def shapes(spec: str, files: Mapping[str, str] | None = None, *sets: str) -> list[str]:
    """The shape of each layer's result."""
    return [shape for _, shape in layers(spec, files, *sets)]


def weights(spec: str, files: Mapping[str, str] | None = None, *sets: str) -> dict[str, str]:
    """The shape of every weight, by name."""
    return {p.name: show_dims(p.type.shape) for p in checked(spec, files, *sets).network.parameters}


def refused(spec: str) -> Diagnostic:
    """The first thing that is wrong with it; a good one is a failure."""
    with pytest.raises(SpecError) as caught:
        checked(spec)
    return caught.value.diagnostics[0]


def diagnostics(spec: str, files: Mapping[str, str] | None = None, *sets: str) -> tuple[Diagnostic, ...]:
    """What is wrong with it; nothing for a good one."""
    try:
        checked(spec, files, *sets)
    except SpecError as error:
        return error.diagnostics
    return ()


def errors(spec: str, files: Mapping[str, str] | None = None, *sets: str) -> list[Place]:
    """Where it is wrong."""
    return [
        (d.code, d.span.line if d.span else 0, d.span.column if d.span else 0) for d in diagnostics(spec, files, *sets)
    ]
