"""The profile of a step as tables for people, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from compiler.emit.timed import FEEDING
from dsl.render import columns, show
from nnc.costs import Cost, Costs
from nnc.layers import line_of, quantity
from runtime.threads import threads

KERNELS = 12
"""Rows of the table of kernels; the others are added up."""
WIDEST_TEXT = 40


def page(costs: Costs, width: int) -> list[str]:
    profile, subject = costs.profile, costs.subject
    sizes = " ".join(f"{show(name)}={size:,}" for name, size in sorted(subject.sizes.items()))
    of_threads = f"{threads()} {'thread' if threads() == 1 else 'threads'}"
    clock = profile.total / profile.plain - 1
    head = [
        f"{show(subject.experiment.file)}   {_ms(profile.plain)} ms a step   {sizes}",
        f"with the clock {_ms(profile.total)} ms ({100 * clock:+.0f} %), the faster half of {profile.steps} steps",
        f"peaks here: {costs.peaks.flops / 1e9:.0f} GFLOP/s, {costs.peaks.bytes / 1e9:.0f} GB/s; {of_threads}",
    ]
    if subject.batch_seconds is not None:
        share = subject.batch_seconds / (subject.batch_seconds + profile.plain)
        head.append(
            f"making a batch of the data takes {_ms(subject.batch_seconds)} ms before a step, {_percent(share)}"
        )
    if len(costs.busy) > 1:
        of_each = zip(costs.busy, costs.waiting, strict=True)
        shares = (f"{_ms(busy)} ms in kernels, {_ms(waits)} ms waiting for another" for busy, waits in of_each)
        head += [f"thread {r}: {share}" for r, share in enumerate(shares)]
        head.append("times below are the mean of the threads")
    notes = ["-: done in the kernels of other lines"] if any(not cost.calls for cost in costs.lines) else []
    return [*head, "", *_lines(costs, width), "", *_kernels(costs, width), "", *notes, ABOUT]


ABOUT = "roofline: the least time that the peaks allow for the FLOP and bytes; above 100 % a cache gave the bytes"

Row = tuple[str, ...]


def _lines(costs: Costs, width: int) -> Iterator[str]:
    total = costs.profile.total
    rows: list[Row] = [("line", "what", "ms", "share", "gradient", "FLOP", "bytes", "roofline")]
    for cost in costs.lines:
        line = _line(cost, costs.subject.experiment.file)
        if not cost.calls:
            rows.append((line, _text(cost.name), "-", "", "", "", "", ""))
        else:
            rows.append((line, _text(cost.name), *_figures(cost, total)))
    around, waited = costs.around, sum(costs.waiting) / len(costs.waiting)
    late = " rows put off," if costs.subject.step.deferred else ""
    rows.append(
        ("", f"feeding the batch,{late} reading the loss", _ms(around), _percent(around / total), "", "", "", "")
    )
    if waited:
        rows.append(("", "waiting for another thread", _ms(waited), _percent(waited / total), "", "", "", ""))
    rows.append(("", "total", _ms(total), "100 %", *_sums(costs.lines)))
    yield from _aligned(rows, width, left=(1,))


def _kernels(costs: Costs, width: int) -> Iterator[str]:
    total = costs.profile.total
    rows: list[Row] = [("kernel", "calls", "ms", "share", "FLOP", "bytes", "roofline")]
    for cost in _most(costs.kernels):
        ms, share, _, *others = _figures(cost, total)
        rows.append((cost.name, f"{cost.calls:,}", ms, share, *others))
    yield from _aligned(rows, width, left=(0,))


def _most(kernels: Sequence[Cost]) -> list[Cost]:
    """The costliest, and all others as one."""
    rest = kernels[KERNELS:]
    if len(rest) < 2:
        return list(kernels)
    numbers = [sum(getattr(cost, name) for cost in rest) for name in ("seconds", "gradient", "flops", "bytes", "least")]
    return [*kernels[:KERNELS], Cost(f"{len(rest)} others", *numbers, calls=sum(cost.calls for cost in rest))]


def _figures(cost: Cost, total: float) -> Row:
    return (
        _ms(cost.seconds),
        _percent(cost.seconds / total),
        _ms(cost.gradient) if cost.gradient else "",
        quantity(cost.flops) if cost.flops else "",
        quantity(cost.bytes) if cost.bytes else "",
        _percent(cost.roofline) if cost.least else "",
    )


def _sums(lines: Sequence[Cost]) -> Row:
    seconds, least = sum(c.seconds for c in lines), sum(c.least for c in lines)
    return (
        _ms(sum(c.gradient for c in lines)),
        quantity(sum(c.flops for c in lines)),
        quantity(sum(c.bytes for c in lines)),
        _percent(least / seconds if seconds else 0.0),
    )


def _line(cost: Cost, file: str) -> str:
    if cost.span is None:
        return ""
    return line_of(cost.span, file)


def _text(text: str) -> str:
    shown = show(text)
    if columns(shown) <= WIDEST_TEXT:
        return shown
    kept = next(n for n in range(WIDEST_TEXT, 0, -1) if columns(shown[:n]) < WIDEST_TEXT)
    return f"{shown[:kept]}…"


def _ms(seconds: float) -> str:
    ms = 1e3 * seconds
    return f"{ms:.0f}" if ms >= 100 else f"{ms:.1f}" if ms >= 10 else f"{ms:.2f}" if ms >= 1 else f"{ms:.3f}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.1f} %"


def _aligned(rows: Sequence[Row], width: int, left: tuple[int, ...]) -> Iterator[str]:
    """As wide as it needs; columns are left out from the right where the terminal is narrow."""
    widths = [max(columns(row[i]) for row in rows) for i in range(len(rows[0]))]
    kept = len(widths)
    while kept > 3 and sum(widths[:kept]) + 2 * (kept - 1) > width:
        kept -= 1
    for row in rows:
        cells = [
            text + " " * (w - columns(text)) if i in left else " " * (w - columns(text)) + text
            for i, (text, w) in enumerate(zip(row[:kept], widths, strict=False))
        ]
        yield "  ".join(cells).rstrip()


def page_json(costs: Costs) -> dict[str, Any]:
    """Times in milliseconds."""
    profile, subject, peaks = costs.profile, costs.subject, costs.peaks
    return {
        "file": subject.experiment.file,
        "sizes": dict(subject.sizes),
        "steps": profile.steps,
        "ms": 1e3 * profile.plain,
        "ms_with_clock": 1e3 * profile.total,
        "ms_feeding": 1e3 * profile.pieces[FEEDING],
        "ms_reading": 1e3 * profile.after,
        "threads": [
            {"ms_kernels": 1e3 * busy, "ms_waiting": 1e3 * waits}
            for busy, waits in zip(costs.busy, costs.waiting, strict=True)
        ],
        "ms_batch": None if subject.batch_seconds is None else 1e3 * subject.batch_seconds,
        "peaks": {"flop_a_second": peaks.flops, "bytes_a_second": peaks.bytes},
        "lines": [
            {
                "line": None if c.span is None else c.span.line,
                "file": None if c.span is None else c.span.file,
                **_json(c),
            }
            for c in costs.lines
        ],
        "kernels": [_json(cost) for cost in costs.kernels],
    }


def _json(cost: Cost) -> dict[str, Any]:
    return {
        "name": cost.name,
        "ms": 1e3 * cost.seconds,
        "ms_gradient": 1e3 * cost.gradient,
        "calls": cost.calls,
        "flop": cost.flops,
        "bytes": cost.bytes,
        "roofline": cost.roofline if cost.calls else None,
    }
