"""A model's inputs and outputs with their sorts."""

from __future__ import annotations

from dataclasses import replace

from compiler.ports import pairs
from compiler.ports.series import ahead
from compiler.ports.sort import sort_of, text_of
from compiler.ports.table import FOLLOWING
from compiler.ports.together import has_numbers_to_copy, is_per_text, shares
from compiler.signature import Evaluate, Report
from compiler.sorts import (
    Class,
    Copy,
    Follows,
    Image,
    Pixels,
    Port,
    Real,
    Series,
)
from dsl import ast
from dsl.errors import Diagnostic, Note


def ports(model: ast.Model, evaluate: Evaluate, report: Report) -> tuple[Port, ...] | None:
    """The inputs, then the outputs; None where one was wrong, which has been reported."""
    found: list[Port | None] = []
    given: dict[str, ast.Port] = {}
    for output, side in ((False, model.inputs), (True, model.outputs)):
        for port in side:
            if port.name.id in given:
                first = given[port.name.id]
                note = Note(first.name.span, "given here")
                report(Diagnostic("NN302", f"{port.name.id} is given twice", port.name.span, notes=(note,)))
                found.append(None)
            given.setdefault(port.name.id, port)
            text = text_of(port.sort)
            about = next((p for p in found if text is not None and p is not None and p.name == text.id), None)
            if output and port.sort.name.id in FOLLOWING and about is not None and isinstance(about.sort, Series):
                sort, per = ahead(port.sort, about.name, about.sort, evaluate, report), None
            else:
                sort = sort_of(port.sort, output, evaluate, report)
                per = text.id if text is not None and not isinstance(sort, Follows) else None
            found.append(None if sort is None else Port(port.name.id, sort, output, port.name.span, per))
    known = [p for p in found if p is not None]
    good = len(known) == len(found) and all(
        shares(p, known, given, report)
        and is_per_text(p, known, given, report)
        and has_numbers_to_copy(p, known, given, report)
        and pairs.is_of_pair(p, known, given, report)
        for p in known
    )
    good = good and pairs.stand_alone(known, report)
    return tuple(_of_its_input(p, known) for p in known) if good else None


def _of_its_input(port: Port, known: list[Port]) -> Port:
    """The port; one that copies with the number of numbers of its input, a class of each pixel with its picture."""
    if isinstance(port.sort, Class) and port.per is not None:
        picture = next(p.sort for p in known if p.name == port.per)
        if isinstance(picture, Image):
            return replace(port, sort=Pixels(port.per, picture.height, picture.width), per=None)
    if not isinstance(port.sort, Copy):
        return port
    of = next(p.sort for p in known if p.name == port.sort.of)
    assert isinstance(of, Real | Image)
    width = of.width if isinstance(of, Real) else of.height * of.width * of.channels
    return replace(port, sort=replace(port.sort, width=width))
