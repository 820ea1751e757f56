"""What a step's pieces cost, added up by the lines of a spec and by kernels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from compiler import pipeline
from compiler.emit.timed import FEEDING, WAITING, Piece
from compiler.experiment import Experiment
from compiler.ir.graph import Input, Node
from compiler.ops.scan import Scan
from dsl.source import Span
from nnc.profiling import Subject
from runtime.profile import Peaks, Profile


@dataclass(frozen=True)
class Cost:
    """Of a line or a kernel in one step.

    seconds, and of them those of gradients and updates; least: what the machine's peaks allow, kernel by kernel
    calls: how often kernels are called; span: of a line, else None
    """

    name: str
    seconds: float
    gradient: float
    flops: int
    bytes: int
    least: float
    calls: int
    span: Span | None = None

    @property
    def roofline(self) -> float:
        """The share of what the peaks allow; above 1 where what is read lies in a cache."""
        return self.least / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Costs:
    """lines: in the order of the spec, those whose work was done with another line's too, with no time of their own"""

    subject: Subject
    profile: Profile
    peaks: Peaks
    lines: tuple[Cost, ...]
    kernels: tuple[Cost, ...]

    @property
    def around(self) -> float:
        """Seconds of a step around the program: the batch is copied in, the loss is read. With several threads the
        mean, in which all but one do nothing meanwhile."""
        return self.profile.pieces[FEEDING] + self.profile.after

    @property
    def waiting(self) -> tuple[float, ...]:
        """Seconds of each thread for which it waits for another one."""
        return tuple(each[WAITING] for each in self.profile.threads)

    @property
    def busy(self) -> tuple[float, ...]:
        """Seconds of each thread in kernels."""
        return tuple(sum(each[WAITING + 1 :]) for each in self.profile.threads)


SET_UP = "what no line stands for"


def by_line(
    pieces: Sequence[Piece], seconds: Sequence[float], peaks: Peaks, experiment: Experiment
) -> tuple[Cost, ...]:
    parts: dict[tuple[str, int], list[int]] = {}
    spans: dict[tuple[str, int], Span] = {}
    for span in _computing(experiment):
        spans.setdefault(_key(span), span)
        parts.setdefault(_key(span), [])
    for i, piece in enumerate(pieces):
        if i > WAITING:
            parts.setdefault(_key(piece.span), []).append(i)
            if piece.span is not None:
                spans.setdefault(_key(piece.span), piece.span)
    # The spec's own lines first, then those of the files that it uses.
    order = sorted(parts, key=lambda key: (key[0] != experiment.file, *key))
    found: list[Cost] = []
    for key in order:
        span = spans.get(key)
        name = SET_UP if span is None else span.text.strip()
        found.append(_cost(name, parts[key], pieces, seconds, peaks, span))
    return tuple(found)


def by_kernel(pieces: Sequence[Piece], seconds: Sequence[float], peaks: Peaks) -> tuple[Cost, ...]:
    """The costliest first."""
    parts: dict[str, list[int]] = {}
    for i, piece in enumerate(pieces):
        if i > WAITING:
            parts.setdefault(piece.kernel, []).append(i)
    found = [_cost(name, of, pieces, seconds, peaks, None) for name, of in parts.items()]
    return tuple(sorted(found, key=lambda cost: -cost.seconds))


def _cost(
    name: str, of: Iterable[int], pieces: Sequence[Piece], seconds: Sequence[float], peaks: Peaks, span: Span | None
) -> Cost:
    chosen = [(pieces[i], seconds[i]) for i in of]
    return Cost(
        name,
        sum(s for _, s in chosen),
        sum(s for piece, s in chosen if piece.gradient),
        sum(p.flops * p.times for p, _ in chosen),
        sum(p.bytes * p.times for p, _ in chosen),
        sum(p.times * peaks.least_seconds(p.flops, p.bytes) for p, _ in chosen),
        sum(p.times for p, _ in chosen),
        span,
    )


def _key(span: Span | None) -> tuple[str, int]:
    return ("", 0) if span is None else (span.file, span.line)


def _computing(experiment: Experiment) -> list[Span]:
    """The lines that compute something before passes have moved it together; in loops too."""
    graphs = [pipeline.training_step(experiment).graph]
    found: list[Span] = []
    while graphs:
        for node in graphs.pop().nodes():
            if isinstance(node.op, Scan):
                graphs.append(node.op.body.graph)
            if _computes(node) and node.span is not None:
                found.append(node.span)
    return found


def _computes(node: Node) -> bool:
    return not isinstance(node.op, Input) and not node.op.view
