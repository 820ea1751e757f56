"""Sorts, resolved: what an input or output of a model is, and what the sizes that come with it are called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from compiler.views import Sentence, View
from dsl.source import Span


@dataclass(frozen=True)
class Tokens:
    """`words(...)`, `chars(...)`, `subwords[n](...)`, `bag(word, ...)`, `sentence_pair(...)`: text as ids, 0 padding, 1
    unknown, 2 begin, 3 end.

    unit: "words", "chars", SUBWORDS, "sentences", "bag": a set of words, or PAIR, which has marks
    min: how often a token must be seen in the training rows to get an id of its own; of subwords, a character and what
        two pieces make
    max: positions; what is past it is cut, counted and said
    keep: size of the vocabulary, the four ids of the program's own not counted
    marks: begin and end are put around
    vocabulary: the input or output whose vocabulary this one shares
    """

    unit: str
    lower: bool = False
    punctuation: bool = False
    min: int = 1
    max: int | None = None
    keep: int | None = None
    reverse: bool = False
    marks: bool = False
    vocabulary: str | None = None


@dataclass(frozen=True)
class Document(Tokens):
    """`sentences(...)`: a text, sentence by sentence; max counts sentences, the other options are of their words."""

    @property
    def sentence(self) -> Sentence:
        return Sentence(self.lower, self.punctuation, self.min, self.keep)


@dataclass(frozen=True)
class Real:
    """`real`, `real[13]`: numbers, a column each. standard: mean 0 and deviation 1 by the training rows."""

    width: int = 1
    standard: bool = False


@dataclass(frozen=True)
class Class:
    """`class`: one of the labels that the training rows have. `class per words`: one for each token."""


@dataclass(frozen=True)
class Pixels:
    """`class per photo`: one of the labels for each pixel of an image. of: the input"""

    of: str
    height: int
    width: int


@dataclass(frozen=True)
class Segments:
    """`segments per chars`: which characters make a word; each has B, M or E (begin, middle, end) or S (single)."""


@dataclass(frozen=True)
class Spans:
    """`spans per words`: stretches of tokens that have a name, as the data tag them: BIO, IOB1 or BIOES."""


@dataclass(frozen=True)
class Following:
    """`next(text)`, `previous(text)`: for each position of a text, the token that comes next or came before."""

    backwards: bool = False


@dataclass(frozen=True)
class Masked:
    """`masked(pair, rate=15%)`: the tokens that stood where a mask stands, of so large a share of a running text."""

    rate: float = 0.15


@dataclass(frozen=True)
class Follows:
    """`follows(pair)`: whether the second text of a pair is the one that follows the first. pair: the input"""

    pair: str


@dataclass(frozen=True)
class Category:
    """`category`: one of the values that the training rows have, as an id; 1 for a value that they lack.

    min, keep, vocabulary: as for tokens
    """

    min: int = 1
    keep: int | None = None
    vocabulary: str | None = None


@dataclass(frozen=True)
class Word(Category):
    """`word`: one token of a text, as an id. As an output, the token that is predicted: never one of the ids 0 to 3.

    lower, punctuation: as for tokens, where the words are those of a running text
    """

    lower: bool = False
    punctuation: bool = False


@dataclass(frozen=True)
class Image:
    """`image[28,28]`, `image[32,32,3]`: a picture, each byte over 255. channels: 1 is grey."""

    height: int
    width: int
    channels: int = 1


@dataclass(frozen=True)
class Copy:
    """`copy(x)`: the numbers of an input again, of a picture all its pixels. of: the input; width: how many numbers"""

    of: str
    width: int = 0


@dataclass(frozen=True)
class Penalty:
    """`penalty`: a value without a target, whose mean is added to the loss."""


@dataclass(frozen=True)
class Series:
    """`series[12]`, `series[48,3]`: what a column of a time series, or three, held in the rows before the one that is
    told, oldest first.

    steps: rows; columns: None where it is one column, and no sequence: [steps], not [steps, 1]
    standard: each column scaled by the rows that training has
    """

    steps: int
    columns: int | None = None
    standard: bool = False

    @property
    def width(self) -> int:
        """Columns of the data."""
        return self.columns or 1


@dataclass(frozen=True)
class Ahead:
    """`next(y)`, `next[24](y)` of a series: its values in the row that is told and those behind it.

    of: the series; steps: rows; columns, standard: as the series has them, in whose scale it is learnt
    """

    of: str
    steps: int
    columns: int = 1
    standard: bool = False

    @property
    def width(self) -> int:
        """Numbers: those of a row side by side, row after row."""
        return self.steps * self.columns


Sort: TypeAlias = (
    Tokens
    | Category
    | Real
    | Image
    | Series
    | Class
    | Pixels
    | Segments
    | Spans
    | Following
    | Ahead
    | Copy
    | Penalty
    | Masked
    | Follows
)
NUMBERS = (Real, Copy, Ahead)
"""The sorts of outputs that are numbers, as many as their `width` says."""
LABELLED = (Class, Pixels, Segments, Spans, Follows)
"""The sorts that have labels: those of the training rows, but of segments and `follows`, whose are always the same."""
MADE = (Following, Copy, Penalty, Ahead, Masked, Follows)
"""The sorts of outputs for which nothing is read: they are made from the inputs."""
SUBWORDS = "subwords"
"""The unit of a text in pieces of words, which are learnt; `keep` is the n of `subwords[n]`."""
PAIR = "sentence_pair"
"""The unit of a text that is two, or one: begin A end B end."""
SEGMENTS = 3
"""Ids of what tells the texts of a pair apart: 1 in the first with its marks, 2 in the second, 0 in the padding."""


@dataclass(frozen=True)
class Negatives:
    """`dense negatives=5 power=0.75`: so many words that are drawn, each as often as its count to this power says."""

    count: int
    power: float


@dataclass(frozen=True)
class Tree:
    """`dense hierarchical`: at each inner node on a word's way down a Huffman tree, the other branch."""


Against: TypeAlias = Negatives | Tree


@dataclass(frozen=True)
class Port:
    """An input or output of a model.

    span: the name in the signature
    per: the input whose positions it has: that of `category per words`, and the text of `next(text)`, `masked(text)`
    views: what the model's layers read of its tokens beside their ids
    stream: a `stateful` layer goes along it: all its lines are one stream
    against: of an output that is a word, what its head tells it from instead of from all others
    copies: of a text that is written with words of an input alone, that input
    """

    name: str
    sort: Sort
    output: bool
    span: Span
    per: str | None = None
    views: tuple[View, ...] = ()
    stream: bool = False
    against: Against | None = None
    copies: str | None = None


def word_of(sort: Sort) -> str:
    """The word that a sort is written with."""
    match sort:
        case Tokens(unit=unit):
            return unit
        case Word():
            return "word"
        case Category():
            return "category"
        case Real():
            return "real"
        case Image():
            return "image"
        case Class() | Pixels():
            return "class"
        case Segments():
            return "segments"
        case Spans():
            return "spans"
        case Following(backwards=backwards):
            return "previous" if backwards else "next"
        case Copy():
            return "copy"
        case Penalty():
            return "penalty"
        case Series():
            return "series"
        case Ahead():
            return "next"
        case Masked():
            return "masked"
        case Follows():
            return "follows"


def vocabulary_word(sort: Sort) -> str:
    """What may share a vocabulary has this in common: `word` and `bag(word)` are of the same words."""
    word = word_of(sort)
    return "word" if word == "bag" else word


def asks_for_other_pieces(sort: Sort, other: Sort) -> str:
    """What `subwords` would have to be to share the pieces of another one; "" where it is that already, or is none."""
    if not (isinstance(sort, Tokens) and isinstance(other, Tokens) and sort.unit == other.unit == SUBWORDS):
        return ""
    asked = f"{SUBWORDS}[{other.keep}]" + (f"(min={other.min})" if other.min > 1 else "")
    return asked if (sort.keep, sort.min) != (other.keep, other.min) else ""


def along(port: Port, ports: Iterable[Port]) -> Port:
    """The input whose positions a port has: the one that it is `per`."""
    return next(p for p in ports if p.name == port.per)


def has_ids(port: Port) -> bool:
    """Whether a vocabulary serves it."""
    return isinstance(port.sort, Tokens | Category)


def has_labels(port: Port) -> bool:
    """Whether a label set serves it."""
    return isinstance(port.sort, LABELLED)


def has_positions(port: Port) -> bool:
    """Whether it is a sequence: a text, or one value for each token of one."""
    return isinstance(port.sort, Tokens) or port.per is not None


def is_pair(sort: Sort) -> bool:
    return isinstance(sort, Tokens) and sort.unit == PAIR


def pair_of(ports: Iterable[Port]) -> Port | None:
    """The running text that pairs are drawn from, and tokens masked in; None where no output asks for it."""
    every = tuple(ports)
    if not any(isinstance(p.sort, Masked | Follows) for p in every):
        return None
    return next(p for p in every if is_pair(p.sort))


def segment_of(name: str) -> str:
    """What tells the texts of a pair apart, as an input of the network."""
    return f"{name}.segment"


def places_of(name: str) -> str:
    """The positions that a masked output is asked about, as an input of the network: see `PickPositions`."""
    return f"{name}.places"


def asked_symbol_of(name: str) -> str:
    """How many positions a masked output is asked about."""
    return f"M.{name}"


def is_written(port: Port) -> bool:
    """Whether it is a text that `decode` writes."""
    return port.output and isinstance(port.sort, Tokens)


BEFORE = ".before"
"""What the names of texts end in that `decode` is fed."""


def fed_name(port: Port) -> str:
    """Under which name `decode` is fed the tokens of a text, from the begin to the last one."""
    return f"{port.name}{BEFORE}"


def owner(port: Port) -> str:
    """Whose vocabulary serves a port with ids: its own, or that of the one that it shares with."""
    assert isinstance(port.sort, Tokens | Category)
    return port.sort.vocabulary or port.name


def levels_symbol_of(port: Port) -> str:
    """How many inner nodes the longest way to a word of a batch has."""
    return f"L.{port.name}"


def symbol_of(kind: str, name: str, several: bool) -> str:
    """`T`, or `T.source` where there are several."""
    return f"{kind}.{name}" if several else kind


def sequence_symbol_of(port: Port, ports: tuple[Port, ...]) -> str:
    """The positions of a sequence; what is `per` an input has that input's."""
    if is_written(port):
        return symbol_of("T", port.name, True)
    several = sum(isinstance(p.sort, Tokens) and not p.output for p in ports) > 1
    return symbol_of("T", port.per or port.name, several)


def vocabulary_symbol_of(port: Port, ports: tuple[Port, ...]) -> str:
    """How many ids its vocabulary has."""
    return symbol_of("V", owner(port), len({owner(p) for p in ports if has_ids(p)}) > 1)


def classes_symbol_of(port: Port, ports: tuple[Port, ...]) -> str:
    """How many labels an output has; of `next(text)` and `masked(text)`, how many ids the text's vocabulary has, of
    words its own."""
    if isinstance(port.sort, Following | Masked):
        return vocabulary_symbol_of(along(port, ports), ports)
    if isinstance(port.sort, Word) or is_written(port):
        return vocabulary_symbol_of(port, ports)
    return symbol_of("classes", port.name, sum(map(has_labels, ports)) > 1)
