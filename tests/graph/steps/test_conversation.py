import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.state import Search, Turn
from graph.steps.conversation import (
    OPENING,
    Talk,
    fold,
    is_courtesy,
    needs_context,
    replace_name,
)
from graph.text.words import TermWeight, equal_weight

KALDERA = "How long is the warranty of the Kaldera heat pump?"
FIVE = "The warranty of the Kaldera is five years from commissioning."
WARRANTY: list[Turn] = [{"role": "user", "content": KALDERA}, {"role": "assistant", "content": FIVE}]


def said(*contents: str) -> list[Turn]:
    return [{"role": "user", "content": content} for content in contents]


def topic(question: str, history: list[Turn], most: int, weigh: TermWeight = equal_weight) -> str:
    return Talk.of(history).topic(question, most, weigh)


def texts(question: str, history: list[Turn]) -> list[str]:
    return [search["text"] for search in fold(question, history).searches]


@settings(deadline=None)
@given(st.text(max_size=60).map("Is a pump {}?".format))
def test_a_question_without_history_stays_as_it_is(question: str) -> None:
    folded = fold(question, [])
    assert (folded.question, folded.searches) == (question, [Search(text=question, weight=1.0)])


def test_a_turn_that_leans_on_the_talk_is_searched_alone_and_with_its_topic() -> None:
    folded = fold("Does it cover the element?", WARRANTY)
    assert folded.question == "Does it cover the element? (heat pump warranty Kaldera)"
    assert folded.searches == [
        Search(text=folded.question, weight=1.0),
        Search(text="Does it cover the element?", weight=1.0),
    ]


def test_a_turn_on_the_topic_that_stands_alone_is_searched_as_it_is() -> None:
    question = "What voids the warranty for commercial customers in Spain?"
    assert texts(question, WARRANTY) == [question]


def test_a_turn_about_something_else_leaves_the_talk_behind() -> None:
    question = "Who approves business trips to Singapore?"
    assert texts(question, WARRANTY) == [question]


@pytest.mark.parametrize(
    "question", ["In Germany?", "And for commercial customers in Spain?", "Where do they offer service?"]
)
def test_pronouns_openings_and_few_words_lean_on_the_talk(question: str) -> None:
    assert needs_context(question)


@pytest.mark.parametrize("question", ["How long does the pump battery warranty last?", "What is Watson Assistant?"])
def test_a_full_question_and_one_that_names_something_do_not_lean(question: str) -> None:
    assert not needs_context(question)


def test_recent_words_of_the_user_come_before_old_ones_and_the_assistants() -> None:
    history: list[Turn] = [
        *said("alpha beta gamma rho"),
        {"role": "assistant", "content": "delta epsilon zeta sigma"},
        *said("eta theta iota kappa"),
    ]
    assert topic("Why?", history, 4) == "eta theta iota kappa"
    assert topic("Why?", history[:2], 4) == "alpha beta gamma rho"


def test_words_that_tell_more_in_the_index_come_before_words_that_were_said_as_often() -> None:
    history = said("Does the city insure a tubing trip with its own boats?")
    rare = {"tube": 6.0, "boat": 5.0, "trip": 4.0, "insur": 3.0}
    assert topic("Why?", history, 3) == "city insure tubing"
    assert topic("Why?", history, 3, lambda term: rare.get(term, 1.0)) == "tubing trip boats"
    folded = fold("Why is it?", history, lambda term: rare.get(term, 1.0))
    assert folded.question == "Why is it? (insure tubing trip boats)"


def test_a_word_that_comes_back_outweighs_one_that_was_said_last() -> None:
    assert "turbine" in topic("Why?", said("turbine", "turbine noise", "turbine oil", "blade paint colour"), 3)


def test_the_topic_stands_in_the_order_in_which_it_was_said_and_without_the_turns_own_words() -> None:
    assert topic("Does the river flood?", said("Where is Russian River tubing?"), 3) == "Russian tubing"


def test_numbers_are_no_topic() -> None:
    assert topic("Why?", said("2024 12 3.5"), 3) == ""


def test_only_the_opening_of_a_turn_is_looked_at() -> None:
    assert topic("Why?", said(f"{'so ' * OPENING} turbine"), 3) == ""


def test_blank_turns_change_nothing() -> None:
    assert fold("And in Spain?", said(" ", "")) == fold("And in Spain?", [])


@pytest.mark.parametrize(
    "words", ["Thank you!", "Hello", "ok great, thanks a lot for your help", "That’s perfect.", "Great, that helps"]
)
@pytest.mark.parametrize("history", [[], WARRANTY])
def test_a_courtesy_is_not_searched_for(words: str, history: list[Turn]) -> None:
    folded = fold(words, history)
    assert (folded.question, folded.searches) == (words, [])


@pytest.mark.parametrize(
    "words",
    ["Thanks, and the valve?", "Hello, is the valve covered?", "Why is that great?", "great valve", "How much?"],
)
def test_a_courtesy_with_a_question_is_a_question(words: str) -> None:
    assert not is_courtesy(words, WARRANTY)


def test_agreement_to_the_assistants_question_is_searched_by_the_topic() -> None:
    asked: list[Turn] = [{"role": "assistant", "content": "Do you want the warranty of the Corrento pump?"}]
    assert fold("ok great", asked).searches[0]["text"] == "ok great (want warranty Corrento pump)"


@pytest.mark.parametrize(
    ("before", "turn", "whole"),
    [
        ("What is the hotel limit in the EU?", "And in the US?", "What is the hotel limit in the US?"),
        ("What is the hotel limit in the EU?", "What about Japan?", "What is the hotel limit in Japan?"),
        ("What was the revenue in 2023 for Germany?", "And in 2024?", "What was the revenue in 2024 for Germany?"),
        ("Who is the manager of Sales in Paris?", "and for Lyon?", "Who is the manager of Sales in Lyon?"),
        ("Who is the deputy of Sales?", "And of Legal?", "Who is the deputy of Legal?"),
        ("What does a pass for zone B cost?", "and for zone C?", "What does a pass for zone C cost?"),
        ("What does a pass for zone B cost?", "No, I meant zone A.", "What does a pass for zone A cost?"),
        ("When does the Kanto clinic open?", "Thank you. And the Aosta clinic?", "When does the Aosta clinic open?"),
        ("What is the fare for adults in summer?", "And for children?", "What is the fare for children in summer?"),
        ("What is the fee for a dog?", "And for two cats?", "What is the fee for two cats?"),
        ("What is the daily dose of ibuprofen?", "And of aspirin?", "What is the daily dose of aspirin?"),
        ("How loud may it be in the day?", "And in this?", ""),
        ("Who signs the form?", "And for children?", ""),
        ("What is the hotel limit in the EU?", "And why is that?", ""),
        ("What is the hotel limit in the EU?", "And what about breakfast?", ""),
        ("What is a pump?", "And in France?", ""),
    ],
)
def test_a_turn_that_names_another_place_or_time_changes_the_last_question(before: str, turn: str, whole: str) -> None:
    history = [Turn(role="user", content=before), Turn(role="assistant", content="EUR 145 [1]")]
    assert replace_name(turn, history) == whole


def test_the_changed_question_is_the_only_one_that_is_searched() -> None:
    history = [Turn(role="user", content="What is the hotel limit in the EU?")]
    folded = fold("And in the US?", history)
    assert folded.question == "What is the hotel limit in the US?"
    assert [search["text"] for search in folded.searches] == [folded.question]


def test_without_a_question_before_there_is_nothing_to_change() -> None:
    assert replace_name("And in the US?", []) == ""


DECLINED = "The documents do not hold enough evidence to answer this question."


def test_what_was_declined_and_what_was_only_polite_are_no_topic() -> None:
    history: list[Turn] = [
        *said("What is the budget of Cedar?"),
        {"role": "assistant", "content": f"{DECLINED} Not found: Cedar."},
        *said("Thanks!"),
    ]
    assert fold("And of Alder?", history, declined=DECLINED).question == "What is the budget of Alder?"
    assert "evidence" not in fold("Why is it?", history, declined=DECLINED).question


def test_another_name_is_looked_for_in_every_question_before() -> None:
    history = said("Who leads the Lyon office?", "How many people work there?")
    assert fold("And Graz?", history).question == "Who leads Graz office?"


@pytest.mark.parametrize("words", ["How much is the fine?", "Is everyone welcome?", "What does Super Nice cost?"])
def test_a_question_in_words_of_courtesy_is_a_question(words: str) -> None:
    assert fold(words, WARRANTY).searches


@pytest.mark.parametrize("words", ["Danke!", "Merci beaucoup", "Muchas gracias"])
def test_courtesies_of_other_languages(words: str) -> None:
    assert is_courtesy(words, [])


def test_a_whole_question_after_and_stands_alone() -> None:
    assert fold("And who is the deputy of Payroll?", said("Where is Dispatch?")).question.endswith("Payroll?")
