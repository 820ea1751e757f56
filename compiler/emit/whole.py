"""Ops that are a kernel of their own, written once for all sizes: p has the sizes and the addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from re import sub
from textwrap import dedent, indent

from compiler.emit.kernel import Argument, Kernel
from compiler.emit.split import Split, split
from compiler.ir.types import DTYPES, Dtype
from compiler.plan.layout import is_contiguous
from compiler.plan.plan import Call, Place, Where


def kernel_of(body: str, dtype: Dtype, *ways: Way, **given: Argument) -> Kernel:
    """body: its text, in which F stands for the name of dtype, as in exp_F(x), REAL for its type and SIZE for its bytes

    given: the names in it that p has; ways: in which threads can share it, by these names
    """
    at = {name: i for i, name in enumerate(given)}
    found: list[Split] = []
    for way in ways:
        units = given[way.count]
        assert isinstance(units, int)
        found.append(split(units, at[way.count], [(at[name], more) for name, more in way.moves.items()], way.rows))
    return Kernel(_text(body, dtype, tuple(given)), tuple(given.values()), tuple(found))


@dataclass(frozen=True)
class Way:
    """count: the name of the number of units; moves: what is more with each, and by how much; rows: as in `split`"""

    count: str
    moves: Mapping[str, int]
    rows: int | None = None


@cache
def _text(body: str, dtype: Dtype, names: tuple[str, ...]) -> str:
    head = "".join(f"{name} = p[{i}]\n" for i, name in enumerate(names))
    text = dedent(body).replace("REAL", f"np.float{dtype[1:]}").replace("SIZE", str(DTYPES[dtype]))
    return "def kernel(p):\n" + indent(head + sub(r"F(?=\()", dtype, text), "    ")


def lies_whole(*places: Where) -> bool:
    """Whether they are arrays without gaps, of which one has an element at least."""
    return all(isinstance(p, Place) and is_contiguous(p.shape, p.strides) and 0 not in p.shape for p in places)


def whole_numbers(call: Call) -> dict[str, int]:
    """Its attributes that are such."""
    return {name: int(value) for name, value in call.attributes if isinstance(value, int)}
