"""`nnc inspect SPEC|RUN`: what the compiler makes of a spec, stage by stage."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from compiler import pipeline, stages
from compiler.experiment import Experiment
from dsl.errors import RunError
from dsl.source import shown
from nnc.failure import width
from nnc.layers import a_word, flops, shape_in_words, table, value_bytes, weight_counts
from nnc.sizes import open_symbols, sizes_missing, unknown_size, with_given
from nnc.spec_files import read_spec, use_reader
from runtime.threads import threads

if TYPE_CHECKING:
    from runtime.data import Dataset

SIZE = re.compile(r"([A-Za-z][^=,\s]*)=([1-9][0-9]{0,8})")
NEED_SIZES = ("plan", "code")


@dataclass(frozen=True)
class Options:
    """As on the command line."""

    stage: str = "layers"
    pass_name: str | None = None
    sizes: dict[str, int] | None = None
    sets: tuple[str, ...] = ()
    data_root: Path | None = None
    as_json: bool = False
    kernels: str | None = None
    at: str | None = None
    row: int | None = None
    line: int | None = None


def parse_sizes(text: str | None) -> dict[str, int] | None:
    """`V=10000,T=50`. Raises a usage error."""
    if text is None:
        return None
    sizes: dict[str, int] = {}
    for part in text.split(","):
        found = SIZE.fullmatch(part.strip())
        if found is None or found[1] in sizes:
            raise click.BadParameter(f"{part!r} is no size: write V=10000,T=50", param_hint="--sizes")
        sizes[found[1]] = int(found[2])
    return sizes


def run(spec: Path, options: Options) -> int:
    _refuse_misfits(options)
    if options.at is not None or options.row is not None:
        from nnc.commands import gradients

        return gradients.run(
            spec,
            gradients.Options(options.at, options.row, options.line, options.sets, options.data_root, options.as_json),
        )
    experiment, sizes, dataset = _opened(spec, options)
    if options.pass_name is not None:
        text = stages.diff(experiment, options.pass_name)
    elif options.stage == "layers":
        if options.as_json:
            print(json.dumps(layers_json(experiment), ensure_ascii=False))
            return 0
        text = "\n".join(table(experiment.network, width(sys.stdout)))
    else:
        if options.stage == "gradients" and not any(p.trained for p in experiment.network.parameters):
            from nnc.places import weightless

            raise RunError(weightless(experiment))
        text = stages.stage(experiment, options.stage, sizes, native=threads() if options.kernels == "fast" else 0)
        if options.stage == "plan" and dataset is not None:
            text = f"{text.rstrip()}\n{_memory(spec, options, dataset)}"
    if options.as_json:
        name = options.pass_name or options.stage
        print(json.dumps({"stage": name, "text": text}, ensure_ascii=False))
    else:
        print(text, end="" if text.endswith("\n") else "\n")
    return 0


def _refuse_misfits(options: Options) -> None:
    """A usage error for options that have nothing to say together."""
    numbers = options.at is not None or options.row is not None
    if options.at is not None and options.row is not None:
        raise click.UsageError("give --at or --row, not both")
    if numbers and (options.stage != "gradients" or options.pass_name is not None):
        raise click.UsageError("--at and --row go with --stage gradients")
    if options.line is not None and not numbers:
        raise click.UsageError("--line goes with --at or --row")


def _memory(spec: Path, options: Options, dataset: Dataset) -> str:
    """What a run on these rows takes at most, part by part."""
    from nnc.initial import Beginning
    from nnc.training import prepared, recipe
    from runtime.footprint import in_parts
    from runtime.job import needed

    made = recipe(spec, sets=options.sets, data_root=options.data_root)
    _, job = prepared(made, dataset, beginning=Beginning(), resumed=True)
    return f"a run takes at most {in_parts(needed(job))}"


def _opened(spec: Path, options: Options) -> tuple[Experiment, dict[str, int], Dataset | None]:
    """The experiment, and sizes for a batch: those given, else those of the data, which are read for them."""
    given = dict(options.sizes or {})
    if os.path.isdir(spec) or spec.suffix == ".safetensors":
        from nnc.opening import open_model

        model = open_model(spec)
        return model.experiment, with_given(model.experiment, given), None
    text, use = read_spec(spec), use_reader(spec)

    def check(sizes: dict[str, int] | None) -> Experiment:
        return pipeline.check(text, shown(spec), read_use=use, sets=options.sets, sizes=sizes)

    if given:
        refuse_unknown(given, check(None))
    experiment = check(given or None)
    if options.stage not in NEED_SIZES or options.pass_name is not None or not open_symbols(experiment):
        return experiment, with_given(experiment, given), None
    if options.sizes is None and experiment.data is not None:
        from runtime.data import largest_sizes, read

        fold = 0 if experiment.data.folds else None
        dataset = read(experiment.network.ports, experiment.data, spec.parent, options.data_root, fold=fold)
        bound = check(dataset.tables.sizes())
        batch = largest_sizes(dataset.train, bound.train.batch, unroll=bound.train.unroll)[0]
        return bound, {**batch, **dataset.tables.sizes()}, dataset
    raise RunError(sizes_missing(experiment, f"the stage {options.stage}"))


def refuse_unknown(sizes: Mapping[str, int], experiment: Experiment) -> None:
    """A usage error for a size that the model does not have. experiment: with no size bound."""
    wrong = unknown_size(sizes, experiment)
    if wrong is not None:
        raise click.BadParameter(wrong, param_hint="--sizes")


def layers_json(experiment: Experiment) -> dict[str, Any]:
    rows = [
        {
            "line": row.span.line,
            "layer": row.text,
            "depth": row.depth,
            "file": row.span.file,
            "is_layer": row.layer,
            "out": shape_in_words(row.out),
            "weights": {" x ".join(symbols) or "1": n for symbols, n in weight_counts(row.parameters).items()},
            "flop_a_word": a_word(flops, row.nodes)[0],
            "flop_an_example": a_word(flops, row.nodes)[1],
            "bytes_a_word": a_word(value_bytes, row.nodes)[0],
        }
        for row in experiment.network.layers
    ]
    return {"stage": "layers", "layers": rows}
