"""Which tables of words an optimizer moves row by row; `runtime.deferred` makes up for what the other rows miss."""

from __future__ import annotations

from compiler.experiment import Parameter
from compiler.ir.graph import Graph, Input, Node, users_of
from compiler.ops.lookup import Gather
from compiler.settings.train import Optimizer

LEAST = 1 << 17
"""Numbers of a table from which on it pays: below, moving all of them takes no longer than looking for a few."""
WINDOW = 4096
"""Steps after which all rows are brought up to date, so that what they missed fits a table."""


def looked_up(graph: Graph) -> dict[str, str]:
    """The weights that are read by looking rows up, all by the same input of the batch: its name by the weight's."""
    users = users_of(graph.nodes())
    given = {output.node for output in graph.outputs}
    found: dict[str, str] = {}
    for weight in graph.inputs:
        reading = {user.inputs[1] if _looks_up(user, weight) else None for user in users.get(weight, ())}
        ids = reading.pop() if len(reading) == 1 else None
        if ids is not None and weight not in given and isinstance(ids.op, Input) and ids.op.kind == "data":
            assert isinstance(weight.op, Input)
            found[weight.op.name] = ids.op.name
    return found


def _looks_up(user: Node, table: Node) -> bool:
    return isinstance(user.op, Gather) and not user.op.computed and user.inputs[0] is table is not user.inputs[1]


def pays(settings: Optimizer, weight: Parameter, gradient: Node) -> bool:
    """Of a table whose gradient is row-sparse. What a row misses fades with beta1 / sqrt(beta2), which has to be well
    below 1 for its sum to come to an end."""
    rows, *rest = weight.type.shape
    width = rest[0] if len(rest) == 1 else None
    first, second = settings.betas
    large = isinstance(rows, int) and isinstance(width, int) and rows * width >= LEAST
    return (
        large
        and gradient.type.rows is not None
        and not settings.strict
        and second >= 0.5
        and first <= 0.99 * second**0.5
    )
