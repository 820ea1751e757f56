"""The `predict` section: what its entries take, and reading them."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.experiment import Network
from compiler.sections.reading import Reading
from compiler.settings.predict import MOST_TOKENS, PredictSettings
from compiler.signature import Setting, Signature
from compiler.sorts import Following, is_written
from dsl import ast
from dsl.errors import Diagnostic, Note

MOST = 10_000_000
MAX = Setting("max", "count", "tokens that are written, line ends counted", MOST_TOKENS, low=1, high=MOST)
TEMPERATURE = Setting(
    "temperature", "number", "below 1 likely tokens come more often, above 1 less often; 0 is greedy", 1.0, low=0
)
TOP = Setting("top", "count", "drawn from so many of the likeliest tokens; 0 is all", 0, low=0)

BEAM = Setting("n", "count", "how many texts are kept; 1 is greedy", required=True, low=1, high=1_000)
LENGTH = Setting(
    "length", "number", "a log-probability is divided by ((5 + tokens) / 6) to this power: above 0 for longer texts",
    0.0, low=0, high=10,
)  # fmt: skip

PREDICT = {
    s.word: s
    for s in (
        Signature("greedy", "writes the likeliest token each time; so does a spec without predict", (MAX,)),
        Signature(
            "threshold",
            "above which one unit says the second label: a probability, or the score of `loss contrastive`",
            (Setting("x", "number", "0.5 if threshold is left out", required=True, low=-1, high=1),),
            ("x",),
        ),
        Signature(
            "beam",
            "keeps the best few texts beside each other, of an output that decode writes",
            (BEAM, LENGTH, MAX),
            ("n",),
        ),
        Signature("sample", "draws each token by its probability", (TEMPERATURE, TOP, MAX)),
    )
}
"""The entries of `predict`; of the ways to write a section has one."""
WAYS = ("greedy", "beam", "sample")


def predict_settings(sections: Sequence[ast.Section], reading: Reading) -> PredictSettings:
    """The `predict` section; defaults where there is none. Of several, all are checked and the first is taken."""
    found = [_section(section, reading) for section in sections]
    return found[0] if found else PredictSettings()


def _section(section: ast.Section, reading: Reading) -> PredictSettings:
    found = reading.entries(section, PREDICT)
    threshold = found["threshold"][1]["x"] if "threshold" in found else None
    above = float(threshold) if isinstance(threshold, (int, float)) else None
    entries = {word: entry for word, entry in found.items() if word in WAYS}
    if len(entries) > 1:
        (first, _), (second, _) = list(entries.values())[:2]
        message = f"{first.path[0].id} and {second.path[0].id}: a text is written in one way"
        reading.error("NN603", message, second.path[0].span, "leave one out", (Note(first.span, "the first one"),))
    for word, (_, settings) in entries.items():
        temperature, top, most, beam, length = (settings.get(k) for k in ("temperature", "top", "max", "n", "length"))
        return PredictSettings(
            float(temperature) if word == "sample" and isinstance(temperature, (int, float)) else 0.0,
            top if isinstance(top, int) else 0,
            most if isinstance(most, int) else MOST_TOKENS,
            above,
            beam if isinstance(beam, int) else 1,
            float(length) if isinstance(length, (int, float)) else 0.0,
        )
    return PredictSettings(threshold=above)


def finds_nothing(
    sections: Sequence[ast.Section], settings: PredictSettings, networks: Sequence[Network | None]
) -> list[Diagnostic]:
    """An error for the section where no model of the spec writes a text, by a beam, or says a label by one unit."""
    outputs = [port for network in networks if network is not None for port in network.outputs]
    if not sections or not outputs:
        return []
    thresholds = [e for section in sections for e in section.entries if e.path[0].id == "threshold"]
    heads = [head for network in networks if network is not None for head in network.heads]
    if thresholds and not any(head.has_threshold for head in heads):
        message = "threshold is for two labels told by one unit, and no output is told so"
        help = "leave it out, or end with dense sigmoid"
        return [Diagnostic("NN605", message, thresholds[0].span, help=help)]
    if thresholds and all(len(section.entries) == 1 for section in sections):
        return []
    if any(map(is_written, outputs)):
        return []
    if not any(isinstance(p.sort, Following) and not p.sort.backwards for p in outputs):
        message = "predict says how a text is written, but the model writes none"
        help = "leave it out; a language model has an output next(text), and decode writes one that is words"
        return [Diagnostic("NN605", message, sections[0].span, help=help)]
    if settings.beam > 1:
        message = "beam keeps texts beside each other that end, and a language model goes on"
        return [Diagnostic("NN605", message, sections[0].span, help="write greedy or sample")]
    return []
