"""What is quoted where no model reads."""

from collections.abc import Sequence

import pytest
from support import passage_of

from graph.release import Routing
from graph.state import Passage, Selection
from graph.steps.route import assess, is_complex
from graph.text.words import equal_weight

TABLE = """| Tank | Site | Volume | Keeper |
|---|---|---|---|
| T1 | Moss | 40 m3 | Ana |
| T2 | Rena | 55 m3 | Bo |
| T3 | Moss | 60 m3 | Cy |"""
STEPS = """1. Close the valve.
2. Wait for two minutes.
3. Open the lid."""
LIST = """You bring to the first day:

- a passport
- a photo
- the signed contract"""


def of(text: str, *, title: str = "Tanks", file: str = "tanks.md", **told: object) -> Passage:
    return passage_of(text, title=title, file=file, document=file, vector=0.8, **told)


def chosen(question: str, *passages: Passage, parts: list[str] | None = None, language: str = "en") -> Selection:
    found = assess(question, parts or [], passages, equal_weight, language=language, answer_from=0.3)
    return found.selection


FILTERS = (
    of("The dust filters of a Brisel may stay in place for 6 months.", title="Upkeep"),
    of("The office in Oslo answers in 5 days.", title="Brisel", file="b.md"),
)


def texts(selection: Selection) -> list[str]:
    return [quote["text"] for quote in selection["quotes"]]


def test_a_sentence_is_quoted_whole() -> None:
    found = chosen("What is the rent of the hall?", of("The rent of the hall is 40 euros. Keys are at the desk."))
    assert (texts(found), found["partial"], found["missing"]) == (["The rent of the hall is 40 euros."], "", [])


def test_a_row_is_quoted_whole_with_its_labels() -> None:
    found = chosen("Who is the keeper of tank T2?", of(TABLE))
    assert texts(found) == ["Tank: T2; Site: Rena; Volume: 55 m3; Keeper: Bo"]


@pytest.mark.parametrize(
    "text",
    [
        "- Lift the lid.\n- Clean the fan with a brush. The hairs are soft.\n- Check the oil.",
        "In addition: 1. Lift the lid. 2. Clean the fan with a brush. The hairs are soft. 3. Check the oil.",
    ],
)
def test_a_list_item_is_quoted_whole(text: str) -> None:
    said = " ".join(texts(chosen("With what is the fan cleaned?", of(text))))
    assert "brush. The hairs are soft." in said
    assert "lid" not in said
    assert "oil" not in said


def test_a_list_item_that_is_long_is_not() -> None:
    found = chosen("What is the rent?", of("- The rent is 40 euros. " + "Keys are at the desk of the hall. " * 9))
    assert texts(found) == ["The rent is 40 euros."]


def test_a_unit_that_lacks_a_name_comes_later_and_is_not_dropped() -> None:
    found = chosen("How long may the dust filters of a Brisel stay in place without a change in Oslo?", *FILTERS)
    assert "6 months" in texts(found)[0]


def test_the_version_in_force_is_quoted_though_the_old_one_is_nearer() -> None:
    old = of("When a dispute is expected, the treasurer orders a legal hold.", title="Holds 2022", file="a.md")
    new = of("Only the counsel orders a legal hold.", title="Holds 2025", file="b.md")
    old["metadata"], new["metadata"] = {"effective_date": "2022-01-01"}, {"effective_date": "2025-01-01"}
    asked = "Who orders a legal hold when a dispute is expected?"
    assert texts(chosen(asked, old, new)) == ["Only the counsel orders a legal hold."]


def test_a_sentence_that_leans_on_the_one_before_brings_it_along() -> None:
    found = chosen("What is the budget?", of("Alder is led by Noor. Its budget is 40 euros. The hall is closed."))
    assert texts(found) == ["Alder is led by Noor.", "Its budget is 40 euros."]


@pytest.mark.parametrize(
    ("question", "missing"),
    [
        ("Who is the keeper of tank T9?", ["T9"]),
        ("What is the volume of the tanks in Oslo?", ["Oslo"]),
        ("When was Ana Moss hired?", ["Ana Moss"]),
    ],
)
def test_what_is_named_and_nowhere_is_declined_by_name(question: str, missing: list[str]) -> None:
    found = chosen(question, of(TABLE))
    assert (found["quotes"], found["missing"]) == ([], missing)
    assert found["confidence"] < Routing().answer_from


def test_a_year_that_stands_there_for_something_else_answers_nothing() -> None:
    text = of("The firm was founded in 2019. The rent in 2020 was 4 euros. The rent in 2021 was 5 euros.", title="Rent")
    found = chosen("How high was the rent in 2019?", text)
    assert "The rent in 2020 was 4 euros." not in texts(found)
    assert "The rent in 2021 was 5 euros." not in texts(found)


def test_what_a_heading_names_holds_for_what_stands_under_it() -> None:
    found = chosen(
        "How many desks does the Lyon office have?", of("It has 40 desks.", title="Offices", section="Lyon office")
    )
    assert texts(found) == ["It has 40 desks."]


def test_a_procedure_is_quoted_whole() -> None:
    found = chosen("How do I open the tank?", of(STEPS, title="Opening a tank"))
    assert texts(found) == ["Close the valve.", "Wait for two minutes.", "Open the lid."]


def test_steps_that_are_told_in_sentences_are_quoted_whole() -> None:
    text = "How to order a badge\n\nFirst fill in form B. Then have it signed. Finally take it to the porter."
    found = chosen("How do I order a badge?", of(text, title="Badges"))
    assert texts(found) == ["First fill in form B.", "Then have it signed.", "Finally take it to the porter."]


def test_one_step_is_quoted_alone_where_it_is_asked_for() -> None:
    assert texts(chosen("How many minutes do I wait?", of(STEPS, title="Opening a tank"))) == ["Wait for two minutes."]


def test_a_list_is_quoted_whole_where_several_things_are_asked_for() -> None:
    found = chosen("Which documents are needed on the first day?", of(LIST, title="First day documents"))
    assert texts(found) == ["You bring to the first day:", "a passport", "a photo", "the signed contract"]


def test_a_list_is_quoted_whole_where_its_heading_alone_has_what_is_asked_for() -> None:
    found = chosen("What do I bring to the interview?", of("# To bring to the interview\n\n- a passport\n- two photos"))
    assert texts(found) == ["a passport", "two photos"]


def test_a_sentence_that_leads_to_a_list_brings_the_list() -> None:
    assert texts(chosen("What do I bring to the first day?", of(LIST))) == [
        "You bring to the first day:",
        "a passport",
        "a photo",
        "the signed contract",
    ]


BOATS = """- Ante: kept by the north club, built in 2011, 6 seats.
- Bris: kept by the south club, built in 2014, 4 seats.
- Cirro: kept by the north club, built in 2019, 8 seats."""


def test_of_records_those_are_quoted_that_the_question_describes() -> None:
    found = chosen("Which boats are kept by the north club?", of(BOATS, title="Boats"))
    assert [text[:4] for text in texts(found)] == ["Ante", "Cirr"]
    found = chosen("When were the boats built?", of(BOATS, title="Boats"))
    assert [text[:4] for text in texts(found)] == ["Ante", "Bris", "Cirr"]


def test_a_list_that_may_go_on_is_partial() -> None:
    long = "\n".join(f"- document number {n} with its copy and its stamp" for n in range(20))
    found = chosen("Which documents are needed?", of(f"The needed documents:\n\n{long}", title="Documents"))
    assert found["partial"]
    assert len(found["quotes"]) == 12


@pytest.mark.parametrize(
    "question",
    [
        "What is the total volume of the tanks?",
        "What is the average volume of the tanks?",
        "Which tank has the largest volume?",
        "How many tanks are there?",
    ],
)
def test_what_would_have_to_be_worked_out_is_partial_with_the_rows(question: str) -> None:
    found = chosen(question, of(TABLE))
    assert found["partial"]
    assert len(found["quotes"]) == 3


def test_rows_that_do_not_have_the_name_are_not_counted() -> None:
    found = chosen("How many tanks are in Moss?", of(TABLE))
    assert found["partial"]
    assert [text[:8] for text in texts(found)] == ["Tank: T1", "Tank: T3"]


def test_rows_of_what_is_counted_are_no_count_of_it() -> None:
    found = chosen("How many tanks are in Moss?", of(TABLE.replace(" m3", " m")))
    assert found["partial"]
    assert [text[:8] for text in texts(found)] == ["Tank: T1", "Tank: T3"]


def test_a_total_that_is_stated_is_an_answer() -> None:
    found = chosen("What is the total volume of the tanks?", of(f"{TABLE}\n\nThe total volume of the tanks is 155 m3."))
    assert (texts(found), found["partial"]) == (["The total volume of the tanks is 155 m3."], "")


def test_things_that_are_compared_are_told_one_by_one() -> None:
    found = chosen("Is tank T1 larger than tank T3?", of(TABLE))
    assert found["partial"]
    assert {text[:8] for text in texts(found)} == {"Tank: T1", "Tank: T3"}


def test_a_part_without_an_answer_is_told_and_given_none() -> None:
    parts = ["What is the rent of the hall?", "What does parking in Oslo cost?"]
    found = chosen("x", of("The rent of the hall is 40 euros."), parts=parts)
    assert (texts(found), found["unanswered"]) == (["The rent of the hall is 40 euros."], [parts[1]])


def test_the_version_in_force_comes_first() -> None:
    old = of(
        "Invoices are kept for 7 years.",
        title="Retention 2022",
        file="2022.md",
        metadata={"effective_date": "2022-01-01"},
    )
    new = of(
        "Invoices are kept for 12 years.",
        title="Retention 2025",
        file="2025.md",
        metadata={"effective_date": "2025-01-01"},
    )
    assert texts(chosen("How long are invoices kept?", old, new)) == ["Invoices are kept for 12 years."]
    parts = ["How long are invoices kept?", "How long are emails kept?"]
    assert texts(chosen("x", old, new, parts=parts))[0] == "Invoices are kept for 12 years."


def test_in_another_language_the_words_must_be_there() -> None:
    text = of("Belege sind innerhalb von zwölf Tagen einzureichen.", title="Reise")
    assert texts(chosen("In welcher Frist sind Belege einzureichen?", text, language="de"))
    assert not texts(chosen("Was kostet das Mittagessen in der Kantine?", text, language="de"))


@pytest.mark.parametrize(
    ("language", "question", "text", "answered"),
    [
        ("de", "Wie viele Kisten werden abgegeben?", "Höchstens vier Kisten werden abgegeben.", True),
        ("de", "Wer gibt mir den Schlüssel?", "Der Schlüssel liegt beim Pförtner.", True),
        ("fr", "À quelle heure ferme le four ?", "Le four ferme à 20 heures.", True),
        ("fr", "Combien coûte la location du four ?", "La location du four est de trente euros.", True),
        ("es", "¿Cuánto cuesta una llave?", "Una caja cuesta tres euros.", False),
        ("zh", "每人可以领几把钥匙？", "每人领两把钥匙。", True),
    ],
)
def test_what_asks_for_a_value_is_no_word_of_the_answer(
    language: str, question: str, text: str, *, answered: bool
) -> None:
    found = assess(question, [], [of(text, title="")], equal_weight, language=language, answer_from=0.45)
    assert bool(found.selection["quotes"]) == answered


def test_the_entry_of_a_code_says_what_it_means() -> None:
    codes = of("B07 Air filter is full.\nB08 Door is open.", title="Codes", file="codes.txt")
    note = of("Code B07 after a start means that the old filter was left in.", title="Code notes")
    assert texts(chosen("What does code B07 mean?", note, codes)) == ["B07 Air filter is full."]


def test_a_part_that_leans_on_what_nothing_has_is_given_no_quotes() -> None:
    question, tank = "Can I fill tank X9 with oil?", of("The charge is 4 euros. Tank T1 holds oil.")
    selection = chosen(question, tank, parts=[question, "What would the charge be? (fill tank X9 oil)"])
    assert (selection["quotes"], selection["missing"]) == ([], ["X9"])


def test_nothing_found_is_nothing_quoted() -> None:
    found = assess("What is the rent?", [], [], equal_weight, answer_from=0.3)
    assert (found.selection["quotes"], found.related) == ([], 0.0)


def test_a_question_for_the_larger_model_asks_for_several_things_or_works_something_out() -> None:
    assert is_complex("x", ["a", "b"])
    assert is_complex("Which tank has the largest volume?", [])
    assert not is_complex("What is the rent of the hall?", [])


def test_a_table_on_its_side_says_how_many() -> None:
    rows = "| Part | OV-1 | OV-3 |\n|---|---|---|\n| Trays | 8 | 18 |\n| Doors | 1 | 2 |"
    found = chosen("How many trays does the oven OV 3 have?", of(rows, title="Ovens"))
    assert (texts(found), found["partial"]) == (["Part: Trays; OV-1: 8; OV-3: 18"], "")


def test_what_stands_under_another_heading_is_of_something_else() -> None:
    text = "## Trieste branch\n\nIt has 34 desks.\n\n## Aarhus branch\n\nThe lease runs until 2030."
    assert not chosen("Until when does the lease of the Trieste branch run?", of(text, title="Branches"))["quotes"]


def test_what_only_a_rival_says_is_declined() -> None:
    text = of("The Halden 5 flies for 38 minutes. The Halden 7 weighs 2 kg and is orange.", title="Drones")
    assert not chosen("How long can the Halden 7 fly?", text)["quotes"]


def test_another_year_than_the_one_asked_about_is_a_rival() -> None:
    rows = "| Year | Staff |\n|---|---|\n| 2019 | 112 |\n| 2022 | 140 |"
    assert texts(chosen("How many staff were there in 2019?", of(rows, title="Figures"))) == ["Year: 2019; Staff: 112"]
    signed = of("The lease was signed on 3 March 2021.", title="Leases", file="b.md")
    assert not chosen("How many staff were there in 2021?", of(rows, title="Figures"), signed)["quotes"]


def test_what_stands_under_another_month_or_year_answers_nothing() -> None:
    chair = of("Present: Ana Moss (chair), Bo Lund.", title="Minutes of the meeting of 14 May 2025")
    assert texts(chosen("Who was the chair of the meeting in May?", chair))
    assert not texts(chosen("Who was the chair of the meeting in August?", chair))
    hours = of("The hall is open from 9 to 5.", title="Hall hours 2023")
    since = of("The site is smoke-free since 2019.", title="Smoking", file="b.md")
    assert not texts(chosen("What were the hall hours in 2019?", hours, since))


@pytest.mark.parametrize(
    ("question", "text", "quoted"),
    [
        ("Who drives it?", "| Size | 3 m |\n| Driver | Ana |", ["Driver: Ana"]),
        ("How heavy is it?", "| Size | 3 m |\n| Weight | 40 kg |", ["Weight: 40 kg"]),
        ("Was it wet in May?", "In April it was wet.\n\nIn May it was dry.", ["In May it was dry."]),
        (
            "Is it wet on Sunday?",
            "On Mondays it is wet. Dew is wet from May to July.",
            ["Dew is wet from May to July."],
        ),
        ("Was it wet in June?", "In April it was wet.", []),
        (
            "How many members had it in 2024?",
            "In 2022 the club had 41 members. In 2024 it had 45.",
            ["In 2024 it had 45."],
        ),
        ("How do I lock it?", "How do I lock it?", []),
        ("How do I lock it?", "a) Lock it.\nb) Pull the key.", ["Lock it.", "Pull the key."]),
        (
            "How high is the fee?",
            "The fee of 40 euros is due in May. The club is old.",
            ["The fee of 40 euros is due in May."],
        ),
        (
            "When is check-out?",
            "Check-in is from 3. Check-out is until 9. The late check-in is free.",
            ["Check-out is until 9."],
        ),
        (
            "Is there a bar?",
            "Q: Is there a bar?\nA: Yes, on deck 4. It opens at 9.",
            ["Yes, on deck 4.", "It opens at 9."],
        ),
        (
            "How much rest do cooks get?",
            "The rest is ten hours. For cooks it is nine hours.",
            ["For cooks it is nine hours."],
        ),
        (
            "Which boats have four seats?",
            "| Boat | Seats |\n|---|---|\n| Heron | 4 |\n| Plover | 1 |\n| Curlew | 4 |",
            ["Boat: Heron; Seats: 4", "Boat: Curlew; Seats: 4"],
        ),
        (
            "How many nights in a hotel does Gold pay?",
            "| Benefit | Silver | Gold |\n|---|---|---|\n| Excess | 200 | 75 |\n| Hotel | 21 nights | 60 nights |",
            ["Benefit: Hotel; Silver: 21 nights; Gold: 60 nights"],
        ),
        (
            "How many days off do I get for my wedding?",
            "1. Employees receive three days of leave for their own wedding.\n2. They receive two days for a birth.",
            ["Employees receive three days of leave for their own wedding."],
        ),
        (
            "What is new in version 3?",
            "## Version 3\n\n- Readings can be exported.\n- New dark theme.\n- A driver was removed.",
            ["Readings can be exported.", "New dark theme.", "A driver was removed."],
        ),
        (
            "Who is the deputy of Sales?",
            "| Unit | Head | Deputy |\n|---|---|---|\n| Sales | Bo | |\n| Law | Al | Ida |",
            [],
        ),
    ],
)
def test_what_is_said_in_other_words_or_places(question: str, text: str, quoted: list[str]) -> None:
    assert texts(chosen(question, of(text, title="The club"))) == quoted


def test_without_an_embedding_of_the_language_a_title_alone_answers_nothing() -> None:
    loans = of("Die Leihfrist beträgt vier Wochen.", title="Stadtbücherei")
    assert not texts(chosen("Wer leitet die Stadtbücherei?", loans, language="de"))
    assert texts(chosen("Wie lang ist die Leihfrist der Stadtbücherei?", loans, language="de"))


def test_a_unit_that_has_what_a_turn_carries_along_comes_first() -> None:
    def read(question: str, texts: Sequence[str]) -> list[float]:
        return [1.5 * ("Bo" in text) for text in texts]

    found = of("Moss is led by Bo.\n\nWren is led by Ana.")
    assessed = assess("Who leads it? (Wren fee)", [], [found], equal_weight, answer_from=0.1, read=read)
    assert texts(assessed.selection)[0] == "Wren is led by Ana."


@pytest.mark.parametrize(
    ("question", "text", "whole"),
    [
        (
            "What is not insured?",
            "Damage is not insured\n\n1. by frost,\n2. by mice.",
            ["Damage is not insured", "by frost,", "by mice."],
        ),
        (
            "What may I take into the archive?",
            "**What may I take into the archive?**\n\n- pencils\n- a loupe",
            ["pencils", "a loupe"],
        ),
        (
            "Which coins does the locker take?",
            "1. Do you send coats?\n\n   To Norway.\n\n2. Which coins does the locker take?\n\n   Old ones.",
            ["Old ones."],
        ),
        (
            "What do I do after a spill?",
            "Step 1: Open the window.\nStep 2: Cover the floor.\nStep 3: Call the desk.",
            ["Step 1: Open the window.", "Step 2: Cover the floor.", "Step 3: Call the desk."],
        ),
    ],
)
def test_a_list_begins_with_what_leads_to_it_and_ends_with_what_it_answers(
    question: str, text: str, whole: list[str]
) -> None:
    assert texts(chosen(question, of(text, title="Archive"))) == whole


def test_steps_that_have_headings_are_quoted_together_though_their_passage_was_cut() -> None:
    first = of("### Step 1. Unpack\n\nUnpack the press.\n\n### Step 2. Oil\n\nOil the wheels.", title="Press", start=0)
    second = of("### Step 3. Start\n\nStart the press by the lever.", title="Press", start=90)
    found = chosen("How do I start the press?", second, first)
    assert texts(found) == ["Unpack the press.", "Oil the wheels.", "Start the press by the lever."]


def test_a_row_that_the_question_does_not_tell_from_the_others_is_no_answer() -> None:
    assert not texts(chosen("What is the volume of the cisterns?", of(TABLE, title="Site")))
    assert len(texts(chosen("What is the volume of tank T2?", of(TABLE)))) == 1


def test_an_amount_is_asked_for_in_other_languages_too() -> None:
    hall = of("La caution est de 500 euros. La salle se trouve au bord du lac.", title="Salle")
    found = chosen("Quel est le montant de la caution ?", hall, language="fr")
    assert texts(found) == ["La caution est de 500 euros."]


def test_what_asks_when_in_chinese_stands_in_no_answer() -> None:
    assert texts(chosen("自习室什么时候闭馆？", of("自习室周一闭馆。", title="规则"), language="zh"))


def test_a_short_section_whose_heading_says_what_is_to_be_done_is_quoted_whole() -> None:
    text = "## Cleaning the ink tank\n\nOpen the flap. Pull the tank out. Rinse it.\n\n## Paper\n\nUse A4."
    found = chosen("How do I clean the ink tank?", of(text, title="Printer"))
    assert texts(found) == ["Open the flap.", "Pull the tank out.", "Rinse it."]


def test_what_one_gets_before_a_time_is_no_step_before_another() -> None:
    text = "Refunds:\n\n- over 9 days before the trip: all\n- 9 to 2 days before the trip: half the price"
    found = chosen("What refund do I get when I cancel 4 days before the trip?", of(text, title="Trips"))
    assert "9 to 2 days before the trip: half the price" in texts(found)
