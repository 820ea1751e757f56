"""What a checked spec is: the experiment that the front and the runtime work with. Data only; `pipeline` makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import Literal

from compiler.ir.graph import Graph, Node
from compiler.ir.types import Dim, Type, value_of
from compiler.settings.data import DataSettings
from compiler.settings.phase import InitFrom
from compiler.settings.predict import PredictSettings
from compiler.settings.train import TrainSettings
from compiler.sorts import Port
from dsl.errors import Diagnostic
from dsl.source import Span


@dataclass(frozen=True)
class Init:
    """How a weight starts.

    zeros; constant: scale everywhere; uniform: U(-scale, scale); normal: deviation scale; xavier: U(+-sqrt(6 / (fan in
    + fan out))); he: deviation sqrt(2 / fan in). scale None means 1 / sqrt(fan in), as PyTorch's Linear.
    padding_row: row 0 is zeros (an embedding's)
    """

    kind: Literal["zeros", "constant", "uniform", "normal", "xavier", "he"]
    scale: float | None = None
    fan_in: Dim = 1
    fan_out: Dim = 1
    padding_row: bool = False

    def width(self) -> float:
        """The half-width of a uniform start, the deviation of a normal one, the number itself of a constant."""
        fan_in, fan_out = value_of(self.fan_in, {}), value_of(self.fan_out, {})
        match self.kind:
            case "zeros":
                return 0.0
            case "xavier":
                return sqrt(6 / (fan_in + fan_out))
            case "he":
                return sqrt(2 / fan_in)
            case _:
                return self.scale if self.scale is not None else 1 / sqrt(fan_in)


@dataclass(frozen=True)
class Vectors:
    """`vectors="glove.txt"`: the file that has rows of a table, by their words.

    path: as written; free: it comes from the command line, where paths start from the working directory
    owner: the input or output whose vocabulary names the rows
    """

    path: str
    free: bool
    owner: str
    span: Span


@dataclass(frozen=True)
class Parameter:
    """A weight of the model.

    name: unique, `embed.weight`, `2.conv.weight`, or by its label `emb.weight`; the name of its Input node and tensor
    trained: False where frozen
    head: a dense layer that ends in an output; `clip weights=` holds its columns
    vectors: where rows of it come from, the others start as init says
    round: how many rounds of `repeat` had begun where it was made, those inside of others not counted
    """

    name: str
    type: Type
    init: Init
    span: Span
    trained: bool = True
    head: bool = False
    vectors: Vectors | None = None
    round: int = 0


@dataclass(frozen=True)
class State:
    """A value that lives from step to step beside the weights, an optimizer's moments. start: its first, everywhere."""

    name: str
    type: Type
    start: float = 0.0


@dataclass(frozen=True)
class LayerRow:
    """A line of the table of layers, as `nnc inspect` shows it.

    depth: how deep it is nested (in a repeat, residual, block)
    out: its value's types, several for a bundle
    nodes: what it computes itself, for its cost
    layer: False for what is no layer itself: arithmetic, and the heading of a residual, repeat, parallel or block
    """

    span: Span
    text: str
    depth: int
    out: tuple[Type, ...]
    parameters: tuple[Parameter, ...]
    nodes: tuple[Node, ...]
    layer: bool = True


@dataclass(frozen=True)
class Head:
    """How an output is read and scored.

    kind: softmax: scores [B, classes]; sigmoid: [B, 1], the probability of the second label; sign: [B, 1], positive for
    the second label; score: [B, 1], above 0.5 for the second label; linear: [B, n] numbers; probabilities: [B,
    classes], from no head; negatives: [B, V], any numbers, larger for likelier words; hierarchical: [B, V], of the
    inner nodes of the words' tree; penalty: [B, 1], its mean over an example. Of an output `per` a text: [B, T,
    classes], [B, T, 1]; crf: [B, T, classes], any numbers
    """

    port: Port
    kind: Literal[
        "softmax", "sigmoid", "sign", "score", "linear", "probabilities", "crf", "negatives", "hierarchical", "penalty"
    ]
    loss: Literal[
        "cross-entropy",
        "logistic",
        "perceptron",
        "contrastive",
        "mean squared error",
        "huber",
        "crf",
        "negative sampling",
        "hierarchical softmax",
        "penalty",
    ]

    above: float | None = None
    """`threshold` of `predict`, where it is given."""

    @property
    def has_threshold(self) -> bool:
        """Whether its one unit says more than a sign, so that another threshold than the usual one may be chosen."""
        return self.kind in ("sigmoid", "score")

    @property
    def threshold(self) -> float | None:
        """Above which one unit says the second label; None where each label has a unit of its own."""
        if self.has_threshold:
            return 0.5 if self.above is None else self.above
        return 0.0 if self.kind == "sign" else None

    @property
    def of_probabilities(self) -> bool:
        """Whether its loss is that of the labels' probabilities, which smoothing is for."""
        return self.loss in ("cross-entropy", "logistic")


@dataclass(frozen=True)
class CarriedState:
    """A state of a `stateful` layer: an input NAME of every graph, [B, width], and an output NAME' of it.

    The run feeds a window what the window before it gave, zeros at a stream's beginning. No gradient flows across.
    """

    name: str
    type: Type

    @property
    def next(self) -> str:
        """The output that the next window is fed."""
        return f"{self.name}'"


@dataclass(frozen=True)
class Network:
    """A model, lowered. Sizes that come from data are numbers once they are bound, symbols before."""

    name: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    heads: tuple[Head, ...]
    parameters: tuple[Parameter, ...]
    layers: tuple[LayerRow, ...]
    labels: Mapping[str, tuple[str, ...]]
    """What stands behind `as` or `shared`, with the paths below which its weights are named."""
    training: Graph
    """Forward with dropout. Output `loss`, a number: the mean over the batch; for `loss sum` also `objective`, the sum
    over the batch, whose gradient the step follows."""
    evaluation: Graph
    """Forward without dropout. Outputs `NAME.scores` and `NAME.losses` (f[B], one for each example) of every output; of
    one `per` a text `NAME.labels` (i64[B, T], which label wins where) and `NAME.losses` (f[B, T], 0 where no label is
    known; of `dense crf` f[B], of whole rows). Of a word `NAME.losses`, and under softmax `NAME.labels` (i64[B])."""
    prediction: Graph
    """Forward without targets. Outputs `NAME.scores`, of an output `per` a text also `NAME.labels`, and of `dense crf`
    `NAME.probabilities`."""
    carried: tuple[CarriedState, ...] = ()
    rounds: int = 0
    """Of all its `repeat`s, those inside of others not counted."""

    @property
    def ports(self) -> tuple[Port, ...]:
        """The inputs, then the outputs."""
        return (*self.inputs, *self.outputs)


@dataclass(frozen=True)
class Experiment:
    """A checked spec. data is None where the spec has no `data` section (train then refuses, NN6xx).

    spec: the text as it was read; uses: the files that it brings in, by their path in the spec, with their text
    phase: the `train` section that this is, "" for the nameless one; init: where its weights come from
    swept: whether it has a `sweep`, of which no run makes a second setting
    """

    file: str
    spec: str
    uses: tuple[tuple[str, str], ...]
    network: Network
    data: DataSettings | None
    train: TrainSettings
    warnings: tuple[Diagnostic, ...]
    phase: str = ""
    init: InitFrom | None = None
    predict: PredictSettings = field(default_factory=PredictSettings)
    swept: bool = False


@dataclass(frozen=True)
class Deferred:
    """A large table of words under Adam, of which a step moves only the rows that it reads.

    A row without gradient moves too, by what its means hold. What it missed is made up for before it is read again: the
    values that a step reads are those of a table of which all rows were moved, but for rounding.

    weight, mean, square: the table and its means, by name; ids: the input whose rows a step reads
    moved: i64[V], the step that each row is up to date with
    rates: f64[2, window], what a row that is up to date with step s misses from then on, at s modulo window
    window: steps after which all rows are brought up to date
    """

    weight: str
    mean: str
    square: str
    moved: str
    rates: str
    ids: str
    betas: tuple[float, float]
    eps: float
    window: int


@dataclass(frozen=True)
class TrainingStep:
    """Forward, backward, clipping and the optimizer's update as one graph.

    graph: output `loss`; updates for every trained weight and every state. Inputs beside the batch: numbers `rows` (how
    many the batch has, in the weights' dtype), `lr` (f64), `step` (i64, from 1), `seed` (i64)
    states: the graph's, and those of deferred tables, which runtime.deferred keeps
    """

    graph: Graph
    states: tuple[State, ...]
    deferred: tuple[Deferred, ...] = ()
