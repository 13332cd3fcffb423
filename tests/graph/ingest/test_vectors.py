from graph.index.rows import WORDS
from graph.ingest.vectors import marked


def test_an_answer_is_embedded_with_the_question_before_it() -> None:
    text = "Hello there.\n\nHow many guests come?\n\nTwo."
    found = marked({WORDS: f"Guide\n\n{text}", "text": text, "header": ""})
    assert [found.text[start:end] for start, end in found.spans] == ["Hello there.", "How many guests come?\n\nTwo."]
