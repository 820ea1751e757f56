"""What a layer is: a signature, and how it is lowered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from compiler.build import Use
from compiler.ir.graph import Node
from compiler.signature import Setting, Signature
from compiler.values import Bundle

Lower: TypeAlias = Callable[[Use, tuple[Node, ...]], Node | Bundle]


@dataclass(frozen=True)
class LayerWord:
    """A layer or function of the language.

    lower: (the use, its operands' nodes) -> its value
    operands: their names, the first of which is what is piped in; optional: how many of the last may be left out
    named: operands that are given by their names, or left out
    any: takes one operand or more, whatever operands says
    bundle: of a bundle each part is taken by itself: "each" gives a bundle again, "join" one vector; "no" is refused
    weights: it has weights, and so `as`, `tied=`, `frozen`, `init=`, `scale=`
    """

    signature: Signature
    lower: Lower
    operands: tuple[str, ...] = ("x",)
    optional: int = 0
    named: tuple[str, ...] = ()
    any: bool = False
    bundle: Literal["no", "each", "join"] = "no"
    weights: bool = False

    @property
    def word(self) -> str:
        return self.signature.word


INIT = Setting("init", "choice", "how the weights start", choices=("zeros", "uniform", "normal", "xavier", "he"))
SCALE = Setting("scale", "number", "the half-width of a uniform start, the deviation of a normal one", low=0)
FROZEN = Setting("frozen", "flag", "the weights are not trained")
TIED = Setting("tied", "name", "the label of the layer whose weights these are")
WEIGHTS = (INIT, SCALE, FROZEN, TIED)
"""What every layer with weights takes."""
