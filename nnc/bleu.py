"""BLEU and chrF by sacrebleu, which is there with the extra `nlp`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runtime.text_scores import is_chinese


def by_sacrebleu(written: Sequence[str], references: Sequence[str], lower: bool) -> tuple[dict[str, float], str] | None:
    """`bleu` and `chrf`, 0 to 100, and sacrebleu's signature of how they were counted; None where it is not installed.

    lower: whether the texts are compared in lower case, as they were learnt. Chinese is cut character by character.
    """
    try:
        from sacrebleu.metrics.bleu import BLEU
        from sacrebleu.metrics.chrf import CHRF
    except ImportError:
        return None
    metric: Any = BLEU(lowercase=lower, tokenize="zh" if is_chinese(references) else "13a")
    chrf: Any = CHRF(lowercase=lower)
    found = metric.corpus_score(list(written), [list(references)])
    of_characters = chrf.corpus_score(list(written), [list(references)])
    return {"bleu": float(found.score), "chrf": float(of_characters.score)}, str(metric.get_signature())
