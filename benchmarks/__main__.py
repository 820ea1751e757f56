"""`python -m benchmarks [WHAT] ...`: everything that is measured, from one place; WHAT --help says more.

Without WHAT: training steps beside PyTorch's and JAX's.
"""

from __future__ import annotations

import importlib
import sys

MEASUREMENTS = {
    "steps": "training steps beside PyTorch's and JAX's",
    "memory": "what a training step takes of memory, beside PyTorch and JAX",
    "starting": "how long nnc takes to start, check, and reach the first step",
    "install_size": "what an installation takes beside NumPy; of the environment that it runs in",
    "reading": "a large file of texts to ids, beside pandas",
    "recurrence": "recurrent layers alone, beside a plan by hand and PyTorch",
    "recurrence_steps": "training steps of recurrent networks in one process with PyTorch's",
    "beam": "beam search of a Transformer, beside PyTorch",
    "shakespeare": "a small GPT on Shakespeare beside the same in PyTorch: nats and seconds",
    "tables": "accuracy on tables of numbers, beside scikit-learn",
    "word_vectors": "word vectors beside gensim's: how good they are, and how fast they come",
}
"""module of `benchmarks` -> what it measures"""


def main() -> None:
    arguments = sys.argv[1:]
    what = arguments.pop(0) if arguments and not arguments[0].startswith("-") else "steps"
    if what == "help" or what not in MEASUREMENTS:
        print(*(f"python -m benchmarks {name:17} {about}" for name, about in MEASUREMENTS.items()), sep="\n")
        sys.exit(0 if what == "help" else 2)
    module = importlib.import_module(f"benchmarks.{what}")
    if what in ("steps", "memory"):
        module.main(arguments)
        return
    sys.argv = [f"python -m benchmarks {what}", *arguments]
    sys.exit(module.main())


if __name__ == "__main__":
    main()
