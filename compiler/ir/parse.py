"""Reads the text form of a graph back: for tests and their golden files. Strict; what is wrong is a ValueError."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import cast, get_args

from compiler.ir.graph import Flat, FlatPart, Graph, Input, InputKind, Node, Op, Output, apply
from compiler.ir.text import BODY, op_name
from compiler.ir.types import DTYPES, Dim, Dtype, Extent, Pad, Type, TypeRuleError
from compiler.ops import OPS
from compiler.ops.elementwise import Constant
from compiler.ops.fused import Fused, Step
from compiler.ops.scan import Body

_NODE = re.compile(r"  %(?P<name>[^\s:=%$]+): (?P<type>[^=]+) = (?P<body>.+)")
_STEP = re.compile(r"    \$(?P<index>\d+) = (?P<body>.+)")
_PART = re.compile(r"(?P<name>.+)\[(?P<shape>\d+(?:,\d+)*)\]")
_RETURN = re.compile(r"  return (?:(?P<name>[^\s:=%]+)=)?(?:(?P<update>[^\s:=%]+):=)?%(?P<node>[^\s:=%]+)")
_TYPE = re.compile(
    r"(?P<dtype>\w+)\[(?P<shape>[^\[\]]*)\](?:\{(?:(?P<pad>any|zero|lowest)(?:, )?)?(?:rows \[(?P<rows>.*)\])?\})?"
)
_TERM = re.compile(r"(?P<sign>[+-]?)(?:(?P<coefficient>\d+)\*)?(?P<symbol>[^\W\d][\w.]*)|(?P<shift>[+-]?\d+)")


def parse(text: str) -> Graph:
    """The graph of a text; lines of the spec (comments) are not read back. Raises ValueError that names the line."""
    lines = text.split("\n")
    nodes: dict[str, Node] = {}
    inputs: list[Node] = []
    outputs: list[Output] = []
    number = 0
    try:
        while number < len(lines):
            line, number = _code(lines[number]), number + 1
            if not line:
                continue
            if (number == 1) != (line == "graph"):
                raise ValueError("a text begins with `graph`, once")
            if number == 1:
                continue
            if found := _RETURN.fullmatch(line):
                outputs.append(_output(found, nodes))
            elif found := _NODE.fullmatch(line):
                steps: list[str] = []
                while number < len(lines) and lines[number].startswith(("    $", BODY)):
                    steps.append(_code(lines[number]))
                    number += 1
                node = _node(found, steps, nodes)
                nodes[found["name"]] = node
                inputs.extend([node] if isinstance(node.op, Input) else [])
            else:
                raise ValueError("wants `%name: type = op ...` or `return name=%value`")
    except (ValueError, TypeRuleError, TypeError) as error:
        raise ValueError(f"line {number}: {error}") from None
    return Graph(tuple(inputs), tuple(outputs))


def _code(line: str) -> str:
    return line.partition("#")[0].rstrip()


def _output(found: re.Match[str], nodes: dict[str, Node]) -> Output:
    name = found["name"] or found["update"]
    if name is None:
        raise ValueError("a result wants a name")
    return Output(name, _known(nodes, found["node"]), found["update"])


def _known(nodes: dict[str, Node], name: str) -> Node:
    if name not in nodes:
        raise ValueError(f"there is no %{name} before this line")
    return nodes[name]


def _node(found: re.Match[str], steps: list[str], nodes: dict[str, Node]) -> Node:
    if found["name"] in nodes:
        raise ValueError(f"%{found['name']} is there already")
    given = parse_type(found["type"])
    words = _split(found["body"], " ")
    if words[0] == "input":
        if len(words) < 2 or words[1] not in get_args(InputKind):
            raise ValueError(f"wants an input's kind: {', '.join(get_args(InputKind))}")
        kind = cast(InputKind, words[1])
        parts = tuple(map(_part, words[2:]))
        return Node(Flat(found["name"], kind, given, parts) if parts else Input(found["name"], kind, given), (), given)
    operands = [word[1:] for word in words[1:] if word.startswith("%")]
    if words[0] == "scan":
        op = _op(words, "%", {"body": Body(parse("\n".join(line.removeprefix(BODY) for line in steps)))})
    else:
        op = _fused(words, steps, len(operands)) if steps or words[0] == "fused" else _op(words, "%")
    node = apply(op, *(_known(nodes, name) for name in operands))
    if node.type != given:
        raise ValueError(f"the type is {node.type}, not {given}")
    return node


def _part(word: str) -> FlatPart:
    found = _PART.fullmatch(word)
    if found is None:
        raise ValueError(f"wants a part and its shape, as in `dense.bias[8]`: {word}")
    return FlatPart(found["name"], tuple(map(int, found["shape"].split(","))))


def _fused(words: list[str], steps: list[str], inputs: int) -> Fused:
    if words[0] != "fused" or len(words) != 1 + inputs or not steps:
        raise ValueError("only fused has steps, it has some, and it has no attributes")
    read: list[Step] = []
    for line in steps:
        found = _STEP.fullmatch(line)
        if found is None or int(found["index"]) != inputs + len(read):
            raise ValueError(f"wants `${inputs + len(read)} = op $operand ...`")
        words = _split(found["body"], " ")
        read.append((_op(words, "$"), tuple(int(word[1:]) for word in words[1:] if word.startswith("$"))))
    return Fused(tuple(read))


def _op(words: list[str], mark: str, given: Mapping[str, object] = MappingProxyType({})) -> Op:
    """The op of `mul $0 $1` or `sum %3 axes=[0]`; operands are what begins with the mark, and come first."""
    classes = {op_name(cls): cls for cls in OPS}
    if words[0] not in classes:
        raise ValueError(f"there is no op {words[0]}")
    cls = classes[words[0]]
    rest = words[1:]
    while rest and rest[0].startswith(mark):
        rest = rest[1:]
    if cls is Constant:
        rest = [f"hex={_hex(rest[0])}", *rest[1:]] if rest else rest
    kinds = {f.name: str(f.type) for f in fields(cls)}
    values = dict(given)
    for word in rest:
        name, equals, value = word.partition("=")
        if not equals or name not in kinds or name in values:
            raise ValueError(f"{words[0]} takes {', '.join(f'{k}=' for k in kinds) or 'no attributes'}, not {word}")
        values[name] = _read(kinds[name], value)
    return cast(Callable[..., Op], cls)(**values)


def _read(kind: str, text: str) -> object:
    if kind.startswith("Literal["):
        return _one_of(text, re.findall(r"\w+", kind)[1:])
    return _READERS[kind](text)


def _hex(text: str) -> str:
    return text if "0x" in text else float(text).hex()


def _one_of(text: str, words: list[str]) -> str:
    if text not in words:
        raise ValueError(f"wants one of {', '.join(words)}, not {text}")
    return text


def _list(text: str) -> list[str]:
    if not (text.startswith("[") and text.endswith("]")):
        raise ValueError(f"wants [...], not {text}")
    return _split(text[1:-1], ", ") if text != "[]" else []


_READERS: dict[str, Callable[[str], object]] = {
    "int": int,
    "float": float,
    "bool": lambda text: _one_of(text, ["true", "false"]) == "true",
    "str": str,
    "Dtype": lambda text: _one_of(text, list(DTYPES)),
    "Dim": lambda text: parse_dim(text),
    "tuple[int, ...]": lambda text: tuple(map(int, _list(text))),
    "tuple[Dim, ...]": lambda text: tuple(map(parse_dim, _list(text))),
}
"""The annotation of an op's field -> how its value is read."""


def parse_type(text: str) -> Type:
    """f32[B, T-2]{zero} -> the type. Raises ValueError."""
    if text.startswith("(") and text.endswith(")"):
        return Type("f32", parts=tuple(map(parse_type, _split(text[1:-1], ", "))))
    found = _TYPE.fullmatch(text)
    if found is None or found["dtype"] not in DTYPES:
        raise ValueError(f"{text} is no type")
    shape, rows = (
        None if found[g] is None else tuple(map(parse_dim, _list(f"[{found[g]}]"))) for g in ("shape", "rows")
    )
    read = Type(cast(Dtype, found["dtype"]), shape or (), cast(Pad, found["pad"] or "finite"), rows)
    if str(read) != text:
        raise ValueError(f"{text} is written {read}")
    return read


def parse_dim(text: str) -> Dim:
    """3, T, T-2, (T-1)//2, max(T-2, 3) -> the dimension. Raises ValueError."""
    if re.fullmatch(r"\d+", text):
        return int(text)
    inner, least = text, 1
    if found := re.fullmatch(r"max\((.+), (\d+)\)", text):
        inner, least = found[1], int(found[2])
    step = 1
    if found := re.fullmatch(r"\(?([^()]+)\)?//(\d+)", inner):
        inner, step = found[1], int(found[2])
    terms: list[tuple[str, int]] = []
    shift = 0
    for found in _TERM.finditer(inner):
        if found["symbol"] is None:
            shift = int(found["shift"])
        else:
            terms.append((found["symbol"], int(found["sign"] + (found["coefficient"] or "1"))))
    dim = Extent(tuple(terms), shift, step, least)
    if str(dim) != text:
        raise ValueError(f"{text} is no dimension")
    return dim


def _split(text: str, at: str) -> list[str]:
    """The parts of a text between separators that no bracket encloses."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        parts[-1] += character
        if depth == 0 and parts[-1].endswith(at):
            parts[-1] = parts[-1].removesuffix(at)
            parts.append("")
    return parts
