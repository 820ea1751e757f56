"""Beam search beside PyTorch: 1,000 sentences, a Transformer of 3 + 3 layers of 256, the same weights.

python -m benchmarks beam: weights and sentences are random, of the sizes of Multi30k, and every text has --max tokens:
the time hangs on sizes and lengths, not on what is written. --run RUN --file F takes a trained one, of
specs/translate_transformer.nn, and sentences; its texts end where they end.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.arguments import parser
from compiler.pipeline import check
from compiler.settings.predict import PredictSettings
from nnc.device import backend_of
from nnc.machine import KERNELS
from nnc.model import Model, Origin
from nnc.opening import open_model
from nnc.translating import written_ids
from runtime.data import Rows, Tables, batches
from runtime.data.tokens import OWN_IDS, Sequences, Vocabulary
from runtime.weights import initial_weights

SPEC = Path(__file__).parents[1] / "specs" / "translate_transformer.nn"
SIZES = {"source": 5_970, "target": 7_849}
"""Ids of the vocabularies."""
TOGETHER = 64


def untrained(rows: int, ids: Mapping[str, int] = SIZES) -> tuple[Model, Rows]:
    """The model, and so many sentences."""
    experiment = check(SPEC.read_bytes(), SPEC.name, sizes={f"V.{name}": size for name, size in ids.items()})
    words = {name: Vocabulary(tuple(f"w{i}" for i in range(size - OWN_IDS))) for name, size in ids.items()}
    weights = initial_weights(experiment.network.parameters, 1)
    # Tokens are told apart: one of a few is likely, as behind a trained model.
    weights["decode.out.weight"] = weights["decode.out.weight"] * 3
    model = Model(experiment, Tables(words, {}, {}), weights, Origin(), {})
    rng = np.random.default_rng(1)
    lengths = np.clip(rng.normal(13, 4, rows).round(), 4, 40).astype(int)
    return model, model.rows(
        [(" ".join(f"w{i}" for i in rng.integers(0, ids["source"] - OWN_IDS, n)),) for n in lengths]
    )


def asked(model: Model, most: int) -> Model:
    """With a beam of 4."""
    return replace(model, experiment=replace(model.experiment, predict=PredictSettings(beam=4, max=most, length=1.0)))


def of_torch(model: Model, rows: Rows) -> list[list[int]]:
    from benchmarks.torch_beam import Translator, beam_search

    peer = Translator({name: np.asarray(w) for name, w in model.weights.items()})
    settings, found = model.experiment.predict, [list[int]()] * rows.count
    for batch in batches(rows, TOGETHER, order="plain"):
        ids, lengths = batch.arrays["source"], batch.arrays["lengths.T"]
        texts = beam_search(peer, ids, lengths, settings.beam, settings.length, settings.max)
        for row, text in zip(batch.rows.tolist(), texts, strict=True):
            found[row] = text
    return found


def _options() -> argparse.Namespace:
    found = parser("beam", __doc__)
    found.add_argument("--run", type=Path)
    found.add_argument("--file", type=Path)
    found.add_argument("--rows", type=int, default=1000)
    found.add_argument("--max", type=int, default=15)
    found.add_argument("--turns", type=int, default=2)
    found.add_argument("--threads", type=int, default=2)
    found.add_argument("--kernels", choices=KERNELS, help="ours; without it what NNC_KERNELS says, or numpy")
    return found.parse_args()


def main() -> int:
    options = _options()
    import torch

    torch.set_num_threads(options.threads)
    model, rows = untrained(options.rows)
    if options.run is not None:
        model = open_model(options.run)
        lines = options.file.read_text("utf-8").splitlines()[: options.rows]
        rows = model.rows([(line,) for line in lines])
    model = replace(asked(model, options.max), backend=backend_of("cpu", options.kernels))
    engines = {"ours": lambda: written_ids(model, rows)["target"], "torch": lambda: of_torch(model, rows)}
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    texts: dict[str, list[list[int]]] = {}
    for _ in range(options.turns):
        for name, engine in engines.items():
            begin = perf_counter()
            texts[name] = engine()
            seconds[name].append(perf_counter() - begin)
    equal = sum(a == b for a, b in zip(texts["ours"], texts["torch"], strict=True))
    column = rows.columns["source"]
    assert isinstance(column, Sequences)
    tokens = sum(map(len, texts["ours"])) / rows.count
    print(f"{rows.count} sentences of {column.lengths.mean():.1f} tokens, written {tokens:.1f}; equal: {equal}")
    print("| engine | s, least | sentences a second | over torch |\n| --- | --- | --- | --- |")
    for name, each in seconds.items():
        print(f"| {name} | {min(each):.2f} | {rows.count / min(each):.1f} | {min(seconds['torch']) / min(each):.2f} |")
    if options.json:
        print(json.dumps({"rows": rows.count, "tokens": tokens, "equal": equal, "seconds": seconds}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
