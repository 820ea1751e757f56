"""`nnc gradcheck SPEC`: every weight's gradient against differences of the loss."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from dsl.errors import Diagnostic, RunError
from dsl.render import show
from nnc.commands.inspect import refuse_unknown
from nnc.failure import FAILED, print_diagnostics, width
from nnc.gradcheck import Checked, Entry, Result, gradcheck
from nnc.gradients_page import number
from nnc.single import Single, by_chance, of_row, start
from nnc.sizes import open_symbols, sizes_missing, with_given
from nnc.training import recipe
from nnc.widths import aligned, folded

ROWS = 3
"""Rows of the batch that gradients are checked on: of different length, so that there is padding."""
MOST_KINKS = 5


@dataclass(frozen=True)
class Options:
    """row: the one example to take, from 1, None for a batch of the first ones; entries: of each weight

    sizes: as on the command line, with a batch by chance instead of the spec's data
    """

    row: int | None = None
    entries: int = 20
    tolerance: float = 1e-4
    sizes: Mapping[str, int] | None = None
    sets: tuple[str, ...] = ()
    data_root: Path | None = None
    as_json: bool = False
    optimized: bool = True


def run(spec: Path, options: Options) -> int:
    single = _example(spec, options)
    found = gradcheck(single, most=options.entries, tolerance=options.tolerance, optimized=options.optimized)
    wrong = found.error > options.tolerance
    if options.as_json:
        print(json.dumps(as_json(found, options.tolerance), ensure_ascii=False, allow_nan=False))
    else:
        print(*page(found, single.start.experiment.file, options.tolerance, width(sys.stdout)), sep="\n")
        if wrong:
            print_diagnostics([_wrong(found)], sys.stderr)
    return FAILED if wrong else 0


def _example(spec: Path, options: Options) -> Single:
    if options.sizes and _is_run(spec):
        raise click.UsageError("--sizes goes with a spec: a run has sizes of its own")
    if options.sizes:
        refuse_unknown(options.sizes, recipe(spec, sets=options.sets).check())
    if options.sizes is None and (_is_run(spec) or recipe(spec, sets=options.sets).check().data is not None):
        begun = start(spec, options.sets, options.data_root, with_data=True)
        return of_row(begun, options.row or 1, ROWS if options.row is None else 1)
    begun = start(spec, options.sets, options.data_root, with_data=False, sizes=options.sizes or {})
    if open_symbols(begun.experiment):
        raise RunError(sizes_missing(begun.experiment, "nnc gradcheck"))
    return by_chance(begun, with_given(begun.experiment, {"B": ROWS, **(options.sizes or {})}))


def _is_run(spec: Path) -> bool:
    return spec.is_dir() or spec.suffix == ".safetensors"


def _wrong(found: Result) -> Diagnostic:
    weight = found.weights[0]
    entry = weight.entries[0]
    return Diagnostic(
        "NN823",
        f"the gradient of {show(_at(weight, entry))} is {number(entry.gradient)}, differences of the loss say "
        f"{number(entry.difference)}",
        help="gradients are nnc's own to get right: please report this spec",
    )


def _at(weight: Checked, entry: Entry) -> str:
    return f"{weight.name}[{', '.join(map(str, entry.place))}]" if entry.place else weight.name


def page(found: Result, file: str, tolerance: float, columns: int) -> list[str]:
    count = sum(len(w.entries) for w in found.weights)
    arrays = f"{len(found.weights)} {'array' if len(found.weights) == 1 else 'arrays'}"
    verdict = "ok" if found.error <= tolerance else "WRONG"
    head = f"{show(file)}  {verdict}    largest relative error {found.error:.1e}, of {tolerance:.0e} that pass"
    rows = [("weight", "checked", "error", "gradient", "difference", "where")]
    for weight in found.weights:
        rows.append((show(weight.name), _share(weight), *_worst(weight)))
    about = f"{count:,} numbers of {arrays} of weights, in float64; loss {number(found.loss)}"
    lines = [*folded(head, columns), *folded(about, columns), ""]
    lines += aligned(rows, columns, left=(0,), spare=(5, 4, 3, 1))
    notes = [*_zeros(found), *(_kinks(found.kinks) if found.kinks else [])]
    return [*lines, *([""] if notes else []), *(line for each in notes for line in folded(each, columns))]


def _share(weight: Checked) -> str:
    of = f" of {weight.size:,}" if len(weight.entries) < weight.size else ""
    return f"{len(weight.entries):,}{of}"


def _worst(weight: Checked) -> tuple[str, ...]:
    if not weight.entries or weight.entries[0].kink is not None:
        return ("-", "", "", "")
    worst = weight.entries[0]
    return (
        f"{worst.error:.1e}",
        number(worst.gradient),
        number(worst.difference),
        f"[{', '.join(map(str, worst.place))}]",
    )


def _zeros(found: Result) -> list[str]:
    """What was moved off 0, and whose gradients are 0 all the same."""
    moved, still = ", ".join(map(show, found.moved)), ", ".join(map(show, found.still))
    lines = [f"moved a little off 0, where other gradients are 0 whatever the rules say: {moved}"] if moved else []
    return lines + ([f"gradients that are all 0 here, which says little of their rules: {still}"] if still else [])


def _kinks(kinks: list[tuple[str, Entry]]) -> list[str]:
    one = len(kinks) == 1
    first = f"{len(kinks):,} {'number stands' if one else 'numbers stand'} on a kink, where there is no derivative:"
    shown = [
        f"  {show(name)}[{', '.join(map(str, e.place))}]  gradient {number(e.gradient)}, {e.kink}"
        for name, e in kinks[:MOST_KINKS]
    ]
    return [first, *shown, *(["  ..."] if len(kinks) > MOST_KINKS else [])]


def as_json(found: Result, tolerance: float) -> dict[str, Any]:
    return {
        "ok": found.error <= tolerance,
        "error": _finite(found.error),
        "tolerance": tolerance,
        "loss": found.loss,
        "moved": list(found.moved),
        "still": found.still,
        "weights": [
            {
                "name": w.name,
                "size": w.size,
                "error": _finite(w.error),
                "entries": [
                    {
                        "place": list(e.place),
                        "gradient": _finite(e.gradient),
                        "difference": _finite(e.difference),
                        "error": _finite(e.error),
                        "kink": e.kink,
                    }
                    for e in w.entries
                ],
            }
            for w in found.weights
        ],
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
