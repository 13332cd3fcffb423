import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sentencex import get_sentence_boundaries

from graph.text import splitting
from graph.text.sentences import units
from graph.text.splitting import sentences, trim

few = settings(max_examples=150, deadline=None)
PIECES = [
    *"Aaé中ß5 .!?…。()[]<>\"'“”„«»’-*|#`_\n\r\t\0\v\f\x1c\x85",
    *"\u00a0\u2003\u202f\u3000\u2028\u2029\u200b\u200d\u0301\u05d0\u061f\ud83d\udc00😀",
    *[
        "\r\n",
        "\n\n",
        "Mr. ",
        "U.S. ",
        "am 3. ",
        "z. B. ",
        "12. ",
        "a@b.de ",
        "[1]",
        "| a | b |\n",
        "|---|---|\n",
        "- ",
        "1. ",
    ],
]
odd = st.one_of(st.text(st.characters(), max_size=200), st.lists(st.sampled_from(PIECES), max_size=60).map("".join))


def said(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text, 0, len(text))]


@pytest.mark.parametrize(
    "whole",
    [
        "The pump weighs approx. 12 kg.|It is blue.",
        "Mr. Alder met Dr. B. F. Quill on Mon. 4 May.|They left.",
        "Members pay $50 per yr. in advance.|Guests pay more.",
        "The U.S. office opened in 1998.|The club moved in 2019.|The roof leaks.",
        "We open at 9 a.m.|Bring a towel.",
        "They make bolts, nuts, etc.|Nothing else is made.",
        "Das Treffen ist am 4. Mai 2026.|Es regnet.",
        "Das 1. Quartal war gut.|Im 2. Quartal sank der Umsatz um 5.|Das 3. Quartal folgt.",
        "Die Prüfung findet am 3. und 4. Tag statt.|Viel Glück.",
        "Der Verein wurde im Jahr 2021 gegründet.|Er wuchs bis 2023.|Der Saal ist neu.",
        "Die Werkstatt liegt in der Lindenstr. 12 in Bonn.|Sie ist groß.",
        "Das Dorf liegt westl. Bremen, die Gebühr wird gesetzl. Anfang Mai fällig.|Er wohnt dort.",
        "La Cía. Naval firma.|Llega el fin.|La fiesta acaba.",
        "Les éd. Gallard publient le livre.|Il est long.",
        "De training is op ma. 3 okt. in Zeist.|Kom op tijd.",
        "Bitte u. a. Stifte, d. h. Schreibzeug, mitbringen.|Danke!",
        "Die Miete beträgt 450 Euro inkl. Nebenkosten.|Strom kommt dazu.",
        "Es gibt Äpfel, Birnen usw.|Der Markt ist groß.",
        "Selon l'art. 7 al. 3, la demande est gratuite.|Elle est simple.",
        "M. Petit et Mme Roche arrivent.|MM. Blanc et Noir partent.",
        "Les outils, c.-à-d. les clés, etc. sont ici.|Prenez-les.",
        "La poste est bd. Voltaire no. 5.|Elle ferme tôt.",
        "Le colis pèse 40 kg.|Le couvercle est rouge.",
        "Festen holdes den 4. maj 2026.|Alle er velkomne.",
        "Prisen er ca. 200 kr. pr. måned inkl. moms.|Det er billigt.",
        "Medbring bl.a. sko, f.eks. støvler.|Husk mad.",
        "Ta med bl.a. skor, t.ex. stövlar.|Glöm inte mat.",
        "El Sr. Gómez y la Dra. Ruiz llegan.|Se van.",
        "El paquete pesa 40 kg.|La tapa es roja.",
        "Il prezzo è di ca. 300 euro, p. es. a marzo.|Scende.",
        "Neem bijv. schoenen mee, d.w.z. laarzen.|Bedankt.",
        "A loja fica na Av. Sol n.º 4.|É grande.",
        "Zgodnie z art. 5 ust. 2 pkt. 3 termin jest krótki.|To ważne.",
        "Festen holdes den 4. mai 2026 og kl. 9.|Alle er velkomne her.",
    ],
)
def test_abbreviations_and_ordinals_of_the_texts_language_end_no_sentence(whole: str) -> None:
    assert said(whole.replace("|", " ")) == whole.split("|")


@pytest.mark.parametrize("whole", ["会议在五月四日举行。|请准时参加。", "値段はいくらですか？|三百円です。"])
def test_sentences_without_spaces_are_told_apart(whole: str) -> None:
    assert said(whole.replace("|", "")) == whole.split("|")


def test_a_stretch_that_does_not_tell_is_split_by_the_language_of_its_text() -> None:
    text = "Der Umzug in die neue Halle beginnt bald und dauert lange. Der 2. Tag ist frei."
    assert [text[a:b] for a, b in sentences(text, text.index("Der 2"), len(text))] == ["Der 2. Tag ist frei."]


def test_odd_blanks_change_no_sentence_and_no_offset() -> None:
    text = "\u00a0...A\u2028.“No.\u00a05 is\u2003here.”\u3000\u00a0We\u202fagree.\u00a0 Yes."
    assert "".join("".join(said(text)).split()) == "".join(text.split())
    assert said("It holds 5\u00a0kg.\u00a0\u00a0It is new.") == ["It holds 5\u00a0kg.", "It is new."]


class PanicException(BaseException):
    """As Rust's is raised: no Exception."""


def test_a_panic_of_the_library_costs_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def panic(language: str, text: str) -> list[dict[str, int]]:
        raise PanicException("byte index 8 is not a char boundary")

    monkeypatch.setattr(splitting, "get_sentence_boundaries", panic)
    assert said("It works. Really? Yes, Mr. Low.\n\nNew.") == ["It works.", "Really?", "Yes, Mr. Low.", "New."]


def test_an_interrupt_is_no_panic(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(language: str, text: str) -> list[dict[str, int]]:
        raise KeyboardInterrupt

    monkeypatch.setattr(splitting, "get_sentence_boundaries", interrupt)
    with pytest.raises(KeyboardInterrupt):
        said("It works. Really.")


@few
@given(odd)
def test_sentences_of_any_text_are_in_order_and_lose_nothing_but_space(text: str) -> None:
    spans = sentences(text, 0, len(text))
    bounds = [offset for span in spans for offset in span]
    assert bounds == sorted(bounds)
    assert all(trim(text, *span) == span and span[0] < span[1] for span in spans)
    assert "".join("".join(text[a:b] for a, b in spans).split()) == "".join(text.split())


@few
@given(odd, odd)
def test_units_of_any_text_are_ordered_stretches_of_it(text: str, header: str) -> None:
    found = units(text, header)
    bounds = [offset for unit in found for offset in (unit.start, unit.end)]
    assert bounds == sorted(bounds)
    assert [unit for unit in found if not text[unit.start : unit.end].strip()] == []


@pytest.mark.parametrize("piece", ["“a. B ", "会议在五月四日举行。", "....", "é", "12. "])
def test_the_library_never_gets_a_text_whole_that_is_long(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[int] = []

    def library(language: str, part: str) -> list[dict[str, int]]:
        got.append(len(part))
        return list(get_sentence_boundaries(language, part))

    monkeypatch.setattr(splitting, "get_sentence_boundaries", library)
    text = piece * (40_000 // len(piece))
    assert "".join(said(text)).replace(" ", "") == text.replace(" ", "")
    assert max(got) <= splitting.MAX_PIECE


def test_nothing_is_printed_for_a_text_that_the_library_panics_at(capfd: pytest.CaptureFixture[str]) -> None:
    assert said("\u00a0...A\u2028.``b\u201d?U.S.\u00a0Yes.")
    assert capfd.readouterr().err == ""
