"""A spec, checked and lowered, open to look at from Python: `nnc.compile`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Literal, TypeAlias

from compiler import pipeline
from compiler.experiment import Experiment
from compiler.ir.graph import Graph
from dsl.errors import Diagnostic, SpecError
from nnc.given import Sets, Spec, recipe_of
from nnc.layers import table
from nnc.page import network_page
from nnc.sizes import open_symbols, sizes_missing, unknown_size, with_given
from nnc.training import Recipe

Stage: TypeAlias = Literal["training", "evaluation", "prediction", "gradients", "optimized"]
STAGES = ("training", "evaluation", "prediction", "gradients", "optimized")
WIDE = 1 << 20
"""No column of the table of layers is left out."""


@dataclass(frozen=True)
class Compiled:
    """A spec that is right, and what the compiler makes of it. Shown in a notebook it draws itself.

    sizes: those that were given, such as V=10000; what is not among them stays a symbol
    """

    experiment: Experiment
    recipe: Recipe
    sizes: Mapping[str, int]

    def graph(self, stage: Stage = "training") -> Graph:
        """A stage as a graph.

        training, evaluation, prediction: the network forward, with dropout and loss, with losses, bare; gradients: a
        whole training step, forward, backward and update; optimized: the same after all passes
        """
        match stage:
            case "training":
                return self.experiment.network.training
            case "evaluation":
                return self.experiment.network.evaluation
            case "prediction":
                return self.experiment.network.prediction
            case "gradients":
                return pipeline.training_step(self.experiment).graph
            case "optimized":
                return pipeline.optimize(pipeline.training_step(self.experiment).graph)
            case _:
                raise ValueError(f"there is no stage {stage!r}: {', '.join(STAGES)}")

    @property
    def layers(self) -> str:
        """The table of layers: line, layer, shape, weights, cost."""
        return "\n".join(table(self.experiment.network, WIDE))

    def program(self, sizes: Mapping[str, int] | None = None) -> str:
        """The source of one training step for batches of these sizes: the NumPy program that runs.

        sizes: such as `{"B": 32, "T": 50, "V": 10000, "classes": 2}`. `B` is the spec's batch and `T` 20 where they
        are not given; those that data decide are read off the spec's data.

        Raises SpecError NN869 where a size is missing and the spec names no data.
        """
        given = {**self.sizes, **(sizes or {})}
        _refuse_unknown(given, self.recipe)
        experiment = self.recipe.check(given)
        if open_symbols(experiment):
            if experiment.data is None:
                raise SpecError(sizes_missing(experiment, "the stage code"))
            dataset = self.recipe.read(experiment, 0 if experiment.data.folds else None)
            given = {**dataset.train.largest(experiment.train.batch), **dataset.tables.sizes(), **given}
            experiment = self.recipe.check(given)
        graph = pipeline.optimize(pipeline.training_step(experiment).graph)
        return pipeline.compile_bucket(graph, with_given(experiment, given))[0]

    def __repr__(self) -> str:
        return f"<Compiled {self.experiment.file}: model {self.experiment.network.name}>"

    def __str__(self) -> str:
        return self.layers

    def _repr_html_(self) -> str:
        return network_page(self.experiment)


def compiled(
    spec: Spec, *, set: Sets = (), sizes: Mapping[str, int] | None = None, data_root: str | PathLike[str] | None = None
) -> Compiled:
    """Check a spec without its data, as `nnc check` does."""
    recipe = recipe_of(spec, set=set, data_root=data_root)
    if sizes:
        _refuse_unknown(sizes, recipe)
    return Compiled(recipe.check(sizes or None), recipe, dict(sizes or {}))


def _refuse_unknown(sizes: Mapping[str, int], recipe: Recipe) -> None:
    wrong = unknown_size(sizes, recipe.check())
    if wrong is not None:
        raise SpecError(Diagnostic("NN890", wrong, help='sizes are given by name: sizes={"V": 10000, "T": 50}'))
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size < 10**9:
            message = f"the size {name} is a whole number from 1, not {size!r}"
            raise SpecError(Diagnostic("NN890", message, help="give it as in sizes={'V': 10000}"))
