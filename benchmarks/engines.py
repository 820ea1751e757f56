"""One training step of the TextCNN workload, by each engine: loss computed and read, dropout on, dense Adam."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np

from benchmarks.workload import BATCH, CLASSES, VOCABULARY, WORDS, batches

Step = Callable[[], float]


def nnc() -> Step:
    """The program that the compiler emits, NumPy alone, two BLAS threads."""
    from compiler import pipeline
    from runtime.execute import Executor
    from runtime.numpy_backend import numpy_backend
    from runtime.weights import initial_weights

    text = Path(__file__).with_name("textcnn.nn").read_text("utf-8")
    experiment = pipeline.check(text, "textcnn.nn", sizes={"V": VOCABULARY, "classes": CLASSES})
    step = pipeline.training_step(experiment)
    backend = numpy_backend()
    store = initial_weights(experiment.network.parameters, 1)
    for state in step.states:
        store[state.name] = np.full(tuple(int(str(d)) for d in state.type.shape), state.start, np.float32)
    executor = Executor(backend, pipeline.optimize(step.graph), pipeline.compile_bucket, store)
    lengths = np.full(BATCH, WORDS)
    rotation, numbers = batches(), count(1)

    def run() -> float:
        i = next(numbers)
        ids, labels = rotation[i % len(rotation)]
        feeds = {"text": ids, "label": labels, "lengths.T": lengths, "rows": np.float32(BATCH)}
        feeds |= {"lr": np.float64(1e-3), "step": np.int64(i), "seed": np.int64(1)}
        return float(executor.run(feeds, {"B": BATCH, "T": WORDS})["loss"])

    return run


def torch_fused() -> Step:
    """PyTorch eager with its fused Adam, two threads."""
    import torch
    from torch import nn

    torch.set_num_threads(2)
    torch.manual_seed(1)

    class TextCNN(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(VOCABULARY, 128, padding_idx=0)
            self.convs = nn.ModuleList(nn.Conv1d(128, 100, k) for k in (3, 4, 5))
            self.dropout = nn.Dropout(0.5)
            self.dense = nn.Linear(300, CLASSES)

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            x = self.embed(ids).transpose(1, 2)
            pooled = [torch.relu(conv(x)).amax(2) for conv in self.convs]
            return self.dense(self.dropout(torch.cat(pooled, 1)))

    model = TextCNN()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    rotation = [tuple(torch.from_numpy(part) for part in batch) for batch in batches()]
    numbers = count(1)

    def run() -> float:
        ids, labels = rotation[next(numbers) % len(rotation)]
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(model(ids), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return run


ENGINES: dict[str, Callable[[], Step]] = {"nnc": nnc, "torch-fused": torch_fused}
