"""`python -m benchmarks [--quick] [--only NAME,...] [--json]`: a training step of ours beside PyTorch's and JAX's.

The same step in every engine: shapes, float32, Adam, the loss computed and read, dropout where the spec has it, 64
batches in rotation. One process an engine, two threads, in turns; all start from the same weights, and one whose
gradient or loss is another than ours is refused. A sample is clean when its threads waited for a core for less than 3 %
of its time; figures are medians of clean samples, or of all samples of all engines where one has fewer than three.
--quick takes two minutes: without PyTorch's compiler, and with words drawn as in texts only. The last line under --json
is one JSON object.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from math import inf
from statistics import median, quantiles
from time import monotonic
from typing import Any

from benchmarks.arguments import parser
from benchmarks.workers import Engine, TooLong, hold_cores, installed
from benchmarks.workloads import WORKLOADS, Ids, Workload

QUICK_SECONDS = 115.0
"""All workloads together; what is left of two minutes is for starting and stopping."""
TURN_SECONDS = 0.1
COMPILE_SECONDS, OUR_SECONDS = 60.0, 600.0
"""A peer that takes longer to prepare a step is left out of the row; ours may, where it fills its cache of kernels."""
NO_TIME = "no time was left"
LEAST_TURNS = 3
OURS = {"nnc": "numpy", "nnc fast": "fast"}
"""engine -> its tier"""


@dataclass(frozen=True)
class Figure:
    """Milliseconds a step: median, tenth and ninetieth part in a hundred; how many samples were clean, of how many."""

    ms: float
    p10: float
    p90: float
    clean: int
    samples: int


@dataclass(frozen=True)
class Row:
    """One workload with one way of drawing words. failed: why an engine has no figure; missing: why ours has none"""

    workload: str
    ids: Ids
    figures: dict[str, Figure] = field(default_factory=dict[str, Figure])
    failed: dict[str, str] = field(default_factory=dict[str, str])
    missing: str | None = None

    def peers(self) -> dict[str, Figure]:
        return {name: figure for name, figure in self.figures.items() if name not in OURS}

    def best_peer(self) -> str | None:
        peers = self.peers()
        return min(peers, key=lambda name: peers[name].ms, default=None)

    def ratio(self, ours: str) -> float | None:
        """The best peer's time over that of ours."""
        best = self.best_peer()
        return None if best is None or ours not in self.figures else self.figures[best].ms / self.figures[ours].ms


def measured(w: Workload, ids: Ids, engines: Sequence[Engine], seconds: float, end: float | None = None) -> Row:
    """seconds: of sampling; end: the clock when all has to be done, preparing too, and what is not is left out."""
    end = inf if end is None else end
    row = Row(w.name, ids)
    with tempfile.TemporaryDirectory() as folder:
        request = {"prepare": w.name, "ids": ids, "folder": folder}
        engines[0].ask(**request)
        said = _answered(engines[0], end)
        if "seconds" not in said:
            return Row(w.name, ids, missing=next(iter(said.values())))
        for engine in engines[1:]:
            engine.ask(**request)
        ready = [engines[0]]
        for engine in engines[1:]:
            said = _answered(engine, end)
            if "seconds" in said:
                ready.append(engine)
            else:
                row.failed[engine.name] = next(f"{how}: {why}" for how, why in said.items())
    samples: dict[str, list[tuple[float, bool]]] = {engine.name: [] for engine in ready}
    turns, until = 0, min(monotonic() + seconds, end)
    while turns < LEAST_TURNS or monotonic() < until:
        turns += 1
        for engine in list(ready):
            engine.ask(sample=TURN_SECONDS)
            said = _answered(engine, inf)
            if "samples" in said:
                samples[engine.name] += [(ms, clean) for ms, clean in said["samples"]]
            else:
                ready.remove(engine)
                del samples[engine.name]
                row.failed[engine.name] = next(f"{how}: {why}" for how, why in said.items())
    row.figures.update(figures(samples))
    return row


def _answered(engine: Engine, end: float) -> dict[str, Any]:
    most = OUR_SECONDS if engine.name in OURS else COMPILE_SECONDS
    left = max(0.0, end - monotonic())
    try:
        return engine.answer(min(most, left))
    except TooLong:
        return {"failed": NO_TIME if left < most else f"took over {most:.0f} s"}


def figures(samples: dict[str, list[tuple[float, bool]]]) -> dict[str, Figure]:
    """Of all engines the same kind of sample: all of them, where one engine has too few clean ones."""
    clean_only = all(sum(clean for _, clean in each) >= 3 for each in samples.values())
    found: dict[str, Figure] = {}
    for name, each in samples.items():
        used = [ms for ms, clean in each if clean or not clean_only]
        tenths = quantiles(used, n=10, method="inclusive") if len(used) > 1 else used * 9
        found[name] = Figure(median(used), tenths[0], tenths[-1], sum(clean for _, clean in each), len(each))
    return found


def table(rows: Sequence[Row], names: Sequence[str]) -> Iterator[str]:
    """Markdown: medians with their spread, and for each tier of ours the best peer's time over it."""
    tiers = [name for name in OURS if name in names]
    heads = ["workload", "words", *names, "best peer", *(f"ratio, {OURS[t]}" for t in tiers)]
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    for row in rows:
        words = row.ids if next(w for w in WORKLOADS if w.name == row.workload).has_words else ""
        if row.missing is not None:
            cells = [f"none: {row.missing}", *[""] * (len(names) + len(tiers))]
        else:
            ratios = [row.ratio(t) for t in tiers]
            cells = [_cell(row, name) for name in names]
            cells += [row.best_peer() or "", *(f"{r:.2f}" if r is not None else "" for r in ratios)]
        yield f"| {' | '.join([row.workload, words, *cells])} |"


def _cell(row: Row, name: str) -> str:
    if name not in row.figures:
        return row.failed.get(name, "")
    f = row.figures[name]
    digits = max(0, 2 - len(str(int(f.ms)))) + 1
    return f"{f.ms:.{digits}f} ({f.p10:.{digits}f} to {f.p90:.{digits}f})"


def as_json(rows: Sequence[Row], names: Sequence[str]) -> dict[str, Any]:
    """One object for each workload, way of drawing words and tier."""
    found: list[dict[str, Any]] = []
    for row in rows:
        for engine in (name for name in OURS if name in names):
            ours = row.figures.get(engine)
            peers = {name: asdict(f) for name, f in row.peers().items()} | {
                n: {"failed": w} for n, w in row.failed.items()
            }
            found.append({
                "workload": row.workload,
                "ids": row.ids,
                "tier": OURS[engine],
                "ours": asdict(ours) if ours is not None else None,
                "peers": peers,
                "best_peer": row.best_peer(),
                "ratio": row.ratio(engine),
                "missing": row.missing,
            })  # fmt: skip
    return {"rows": found}


def main(arguments: Sequence[str]) -> None:
    options = parser("", __doc__)
    options.add_argument("--quick", action="store_true", help="two minutes in all")
    options.add_argument("--only", default="", metavar="NAME,...", help="these workloads")
    options.add_argument("--engines", default="", metavar="NAME,...", help="ours and these")
    options.add_argument("--seconds", type=float, default=20, help="of sampling, for each row, all engines together")
    given = options.parse_args(arguments)
    hold_cores()
    workloads = [w for w in WORKLOADS if not given.only or w.name in given.only.split(",")]
    left_out = ("torch compiled",) if given.quick else ()
    wanted = given.engines.split(",") if given.engines else installed()
    names = [n for n in installed() if (n in wanted or n in OURS) and n not in left_out]
    work: list[tuple[Workload, Ids]] = [(w, "zipf") for w in workloads]
    if not given.quick:
        work += [(w, "uniform") for w in workloads if w.has_words]
    engines = [Engine(name) for name in names]
    rows: list[Row] = []
    end = monotonic() + QUICK_SECONDS
    try:
        for done, (w, ids) in enumerate(work):
            now = monotonic()
            if given.quick and now > end:
                rows.append(Row(w.name, ids, missing=NO_TIME))
                continue
            # What is left of two minutes is shared out; preparing takes most of it.
            share = (end - now) / (len(work) - done) / 4
            seconds = min(share, given.seconds) if given.quick else given.seconds
            rows.append(measured(w, ids, engines, seconds, end if given.quick else None))
            print(f"{w.name}, {ids}: {rows[-1].missing or rows[-1].ratio(names[0])}", file=sys.stderr, flush=True)
    finally:
        for engine in engines:
            engine.stop()
    print("\nMilliseconds a step: median (tenth to ninetieth part in a hundred). Ratio: the best peer's over ours.\n")
    print(*table(rows, names), sep="\n")
    if not any(row.peers() for row in rows):
        print("\nno peer is installed: pip install '.[bench]'")
    if given.json:
        print(json.dumps(as_json(rows, names)))
