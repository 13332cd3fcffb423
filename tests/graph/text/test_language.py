"""Noting a question's language: its ISO 639-1 code where it is clear, and never a guess."""

import subprocess
import sys

import pytest
from support import ROOT

from graph.text.language import language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What is the minimum number of characters for my password?", "en"),
        ("Can I bike to work?", "en"),
        ("Wie lang muss mein Passwort sein?", "de"),
        ("Quelle est la durée du congé maternité ?", "fr"),
        ("¿Cuánto dura la garantía?", "es"),
        ("Qual è la durata della garanzia?", "it"),
        ("Jak długo trwa gwarancja?", "pl"),
        ("保証期間はどのくらいですか？", "ja"),
    ],
)
def test_the_language_of_a_question_is_noted(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize("text", ["Pension?", "VPN", "laptop loan", "Email signature policy?", "AX-2000", "2024"])
def test_a_short_english_question_is_never_taken_for_another_language(text: str) -> None:
    assert language_of(text) in ("en", "und")


def test_what_has_no_words_is_undetermined() -> None:
    assert [language_of(text) for text in ("", "42", "?!")] == ["und"] * 3


def test_the_detector_is_not_loaded_before_it_is_needed() -> None:
    script = "import sys, graph.text.language; print('eldc' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
