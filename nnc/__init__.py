'''nnc, the neural-network compiler: `.nn` text in, a trained model out.

>>> import nnc
>>> spec = """
... model flips(coins: real[2]) -> side: class { dense 4 tanh ; dense softmax }
... train { epochs 2 }
... """
>>> rows = [("heads", [0, 1]), ("tails", [1, 0])] * 20
>>> history = nnc.train(spec, rows, seed=1)
>>> [round(epoch["loss"], 1) for epoch in history.epochs]
[0.7, 0.7]
>>> history.model.predict([[0, 1]])[0] in ("heads", "tails")
True

Nothing heavy is imported before it is used: `import nnc` loads neither NumPy nor Lark.
'''

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dsl.errors import DataError, NncError, RunError, SpecError
    from nnc.compiled import Compiled
    from nnc.estimator import NncClassifier as NncClassifier
    from nnc.estimator import NncRegressor as NncRegressor
    from nnc.given import Sets, Spec
    from nnc.history import History
    from nnc.model import Model
    from runtime.data.memory_rows import Given

__version__ = "0.1.0"

# The estimators are not among them: `from nnc import *` shall not need scikit-learn.
__all__ = [
    "Compiled",
    "DataError",
    "History",
    "Model",
    "NncError",
    "RunError",
    "SpecError",
    "compile",
    "load",
    "train",
]

ESTIMATORS = ("NncClassifier", "NncRegressor")


def compile(
    spec: Spec,
    *,
    set: Sets = (),
    sizes: Mapping[str, int] | None = None,
    data_root: str | PathLike[str] | None = None,
) -> Compiled:
    """Check a spec, without its data, and look into it.

    spec: a path, or the text itself (which holds a newline or a brace)
    set: what `--set` takes, `["train.epochs=3"]` or `{"train.epochs": 3}`
    sizes: that data would decide, such as `{"V": 10000, "classes": 2}`
    data_root: where the files that the spec names are looked for, when it is not the spec's folder

    Raises SpecError with all that is wrong; its text is the message with the spec's lines.

    >>> import nnc
    >>> xor = nnc.compile("model xor(x: real[2]) -> y: class { dense 4 tanh ; dense softmax }")
    >>> print(xor.layers)
    line  layer          out                 weights  FLOP  bytes
       1  dense 4 tanh   [4]                      12    24     48
       1  dense softmax  [classes]       classes x 5    26     24
          total                     12 + classes x 5    50     72
    <BLANKLINE>
    x: real [2] -> y: class, cross-entropy
    costs at classes=2, which the data will decide
    """
    from nnc.compiled import compiled

    return compiled(spec, set=set, sizes=sizes, data_root=data_root)


def train(
    spec: Spec,
    data: Given | None = None,
    *,
    valid: Given | None = None,
    test: Given | None = None,
    out: str | PathLike[str] | None = None,
    overwrite: bool = False,
    resume: bool = False,
    set: Sets = (),
    seed: int | None = None,
    epochs: int | None = None,
    data_root: str | PathLike[str] | None = None,
    device: str = "auto",
    kernels: str | None = None,
    threads: int | None = None,
    verbose: bool = False,
) -> History:
    """Train a model.

    spec, set, data_root: as for compile; seed, epochs: in place of the spec's
    data, valid, test: rows in memory in place of the files that the spec names, each a list of tuples (outputs, then
        inputs) or of dictionaries, or a dictionary of columns (lists, NumPy arrays). With data the spec's own files
        are not read; its shares (`valid 10%`) are taken of these rows.
    out: the folder of the run; without it nothing is written, and the model lives in the history alone
    overwrite: a run that the folder holds may be replaced; resume: it is gone on with, from its checkpoint
    device: auto, cpu, cuda or cuda:1; verbose: print a line an epoch
    kernels: on the processor "numpy", "fast", which Numba compiles, or "auto", "fast" where its kernels are compiled
        already; without it what NNC_KERNELS says, or auto
    threads: that run fast kernels, at most one a core; without it what NNC_THREADS says, or all cores

    Ctrl-C (or a notebook's stop) ends training at the next step and returns what is learnt by then, as
    `history.stopped` says; a second one raises KeyboardInterrupt.

    Raises SpecError, DataError or RunError.
    """
    from nnc.history import trained_history

    return trained_history(
        spec,
        data,
        valid=valid,
        test=test,
        out=out,
        overwrite=overwrite,
        resume=resume,
        set=set,
        seed=seed,
        epochs=epochs,
        data_root=data_root,
        device=device,
        kernels=kernels,
        threads=threads,
        verbose=verbose,
    )


def load(run: str | PathLike[str]) -> Model:
    """A trained model, from a run's folder or a model file. Opening never runs anything that the file holds."""
    from nnc.opening import open_model  # NumPy is loaded only now, so that `nnc --help` is quick

    return open_model(run)


def __getattr__(name: str) -> Any:
    """The classes, loaded when they are asked for."""
    if name in ("DataError", "NncError", "RunError", "SpecError"):
        from dsl import errors

        return getattr(errors, name)
    if name == "Compiled":
        from nnc.compiled import Compiled

        return Compiled
    if name == "History":
        from nnc.history import History

        return History
    if name == "Model":
        from nnc.model import Model

        return Model
    if name in ESTIMATORS:
        try:
            from nnc import estimator
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] != "sklearn":
                raise
            raise ImportError(f"nnc.{name} needs scikit-learn: pip install scikit-learn") from None
        return getattr(estimator, name)
    raise AttributeError(f"module nnc has no attribute {name}")


def __dir__() -> list[str]:
    return [*__all__, *ESTIMATORS, "__version__"]
