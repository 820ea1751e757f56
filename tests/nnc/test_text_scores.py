from __future__ import annotations

from math import isnan

import pytest

from nnc.bleu import by_sacrebleu
from runtime.text_scores import exact_match, is_chinese


def test_text_is_right_where_all_its_tokens_are():
    assert exact_match([["a", "b"], ["a"], []], [["a", "b"], ["b"], []]) == pytest.approx(2 / 3)
    assert isnan(exact_match([], []))


def test_chinese_is_told_by_most_of_its_characters():
    assert is_chinese(["我 喜欢 NLP 课", "好"])
    assert not is_chinese(["ein Text, 你"])


def test_scores_are_those_of_sacrebleu_with_its_signature():
    pytest.importorskip("sacrebleu")
    found = by_sacrebleu(["Ein Mann schläft auf dem Sofa ."], ["ein Mann schläft auf dem Sofa."], lower=True)
    assert found is not None
    scores, signature = found
    assert scores["bleu"] == pytest.approx(100)
    assert 90 < scores["chrf"] <= 100
    assert "case:lc" in signature
