"""Where loops over positions keep what they compute, and which of them need each other."""

from __future__ import annotations

from compiler.passes import optimize
from compiler.pipeline import compile_bucket
from compiler.plan.plan import Call, Place, Plan, Positions
from compiler.plan.show import show
from tests.compiler.test_cell_programs import SIZES, with_gradients


def plan_of(use: str) -> Plan:
    return compile_bucket(optimize(with_gradients("", use)), SIZES)[1]


def loops(plan: Plan) -> list[Positions]:
    return [work for step in plan.steps for work in step.work if isinstance(work, Positions)]


def written(loop: Positions) -> set[int]:
    """The regions of what each position has its part of and the step writes."""
    moving = {m.part.region for m in loop.moving}
    return {c.out.region for c in loop.calls if isinstance(c.out, Place)} & moving


def test_gates_lie_where_their_products_were_and_their_gradients_where_the_gates_were():
    plan = plan_of("lstm 3")
    forward, backward = loops(plan)
    products = {m.part.region for m in forward.moving if m.whole.shape[-1] == 12}
    assert len(products) == 1
    assert products <= written(forward)
    assert products <= written(backward)


def test_value_that_is_read_later_is_not_written_over():
    """The first layer's states are what the second one reads, and what both weights' gradients do."""
    plan = plan_of("lstm 3 layers=2")
    states = [m.part.region for loop in loops(plan)[:2] for m in loop.moving if m.part.name.startswith("h")]
    for loop in loops(plan)[2:]:
        assert written(loop).isdisjoint(states)


def test_parts_of_a_whole_are_computed_in_it():
    """Gradients of gates, side by side for one product: nothing is copied for it."""
    (_, backward) = loops(plan_of("lstm 3"))
    assert not [c for c in backward.calls if type(c.op).__name__ in ("Concat", "Broadcast")]
    parts = [c.out for c in backward.calls if isinstance(c.out, Place) and c.out.by is not None]
    assert len({p.region for p in parts}) == 1
    assert len(parts) == 4


def test_step_that_holds_no_state_does_not_ask_which():
    plan = plan_of("lstm 3")
    assert all(loop.ended is not None and len(loop.held) == 2 for loop in loops(plan))
    assert all(isinstance(c, Call) for loop in loops(plan) for c in loop.calls)


def test_two_directions_need_nothing_of_each_other():
    plan = plan_of("lstm 3 bidir")
    forward, backward, *gradients = [loop.name for loop in loops(plan)]
    assert plan.independent == ((forward, backward), tuple(gradients))
    assert "need nothing of each other" in show(plan)


def test_layers_need_each_other():
    assert plan_of("lstm 3 layers=2").independent == ()
