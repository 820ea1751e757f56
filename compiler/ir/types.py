"""Types of the graph: a dtype, a shape whose dimensions may be symbols, and what stands in the padding.

The lengths of sequences are in the type. A dimension such as `T-2` is a function of the text's length: of the padded
length it is the size of the axis, of one row's own length it is how many positions of that row are real. So one
expression serves both, and no op has to carry lengths along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from math import prod
from typing import Literal, TypeAlias

DTYPES = {"f32": 4, "f64": 8, "i64": 8, "bool": 1}
"""Name -> bytes an element."""

Dtype: TypeAlias = Literal["f32", "f64", "i64", "bool"]

Pad: TypeAlias = Literal["any", "finite", "zero", "lowest"]
"""What a row holds past its own length: anything at all, some finite number, 0, or minus infinity."""


class TypeRuleError(Exception):
    """An op was given types that it does not take. Lowering checks first, so for a user this is ours (NN9xx)."""


@dataclass(frozen=True)
class Extent:
    """A dimension that data decide: max((sum of coefficient * symbol + shift) // step, least).

    Symbols: `B` rows of a batch; `T`, `T.source` positions of an input's sequence (ragged: each row has its own);
    `W`, `W.source` the different words of a batch's text, `K`, `K.source` their characters (ragged: each word has its
    own); `V`, `V.source` sizes of a vocabulary, `classes`, `classes.label` labels; `L.context` the inner nodes of a
    tree on the way to a word. All are at least 1. `S`, `S.source` are as many as `T`, `T.source`, and `J` as `K`, but
    not ragged: a column for each position, the padding's too.

    A convolution takes T to T-2, a stride of 2 to (T-1)//2, and a text shorter than the kernel is padded to it, hence
    `least`. Convolutions of convolutions stay in this form.
    """

    terms: tuple[tuple[str, int], ...]
    shift: int = 0
    step: int = 1
    least: int = 1

    def __str__(self) -> str:
        total = "".join(f"{'+' if c > 0 else '-'}{'' if abs(c) == 1 else f'{abs(c)}*'}{s}" for s, c in self.terms)
        text = total.removeprefix("+") + (f"{self.shift:+d}" if self.shift else "")
        if self.step != 1:
            text = f"({text})//{self.step}" if self.shift or len(self.terms) > 1 else f"{text}//{self.step}"
        return text if self.least == 1 else f"max({text}, {self.least})"


Dim: TypeAlias = int | Extent


def symbol(name: str) -> Extent:
    """The dimension that is just this symbol."""
    return Extent(((name, 1),))


BATCH = symbol("B")
ROWS = {"T": "B", "K": "W"}
"""Kind of the symbols of ragged dimensions -> kind of the symbol of the rows that each have their own length."""
COLUMNS = {"T": "S", "K": "J"}
"""Kind of the symbols of ragged dimensions -> kind of the symbols that count the same, and are not ragged."""


def value_of(dim: Dim, sizes: Mapping[str, int]) -> int:
    """The number that a dimension stands for. KeyError names a symbol that has no size."""
    if isinstance(dim, int):
        return dim
    total = sum(coefficient * sizes[size_name(name)] for name, coefficient in dim.terms) + dim.shift
    return max(total // dim.step, dim.least)


@cache
def size_name(name: str) -> str:
    """Under which name a symbol's size is given: `T.source` of `S.source`, else its own."""
    kind, dot, of = name.partition(".")
    return next((ragged for ragged, column in COLUMNS.items() if column == kind), kind) + dot + of


def columns(dim: Dim) -> Dim:
    """As many as a dimension, one for each position of the longest row: `S-2` of `T-2`; not ragged."""
    return _renamed(dim, lambda kind: COLUMNS.get(kind, kind))


def positions(dim: Dim) -> Dim:
    """What `columns` undoes: `T-2` of `S-2`."""
    return _renamed(dim, size_name)


def _renamed(dim: Dim, new: Callable[[str], str]) -> Dim:
    if isinstance(dim, int):
        return dim
    parts = ((name.partition("."), coefficient) for name, coefficient in dim.terms)
    return replace(dim, terms=tuple((new(kind) + dot + of, coefficient) for (kind, dot, of), coefficient in parts))


def bind(dim: Dim, sizes: Mapping[str, int]) -> Dim:
    """The number, where all its symbols have sizes; else the dimension as it is."""
    if isinstance(dim, int) or any(size_name(name) not in sizes for name, _ in dim.terms):
        return dim
    return value_of(dim, sizes)


def moved(dim: Dim, shift: int, step: int = 1) -> Dim:
    """max((dim + shift) // step, 1): what a window, a stride or zeros at the ends make of an axis."""
    if isinstance(dim, int):
        return max((dim + shift) // step, 1)
    wide = Extent(dim.terms, dim.shift + shift * dim.step, dim.step * step)
    least = max((dim.least + shift) // step, 1)
    return wide if least <= _smallest(wide) else Extent(wide.terms, wide.shift, wide.step, least)


def _smallest(dim: Extent) -> int:
    """What the dimension is, its bound aside, when every symbol is 1; 0 where that says nothing."""
    if any(coefficient < 0 for _, coefficient in dim.terms):
        return 0
    return (sum(coefficient for _, coefficient in dim.terms) + dim.shift) // dim.step


def plus(a: Dim, b: Dim) -> Dim:
    """The sum: the width of a concatenation. Neither may have a step or a bound that can show: max(T-2, 1) + 3."""
    if isinstance(a, int) and isinstance(b, int):
        return a + b
    coefficients: dict[str, int] = {}
    shift = 0
    for dim in (a, b):
        if isinstance(dim, int):
            shift += dim
            continue
        if dim.step != 1 or dim.least > _smallest(dim):
            raise TypeRuleError(f"the sum of {a} and {b} is no dimension")
        shift += dim.shift
        for name, coefficient in dim.terms:
            coefficients[name] = coefficients.get(name, 0) + coefficient
    return Extent(tuple(sorted(coefficients.items())), shift)


def times(dim: Dim, factor: int) -> Dim:
    """The product with a number: the width of k neighbours side by side."""
    if isinstance(dim, int):
        return dim * factor
    if dim.step != 1 or dim.least > _smallest(dim) or factor < 1:
        raise TypeRuleError(f"{factor} times {dim} is no dimension")
    return Extent(tuple((name, c * factor) for name, c in dim.terms), dim.shift * factor)


def is_ragged(dim: Dim) -> bool:
    """Whether each row has its own number of real positions along this axis."""
    return isinstance(dim, Extent) and any(name.partition(".")[0] in ROWS for name, _ in dim.terms)


def sequence_symbol(dim: Dim) -> str:
    """`T` of `T-2`: whose lengths decide. The dimension must be ragged."""
    assert isinstance(dim, Extent)
    assert is_ragged(dim)
    return dim.terms[0][0]


def rows_of(dim: Dim) -> Extent:
    """Which rows have each its own length along a ragged dimension: `B` of `T.source-2`, `W.source` of `K.source`."""
    kind, dot, name = sequence_symbol(dim).partition(".")
    return BATCH if ROWS[kind] == "B" else symbol(ROWS[kind] + dot + name)


def is_rows(dim: Dim) -> bool:
    """Whether it counts rows that have nothing to do with each other: examples, or the words that are spelled."""
    if isinstance(dim, int) or len(dim.terms) != 1:
        return False
    name = dim.terms[0][0]
    return dim == symbol(name) and name.partition(".")[0] in ROWS.values()


@dataclass(frozen=True)
class Type:
    """What a node's value is.

    shape: () is a number; axis 0 is the batch where there is one
    pad: what stands past each row's length, where an axis is ragged; "finite" says nothing otherwise
    rows: for a row-sparse value, the shape of the ids that name its rows: shape is that of the table it stands for,
          but only the rows that are named are held, each once
    parts: for an op of several results their types; only `part` takes such a value
    """

    dtype: Dtype
    shape: tuple[Dim, ...] = ()
    pad: Pad = "finite"
    rows: tuple[Dim, ...] | None = None
    parts: tuple[Type, ...] = ()

    def __str__(self) -> str:
        if self.parts:
            return f"({', '.join(map(str, self.parts))})"
        marks = [self.pad] if self.pad != "finite" else []
        if self.rows is not None:
            marks.append(f"rows [{', '.join(map(str, self.rows))}]")
        shape = f"[{', '.join(map(str, self.shape))}]"
        return f"{self.dtype}{shape}" + (f"{{{', '.join(marks)}}}" if marks else "")

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def ragged(self) -> int | None:
        """The axis whose rows have lengths of their own, or None."""
        return next((i for i, dim in enumerate(self.shape) if is_ragged(dim)), None)

    def with_pad(self, pad: Pad) -> Type:
        return Type(self.dtype, self.shape, pad if self.ragged is not None else "finite", self.rows)

    def with_shape(self, shape: tuple[Dim, ...]) -> Type:
        ragged = any(is_ragged(dim) for dim in shape)
        return Type(self.dtype, shape, self.pad if ragged else "finite")

    def with_dtype(self, dtype: Dtype) -> Type:
        return Type(dtype, self.shape, self.pad, self.rows)


def bound_shape(type: Type, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The shape in numbers. KeyError names a symbol that has no size."""
    return tuple(value_of(dim, sizes) for dim in type.shape)


def row_room(type: Type, sizes: Mapping[str, int]) -> int:
    """How many rows a row-sparse value has room for: one for each id, and no more than the table has."""
    assert type.rows is not None
    return min(prod(value_of(d, sizes) for d in type.rows), value_of(type.shape[0], sizes))


def elements(type: Type, sizes: Mapping[str, int]) -> int:
    """How many numbers a value of this type has; Python integers, so nothing wraps."""
    if type.rows is not None:
        return row_room(type, sizes) * prod(value_of(d, sizes) for d in type.shape[1:])
    return prod(bound_shape(type, sizes))


def size_bytes(type: Type, sizes: Mapping[str, int]) -> int:
    return elements(type, sizes) * DTYPES[type.dtype]


def broadcast(*shapes: tuple[Dim, ...]) -> tuple[Dim, ...]:
    """NumPy's rule: axes are matched from the last; 1 meets everything."""
    rank = max((len(s) for s in shapes), default=0)
    result: list[Dim] = []
    for axis in range(rank):
        dims = [s[axis - rank + len(s)] for s in shapes if axis - rank + len(s) >= 0]
        wide = [d for d in dims if d != 1]
        if any(d != wide[0] for d in wide):
            written = " and ".join(f"[{', '.join(map(str, s))}]" for s in shapes)
            raise TypeRuleError(f"shapes {written} do not meet")
        result.append(wide[0] if wide else 1)
    return tuple(result)
