"""How the value of an output is read, and which loss that gives; or why it cannot be read so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from compiler.experiment import Head
from compiler.ir.graph import Node
from compiler.ir.types import Dim
from compiler.layers.dense import CRF
from compiler.lower.spread import Spread, spread_of
from compiler.lower.totals import is_no_whole
from compiler.lower.walk import Walk
from compiler.settings.train import TrainSettings
from compiler.sorts import NUMBERS, Negatives, Port, Word, has_labels, is_written

END_IN_SOFTMAX = "end with dense softmax"
MIX = "end with dense softmax, or with a mean of two such: p * a + (1 - p) * b"


@dataclass(frozen=True)
class Ending:
    """What an output ends in. value: f[B, units], or with positions or pixels before the units"""

    walk: Walk
    port: Port
    value: Node
    train: TrainSettings

    @property
    def units(self) -> Dim:
        """How many the output asks for; a symbol until the data say how many classes there are."""
        return self.walk.units[self.port.name]

    @property
    def width(self) -> Dim:
        """How many the value has."""
        return self.value.type.shape[-1]

    @property
    def activation(self) -> str | None:
        """Of the layer that made the value; None where that is no head."""
        return self.walk.heads.get(self.value)

    @property
    def asked_loss(self) -> str:
        """What `loss` says for this output; "auto" where it says nothing."""
        return self.train.loss.kind_of(self.port.name)

    def misfit(self, code: str, message: str, help: str) -> NoReturn:
        """The error at the output, with the line that made the value."""
        self.walk.build.fail(code, message, self.port.span, help=help, notes=self.walk.build.origin(self.value))

    def head(self) -> Head:
        """Reports why there is none, and raises Stop."""
        port, activation = self.port, self.activation
        if self.value in self.walk.build.word_heads:
            return self._of_a_word()
        if (isinstance(port.sort, Word) or is_written(port)) and (self.width == 1 or activation in ("sigmoid", "sign")):
            message = f"{port.name} is made of many words, but its value tells two things apart"
            self.misfit("NN209", message, END_IN_SOFTMAX)
        if activation == CRF and (port.per is None or not has_labels(port)):
            help = "end with dense" if isinstance(port.sort, NUMBERS) else END_IN_SOFTMAX
            self.misfit("NN219", f"dense crf scores tags of tokens, and {port.name} has none", help)
        return self._of_numbers() if isinstance(port.sort, NUMBERS) else self._of_labels()

    def _of_a_word(self) -> Head:
        port = self.port
        if not isinstance(port.sort, Word):
            message = f"dense negatives= and hierarchical predict words, and {port.name} is none"
            self.misfit("NN591", message, END_IN_SOFTMAX)
        if isinstance(self.walk.build.word_heads[self.value].against, Negatives):
            return Head(port, "negatives", "negative sampling")
        return Head(port, "hierarchical", "hierarchical softmax")

    def _of_numbers(self) -> Head:
        name, units, width = self.port.name, self.units, self.width
        if width != units:
            self.misfit("NN209", f"{name} is {units} numbers, but its value is {width} wide", "end with dense")
        if width == 1 and self.activation == "softmax":
            self.misfit("NN516", f"{name} is one number, and softmax over one number is always 1", "end with dense")
        return Head(self.port, "linear", "huber" if self.asked_loss == "huber" else "mean squared error")

    def _of_labels(self) -> Head:
        port, name, units, activation = self.port, self.port.name, self.units, self.activation
        if self.asked_loss == "perceptron" and activation != "sign":
            message = f"loss perceptron is for dense sign, which {name} does not end in"
            help = "end with dense sign, or leave the loss out"
            self.walk.build.fail("NN513", message, port.span, help=help)
        if self.asked_loss == "contrastive":
            return self._contrastive()
        if activation in ("sigmoid", "sign") and isinstance(units, int) and units > 2:
            self.misfit("NN209", f"{name} has {units} classes, but dense {activation} tells two apart", END_IN_SOFTMAX)
        match activation:
            case "softmax":
                return Head(port, "softmax", "cross-entropy")
            case "sigmoid":
                return Head(port, "sigmoid", "logistic")
            case "sign":
                if self.asked_loss != "perceptron":
                    message = f"{name} ends in sign, whose gradient is 0: no loss can train it"
                    help = "write `loss perceptron` in train, or end with dense softmax"
                    self.walk.build.fail("NN513", message, port.span, help=help)
                return Head(port, "sign", "perceptron")
            case _ if activation == CRF:
                return Head(port, "crf", "crf")
            case _:
                return self._of_no_head()

    def _contrastive(self) -> Head:
        name, units = self.port.name, self.units
        if self.width != 1 or self.activation == "sign":
            value_is = f"{self.width} wide" if self.width != 1 else "a sign"
            message = f"loss contrastive is for one score, but the value of {name} is {value_is}"
            help = "end with cosine(a, b), or name the output that it is for: loss contrastive of=..."
            self.misfit("NN209", message, help)
        if isinstance(units, int) and units > 2:
            message = f"{name} has {units} classes, but loss contrastive tells two apart"
            self.misfit("NN209", message, END_IN_SOFTMAX)
        return Head(self.port, "score", "contrastive")

    def _of_no_head(self) -> Head:
        """Of a value that the user made a probability: one of the second label, or one of each.

        The head of another output, of numbers, is none of this one's.
        """
        name, units, width = self.port.name, self.units, self.width
        if (spread := spread_of(self.value)) != Spread.UNKNOWN:
            layer = self.value.span.snippet if self.value.span is not None else "its value"
            numbers = "any numbers" if spread == Spread.ANY else "numbers below 0"
            self.misfit("NN515", f"{name} needs probabilities, but {layer} gives {numbers}", END_IN_SOFTMAX)
        if width != 1 and is_no_whole(self.value):
            layer = self.value.span.snippet if self.value.span is not None else "its value"
            message = f"{name} needs probabilities that sum to 1, and those of {layer} do not"
            self.misfit("NN515", message, MIX)
        # How many classes there are may not be known yet; then a number of units may be right.
        known = isinstance(units, int) or not isinstance(width, int)
        if (width not in (units, 1) and known) or (width == 1 and isinstance(units, int) and units > 2):
            self.misfit("NN209", f"{name} has {units} classes, but its value is {width} wide", END_IN_SOFTMAX)
        if width == 1:
            return Head(self.port, "sigmoid", "logistic")
        return Head(self.port, "probabilities", "cross-entropy")
