"""`python -m benchmarks.recurrence [--seconds N] [--threads N] [--only NAME] [--json]`: recurrent layers alone.

Forward and backward with the gradients of input and weights, float32, no padding. An LSTM of the library: ours, the
plan written by hand for NumPy, `torch.nn.LSTM`. A cell of a user's: ours, and the same equations in PyTorch as a loop.
All in one process, in turns; gradients are compared before anything is timed. Ratios are rival over ours of the medians
of clean samples (whose threads waited for a core for less than 3 % of their time), and of the fastest samples.
"""

from __future__ import annotations

import importlib.util
import json
import os

from benchmarks.arguments import parser
from benchmarks.recurrence_workloads import WORKLOADS
from benchmarks.turns import measured, table


def main() -> None:
    options = parser("recurrence", __doc__)
    options.add_argument("--seconds", type=float, default=20, help="for each workload")
    options.add_argument("--threads", type=int, default=1, help="of the BLAS and of PyTorch")
    options.add_argument("--only", default="", help="the workload of that name")
    given = options.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = str(given.threads)
    # NumPy reads that when it is imported.
    from benchmarks.recurrence_engines import compared, engines

    found: dict[str, dict[str, dict[str, float]]] = {}
    for w in WORKLOADS:
        if given.only not in ("", w.name):
            continue
        each = engines(w, given.threads, with_torch=importlib.util.find_spec("torch") is not None)
        compared(each)
        found[w.name] = measures = measured(each, given.seconds)
        print(f"\n{w.name}: {w.use}, B={w.batch} T={w.length} D={w.inside}, {given.threads} thread(s)")
        print(*table(measures), each["ours"].note, sep="\n", flush=True)
    if given.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
