"""The building site: what lowering and the layers make nodes, weights and errors with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NoReturn, TypeAlias

from compiler.experiment import Init, LayerRow, Parameter, Vectors
from compiler.ir.graph import Input, Node, Op, apply
from compiler.ir.types import Dim, Dtype, Type, rows_of, sequence_symbol
from compiler.ops.chance import DropoutMask
from compiler.ops.elementwise import Constant, constant
from compiler.ops.sequence import Mask
from compiler.signature import Resolved
from compiler.sorts import Against
from compiler.values import show_dims
from compiler.views import Sentence, View
from dsl.errors import Diagnostic, Note
from dsl.source import Span

Mode: TypeAlias = Literal["training", "evaluation", "prediction"]


class Stop(Exception):
    """A statement could not be understood; its error has been reported. Never leaves the compiler."""


class TooLarge(Exception):
    """The model is too large to look at the rest of it; reported. Never leaves the compiler."""


@dataclass
class Namespace:
    """Where weights get their names: `encoder.dense.2.weight`. Two uses of one `shared` share a namespace's path."""

    path: str = ""
    counts: dict[str, int] = field(default_factory=dict[str, int])

    def name(self, word: str) -> str:
        """`dense`, then `dense.2`, below this path."""
        self.counts[word] = count = self.counts.get(word, 0) + 1
        return self.path + (word if count == 1 else f"{word}.{count}")

    def child(self, word: str) -> Namespace:
        return Namespace(self.name(word) + ".")

    def itself(self) -> str:
        """The path as a name, for what a line of a cell is all about: `lstm.i`, then `lstm.i.2`."""
        self.counts[""] = count = self.counts.get("", 0) + 1
        stem = self.path.removesuffix(".")
        return stem if count == 1 else f"{stem}.{count}"

    def again(self) -> Namespace:
        """The same names from the start: the same weights."""
        return Namespace(self.path)


@dataclass(frozen=True)
class Origin:
    """Where a value got its shape: for the notes of an error about it. word: the layer that did it."""

    span: Span
    text: str
    word: str


@dataclass(frozen=True)
class WordHead:
    """A head that tells a word from some others. x: f[B, D]; table: f[V, D], what it is multiplied with."""

    x: Node
    table: Node
    against: Against


@dataclass(frozen=True)
class SameTable:
    """Two inputs' ids look up one table: their vocabularies are one. span: the second look-up."""

    first: str
    second: str
    span: Span


LIBRARY = "library/"
"""How the files of the library start in a span."""


@dataclass(frozen=True)
class CellSite:
    """The cell that is being lowered. starts: `init=` and `scale=` of its use, where they are given

    length: how many steps there are; element: a sequence [length, B, *R] -> what a step sees of it
    masks: the states that `variational` drops, each with its mask once it has met weights
    """

    size: int
    starts: Mapping[str, Resolved]
    length: Dim
    element: Callable[[Node], Node]
    share: float = 0.0
    masks: dict[Node, Node | None] = field(default_factory=dict[Node, "Node | None"])


@dataclass
class Build:
    """One lowering of a model in one mode. Holds what has been made so far.

    What is known before the first line:
    sizes: of vocabularies and label sets, by symbol, as far as they are known
    longest: symbol of positions -> how many there are at most, where the input says it
    freeze: labels whose weights are not trained
    pixels: whether an output has a class for each pixel; documents: inputs of sentences, and what their words are like

    Inputs and weights:
    parameters, weights: by name, as a training step holds them, and as nodes; fresh: all other nodes, in order
    vocabularies: ids -> how many ids there are; owners: ids -> whose vocabulary that is
    pairs: the ids of inputs that are pairs of texts; views: input -> what the graph reads of it beside its ids
    bags: symbol of positions that have no order -> the input whose they are
    tables: weight -> by whose ids it is looked up; same_tables: where two inputs' ids look up one
    labels: each with the paths below which its weights are named
    updates: next values of weights that no gradient moves
    sites: layers that draw; rounds: of `repeat` that have begun, those inside of others not counted
    repeating: how many rounds are under way

    What is known of a value:
    origins: where it got its shape; pooled: of one without positions, the pooling that made it so
    parts: of what a labelled layer gives, other values that its label names
    ends: of what recurrent layers give, how wide each direction is and whether it ends at the first position
    steps: of what a `crf` head gives, what tags score that follow each other [K, K] (from, to), come first [K] and
    last [K]
    word_heads: the scores that a head of a word gives all words, or all inner nodes of their tree

    Recurrence:
    cell: the one whose equations are being lowered
    carried: states that live from window to window -> their last value, and the layer

    Errors, and the table of layers:
    diagnostics: without doubles, which `reported` tells; rows: of the table
    within: the uses of blocks that are being lowered, outermost first
    used_by: what a line of the library made -> the use of the block
    """

    mode: Mode
    dtype: Dtype
    sizes: Mapping[str, int]
    longest: Mapping[str, int] = field(default_factory=dict[str, int])
    inputs: dict[str, Node] = field(default_factory=dict[str, Node])
    parameters: dict[str, Parameter] = field(default_factory=dict[str, Parameter])
    weights: dict[str, Node] = field(default_factory=dict[str, Node])
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])
    reported: set[tuple[str, Span | None]] = field(default_factory=set[tuple[str, "Span | None"]])
    origins: dict[Node, Origin] = field(default_factory=dict[Node, Origin])
    pooled: dict[Node, Origin] = field(default_factory=dict[Node, Origin])
    rows: list[LayerRow] = field(default_factory=list[LayerRow])
    fresh: list[Node] = field(default_factory=list[Node])
    vocabularies: dict[Node, Dim] = field(default_factory=dict[Node, Dim])
    owners: dict[Node, str] = field(default_factory=dict[Node, str])
    bags: dict[str, str] = field(default_factory=dict[str, str])
    views: dict[str, dict[View, None]] = field(default_factory=dict[str, "dict[View, None]"])
    tables: dict[str, str] = field(default_factory=dict[str, str])
    same_tables: list[SameTable] = field(default_factory=list[SameTable])
    used_by: dict[Node, Note] = field(default_factory=dict[Node, Note])
    within: list[Note] = field(default_factory=list[Note])
    freeze: frozenset[str] = frozenset()
    labels: dict[str, dict[str, None]] = field(default_factory=dict[str, dict[str, None]])
    updates: dict[str, Node] = field(default_factory=dict[str, Node])
    pixels: bool = False
    documents: Mapping[str, Sentence] = field(default_factory=dict[str, Sentence])
    sites: int = 0
    rounds: int = 0
    repeating: int = 0
    cell: CellSite | None = None
    carried: dict[str, tuple[Node, Span]] = field(default_factory=dict[str, "tuple[Node, Span]"])
    ends: dict[Node, tuple[tuple[Dim, bool], ...]] = field(default_factory=dict[Node, "tuple[tuple[Dim, bool], ...]"])
    steps: dict[Node, tuple[Node, Node, Node]] = field(default_factory=dict[Node, "tuple[Node, Node, Node]"])
    word_heads: dict[Node, WordHead] = field(default_factory=dict[Node, WordHead])
    pairs: set[Node] = field(default_factory=set[Node])
    parts: dict[Node, dict[str, Node]] = field(default_factory=dict[Node, "dict[str, Node]"])

    @property
    def made(self) -> int:
        """How many nodes there are so far."""
        return len(self.fresh)

    def op(self, op: Op, *operands: Node, span: Span) -> Node:
        """A node of that line; a number among its operands becomes that line's too."""
        own = (replace(n, span=span) if n.span is None and isinstance(n.op, Constant) else n for n in operands)
        node = apply(op, *own, span=span)
        self.fresh.append(node)
        if span.file.startswith(LIBRARY) and self.within:
            self.used_by[node] = self._use_of_library()
        return node

    def number(self, value: float) -> Node:
        return constant(value, self.dtype)

    def input(self, name: str, given: Type, kind: Literal["data", "lengths", "number"]) -> Node:
        if name not in self.inputs:
            self.inputs[name] = Node(Input(name, kind, given), (), given)
        return self.inputs[name]

    def lengths(self, dim: Dim) -> Node:
        """The lengths input that decides along a ragged dimension."""
        return self.input(f"lengths.{sequence_symbol(dim)}", Type("i64", (rows_of(dim),)), "lengths")

    def masked(self, x: Node, fill: Literal["zero", "lowest"], span: Span) -> Node:
        """x with its padding filled; as it is where it has none, or holds that already."""
        if x.type.ragged is None or x.type.pad == fill:
            return x
        return self.op(Mask(fill), x, self.lengths(x.type.shape[x.type.ragged]), span=span)

    def finite(self, x: Node, span: Span) -> Node:
        """x, with zeros in its padding if that may be infinite: a weight's gradient multiplies it with 0."""
        return x if x.type.pad in ("zero", "finite") else self.masked(x, "zero", span)

    def labelled(self, label: str, path: str) -> bool:
        """Notes that the weights below a path have that label; True where they are not trained."""
        self.labels.setdefault(label, {})[path] = None
        return label in self.freeze

    def row_count(self) -> Node:
        """How many rows the batch has, a number of the weights' dtype."""
        return self.input("rows", Type(self.dtype), "number")

    def move(self, weight: Node, next_value: Callable[[Node], Node]) -> None:
        """A training step gives the weight this value, made from the one before it; a second use goes on from there."""
        assert isinstance(weight.op, Input)
        self.updates[weight.op.name] = next_value(self.updates.get(weight.op.name, weight))

    def chance(self) -> tuple[Node, Node, int]:
        """The seed, the step and a number of its own, for a layer that draws."""
        self.sites += 1
        seed = self.input("seed", Type("i64"), "number")
        return seed, self.input("step", Type("i64"), "number"), self.sites

    def report(self, diagnostic: Diagnostic) -> None:
        """Adds an error, once for each place: rounds of a `repeat` and uses of a block repeat theirs."""
        if self.within and diagnostic.span is not None:
            diagnostic = self._located(diagnostic, diagnostic.span)
        place = diagnostic.code, diagnostic.span
        if place not in self.reported:
            self.reported.add(place)
            self.diagnostics.append(diagnostic)

    def _located(self, diagnostic: Diagnostic, span: Span) -> Diagnostic:
        """With the use of the block that it happened in; in a block of the library, at that use."""
        if span.file.startswith(LIBRARY):
            use = self._use_of_library()
            inner = Note(span, diagnostic.label or "here, in the library")
            return replace(diagnostic, span=use.span, label=use.text, notes=(inner,))
        # An error about the use itself points there already.
        uses = (n for n in self.within[:-4:-1] if n.span != span)
        return replace(diagnostic, notes=(*diagnostic.notes, *uses))

    def _use_of_library(self) -> Note:
        """The innermost use of a block that is the user's."""
        return next((n for n in reversed(self.within) if not n.span.file.startswith(LIBRARY)), self.within[0])

    def fail(
        self, code: str, message: str, span: Span, label: str = "", *, help: str = "", notes: tuple[Note, ...] = ()
    ) -> NoReturn:
        self.report(Diagnostic(code, message, span, label, notes, help))
        raise Stop

    def origin(self, node: Node) -> tuple[Note, ...]:
        """Where a value came from, as a note for an error about it."""
        origin = self.origins.get(node)
        return (Note(origin.span, origin.text),) if origin is not None else ()


@dataclass(frozen=True)
class Use:
    """One use of a layer: where it stands, what it was given.

    name: the path below which its weights are named; label: what follows `as`
    place: the layer's name alone, which errors point at
    overridden: the settings that were given on the command line
    head: whether it ends in an output; `units` is then how many it has (None: the layer decides)
    """

    build: Build
    word: str
    span: Span
    settings: Mapping[str, Resolved]
    name: str
    label: str | None = None
    frozen: bool = False
    tied: Mapping[str, Node] | None = None
    units: Dim | None = None
    head: bool = False
    place: Span | None = None
    overridden: frozenset[str] = frozenset()

    def op(self, op: Op, *operands: Node) -> Node:
        return self.build.op(op, *operands, span=self.span)

    def dropout_mask(self, p: float, shape: tuple[Dim, ...]) -> Node:
        """What numbers of that shape are multiplied with to drop a share p of them: no two layers draw the same."""
        seed, step, site = self.build.chance()
        return self.op(DropoutMask(p, site, shape, self.build.dtype), seed, step)

    def fail(self, code: str, message: str, label: str = "", *, help: str = "", about: Node | None = None) -> NoReturn:
        notes = self.build.origin(about) if about is not None else ()
        self.build.fail(code, message, self.place or self.span, label, help=help, notes=notes)

    def count(self, name: str) -> int:
        value = self.settings[name]
        assert isinstance(value, int)
        return value

    def number(self, name: str) -> float:
        value = self.settings[name]
        assert isinstance(value, (int, float))
        return float(value)

    def word_of(self, name: str) -> str | None:
        value = self.settings.get(name)
        return value if isinstance(value, str) else None

    def flag(self, name: str) -> bool:
        return self.settings.get(name) is True

    def weight(
        self,
        name: str,
        shape: tuple[Dim, ...],
        init: Init,
        owner: str | None = None,
        *,
        trained: bool = True,
        vectors: Vectors | None = None,
    ) -> Node:
        """The weight of that name, made at its first use. `init=` and `scale=` at the layer override how it starts.

        owner: whose ids look it up, if it is a table: two inputs that share one share their vocabulary
        trained: False for one that no gradient moves
        """
        build = self.build
        if self.tied is not None and name in self.tied:
            return self._tied(self.tied[name], shape, owner)
        if self.tied is not None and name.startswith("weight"):
            help = "tie only what has the same weights"
            self.fail("NN506", f"{self.word} needs a {name}, and the label has {', '.join(self.tied)}", help=help)
        path = f"{self.name}.{name}"
        kind, scale = self.word_of("init"), self.settings.get("scale")
        if name.startswith("weight") and (kind is not None or scale is not None):
            width = float(scale) if isinstance(scale, (int, float)) else None
            chosen = kind if kind in ("zeros", "uniform", "normal", "xavier", "he") else init.kind
            if width is not None and chosen in ("zeros", "xavier", "he"):
                help = "leave scale= out, or write init=uniform or init=normal"
                self.fail("NN531", f"init={chosen} is as wide as it is: scale= means nothing there", help=help)
            init = Init(chosen, width, init.fan_in, init.fan_out, init.padding_row)
        trained = trained and not self.frozen
        parameter = Parameter(
            path, Type(build.dtype, shape), init, self.span, trained, self.head, vectors, build.rounds
        )
        if path not in build.parameters:
            build.parameters[path] = parameter
            build.weights[path] = Node(Input(path, "weight", parameter.type), (), parameter.type, self.span)
            if owner is not None:
                build.tables[path] = owner
        elif not self._same_table(path, owner) and build.parameters[path].type.shape != shape:
            old = show_dims(build.parameters[path].type.shape)
            build.fail(
                "NN213",
                f"the shared weights of {self.word} are {old}, but here they would be {show_dims(shape)}",
                self.place or self.span,
                help="give every use of what is shared values of the same width",
            )
        return build.weights[path]

    def _same_table(self, path: str, owner: str | None) -> bool:
        """Notes that two inputs share a table; True where their numbers of ids are still two symbols."""
        first = self.build.tables.get(path)
        if owner is None or first is None or first == owner:
            return False
        self.build.same_tables.append(SameTable(first, owner, self.span))
        return True

    def _tied(self, tied: Node, shape: tuple[Dim, ...], owner: str | None) -> Node:
        assert isinstance(tied.op, Input)
        old = tied.type.shape
        if self._same_table(tied.op.name, owner) and old[1:] == shape[1:]:
            return tied
        if old != shape:
            self.fail(
                "NN506",
                f"the tied weights are {show_dims(old)}, but {self.word} needs {show_dims(shape)}",
                help="tie only what has the same sizes",
            )
        return tied
