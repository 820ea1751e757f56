"""From Lark's tree to the AST."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, TypeVar, cast

from lark import Token, Tree

from dsl import ast, literals
from dsl.errors import Diagnostic, Note
from dsl.lexical import Source
from dsl.source import Span
from dsl.structure import HEADS

Piece: TypeAlias = Any  # an AST node, a Token, None where an optional part is left out, or a tuple of pieces
Node = TypeVar("Node")


class Builder:
    """Makes the AST of one file's tree, bottom up and without recursion.

    wrong: what the grammar lets pass, found on the way
    """

    def __init__(self, source: Source) -> None:
        self.file = source.file
        self.lines = source.lines
        self.wrong: list[Diagnostic] = []

    def spec(self, root: Tree[Token]) -> ast.Spec:
        made: dict[int, Piece] = {}
        for tree in root.iter_subtrees():  # children before their parents
            children = [self._child(made, child) for child in tree.children]
            made[id(tree)] = self._node(tree.data, self._span(tree), children)
        return cast(ast.Spec, made[id(root)])

    def _child(self, made: dict[int, Piece], child: Tree[Token] | Token | None) -> Piece:
        if isinstance(child, Tree):
            return made[id(child)]
        if child is None:
            return None
        span = self._span(child)
        match child.type:
            case "NAME" | "NEXT":
                return ast.Name(literals.name(child), span=span)
            case "NUMBER":
                value = literals.number(child)
                assert value is not None, "the lexical checks refuse numbers out of range"
                return ast.Number(str(child), value, span=span)
            case "STRING":
                return ast.Text(literals.string(child), span=span)
            case _:
                return child

    def _span(self, piece: Tree[Token] | Token) -> Span:
        at = piece if isinstance(piece, Token) else piece.meta
        line, column = getattr(at, "line", None) or 1, getattr(at, "column", None) or 1
        end_line, end_column = getattr(at, "end_line", None) or line, getattr(at, "end_column", None) or column
        return Span(self.file, line, column, end_line, end_column, self.lines[line - 1])

    def _node(self, rule: str, span: Span, c: list[Piece]) -> Piece:
        match rule:
            # Lists of pieces, for the rule above.
            case "ports" | "states" | "sizes" | "sort_options" | "operand_names" | "cell_operands" | "formals":
                return tuple(c)
            case "values" | "entries" | "path":
                return tuple(child for child in c if child is not None)
            case "version":
                return c[0].value
            # Expressions and statements.
            case "sum" | "product":
                return ast.Binary(str(c[1]), c[0], c[2], span=span)
            case "negative":
                return ast.Negative(c[1], span=span)
            case "member":
                return ast.Member(c[0], c[1], span=span)
            case "operand":
                return ast.Operand(c[0].id if c[0] else None, c[1], span=span)
            case "call":
                return ast.Call(c[0], tuple(c[1:]), span=span)
            case "sized":
                return ast.Sized(c[0], c[1], span=span)
            case "positional":
                return ast.Positional(c[0], span=span)
            case "word":
                return ast.Word(c[0].id, span=span)
            case "setting":
                return ast.Setting(c[0].id, c[1], span=span)
            case "setting_of_one":
                return ast.Setting(c[0].id, (c[1],), span=span)
            case "label":
                return _Label(c[0])
            case "layer":
                return self._layer(c, span)
            case "pipe":
                return ast.Pipe(c[0], c[1], span=span)
            case "assign":
                return ast.Assign(c[0], c[1], span=span)
            case "body":
                return ast.Body(tuple(child for child in c if child is not None), span=span)
            case "cell_operand":
                return self._cell_operand(c, span)
            case _:
                return _declaration(rule, span, c)

    def _layer(self, c: list[Piece], span: Span) -> ast.Layer:
        labels = _pick(_Label, c)
        bodies = _pick(ast.Body, c)
        arguments = _pick((ast.Positional, ast.Word, ast.Setting), c)
        callee, body = c[0], bodies[0] if bodies else None
        if len(labels) > 1:
            message = f"this layer has a second label, `{labels[1].name.id}`"
            note = Note(labels[0].name.span, "the first")
            advice = "keep one of them: `as` gives one name"
            self.wrong.append(Diagnostic("NN132", message, labels[1].name.span, notes=(note,), help=advice))
        if body is not None and isinstance(callee, ast.Name) and callee.id in HEADS:
            message = f"`{callee.id} {{ ... }}` stands inside another pair of braces"
            advice = "declarations stand beside each other: close the one before with `}` first"
            self.wrong.append(Diagnostic("NN125", message, callee.span, help=advice))
        return ast.Layer(callee, arguments, labels[0].name if labels else None, body, span=span)

    def _cell_operand(self, c: list[Piece], span: Span) -> ast.CellOperand:
        mark = c[1]
        if mark is not None and mark.id != "each":
            message = f"`{mark.id}` cannot stand after the operand `{c[0].id}`"
            advice = "between operands stands a comma; only `each` may follow one: it comes position by position"
            self.wrong.append(Diagnostic("NN135", message, mark.span, help=advice))
        return ast.CellOperand(c[0], mark, span=span)


class _Label:
    """`as name`, on its way into its layer."""

    def __init__(self, name: ast.Name) -> None:
        self.name = name


def _pick(kind: type[Node] | tuple[type[Node], ...], pieces: Sequence[Piece]) -> tuple[Node, ...]:
    return tuple(piece for piece in pieces if isinstance(piece, kind))


def _declaration(rule: str, span: Span, c: list[Piece]) -> Piece:
    match rule:
        case "start":
            return ast.Spec(c[0] if isinstance(c[0], int) else 1, tuple(c[1:]), span=span)
        case "use":
            return ast.Use(c[0], span=span)
        case "let":
            return ast.Let(c[0], c[1], span=span)
        case "port":
            return ast.Port(c[0], c[1], span=span)
        case "sort":
            return ast.Sort(c[0], c[1] or (), c[2] or (), c[3], span=span)
        case "model":
            return ast.Model(c[0], c[1], c[2], c[3], span=span)
        case "formal":
            return ast.Formal(c[0], c[1], span=span)
        case "block":
            return ast.Block(c[0], c[1], c[2], c[3], span=span)
        case "state":
            return ast.State(c[0], c[1] or (), span=span)
        case "cell":
            return ast.Cell(c[0], c[1], c[2], c[3], c[4], span=span)
        case "entry":
            return ast.Entry(c[0], tuple(c[1:]), span=span)
        case "section":
            return ast.Section(c[0], c[1], c[2], span=span)
        case _:
            raise AssertionError(f"no node for the grammar's rule {rule}")
