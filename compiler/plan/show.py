"""A plan as a table: what `nnc inspect --stage plan` prints."""

from __future__ import annotations

from compiler.plan.plan import Call, Loop, Place, Plan, Positions, RowsPlace, Step


def show(plan: Plan) -> str:
    """One line a value: its type, size, place, the steps between which it lives, and the line of the spec it is of."""
    rows: list[tuple[str, ...]] = [("value", "type", "bytes", "place", "born", "dies", "line")]
    for _, place in plan.store:
        rows.append(_row(plan, place, ""))
    for _, place in plan.inputs:
        rows.append(_row(plan, place, ""))
    seen = {row[0] for row in rows}
    for step in plan.steps:
        line = str(step.node.span.line) if step.node.span else ""
        for place in _written(step):
            if place.name not in seen:
                seen.add(place.name)
                rows.append(_row(plan, place, line))
    widths = [max(len(row[i]) for row in rows) for i in range(7)]
    right = (2, 4, 5, 6)
    lines = [
        "  ".join(
            cell.rjust(w) if i in right else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    sizes = " ".join(f"{name}={size}" for name, size in plan.sizes)
    total = f"arena {plan.arena_bytes:,} bytes, weights and states {plan.store_bytes:,} bytes"
    beside = [f"{', '.join(group)}: need nothing of each other" for group in plan.independent]
    return "\n".join([*lines, "", *beside, f"{sizes}: {len(plan.steps)} steps, {total}"])


def _row(plan: Plan, place: Place, line: str) -> tuple[str, ...]:
    region = plan.regions[place.region]
    shape = ", ".join(map(str, place.shape))
    where = "store" if region.store is not None else f"{region.offset:#x}"
    born = "" if region.born < 0 else str(region.born)
    return place.name, f"{place.dtype}[{shape}]", f"{region.bytes:,}", where, born, str(region.dies), line


def _written(step: Step) -> list[Place]:
    places: list[Place] = []
    for work in step.work:
        if isinstance(work, Positions):
            read = {m.part.name for m in work.moving} - {p.name for c in work.calls for p in _places(c)}
            places += [m.whole for m in work.moving if m.part.name not in read]
        elif isinstance(work, Loop):
            places += [place for _, place in work.temporaries]
            result = work.body[-1].out
            assert isinstance(result, Place)
            places.append(dict(work.parts)[result.name])
        else:
            places += _places(work)
    return places


def _places(call: Call) -> list[Place]:
    own = [call.out.ids, call.out.values] if isinstance(call.out, RowsPlace) else [call.out]
    return [place for place in (*own, *call.scratch) if isinstance(place, Place)]
