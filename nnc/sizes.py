"""The sizes of a network that data decide, `V`, `classes`, and those of a batch, `B`, `T`: which there are."""

from __future__ import annotations

from collections.abc import Mapping

from compiler.experiment import Experiment
from compiler.sorts import asked_symbol_of
from dsl.errors import Diagnostic
from dsl.nearest import nearest

DEFAULT_LENGTH = 20
"""Positions of a text where nothing says how many."""
GUESSES = {"V": 10_000, "classes": 2, "K": 8, "L": 16}
"""For symbols that data will decide, by their kind; said wherever a cost depends on them. K: characters of a word; L:
branches on the way to a word."""


RATE = 0.15
"""The usual share of tokens that are masked."""


def open_symbols(experiment: Experiment) -> list[str]:
    """What the weights' shapes still hang on."""
    dims = [d for p in experiment.network.parameters for d in p.type.shape if not isinstance(d, int)]
    return sorted({name for dim in dims for name, _ in dim.terms})


def batch_sizes(experiment: Experiment) -> dict[str, int]:
    """A batch as the spec has it, of texts of a usual length."""
    sizes = {"B": experiment.train.batch}
    if experiment.network.carried:
        sizes["T"] = experiment.train.unroll
    for node in experiment.network.training.inputs:
        for dim in node.type.shape:
            if not isinstance(dim, int):
                for name, _ in dim.terms:
                    sizes.setdefault(name, _usual(name, sizes["B"]))
    return sizes


def with_given(experiment: Experiment, given: Mapping[str, int]) -> dict[str, int]:
    """Those of a batch, and these in the place of theirs; of longer texts more tokens are masked."""
    from runtime.data.asked import asked_of  # It needs NumPy, which `check` does without.

    sizes = {**batch_sizes(experiment), **given}
    for each in asked_of(experiment.network.ports):
        name = asked_symbol_of(each.name)
        if name in sizes and name not in given:
            sizes[name] = each.width(sizes["B"], sizes.get(each.symbol, DEFAULT_LENGTH))
    return sizes


def _usual(name: str, batch: int) -> int:
    """Of a symbol of a batch: positions of a text, characters of a word, and different words of all its texts, and
    tokens that are masked."""
    others = {
        "K": GUESSES["K"],
        "L": GUESSES["L"],
        "W": batch * DEFAULT_LENGTH // 2,
        "M": batch * asked(DEFAULT_LENGTH),
    }
    return others.get(name.partition(".")[0], DEFAULT_LENGTH)


def asked(positions: int) -> int:
    """Tokens of a text of so many positions that are masked, where nothing says how many."""
    return max(1, round(RATE * positions))


def unknown_size(sizes: Mapping[str, int], experiment: Experiment) -> str | None:
    """What is wrong with a size that the model does not have. experiment: with no size bound."""
    known = sorted({"B", *open_symbols(experiment), *batch_sizes(experiment)})
    for name in sizes:
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean {near}?" if near else f"it has {', '.join(known)}"
            return f"the model has no size {name}: {hint}"
    return None


def sizes_missing(experiment: Experiment, what: str) -> Diagnostic:
    """what: that needs them, `the stage plan`"""
    symbols = ",".join(f"{name}={GUESSES[name.partition('.')[0]]}" for name in open_symbols(experiment))
    return Diagnostic(
        "NN869",
        f"{what} needs sizes that data decide: {', '.join(open_symbols(experiment))}",
        help=f"give them, such as --sizes {symbols}",
    )
