"""What a spec says, as a tree of frozen dataclasses. Spans take no part in equality."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from dsl.source import Span


@dataclass(frozen=True)
class Syntax:
    """Any piece of a spec; it knows where it stands."""

    span: Span = field(compare=False, repr=False, kw_only=True)


# Expressions


@dataclass(frozen=True)
class Number(Syntax):
    """`3`, `1e-4`, `10%`. text is as written; value is what it means (0.1 for 10%), int where written as one."""

    text: str
    value: int | float


@dataclass(frozen=True)
class Text(Syntax):
    """A string, its escapes undone."""

    value: str


@dataclass(frozen=True)
class Name(Syntax):
    """A name, in NFC; `h'`, the next state, with its prime."""

    id: str


@dataclass(frozen=True)
class Operand(Syntax):
    """A value between a call's parentheses: `q`, or by name `values=v`."""

    name: str | None
    value: Expression


@dataclass(frozen=True)
class Call(Syntax):
    """`concat(w, c)`, `lstm(h=start)`, `dim(x)`, `relu(x)`."""

    name: Name
    operands: tuple[Operand, ...]


@dataclass(frozen=True)
class Sized(Syntax):
    """`param[size, dim(x)]`."""

    name: Name
    sizes: tuple[Expression, ...]


@dataclass(frozen=True)
class Member(Syntax):
    """`pair.words`, `reader.h`."""

    of: Expression
    name: Name


@dataclass(frozen=True)
class Negative(Syntax):
    """`-x`."""

    value: Expression


@dataclass(frozen=True)
class Binary(Syntax):
    """`left operator right`; operator is one of `+ - * / @`."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Positional(Syntax):
    """A setting given by place alone: a number, a string or `dim(x)`."""

    value: Number | Text | Call


@dataclass(frozen=True)
class Word(Syntax):
    """A bare name among the settings: `relu`, `bidir`, or a constant such as `width`."""

    id: str


@dataclass(frozen=True)
class Setting(Syntax):
    """`k=2,3`: a key and its values, one or more."""

    key: str
    values: tuple[Expression, ...]


Argument: TypeAlias = Positional | Word | Setting


@dataclass(frozen=True)
class Layer(Syntax):
    """A layer with what belongs to it: `conv k=2,3 relu`, `attention(memory) heads=8`, `repeat 6 { ... }`.

    A layer with neither settings, label nor body is a plain Name, Call or Sized.
    """

    callee: Name | Call | Sized
    arguments: tuple[Argument, ...]
    label: Name | None
    body: Body | None


@dataclass(frozen=True)
class Pipe(Syntax):
    """`value | layer`."""

    value: Expression
    layer: Layer | Name | Call


Expression: TypeAlias = Number | Text | Name | Call | Sized | Member | Negative | Binary | Layer | Pipe


# Statements and bodies


@dataclass(frozen=True)
class Assign(Syntax):
    """`name = value`."""

    name: Name
    value: Expression


Statement: TypeAlias = Assign | Expression


@dataclass(frozen=True)
class Body(Syntax):
    """`{ ... }`, its statements in order."""

    statements: tuple[Statement, ...]


# Declarations


@dataclass(frozen=True)
class Sort(Syntax):
    """`words(lower, min=2)`, `real[13]`, `class per words`."""

    name: Name
    sizes: tuple[Expression, ...]
    options: tuple[Word | Setting, ...]
    per: Name | None


@dataclass(frozen=True)
class Port(Syntax):
    """An input or output of a model: `text: words`."""

    name: Name
    sort: Sort


@dataclass(frozen=True)
class Use(Syntax):
    """`use "cells.nn"`."""

    path: Text


@dataclass(frozen=True)
class Let(Syntax):
    """`let width = 128`."""

    name: Name
    value: Expression


@dataclass(frozen=True)
class Model(Syntax):
    """`model name(inputs) -> outputs { ... }`."""

    name: Name
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    body: Body


@dataclass(frozen=True)
class Formal(Syntax):
    """A setting that a block or cell takes: `width`, or with its default `p=0.1`."""

    name: Name
    default: tuple[Expression, ...] | None


@dataclass(frozen=True)
class Block(Syntax):
    """`block name(x, memory) width p=0.1 { ... }`; operands is None where the parentheses are left out."""

    name: Name
    operands: tuple[Name, ...] | None
    formals: tuple[Formal, ...]
    body: Body


@dataclass(frozen=True)
class CellOperand(Syntax):
    """An operand of a cell; `o each` comes position by position (mark is `each`)."""

    name: Name
    mark: Name | None


@dataclass(frozen=True)
class State(Syntax):
    """`h`, or `h[width]`."""

    name: Name
    sizes: tuple[Expression, ...]


@dataclass(frozen=True)
class Cell(Syntax):
    """`cell lstm(x) state h, c { ... }`."""

    name: Name
    operands: tuple[CellOperand, ...]
    formals: tuple[Formal, ...]
    states: tuple[State, ...]
    body: Body


@dataclass(frozen=True)
class Entry(Syntax):
    """A line of a section: `adam lr=1e-3`, `train.adam.lr log=1e-4,1e-2`."""

    path: tuple[Name, ...]
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class Section(Syntax):
    """`train pretrain { ... }`."""

    kind: Name
    name: Name | None
    entries: tuple[Entry, ...]


Declaration: TypeAlias = Use | Let | Model | Block | Cell | Section


@dataclass(frozen=True)
class Spec(Syntax):
    """A whole file. version is the language's, 1 where the file does not say."""

    version: int
    declarations: tuple[Declaration, ...]
