"""What each entry of `train` takes."""

from __future__ import annotations

from compiler.sections.phase_entries import PHASE
from compiler.sections.schedule import SCHEDULE
from compiler.signature import Setting, Signature

LR = "the learning rate"
LEAST_EPS = 1e-30
"""What float32 can tell from 0: without it a weight that never had a gradient, such as padding's, becomes 0 / 0."""
OPTIMIZERS = (
    Signature(
        "sgd",
        "w - lr g, with momentum if it is given; PyTorch's",
        (
            Setting("lr", "number", LR, 0.01, low=0),
            Setting("momentum", "number", "how much of the last move stays", 0.0, low=0, high=1, below=True),
        ),
        later=("nesterov",),
    ),
    Signature(
        "adagrad",
        "a rate for each weight, over the root of its summed squared gradients; PyTorch's",
        (
            Setting("lr", "number", LR, 0.01, low=0),
            Setting("init", "number", "where the sum starts", 0.0, low=0),
            Setting("eps", "number", "added to the root", 1e-10, low=LEAST_EPS),
        ),
    ),
    *(
        Signature(
            word,
            sentence,
            (
                Setting("lr", "number", LR, 1e-3, low=0),
                Setting(
                    "betas",
                    "number",
                    "how much of the two means stays",
                    (0.9, 0.999),
                    many=True,
                    low=0,
                    high=1,
                    below=True,
                ),
                Setting("eps", "number", "added to the root", 1e-8, low=LEAST_EPS),
            ),
        )
        for word, sentence in (
            ("adam", "steps by the running mean of the gradient over the root of that of its square; PyTorch's"),
            ("adamw", "adam with the decay apart from the gradient; PyTorch's"),
        )
    ),
)

TRAIN = {
    s.word: s
    for s in (
        *PHASE,
        *OPTIMIZERS,
        Signature(
            "decay",
            "L2: so much of each weight is added to its gradient; apart from it in adamw",
            (Setting("x", "number", "how much", required=True, low=0),),
            ("x",),
        ),
        Signature(
            "batch",
            "examples a step",
            (Setting("size", "count", "how many", required=True, low=1, high=1_000_000),),
            ("size",),
            ("tokens",),
        ),
        Signature(
            "epochs",
            "passes over the training rows",
            (Setting("n", "count", "how many", required=True, low=1, high=1_000_000),),
            ("n",),
        ),
        Signature(
            "clip",
            "bounds the gradient, or a head's weights",
            (
                Setting("norm", "number", "of the whole gradient", low=0),
                Setting("value", "number", "of each number of the gradient", low=0),
                Setting("weights", "number", "of each unit's weights of a head, after the update", low=1e-6),
            ),
        ),
        Signature(
            "loss",
            "another loss than the head asks for",
            (Setting("kind", "choice", "which", required=True, choices=("perceptron",)),),
            ("kind",),
            ("sum", "huber", "delta", "contrastive", "margin", "of"),
        ),
        Signature(
            "stop",
            "ends when so many epochs brought nothing better",
            (
                Setting("patience", "count", "how many epochs", 3, low=1),
                Setting("metric", "name", "by what"),
            ),
        ),
        Signature(
            "seed",
            "of everything that is drawn",
            (Setting("n", "count", "a number", required=True, low=0, high=2**31 - 1),),
            ("n",),
        ),
    )
}
"""The entries of `train`."""
