"""From Lark's tree to the AST."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, TypeVar, cast

from lark import Token, Tree

from dsl import ast, literals
from dsl.source import Span

Piece: TypeAlias = Any  # an AST node, a Token, None where an optional part is left out, or a tuple of pieces
Node = TypeVar("Node")


class Builder:
    """Makes AST nodes of one file's trees. Bottom up and without recursion."""

    def __init__(self, file: str, lines: Sequence[str]) -> None:
        self.file = file
        self.lines = lines

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
                return _layer(c, span)
            case "pipe":
                return ast.Pipe(c[0], c[1], span=span)
            case "assign":
                return ast.Assign(c[0], c[1], span=span)
            case "body":
                return ast.Body(tuple(child for child in c if child is not None), span=span)
            case _:
                return _declaration(rule, span, c)


class _Label:
    """`as name`, on its way into its layer."""

    def __init__(self, name: ast.Name) -> None:
        self.name = name


def _pick(kind: type[Node] | tuple[type[Node], ...], pieces: Sequence[Piece]) -> tuple[Node, ...]:
    return tuple(piece for piece in pieces if isinstance(piece, kind))


def _layer(c: list[Piece], span: Span) -> ast.Layer:
    labels = _pick(_Label, c)
    bodies = _pick(ast.Body, c)
    arguments = _pick((ast.Positional, ast.Word, ast.Setting), c)
    label = labels[0].name if labels else None
    return ast.Layer(c[0], arguments, label, bodies[0] if bodies else None, span=span)


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
        case "cell_operand":
            return ast.CellOperand(c[0], c[1], span=span)
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
