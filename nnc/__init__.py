"""nnc, the neural-network compiler: `.nn` text in, a trained model out.

model = nnc.load("runs/sentiment")
model.predict(["it was not good , it was quite bad"])
"""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnc.model import Model

__version__ = "0.1.0"


def load(run: str | PathLike[str]) -> Model:
    """A trained model, from a run's folder or a model file. Opening never runs anything that the file holds."""
    from nnc.model import open_model  # NumPy is loaded only now, so that `nnc --help` is quick

    return open_model(run)
