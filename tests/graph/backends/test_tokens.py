"""Token counts: never fewer than a model's own tokenizer makes, and the model's own where there is one."""

import pytest

from graph.backends.tokens import ServerTokens, estimate
from graph.errors import ModelFailed

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
    from graph.backends.llama import WEIGHTS, _serve

    count = ServerTokens(_serve(*WEIGHTS["smollm2"]))
    assert 0 < count(TEXTS[kind]) <= estimate(TEXTS[kind])


def test_a_server_that_does_not_count_is_a_passing_failure() -> None:
    with pytest.raises(ModelFailed, match="did not count tokens") as caught:
        ServerTokens("http://127.0.0.1:9")("text")
    assert caught.value.transient
