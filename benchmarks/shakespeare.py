"""`python -m benchmarks shakespeare --data-root DIR [--seed N] [--threads N] [--json]`: a small GPT.

`specs/transformer_lm.nn` (nanoGPT's small setting: 4 layers, 4 heads, 128 wide, 2,000 steps of 12 x 64 characters)
trained by nnc, and the same network by PyTorch: its fused attention, fused AdamW, the same batch, rates, decay and
clipping, weights drawn alike, validation at the end of each epoch and of the training. One after the other on the same
cores; seconds are those of training and validation, without loading.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.arguments import parser
from runtime.data.files import read_text

SPEC, TEXT = "specs/transformer_lm.nn", "lm/tinyshakespeare.txt.gz"
WIDTH, LAYERS, HEADS, LENGTH, BATCH, STEPS = 128, 4, 4, 64, 12, 2000
RATE, LAST_RATE, WARMUP, DECAY, CLIP, BETAS = 1e-3, 1e-4, 100, 0.1, 1.0, (0.9, 0.99)


def ours(root: Path, seed: int, kernels: str) -> dict[str, float]:
    """Raises CalledProcessError where the training fails, which has said why by then."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        command = [sys.executable, "-m", "nnc", "train", SPEC, "--data-root", str(root), "--out", str(run)]
        subprocess.run([*command, "--seed", str(seed), "--kernels", kernels], check=True, stdout=sys.stderr)
        epochs = [json.loads(line) for line in Path(run, "log.jsonl").read_text(encoding="utf-8").splitlines()]
        times = [json.loads(line) for line in Path(run, "times.jsonl").read_text(encoding="utf-8").splitlines()]
    return {"nats": epochs[-1]["valid"]["nats"], "seconds": sum(epoch["seconds"] for epoch in times)}


def torchs(root: Path, seed: int, threads: int) -> dict[str, float]:
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.before, self.between = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
            self.inside, self.outside = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
            self.wide, self.narrow = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            rows, length, _ = x.shape
            heads = self.inside(self.before(x)).view(rows, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
            seen = F.scaled_dot_product_attention(heads[0], heads[1], heads[2], is_causal=True)
            x = x + self.outside(seen.transpose(1, 2).reshape(rows, length, WIDTH))
            return x + self.narrow(F.gelu(self.wide(self.between(x))))

    class Network(nn.Module):
        def __init__(self, characters: int) -> None:
            super().__init__()
            self.table, self.places = nn.Embedding(characters, WIDTH), nn.Embedding(LENGTH, WIDTH)
            for embedding in (self.table, self.places):
                nn.init.normal_(embedding.weight, std=WIDTH**-0.5)
            self.layers = nn.Sequential(*(Layer() for _ in range(LAYERS)))
            self.norm, self.bias = nn.LayerNorm(WIDTH), nn.Parameter(torch.zeros(characters))

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            x = self.layers(self.table(ids) + self.places.weight[: ids.shape[1]])
            return F.linear(self.norm(x), self.table.weight, self.bias)

    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    text = read_text(root / TEXT).text
    known = {character: i for i, character in enumerate(sorted(set(text)))}
    ids = torch.tensor([known[character] for character in text])
    rows = ids[: len(ids) // LENGTH * LENGTH].view(-1, LENGTH)
    # Each position tells the next character: the last of a row is the first of the next one.
    nexts = torch.cat((rows.flatten()[1:], rows.flatten()[:1])).view(-1, LENGTH)
    kept = len(rows) - round(0.1 * len(rows))
    network = Network(len(known))
    optimizer = torch.optim.AdamW(network.parameters(), RATE, BETAS, weight_decay=DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _rate)

    def loss(chosen: torch.Tensor) -> torch.Tensor:
        scores = network(rows[chosen])
        return F.cross_entropy(scores.flatten(0, 1), nexts[chosen].flatten())

    def validated() -> float:
        with torch.no_grad():
            parts = torch.arange(kept, len(rows)).split(64)
            return sum(loss(part).item() * len(part) for part in parts) / (len(rows) - kept)

    start, step, nats = time.perf_counter(), 0, math.nan
    while step < STEPS:
        for chosen in torch.randperm(kept).split(BATCH)[: STEPS - step]:
            loss_of = loss(chosen)
            optimizer.zero_grad()
            loss_of.backward()
            nn.utils.clip_grad_norm_(network.parameters(), CLIP)
            optimizer.step()
            schedule.step()
            loss_of.item()
            step += 1
        nats = validated()
    return {"nats": nats, "seconds": time.perf_counter() - start}


def _rate(step: int) -> float:
    if step < WARMUP:
        return (step + 1) / WARMUP
    done = (step - WARMUP) / (STEPS - WARMUP)
    return (LAST_RATE + (RATE - LAST_RATE) * (1 + math.cos(math.pi * done)) / 2) / RATE


def main() -> None:
    options = parser("shakespeare", __doc__)
    options.add_argument("--data-root", type=Path, required=True, metavar="DIR", help="where lm/ lies")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--threads", type=int, default=2, help="of both")
    options.add_argument("--kernels", default="fast", choices=("numpy", "fast"))
    given = options.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = str(given.threads)
    found: dict[str, Any] = {"torch": torchs(given.data_root, given.seed, given.threads)}
    found["nnc"] = ours(given.data_root, given.seed, given.kernels)
    print("| of | nats a character, validation | seconds |\n| --- | --- | --- |")
    for name, of in found.items():
        print(f"| {name} | {of['nats']:.3f} | {of['seconds']:.0f} |")
    print(f"time over ours: {found['torch']['seconds'] / found['nnc']['seconds']:.2f}")
    if given.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
