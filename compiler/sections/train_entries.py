"""What each entry of `train` takes."""

from __future__ import annotations

from compiler.sections.phase_entries import PHASE
from compiler.sections.schedule import SCHEDULE
from compiler.settings.train import UNROLL
from compiler.signature import Setting, Signature

LR = "the learning rate"
LEAST_EPS = 1e-30
"""What float32 can tell from 0: without it a weight that never had a gradient, such as padding's, becomes 0 / 0."""
MOMENTUM = Setting("momentum", "number", "how much of the last move stays", 0.0, low=0, high=1, below=True)
RHO = "how much of the running means stays"
STRICT = (
    "every step moves every row of a large table of words; without it rows that a step does not read are moved when"
    " they are read next, by the sum of what they missed"
)

OPTIMIZERS = (
    Signature(
        "sgd",
        "w - lr g, with momentum if it is given; PyTorch's",
        (
            Setting("lr", "number", LR, 0.01, low=0),
            MOMENTUM,
            Setting("nesterov", "flag", "the gradient is taken as if the momentum had moved on already"),
        ),
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
    Signature(
        "adadelta",
        "a rate for each weight from the running means of its squared gradients and of its squared moves; PyTorch's",
        (
            Setting("lr", "number", LR, 1.0, low=0),
            Setting("rho", "number", RHO, 0.9, low=0, high=1, below=True),
            Setting("eps", "number", "added to both means", 1e-6, low=LEAST_EPS),
        ),
    ),
    Signature(
        "rmsprop",
        "a rate for each weight, over the root of the running mean of its squared gradient; PyTorch's",
        (
            Setting("lr", "number", LR, 0.01, low=0),
            Setting("rho", "number", "how much of the running mean stays", 0.99, low=0, high=1, below=True),
            MOMENTUM,
            Setting("eps", "number", "added to the root", 1e-8, low=LEAST_EPS),
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
                Setting("strict", "flag", STRICT),
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
            "examples a step, 32 if left out",
            (
                Setting("size", "count", "how many", low=1, high=1_000_000),
                Setting("tokens", "count", "or as many texts as have no more positions, padding counted", low=1),
            ),
            ("size",),
        ),
        Signature(
            "unroll",
            f"steps of a stream that a gradient goes back, {UNROLL} if left out; states go on, see stateful",
            (Setting("steps", "count", "how many", required=True, low=1, high=1_000_000),),
            ("steps",),
        ),
        Signature(
            "epochs",
            "passes over the training rows: 10 if left out, or no limit where steps is given",
            (Setting("n", "count", "how many", required=True, low=1, high=1_000_000),),
            ("n",),
        ),
        Signature(
            "steps",
            "batches to learn from; with epochs the first of the two that ends",
            (Setting("n", "count", "how many", required=True, low=1, high=1_000_000_000),),
            ("n",),
        ),
        SCHEDULE,
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
            "another loss than the head asks for, and what each output's weighs: loss topic=1 stars=0.5",
            (
                Setting("kind", "choice", "which", choices=("perceptron", "huber", "contrastive")),
                Setting("delta", "number", "of huber: where it goes from squared to straight, 1 if left out", low=1e-9),
                Setting("margin", "number", "of contrastive: how far apart unlike ones shall be, 1 if left out", low=0),
                Setting("of", "name", "the output that it is for, where there are several"),
                Setting("sum", "flag", "the sum over the batch, not its mean"),
            ),
            ("kind",),
        ),
        Signature(
            "layerwise",
            "the rate of each round of repeat times so much for every round above it; lowest before them all",
            (Setting("factor", "number", "times how much", required=True, low=1e-6, high=1),),
            ("factor",),
        ),
        Signature(
            "smoothing",
            "so much of a label's probability goes to all labels alike, in training; PyTorch's",
            (Setting("x", "number", "how much", required=True, low=0, high=1, below=True),),
            ("x",),
        ),
        Signature(
            "classes",
            "what a label weighs in training: N / (classes count) by the training rows; the loss is a weighted mean",
            (Setting("kind", "choice", "how", required=True, choices=("balanced",)),),
            ("kind",),
        ),
        Signature(
            "teacher",
            "the share of true words that decode is fed while it learns; the others are its own last choice",
            (
                Setting("from", "number", "at first, 1 if left out", low=0, high=1),
                Setting("to", "number", "in the end, 1 if left out; it goes there in a straight line", low=0, high=1),
                Setting("epochs", "count", "after how many, the whole run if left out", low=1, high=1_000_000),
            ),
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
