"""`nnc profile SPEC`: where the time of a training step goes, by line of the spec and by kernel."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nnc.commands.inspect import refuse_unknown
from nnc.costs import Costs, by_kernel, by_line
from nnc.failure import width
from nnc.profile_page import page, page_json
from nnc.profiling import profiled, subject
from nnc.training import recipe
from runtime.profile import higher, measured_peaks


@dataclass(frozen=True)
class Options:
    """As on the command line. seconds: of steps with a clock and without, after those that warm up"""

    sizes: Mapping[str, int] | None = None
    seconds: float = 3.0
    sets: tuple[str, ...] = ()
    data_root: Path | None = None
    as_json: bool = False
    optimized: bool = True
    kernels: str | None = None


def run(spec: Path, options: Options) -> int:
    made = recipe(spec, sets=options.sets, data_root=options.data_root, optimized=options.optimized)
    if options.sizes:
        refuse_unknown(options.sizes, made.check())
    found = subject(made, options.sizes)
    peaks = measured_peaks()
    pieces, measured = profiled(found, options.seconds, options.kernels)
    # Beside other work either may be too low.
    peaks = higher(peaks, measured_peaks())
    costs = Costs(
        found,
        measured,
        peaks,
        by_line(pieces, measured.pieces, peaks, found.experiment),
        by_kernel(pieces, measured.pieces, peaks),
    )
    if options.as_json:
        print(json.dumps(page_json(costs), ensure_ascii=False))
    else:
        print(*page(costs, width(sys.stdout)), sep="\n")
    return 0
