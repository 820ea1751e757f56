"""Names: what each means where it is used. A body sees the names around it; its own end with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from compiler.build import Namespace
from compiler.ir.graph import Node
from compiler.ir.types import Dim
from compiler.signature import Resolved
from compiler.signature import Value as Constant
from compiler.values import Value
from dsl import ast
from dsl.source import Span


@dataclass(frozen=True)
class ValueBinding:
    """A named value."""

    value: Value
    span: Span


@dataclass(frozen=True)
class ConstantBinding:
    """A number or word: `let`, a block's formal, a `repeat` list."""

    value: Constant
    span: Span


@dataclass(frozen=True)
class BlockBinding:
    """A block or cell, and the scope that its body sees: its file's."""

    block: ast.Block | ast.Cell
    scope: Scope
    span: Span


@dataclass(frozen=True)
class SharedBinding:
    """`shared encoder { ... }`: its body, where it was written, and the names of its weights."""

    body: ast.Body
    scope: Scope
    namespace: Namespace
    span: Span


@dataclass(frozen=True)
class UsedCell:
    """What decides the weights of one use of a cell. cell: where it is declared; path: below which they are named"""

    word: str
    cell: Span
    path: str
    settings: Mapping[str, Resolved]
    widths: tuple[Dim, ...]


@dataclass(frozen=True)
class LabelBinding:
    """`as emb`: the layer's weights by name, and a block's inner values.

    value: the layer's own; who uses a part uses it
    many: stands in a `repeat`, means all its rounds, and has no parts
    cell: where it labels the use of a cell
    """

    weights: dict[str, Node]
    values: dict[str, Value]
    span: Span
    value: Value | None = None
    many: bool = False
    cell: UsedCell | None = None


Binding: TypeAlias = ValueBinding | ConstantBinding | BlockBinding | SharedBinding | LabelBinding


@dataclass(eq=False)
class Scope:
    """The names of one body, and the scope around it."""

    outer: Scope | None = None
    names: dict[str, Binding] = field(default_factory=dict[str, Binding])
    rounds: bool = False
    """Inside a `repeat`: labels mean all rounds."""

    def __iter__(self) -> Iterator[Scope]:
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer

    def find(self, name: str) -> Binding | None:
        return next((scope.names[name] for scope in self if name in scope.names), None)

    def all_names(self) -> dict[str, Binding]:
        """Every name that is seen here, the nearest meaning of each."""
        seen: dict[str, Binding] = {}
        for scope in self:
            for name, binding in scope.names.items():
                seen.setdefault(name, binding)
        return seen

    @property
    def repeated(self) -> bool:
        return any(scope.rounds for scope in self)
