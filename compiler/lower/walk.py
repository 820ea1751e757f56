"""The state of one walk over a model's body, and what every part of the walk needs."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NoReturn

from compiler import library
from compiler.build import Build, Namespace, TooLarge, Use
from compiler.experiment import LayerRow
from compiler.ir.graph import Node
from compiler.ir.types import BATCH, Dim, is_rows
from compiler.layers import LAYERS, STRUCTURES, layer_named
from compiler.scope import Binding, Scope
from compiler.values import Bundle, Failed, Value, types_of
from dsl import ast
from dsl.errors import Diagnostic, Note
from dsl.nearest import nearest
from dsl.source import Span

DEEPEST = 60
"""How many bodies, blocks and parentheses may stand inside each other."""

MOST_NODES = 20_000
"""Many times more operations than any model of the course needs; past it a spec is refused."""


@dataclass(frozen=True)
class Line:
    """A statement's value, for the check that it reaches an output."""

    span: Span
    name: str | None
    value: Value


@dataclass
class Walk:
    """One lowering.

    top: the names of the file
    units: how many units a head has, by output; classes: whether an output is a class
    marked: the texts that have marks at their ends
    heads: the value that a head made, and which activation it has
    parts: what has been used by its parts alone
    running: the blocks being lowered, outermost first; level: how many bodies are around what is being lowered
    threshold: above which one unit says the second label, where `predict` says it
    written: what decode is fed of each output that is a text; decoded: where each has its decode; output: whose text
    the layers inside of decode write
    rows: what the values being lowered have one of each for: the examples, inside of `spelling` the words, of `each`
    the sentences; apart: which of the two it is, what it sees, and of what
    """

    build: Build
    top: Scope
    units: dict[str, Dim]
    classes: dict[str, bool]
    marked: frozenset[str] = frozenset()
    namespace: Namespace = field(default_factory=Namespace)
    frozen: bool = False
    lines: list[Line] = field(default_factory=list[Line])
    heads: dict[Node, str | None] = field(default_factory=dict[Node, str | None])
    parts: list[Value] = field(default_factory=list[Value])
    shared: dict[Span, str] = field(default_factory=dict[Span, str])
    shared_used: set[Span] = field(default_factory=set[Span])
    running: list[str] = field(default_factory=list[str])
    threshold: float | None = None
    written: dict[str, Node] = field(default_factory=dict[str, Node])
    decoded: dict[str, Span] = field(default_factory=dict[str, Span])
    output: str | None = None
    rows: Dim = BATCH
    apart: tuple[str, str, str] = ("spelling", "word", "words")
    level: int = 0
    depth: int = 0
    work: int = 0

    @contextmanager
    def deeper(self, span: Span) -> Generator[None]:
        """One level further in; refuses to go too deep."""
        self.depth += 1
        try:
            if self.depth > DEEPEST:
                self.build.fail(
                    "NN510",
                    f"layers stand more than {DEEPEST} deep inside each other",
                    span,
                    help="name values on lines of their own",
                )
            yield
        finally:
            self.depth -= 1

    @contextmanager
    def below(self, namespace: Namespace, label: str | None = None, *, frozen: bool = False) -> Generator[None]:
        """Into a body: weights made inside are named below the namespace, and are what the label means."""
        outer, self.namespace = self.namespace, namespace
        trained_outside, self.level = self.frozen, self.level + 1
        held = label is not None and self.build.labelled(label, namespace.path)
        self.frozen = self.frozen or frozen or held
        try:
            yield
        finally:
            self.level -= 1
            self.namespace, self.frozen = outer, trained_outside

    def row(self, at: int, start: int, span: Span, text: str, value: Value, heading: bool = False) -> None:
        """A line of the table for what is not in its rows from `at` on: the nodes from start on that none of them has.

        A heading stands before those rows, with nodes of its own or without; else the line comes last, if it has any.
        """
        if isinstance(value, Failed):
            return
        rows = self.build.rows
        covered = {node for row in rows[at:] for node in row.nodes}
        own = tuple(node for node in self.build.fresh[start:] if node not in covered)
        if heading or own:
            line = LayerRow(span, text, self.level, types_of(value), (), own, layer=False)
            rows.insert(at if heading else len(rows), line)

    def weights_below(self, namespace: Namespace) -> dict[str, Node]:
        """The weights made in a body, by their names within it."""
        path = namespace.path
        return {n.removeprefix(path): w for n, w in self.build.weights.items() if n.startswith(path)}

    def worked(self, span: Span) -> None:
        """Counts a statement; refuses a model that is too large before it is built."""
        self.work += 1
        if self.work + self.build.made > MOST_NODES:
            message = f"the model has more than {MOST_NODES:,} operations"
            self.build.report(Diagnostic("NN510", message, span, help="repeat less often"))
            raise TooLarge

    def reads(self, value: Value, what: str, span: Span) -> None:
        """Refuses a value of the examples inside of `spelling` or `each`, which have one for each word or sentence."""
        parts = value.parts if isinstance(value, Bundle) else (value,) if isinstance(value, Node) else ()
        if any(is_rows(dim) and dim != self.rows for part in parts for dim in part.type.shape[:1]):
            word, one, text = self.apart
            message = f"{what} belongs to an example, and {word} sees one {one} by itself"
            help = f"join it to what {word} gives: concat(x, ({text} | {word} {{ ... }}))"
            self.build.fail("NN517", message, span, help=help)

    def plain_use(self, word: str, span: Span) -> Use:
        """A use without settings or weights, for arithmetic and joins."""
        return Use(self.build, word, span, {}, "", place=span)

    def free(self, name: ast.Name, scope: Scope) -> None:
        """Refuses a name that is taken, or that is a layer's."""
        taken = scope.find(name.id)
        if taken is not None:
            self.build.fail(
                "NN302",
                f"{name.id} is given twice",
                name.span,
                "here for the second time",
                help="one name, one thing: choose another",
                notes=self.first_given(taken),
            )
        if layer_named(name.id) or name.id in library.names():
            message = f"{name.id} is a layer's name, and cannot name anything else"
            self.build.fail("NN303", message, name.span, help="choose another name")

    def first_given(self, binding: Binding) -> tuple[Note, ...]:
        return (Note(binding.span, "given here"),)

    def unknown(self, name: str, span: Span, scope: Scope) -> NoReturn:
        """Reports a name that nothing has. Raises Stop."""
        near = nearest(name, [*scope.all_names(), *LAYERS, *STRUCTURES, *library.names()])
        self.build.fail(
            "NN301",
            f"there is no layer or value {name}",
            span,
            "not known here",
            help=f"did you mean {near}?" if near else "nnc explain layers lists them all",
        )
