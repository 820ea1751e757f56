"""The commands whose argument is a spec, but for `train`, and their options."""

from __future__ import annotations

from pathlib import Path

import click

from nnc.options import DATA_ROOT, JSON, NO_OPTIMIZE, SET, SIZES, SPEC, finite, on_kernels

STAGES = ("ast", "layers", "graph", "gradients", "optimized", "plan", "code", "step")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, readable=False), metavar="FILE")
@click.option("--from", "source", metavar="SPEC", help="A shipped spec to copy, such as textcnn.")
def new(file: Path, source: str | None) -> int:
    """Write a spec to begin with. Never overwrites."""
    from nnc.commands import new as command

    return command.run(file, source)


@click.command()
@click.argument("specs", type=click.Path(path_type=Path, readable=False), nargs=-1, required=True, metavar="SPEC...")
@click.option("--data", "with_data", is_flag=True, help="Read the data too, and check against it.")
@SET
@DATA_ROOT
@JSON
def check(
    specs: tuple[Path, ...], with_data: bool, sets: tuple[str, ...], data_root: Path | None, as_json: bool
) -> int:
    """Say whether a spec is right: its sizes, weights and cost, or every error in it."""
    from nnc.commands import check as command

    return command.run(specs, with_data=with_data, sets=sets, data_root=data_root, as_json=as_json)


@click.command()
@click.argument("specs", type=click.Path(path_type=Path, readable=False), nargs=-1, required=True, metavar="SPEC...")
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 1 where something would change.")
def fmt(specs: tuple[Path, ...], only_check: bool) -> int:
    """Lay out specs in the one standard way."""
    from nnc.commands import fmt as command

    return command.run(specs, only_check=only_check)


@click.command()
@click.argument("spec", type=click.Path(path_type=Path, readable=False), metavar="SPEC|RUN")
@click.option("--stage", type=click.Choice(STAGES), default="layers", show_default=True, help="What to look at.")
@click.option("--diff", "pass_name", metavar="PASS", help="What a pass changed.")
@click.option("--sizes", metavar="V=10000,T=50", help="Sizes that come from data, for the stages plan and code.")
@click.option("--at", metavar="x=1,y=2", help="With --stage gradients: the gradients at these values.")
@click.option(
    "--row", type=click.IntRange(min=1), metavar="N", help="With --stage gradients: those of this training row."
)
@click.option(
    "--line", type=click.IntRange(min=1), metavar="N", help="With --at or --row: this line of the spec, op by op."
)
@SET
@DATA_ROOT
@on_kernels
@JSON
def inspect(
    spec: Path,
    stage: str,
    pass_name: str | None,
    sizes: str | None,
    at: str | None,
    row: int | None,
    line: int | None,
    sets: tuple[str, ...],
    data_root: Path | None,
    kernels: str,
    as_json: bool,
) -> int:
    """Show what the compiler makes of a spec, stage by stage."""
    from nnc.commands import inspect as command

    sized = command.parse_sizes(sizes)
    options = command.Options(stage, pass_name, sized, sets, data_root, as_json, kernels, at, row, line)
    return command.run(spec, options)


@click.command()
@SPEC
@SIZES
@click.option("--seconds", type=click.FloatRange(min=0, max=3600), metavar="N", default=3, show_default=True,
              callback=finite, help="How long to run steps.")  # fmt: skip
@SET
@DATA_ROOT
@NO_OPTIMIZE
@on_kernels
@JSON
def profile(
    spec: Path,
    sizes: str | None,
    seconds: float,
    sets: tuple[str, ...],
    data_root: Path | None,
    no_optimize: bool,
    kernels: str,
    as_json: bool,
) -> int:
    """Say where the time of a training step goes: by line of the spec and by kernel. Nothing is kept of it."""
    from nnc.commands import profile as command
    from nnc.commands.inspect import parse_sizes

    sized = parse_sizes(sizes)
    return command.run(spec, command.Options(sized, seconds, sets, data_root, as_json, not no_optimize, kernels))


@click.command()
@click.argument("spec", type=click.Path(path_type=Path, readable=False), metavar="SPEC|RUN")
@click.option(
    "--row", type=click.IntRange(min=1), metavar="N", help="On this training row alone; on the first three otherwise."
)
@SIZES
@click.option(
    "--entries",
    type=click.IntRange(2, 1_000_000),
    default=20,
    show_default=True,
    metavar="N",
    help="Numbers of each weight that are checked: the largest gradients, and others by chance.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=1e-4,
    show_default=True,
    metavar="X",
    callback=finite,
    help="The largest relative error that passes.",
)
@SET
@DATA_ROOT
@NO_OPTIMIZE
@JSON
def gradcheck(
    spec: Path,
    row: int | None,
    sizes: str | None,
    entries: int,
    tolerance: float,
    sets: tuple[str, ...],
    data_root: Path | None,
    no_optimize: bool,
    as_json: bool,
) -> int:
    """Compare every weight's gradient with differences of the loss, in double precision."""
    from nnc.commands import gradcheck as command
    from nnc.commands.inspect import parse_sizes

    if row is not None and sizes is not None:
        raise click.UsageError("give --row or --sizes, not both")
    options = command.Options(row, entries, tolerance, parse_sizes(sizes), sets, data_root, as_json, not no_optimize)
    return command.run(spec, options)
