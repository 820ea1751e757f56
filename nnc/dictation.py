"""How the texts of a run are written while it learns, where `teacher` lets go of the true ones."""

from __future__ import annotations

from collections.abc import Callable

from compiler.experiment import Experiment, Network
from compiler.ir.graph import Graph
from compiler.sorts import Port, is_written, sequence_symbol_of
from compiler.step import NoStep
from compiler.written import decoder_step
from nnc.writing import step_program
from runtime.teaching import Dictation


def dictations(experiment: Experiment, optimize: Callable[[Graph], Graph]) -> tuple[Dictation, ...]:
    """Of each text that is written; none where decode is fed true words alone. optimize: what is done to each graph"""
    network = experiment.network
    if not experiment.train.teacher.lets_go:
        return ()
    return tuple(_dictation(network, port, optimize) for port in filter(is_written, network.outputs))


def _dictation(network: Network, port: Port, optimize: Callable[[Graph], Graph]) -> Dictation:
    symbol, whole, step = (
        sequence_symbol_of(port, network.ports),
        optimize(network.prediction),
        decoder_step(network, port),
    )
    if isinstance(step, NoStep):
        return Dictation(port, symbol, whole, None, None)
    start = optimize(step.start) if step.start.outputs else None
    return Dictation(port, symbol, whole, start, step_program(step, symbol, optimize))
