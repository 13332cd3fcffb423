"""What a model is sent: counted by no fewer tokens than its own tokenizer makes, and cut from the end at sentences."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import passage_of

from graph.errors import ModelFailed
from graph.models.llama import ServerTokens, open_llama
from graph.models.prompt import estimate, fit_passages, numbered_passage, shorten_question
from graph.release import Generation
from graph.settings import Settings
from graph.state import Passage

TEXTS = {
    "english": "Laptops are replaced every 4 years; the old one goes back to the service desk within two weeks. " * 8,
    "german": "Die Garantie der Wärmepumpe beträgt fünf Jahre ab ordnungsgemäßer Inbetriebnahme durch den Kunden. " * 8,
    "french": "L'ordinateur portable est remplacé tous les quatre ans, l'ancien étant rendu à l'assistance. " * 8,
    "russian": "Гарантийное обслуживание предоставляется в течение десяти рабочих дней. " * 8,
    "chinese": "客户将在十个工作日内获得保修服务前提是热泵已正确安装。" * 8,
    "thai": "การรับประกันของปั๊มความร้อนคือห้าปีนับจากวันที่ติดตั้ง" * 8,
    "mixed": "The warranty (保修服务) begins with the installation (安装). " * 8,
    "code": "for index, (name, value) in enumerate(sorted(table.items(), key=lambda pair: -pair[1])):\n    print()\n"
    * 8,
    "numbers": "2024-01-31 1,234,567.89 0x7f3a 550e8400-e29b-41d4-a716-446655440000 " * 8,
    "table": "| filter | 6 months | see 4.2 |\n" * 20,
    "emoji": "😀🚀 ok ✅ " * 20,
    "spaces": "a      b\t\t\tc\n\n\n\n" * 20,
}


def test_an_empty_text_has_no_tokens() -> None:
    assert estimate("") == 0


@pytest.mark.parametrize("kind", TEXTS)
def test_more_text_has_more_tokens_and_never_more_than_a_few_a_byte(kind: str) -> None:
    text = TEXTS[kind]
    assert estimate(text[: len(text) // 2]) < estimate(text) <= 1.5 * len(text.encode())


@pytest.mark.slow
@pytest.mark.parametrize("kind", TEXTS)
def test_the_estimate_is_not_below_the_count_of_a_real_model(kind: str) -> None:
    pytest.importorskip("xllamacpp", reason="the extra local-llm is not installed")
    _, count, _ = open_llama("llama:smollm2", Settings(), Generation())
    assert 0 < count(TEXTS[kind]) <= estimate(TEXTS[kind])


def test_a_server_that_does_not_count_is_a_passing_failure() -> None:
    with pytest.raises(ModelFailed, match="did not count tokens") as caught:
        ServerTokens("http://127.0.0.1:9")("text")
    assert caught.value.transient


FEES = "The fee is 5 EUR. It is due at once! Nobody is exempt."


def passage(text: str, *, title: str = "", header: str = "", metadata: dict[str, Any] | None = None) -> Passage:
    return passage_of(text, title=title, header=header, metadata=metadata or {})


def words(text: str) -> int:
    return len(text.split())


def test_a_passage_stands_under_its_number_and_what_it_is_about() -> None:
    told = passage("5 | EUR", title="Fees", header="fee | unit", metadata={"effective_date": "2025-01-01"})
    assert numbered_passage(3, told) == "[3] Fees, 2025-01-01\nfee | unit\n5 | EUR"


def test_what_fits_is_sent_whole() -> None:
    shaped = fit_passages([passage(FEES), passage(FEES)], 28, words)
    assert (shaped.texts, shaped.left_out, shaped.shortened) == ([f"[1] \n{FEES}", f"[2] \n{FEES}"], 0, 0)


def test_the_last_ones_are_left_out() -> None:
    shaped = fit_passages([passage(FEES), passage(FEES), passage(FEES)], 15, words)
    assert (shaped.texts, shaped.left_out, shaped.shortened) == ([f"[1] \n{FEES}"], 2, 0)


@pytest.mark.parametrize(
    ("room", "kept"), [(12, "The fee is 5 EUR. It is due at once!"), (6, "The fee is 5 EUR."), (5, None)]
)
def test_a_passage_is_cut_where_a_sentence_ends(room: int, kept: str | None) -> None:
    shaped = fit_passages([passage(FEES), passage(FEES)], room, words)
    assert shaped.texts == ([f"[1] \n{kept}"] if kept else [])
    assert (shaped.left_out, shaped.shortened) == ((1, 1) if kept else (2, 0))


def test_a_table_is_cut_where_a_row_ends() -> None:
    table = "| part | days |\n| --- | --- |\n| seal | 5 |\n| fan | 9 |"
    assert fit_passages([passage(table)], 17, words).texts == ["[1] \n| part | days |\n| --- | --- |\n| seal | 5 |"]


def test_half_of_what_was_sent_is_sent_when_it_was_too_long() -> None:
    many = [passage(FEES) for _ in range(4)]
    shaped = fit_passages(many, 1000, words, share=0.5)
    assert (len(shaped.texts), shaped.left_out, shaped.shortened) == (2, 2, 0)


def test_what_must_fit_is_not_counted() -> None:
    def never(text: str) -> int:
        raise AssertionError("it has fewer bytes than there is room for tokens")

    assert fit_passages([passage(FEES)], 200, never).left_out == 0


@settings(deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(["It is due.", "5 EUR!", "No fee at all?", "# Head"]), max_size=5), max_size=5),
    st.integers(0, 60),
    st.sampled_from([1.0, 0.5]),
)
def test_what_is_sent_fits_and_begins_as_the_passages_do(texts: list[list[str]], room: int, share: float) -> None:
    passages = [passage("\n\n".join(parts)) for parts in texts]
    shaped = fit_passages(passages, room, len, share)
    assert sum(len(text) for text in shaped.texts) <= room
    assert len(shaped.texts) + shaped.left_out == len(passages)
    whole = [numbered_passage(number, each) for number, each in enumerate(passages, 1)]
    assert all(long.startswith(sent) for long, sent in zip(whole, shaped.texts, strict=False))
    assert sum(long != sent for long, sent in zip(whole, shaped.texts, strict=False)) == shaped.shortened


def test_a_question_that_is_too_long_keeps_its_beginning_and_its_end() -> None:
    question = "Here is a letter. " + "It says a lot. " * 2000 + "What is the quota?"
    short = shorten_question(question, 200, estimate)
    assert 150 < estimate(short) <= 200
    assert short.startswith("Here is a letter.")
    assert short.endswith("What is the quota?")
    assert shorten_question("What is the quota?", 200, estimate) == "What is the quota?"
