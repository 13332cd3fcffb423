"""What a question names, and whether a text has it."""

import pytest

from graph.steps.names import names_in, text_names


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What does alarm B-40 mean?", ["B-40"]),
        ("When does contract 3312 end?", ["3312"]),
        ("Where does Mara Quist work?", ["Mara Quist"]),
        ("How high was the rent in 2019?", ["2019"]),
        ("Who leads the Bank of Aarhus?", ["Bank", "Aarhus"]),
        ("Is Ole Berg older than Ida Berg?", ["Ole Berg", "Ida Berg"]),
        ("Ida Berg's office?", ["Ida Berg"]),
        ("Which VPN does HR use?", ["VPN", "HR"]),
        ("Do I get a card after 10 trips of 15 days a year?", []),
        ("Has the rent risen since 2019?", []),
        ("Is the canteen open on Monday in May?", []),
        ("Who manages it? (Aarhus office)", []),
        ("Who approves a purchase of EUR 30,000?", []),
        ("Who signs for 1.500,00 USD in 2022?", ["2022"]),
        ("Is version 2.5 still supported?", ["2.5"]),
        ("When does bay 7C open?", ["7C"]),
        ("Where is room 12a?", ["12a"]),
        ("Is a load of 5t too much for it?", []),
    ],
)
def test_a_question_names(question: str, expected: list[str]) -> None:
    assert [name.text for name in names_in(question)] == expected


def test_what_asks_in_another_language_begins_no_name() -> None:
    assert [name.text for name in names_in("Où M. Rémi Vautrin remet-il les clés ?", "fr")] == ["Rémi Vautrin"]


def test_german_capitals_are_nouns_and_a_place_follows_its_preposition() -> None:
    names = names_in("Wie hoch ist die Erstattung für Übernachtungen in Norwegen?", "de")
    assert [name.text for name in names] == ["Norwegen"]


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Who is Mara Quist?", "Mara Quist leads the lab."),
        ("Who is Mara Quist?", "First name: Mara; Name: Quist"),
        ("What does the KX-310 weigh?", "The KX 310 weighs 4 kg."),
        ("What does the KX310 weigh?", "The KX-310 weighs 4 kg."),
        ("What do the Alders cost?", "The Alder costs 4 euros."),
        ("Which RCD is needed?", "Use a residual current device of type B."),
        ("What holds in the EU?", "In the European Union it is free."),
        ("Who leads the Northern Works Council?", "The NWC is led by Per Lund."),
        ("Who is Jorn Kucuk?", "Jörn Küçük leads the lab."),
    ],
)
def test_a_text_has_a_name(question: str, text: str) -> None:
    assert all(text_names(text).has(name) for name in names_in(question))


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Who is Mara Quist?", "Mara Lund and her colleagues from the north met Per Quist."),
        ("Who is Nora Feld?", "Nora Feldt leads the lab."),
        ("What does the KX-310 weigh?", "The KX-310/B weighs 4 kg."),
        ("What does alarm A-1 mean?", "Alarm A-19 is about oil."),
        ("When does contract 3312 end?", "Contract 33121 ends in May."),
        ("What holds in Austria?", "In Australia it is free."),
        ("What holds in the EU?", "Every user has one."),
        ("What is the pay of grade 8?", "Grade: 6; Notice period: 8 weeks"),
        ("How many seats does hall 4 have?", "Hall: 2; Seats: 188; Wheelchair spaces: 4"),
    ],
)
def test_a_text_does_not_have_a_name(question: str, text: str) -> None:
    assert not any(text_names(text).has(name) for name in names_in(question))


def test_another_thing_of_the_kind_in_its_place_is_a_rival() -> None:
    [year] = names_in("How high was the rent in 2019?")
    [town] = names_in("How high is the rent in Aarhus?")
    assert text_names("The rent in 2020 was high.").rivals(year)
    assert text_names("The rent in Odense is high.").rivals(town)
    assert not text_names("The rent was high.").rivals(year)
    [office] = names_in("Who leads the Aarhus office?")
    assert text_names("Bo takes over the Odense office.").rivals(office)
    assert not text_names("The office is closed.").rivals(office)
    assert not text_names("It was signed in May and is high.").rivals(town)


def test_what_follows_an_article_or_a_verb_is_no_rival() -> None:
    [pump] = names_in("Which fuse does a Corrento need?")
    [country] = names_in("How long does it hold in the United States?")
    assert not text_names("It needs a 10 A fuse, and does Alder know?").rivals(pump)
    assert not text_names("The Alder is sold.").rivals(country)
    assert text_names("It holds in the Netherlands.").rivals(country)
