import pytest

from graph.text.sentences import units

TABLE = "| Question | Answer |\n| --- | --- |\n"


def pairs(text: str) -> list[tuple[str, str]]:
    """What each unit is read with, and the stretch that it can be quoted by."""
    return [(unit.question, text[unit.start : unit.end]) for unit in units(text)]


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        ("## Where is the desk?\n\nIn the hall.", "Where is the desk?", "In the hall."),
        ("**Where is the desk?**\nIn the hall.", "Where is the desk?", "In the hall."),
        ("**Where is the desk?**\n\nIn the hall.", "Where is the desk?", "In the hall."),
        ("**Where is the desk?** In the hall.", "Where is the desk?", "In the hall."),
        ("Q: Where is the desk?\nA: In the hall.", "Where is the desk?", "In the hall."),
        ("Q. Where is the desk?\nA. In the hall.", "Where is the desk?", "In the hall."),
        ("**Q1:** Where is the desk?\n\n**A1:** In the hall.", "Where is the desk?", "In the hall."),
        ("Q: Opening hours\nA: Daily from 9", "Opening hours", "Daily from 9"),
        ("Q: I lost my card. What now?\nA: Call us.", "I lost my card. What now?", "Call us."),
        ("Frage: Wann ist offen?\nAntwort: Ab 9 Uhr", "Wann ist offen?", "Ab 9 Uhr"),
        ("F: Wann ist offen?\nA: Ab 9 Uhr", "Wann ist offen?", "Ab 9 Uhr"),
        ("Where is the desk?\nIn the hall.", "Where is the desk?", "In the hall."),
        ("3. Where is the desk?\n   In the hall.", "Where is the desk?", "In the hall."),
        ("3. Where is the desk?\n\n   In the hall.", "Where is the desk?", "In the hall."),
        (f"{TABLE}| Where is the desk? | In the hall. |", "Where is the desk?", "In the hall."),
        (f"{TABLE}| Parking | Behind the hall |", "Parking", "Behind the hall"),
        ("<details>\n<summary>Place</summary>\n\nIn the hall.\n\n</details>", "Place", "In the hall."),
        ("<details><summary>Place?</summary>In the hall.</details>", "Place?", "In the hall."),
        ("## Is it insured?\n\nNo. Only parcels are.", "Is it insured?", "No. Only parcels are."),
    ],
)
def test_an_answer_is_read_with_its_question_and_quoted_without_it(text: str, question: str, answer: str) -> None:
    assert pairs(text) == [(question, answer)]
    assert [unit.reading for unit in units(text)] == [f"{question} {answer}"]


def test_pairs_one_after_the_other_are_told_apart() -> None:
    text = "Q: Where?\nA: In hall 3\nQ: When?\nA: At nine\n\n**Who?**\nThe guard."
    assert pairs(text) == [("Where?", "In hall 3"), ("When?", "At nine"), ("Who?", "The guard.")]


def test_every_item_of_a_list_answers_the_question_above_it() -> None:
    assert pairs("What do I bring?\n- shoes\n- a towel\n\nCome early.") == [
        ("What do I bring?", "shoes"),
        ("What do I bring?", "a towel"),
        ("", "Come early."),
    ]


@pytest.mark.parametrize(
    ("text", "quotes"),
    [
        ("Is it new?", ["Is it new?"]),
        ("Is it safe?\n\n# Notes\n\nYes.", ["Is it safe?", "Yes."]),
        ("We like it. Is it safe? Yes.", ["We like it.", "Is it safe?", "Yes."]),
        ("- Is it safe?\n- Is it new?", ["Is it safe?", "Is it new?"]),
        ("F: 5 mm\nA: 7 mm", ["F: 5 mm", "A: 7 mm"]),
    ],
)
def test_what_no_answer_follows_is_no_pair(text: str, quotes: list[str]) -> None:
    assert pairs(text) == [("", quote) for quote in quotes]


def test_a_question_begins_what_its_first_answer_is_embedded_by() -> None:
    text = "Hello.\n\nWhere is it?\n\nIn the hall. It is near."
    starts = [unit.start if unit.question_start is None else unit.question_start for unit in units(text)]
    assert [text[start : unit.end] for start, unit in zip(starts, units(text), strict=True)] == [
        "Hello.",
        "Where is it?\n\nIn the hall.",
        "It is near.",
    ]
