"""`python -m benchmarks.recurrence_steps [--seconds N] [--threads N] [--json]`: training steps of networks with LSTMs.

The two workloads of the study of performance: a tagger (both directions, 20,000 words, 45 tags) and a language model
(two layers, 10,000 words); all texts of a batch are equally long. Ours against PyTorch with its own LSTM and its fused
Adam, in turns, from the same weights; the losses of the first steps are compared before anything is timed.
"""

from __future__ import annotations

import json
import os

from benchmarks.arguments import parser
from benchmarks.recurrence_workloads import NETWORKS
from benchmarks.turns import measured, table


def main() -> None:
    options = parser("recurrence_steps", __doc__)
    options.add_argument("--seconds", type=float, default=30, help="for each network")
    options.add_argument("--threads", type=int, default=2, help="of the BLAS and of PyTorch")
    given = options.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = str(given.threads)
    # NumPy reads that when it is imported.
    from benchmarks.recurrence_steps_engines import ours_and_torch

    found: dict[str, dict[str, dict[str, float]]] = {}
    for network in NETWORKS:
        each = ours_and_torch(network, given.threads)
        found[network.name] = measures = measured(each, given.seconds)
        print(f"\n{network.name}: {network.layers}, B={network.batch} T={network.length}, {given.threads} thread(s)")
        print(*table(measures), sep="\n", flush=True)
    if given.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
