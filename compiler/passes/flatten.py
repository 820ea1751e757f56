"""Small weights that a step moves by the same rule become one vector, and so do what an optimizer holds of each: their
update is then a few calls, where it was as many for each weight.

The vector is an input of the graph (`Flat`), in whose memory the weights lie side by side; whoever reads one of them
reads a part of it. Sources: PyTorch's `_multi_tensor_adam`, the flat parameters of FSDP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from compiler.ir.graph import Flat, FlatPart, Graph, Input, InputKind, Node, Output, apply, sorted_nodes, with_inputs
from compiler.ir.types import Type
from compiler.ops.shape import Concat, Reshape, Slice

SMALL = 4_096
"""Numbers of a weight at most: to compute with so many takes about as long as to call what computes."""

Together = tuple[Node, ...]
"""Of each weight of a group the node that stands in the same place of its update."""


@dataclass(frozen=True)
class Member:
    """A weight, and what is moved in its step and in no other: the optimizer's means, say.

    inputs: the weight first; roots: the next value of each
    """

    inputs: tuple[Node, ...]
    roots: tuple[Node, ...]

    @property
    def type(self) -> Type:
        return self.inputs[0].type


def flatten(graph: Graph) -> Graph:
    groups = [group for group in _groups(_members(graph)) if len(group) > 1]
    if not groups:
        return graph
    flats = [_flats(group, i + 1) for i, group in enumerate(groups)]
    parts = {n: part for group, of in zip(groups, flats, strict=True) for m in group for n, part in _parts(m, of)}
    new: dict[Node, Node] = {}
    for node in graph.nodes():
        new[node] = parts.get(node) or with_inputs(node, tuple(new[n] for n in node.inputs))
    updates: dict[str, Output] = {}
    for group, of in zip(groups, flats, strict=True):
        updates |= _updates(group, of, new)
    outputs = [_output(o, updates, new) for o in graph.outputs]
    inside = {part.name: flat for of in flats for flat in of for part in _op(flat).parts}
    inputs = [inside.get(_name(node), node) for node in graph.inputs]
    return Graph(tuple(dict.fromkeys(inputs)), tuple(dict.fromkeys(outputs)))


def _output(old: Output, updates: Mapping[str, Output], new: Mapping[Node, Node]) -> Output:
    found = updates.get(old.update) if old.update is not None else None
    if found is None or old.update is None:
        return Output(old.name, new[old.node], old.update)
    # `w'` for the next w: so it is for the vector.
    return replace(found, name=found.name + old.name.removeprefix(old.update))


Flats = tuple[Node, ...]
"""Of each input of a group's members the vector that they are parts of."""


def _flats(group: Sequence[Member], number: int) -> Flats:
    found: list[Node] = []
    for column in zip(*(member.inputs for member in group), strict=True):
        parts = tuple(FlatPart(_name(node), _shape(node.type)) for node in column)
        # `dense.bias.mean` of `dense.bias`: what the optimizer calls it.
        word = _name(column[0]).removeprefix(_name(group[0].inputs[0]))
        given = Type(column[0].type.dtype, (sum(part.size for part in parts),))
        found.append(Node(Flat(f"flat.{number}{word}", _kind(column[0]), given, parts), (), given))
    return tuple(found)


def _parts(member: Member, flats: Flats) -> Iterator[tuple[Node, Node]]:
    """Each input, and the part of a vector that stands for it."""
    for node, flat, root in zip(member.inputs, flats, member.roots, strict=True):
        shape = _shape(node.type)
        start = next(start for start, part in _op(flat).starts() if part.name == _name(node))
        part = apply(Slice(0, start, prod(shape)), flat, span=root.span)
        yield node, part if part.type == node.type else apply(Reshape(shape), part, span=root.span)


def _members(graph: Graph) -> list[Member]:
    """Every small weight that is moved by numbers of its own shape and by single numbers."""
    updates = {o.update: o.node for o in graph.outputs if o.update is not None}
    inputs = {_name(n): n for n in graph.inputs if isinstance(n.op, Input)}
    states = [name for name in updates if _kind(inputs[name]) == "state"]
    found: list[Member] = []
    for name, root in updates.items():
        weight = inputs[name]
        if _kind(weight) != "weight" or not _is_small(weight) or not _is_own(root, weight.type):
            continue
        below = set(sorted_nodes([root], leaf=lambda node, own=weight.type: not _is_own(node, own)))
        moved = [s for s in states if updates[s] in below and _is_own(updates[s], weight.type)]
        states = [s for s in states if s not in moved]
        found.append(Member((weight, *(inputs[s] for s in moved)), (root, *(updates[s] for s in moved))))
    return found


def _groups(members: Sequence[Member]) -> list[list[Member]]:
    groups: list[list[Member]] = []
    for member in members:
        alike = next((group for group in groups if _are_alike(group[0], member)), None)
        if alike is None:
            groups.append([member])
        else:
            alike.append(member)
    return groups


def _are_alike(a: Member, b: Member) -> bool:
    """Whether both are moved by the same ops; where these end there may be anything of a weight's own shape."""
    if a.type.dtype != b.type.dtype or len(a.inputs) != len(b.inputs):
        return False
    ends = list(_ends((a, b)))
    roots = zip(a.roots, b.roots, strict=True)
    return not any(pair in ends for pair in roots) and all(
        _is_number(x, y) or _are_own((x, y), (a, b)) for x, y in ends
    )


def _ends(group: Sequence[Member]) -> Iterator[Together]:
    """Where the members' updates are no longer computed by the same ops on numbers of their own shape."""
    seen: set[Together] = set()
    waiting = list(zip(*(member.roots for member in group), strict=True))
    while waiting:
        nodes = waiting.pop()
        if nodes in seen:
            continue
        seen.add(nodes)
        if _go_on(nodes, group):
            waiting.extend(zip(*(node.inputs for node in nodes), strict=True))
        elif not _are_inputs(nodes, group):
            yield nodes


def _go_on(nodes: Together, group: Sequence[Member]) -> bool:
    ops = {node.op for node in nodes}
    return len(ops) == 1 and all(_is_own(node, member.type) for node, member in zip(nodes, group, strict=True))


def _are_inputs(nodes: Together, group: Sequence[Member]) -> bool:
    return any(all(n is m.inputs[i] for n, m in zip(nodes, group, strict=True)) for i in range(len(group[0].inputs)))


def _are_own(nodes: Together, group: Sequence[Member]) -> bool:
    return all(_has(n, m.type) for n, m in zip(nodes, group, strict=True))


def _is_number(*nodes: Node) -> bool:
    return len(set(nodes)) == 1 and nodes[0].type.rank == 0


def _updates(group: Sequence[Member], flats: Flats, new: Mapping[Node, Node]) -> dict[str, Output]:
    """By the name of what was updated, the output that updates the vector that it is in."""
    made: dict[Together, Node] = dict(zip(zip(*(m.inputs for m in group), strict=True), flats, strict=True))
    ends = set(_ends(group))
    found: dict[str, Output] = {}
    for i, roots in enumerate(zip(*(m.roots for m in group), strict=True)):
        for nodes in _below(roots, lambda nodes: nodes in ends or nodes in made):
            if nodes in made:
                continue
            if nodes not in ends:
                inputs = (made[below] for below in zip(*(n.inputs for n in nodes), strict=True))
                made[nodes] = apply(nodes[0].op, *inputs, span=nodes[0].span)
            else:
                made[nodes] = new[nodes[0]] if _is_number(*nodes) else _side_by_side([new[n] for n in nodes])
        flat = flats[i]
        output = Output(_name(flat), made[roots], _name(flat))
        found |= {_name(member.inputs[i]): output for member in group}
    return found


def _below(roots: Together, leaf: Callable[[Together], bool]) -> list[Together]:
    """Each after what it needs."""
    done: dict[Together, None] = {}
    stack = [(roots, False)]
    while stack:
        nodes, ready = stack.pop()
        if nodes in done:
            continue
        if ready or leaf(nodes):
            done[nodes] = None
            continue
        stack.append((nodes, True))
        stack.extend((below, False) for below in zip(*(n.inputs for n in nodes), strict=True))
    return list(done)


def _side_by_side(nodes: Sequence[Node]) -> Node:
    vectors = [apply(Reshape((prod(_shape(n.type)),)), n, span=n.span) if n.type.rank != 1 else n for n in nodes]
    return apply(Concat(0), *vectors, span=nodes[0].span)


def _is_own(node: Node, type: Type) -> bool:
    """Whether it is element-wise work on numbers of the weight's shape."""
    return node.op.elementwise and bool(node.inputs) and _has(node, type)


def _has(node: Node, type: Type) -> bool:
    """Whether it has numbers of the weight's shape."""
    return (node.type.shape, node.type.dtype, node.type.rows) == (type.shape, type.dtype, None)


def _is_small(weight: Node) -> bool:
    """And not such a vector already."""
    sizes = [d for d in weight.type.shape if isinstance(d, int)]
    return not isinstance(weight.op, Flat) and 0 < len(sizes) == weight.type.rank and 0 < prod(sizes) <= SMALL


def _shape(type: Type) -> tuple[int, ...]:
    assert all(isinstance(d, int) for d in type.shape)
    return tuple(d for d in type.shape if isinstance(d, int))


def _op(flat: Node) -> Flat:
    assert isinstance(flat.op, Flat)
    return flat.op


def _name(node: Node) -> str:
    assert isinstance(node.op, Input)
    return node.op.name


def _kind(node: Node) -> InputKind:
    assert isinstance(node.op, Input)
    return node.op.kind
