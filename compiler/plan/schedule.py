"""The order of a program's steps, and which next values are written straight into the weight's own memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from compiler.ir.graph import Graph, Input, Node, sorted_nodes, users_of
from compiler.ops.elementwise import Constant
from compiler.ops.parted import SumParts
from compiler.ops.reduction import Sum
from compiler.ops.scan import Scan
from compiler.ops.sequence import Mask
from compiler.plan.layout import VIEWS, overwritable


@dataclass(frozen=True)
class Schedule:
    """in_place: nodes whose result is written over a weight or a state, by its name; the old value is read no more.

    at_once: the first and the last of neighbours in nodes that may be computed at the same time
    """

    nodes: tuple[Node, ...]
    in_place: Mapping[Node, str]
    at_once: tuple[tuple[int, int], ...] = ()


def schedule(graph: Graph, threads: int = 1) -> Schedule:
    """Inputs before users. Of the updates those come first that need least, so that what they read can go soon; what is
    moved by another update's result, as a weight by its means, comes right after it.

    What is a number and made of numbers comes before all updates: no update waits for it while others are made.
    threads: where there are several, loops that need nothing of each other come one after the other
    """
    nodes = graph.nodes()
    first = [o.node for o in graph.outputs if o.update is None]
    below = ancestors(nodes)
    updates = _updates([o.node for o in graph.outputs if o.update is not None], below)
    nodes = _summed_early(sorted_nodes([*first, *_numbers(nodes), *updates]))
    after, in_place = _overwrites(graph, nodes)
    nodes = ordered(_readers_first(nodes, after), after)
    if threads == 1:
        return Schedule(tuple(nodes), in_place)
    below = ancestors(nodes)
    groups = [group for group in independent([n for n in nodes if isinstance(n.op, Scan)], below) if len(group) > 1]
    nodes = ordered(_gathered(nodes, groups, below), after)
    place = {node: i for i, node in enumerate(nodes)}
    return Schedule(tuple(nodes), in_place, tuple((place[group[0]], place[group[-1]]) for group in groups))


def _updates(nodes: Sequence[Node], below: Mapping[Node, int]) -> list[Node]:
    """In the order that `schedule` speaks of."""
    nodes = sorted(nodes, key=lambda n: below[n].bit_count())
    own = {node: below[node] & ~_without(node, below) for node in nodes}
    first = {
        node: next(i for i, n in enumerate(nodes) if below[node] & own[n] and n.type.shape == node.type.shape)
        for node in nodes
    }
    return sorted(nodes, key=lambda n: first[n])


def _summed_early(nodes: list[Node]) -> list[Node]:
    """Sums, with what is computed for them alone, right after what they need: large values wait for them otherwise."""
    users = users_of(nodes)
    place = {node: i for i, node in enumerate(nodes)}
    behind: dict[int, list[Node]] = {}
    moved: set[Node] = set()
    for node in nodes:
        if not isinstance(node.op, (Sum, SumParts)):
            continue
        alone = _for_it_alone(node, users)
        needed = [place[n] for each in alone for n in each.inputs if n not in alone]
        if alone & moved or not needed or any(nodes[i] in moved for i in needed):
            continue
        moved |= alone
        behind.setdefault(max(needed), []).extend(sorted(alone, key=lambda n: place[n]))
    return [n for i, node in enumerate(nodes) for n in (*(() if node in moved else (node,)), *behind.get(i, ()))]


def _for_it_alone(node: Node, users: Mapping[Node, list[Node]]) -> set[Node]:
    """The node, and the element-wise ops and views above it that nothing else reads."""
    found = {node}
    stack = [node]
    while stack:
        for operand in stack.pop().inputs:
            simple = operand.op.elementwise or isinstance(operand.op, (Mask, *VIEWS))
            if simple and operand not in found and {*users[operand]} <= found:
                found.add(operand)
                stack.append(operand)
    return found


def _readers_first(nodes: list[Node], after: Mapping[Node, Sequence[Node]]) -> list[Node]:
    """Where a weight's next value waits for who reads the old one, what is computed for it alone waits too.

    So the means of a gradient and the weight itself move one right behind the other.
    """
    below = ancestors(nodes)
    bit = {node: 1 << i for i, node in enumerate(nodes)}
    read_by: dict[Node, list[Node]] = {}
    for reader, moved in after.items():
        for node in moved:
            read_by.setdefault(node, []).append(reader)
    for node, reading in read_by.items():
        place = {n: i for i, n in enumerate(nodes)}
        last, needed = max(place[n] for n in reading), 0
        for reader in reading:
            needed |= below[reader]
        own = below[node] & ~needed
        if last > max(place[n] for n in node.inputs):
            early = [n for n in nodes[: last + 1] if not bit[n] & own]
            nodes = [*early, *(n for n in nodes[: last + 1] if bit[n] & own), *nodes[last + 1 :]]
    return nodes


def _gathered(nodes: list[Node], groups: Sequence[Sequence[Node]], below: Mapping[Node, int]) -> list[Node]:
    """Each group's nodes where its first one was, and before them what the others need."""
    for group in groups:
        needed = 0
        for node in group:
            needed |= below[node]
        bits = {node: below[node] & ~_without(node, below) for node in nodes}
        first, members = nodes.index(group[0]), {*group}
        early = [n for n in nodes[first:] if n not in members and bits[n] & needed]
        moved = members | {*early}
        nodes = [*nodes[:first], *early, *group, *(n for n in nodes[first:] if n not in moved)]
    return nodes


def independent(nodes: Sequence[Node], below: Mapping[Node, int]) -> list[list[Node]]:
    """Groups of which none needs anything of another. below: what each node needs, as `ancestors` says."""
    own = {node: below[node] & ~_without(node, below) for node in nodes}
    groups: list[list[Node]] = []
    for node in nodes:
        for group in groups:
            if all(not below[node] & own[other] and not below[other] & own[node] for other in group):
                group.append(node)
                break
        else:
            groups.append([node])
    return groups


def _without(node: Node, below: Mapping[Node, int]) -> int:
    """What a node needs but for itself."""
    needed = 0
    for operand in node.inputs:
        needed |= below[operand]
    return needed


def _numbers(nodes: Iterable[Node]) -> list[Node]:
    found: dict[Node, None] = {}
    for node in nodes:
        if node.type.shape == () and all(n in found for n in node.inputs):
            found[node] = None
    return list(found)


def ancestors(nodes: Iterable[Node]) -> dict[Node, int]:
    """For each node the set of all that it needs, as a number with a bit for each; nodes must come inputs first."""
    below: dict[Node, int] = {}
    for i, node in enumerate(nodes):
        below[node] = 1 << i
        for operand in node.inputs:
            below[node] |= below[operand]
    return below


def same_memory(a: Node, b: Node) -> bool:
    """Whether their values are alike in memory: the padding's meaning does not matter."""
    return (a.type.dtype, a.type.shape, a.type.rows) == (b.type.dtype, b.type.shape, b.type.rows)


def _overwrites(graph: Graph, nodes: list[Node]) -> tuple[dict[Node, list[Node]], dict[Node, str]]:
    """Which nodes write over a weight, and what must therefore come after what."""
    users = users_of(nodes)
    read_at_end = {o.node for o in graph.outputs}
    after: dict[Node, list[Node]] = {}
    in_place: dict[Node, str] = {}
    for output in graph.outputs:
        if output.update is None or output.node in in_place:
            continue
        target = graph.input(output.update)
        reading = readers(target, users, read_at_end)
        if reading is None or not same_memory(output.node, target):
            continue
        for chain in _chains(output.node, users, read_at_end):
            start = chain[0]
            if start in reading and not _reads_in_place(start, target):
                continue
            others = [r for r in reading if r is not start]
            if reaches(start, set(others), users, after):
                continue
            for reader in others:
                after.setdefault(reader, []).append(start)
            in_place |= dict.fromkeys(chain, output.update)
            break
    return after, in_place


def readers(node: Node, users: Mapping[Node, list[Node]], read_at_end: set[Node]) -> list[Node] | None:
    """Who reads the node's memory, itself or through views; None where it is read after the last step."""
    found: dict[Node, None] = {}
    stack = [node]
    while stack:
        value = stack.pop()
        if value in read_at_end:
            return None
        for user in users.get(value, []):
            if isinstance(user.op, VIEWS):
                stack.append(user)
            found[user] = None
    return list(found)


def _chains(node: Node, users: Mapping[Node, list[Node]], read_at_end: set[Node]) -> list[tuple[Node, ...]]:
    """Ways to compute a node in one place, longest first: each step writes over the one before, which is its alone."""
    if isinstance(node.op, (Input, Constant, *VIEWS)):
        return []
    chain = [node]
    while True:
        head = chain[0]
        before = next(
            (
                n
                for i, n in enumerate(head.inputs)
                if i in overwritable(head.op)
                and same_memory(n, head)
                and not isinstance(n.op, (Input, Constant, *VIEWS))
                and n not in read_at_end
                and set(users[n]) == {head}
            ),
            None,
        )
        if before is None:
            return [tuple(chain[i:]) for i in range(len(chain))]
        chain.insert(0, before)


def _reads_in_place(node: Node, target: Node) -> bool:
    """Whether the node reads the target only as an operand that it may write over."""
    places = [i for i, n in enumerate(node.inputs) if n is target]
    direct = bool(places) and all(i in overwritable(node.op) for i in places)
    seen_through = any(isinstance(n.op, VIEWS) and target in sorted_nodes([n]) for n in node.inputs if n is not target)
    return direct and not seen_through


def reaches(start: Node, goals: set[Node], users: Mapping[Node, list[Node]], after: Mapping[Node, list[Node]]) -> bool:
    """Whether one of the goals comes after start, as it needs it or by what `after` says."""
    seen = {start}
    stack = [start]
    while stack:
        node = stack.pop()
        for following in (*users.get(node, ()), *after.get(node, ())):
            if following in goals:
                return True
            if following not in seen:
                seen.add(following)
                stack.append(following)
    return False


def ordered(nodes: list[Node], after: Mapping[Node, list[Node]]) -> list[Node]:
    """As near to the given order as the inputs and `after` allow."""
    rank = {node: i for i, node in enumerate(nodes)}
    waits = {node: len(node.inputs) for node in nodes}
    follows: dict[Node, list[Node]] = {node: [] for node in nodes}
    for node in nodes:
        for operand in node.inputs:
            follows[operand].append(node)
        for later in after.get(node, ()):
            follows[node].append(later)
            waits[later] += 1
    ready = [rank[node] for node in nodes if waits[node] == 0]
    heapify(ready)
    result: list[Node] = []
    while ready:
        node = nodes[heappop(ready)]
        result.append(node)
        for later in follows[node]:
            waits[later] -= 1
            if waits[later] == 0:
                heappush(ready, rank[later])
    assert len(result) == len(nodes)
    return result
