"""Sensitive data: found by form, check digits and context, and masked, also in pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.safety.recognisers import KINDS, find
from graph.safety.sensitive import MaskedStream, Policy, mask, mask_value, most_lenient

FOUND = [
    ("Pay with 4012 8888 8888 1881 today.", "Pay with <CREDIT_CARD> today."),
    ("IBAN DE89 3704 0044 0532 0130 00, please.", "IBAN <IBAN_CODE>, please."),
    ("Card 4012\u00a08888\u20098888\u200b1881 is hers.", "Card <CREDIT_CARD> is hers."),
    ("Card\n4012 8888\n8888 1881, 4012.8888.8888.1881", "Card\n<CREDIT_CARD>, <CREDIT_CARD>"),
    ("| 4012 | 8888 | 8888 | 1881 |\n**4012**_8888_8888_1881", "| <CREDIT_CARD> |\n**<CREDIT_CARD>"),
    ("Card 4012 8888 8888 1881 123 ends.", "Card <CREDIT_CARD> 123 ends."),
    ("IBAN DE89_3704.0044\n0532\u00a00130 00, please.", "IBAN <IBAN_CODE>, please."),
    ("IBAN ES91 2100 0418 4502 0005 1332 from Ann.", "IBAN <IBAN_CODE> from Ann."),
    ("SSN: 460899847, or SSN | 460 | 89 | 9847 |", "SSN: <US_SSN>, or SSN | <US_SSN> |"),
    ("Call +49\u00a030\u202f1234567.", "Call <PHONE_NUMBER>."),
    ("Use postgres://bob:secretpw@db/x for it.", "Use postgres://bob:<SECRET>@db/x for it."),
    ("His SSN is 460-89-9847.", "His SSN is <US_SSN>."),
    ("Write to ann.lee+x@mail.example.org.", "Write to <EMAIL_ADDRESS>."),
    ("Call +49 30 1234567 or 905-674-3793.", "Call <PHONE_NUMBER> or <PHONE_NUMBER>."),
    ("The phone number is 5403926876.", "The phone number is <PHONE_NUMBER>."),
    ("From 10.20.30.40 and 2001:db8::1 it came.", "From <IP_ADDRESS> and <IP_ADDRESS> it came."),
    ("My driver's license number is 6940579.", "My driver's license number is <US_DRIVER_LICENSE>."),
    ("The password is hunter2hunter2.", "The password is <SECRET>."),
    ("Use sk-proj-abcdEFGH1234567890 for it.", "Use <SECRET> for it."),
    ("Ask Dr. Ann Lee.", "Ask Dr. <PERSON>."),
    ("She lives at 14 Crown Street.", "She lives at <STREET_ADDRESS>."),
    ("The office is located at Villa Rossa 12.", "The office is located at <STREET_ADDRESS>."),
    ("Ann B. Lee\n1593 Pagari 18\nSuite 932\nOslo", "<PERSON>\n<STREET_ADDRESS>\nOslo"),
    ('"It is late," says Ann Lee.', '"It is late," says <PERSON>.'),
    ("The talk is on June 5, and Suite Bergamasque is played.",) * 2,
    ("Name: NV_INGEST_BATCHES",) * 2,
]
PLAIN = [
    "Order 4012888888881882 of 2024-01-15 costs 1,200,000 EUR.",
    "Version 1.2.3.4.5 of ISO 27001:2022, chapter 10.2.1, at 10:30:00.",
    "DE00 3704 0044 0532 0130 00 is no account, 900-00-0000 is no number of a person.",
    "The password must have twelve characters; the key is under the mat.",
    "| 460 | 89 | 9847 | and 4012 | 8888 | 8888 | 1882, of https://a.example:80/x@y.",
    "Part 123-45-678 holds 500 GB, see page 12 and [1][2].",
]


@pytest.mark.parametrize(("text", "masked"), FOUND)
def test_what_is_sensitive_is_masked(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize("text", PLAIN)
def test_what_only_looks_like_it_is_not(text: str) -> None:
    assert find(text) == []


@pytest.mark.parametrize(("text", "masked"), FOUND)
@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=40))
def test_a_stream_is_masked_like_the_whole(text: str, masked: str, sizes: list[int]) -> None:
    pieces: list[str] = []
    whole, stream, start = f"The rule holds. {text} That is all.", MaskedStream(KINDS), 0
    while start < len(whole):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(stream.add(whole[start : start + size]))
        start += size
    assert "".join([*pieces, stream.rest()]) == mask(whole)


def test_prose_is_streamed_at_once() -> None:
    stream = MaskedStream(("CREDIT_CARD", "SECRET"))
    assert stream.add("The limit of Corrento [1] for a night ") == "The limit of Corrento [1] for a night "


def test_names_of_documents_stay_as_they_are() -> None:
    text = "a@b.example"
    assert mask_value({"file": text, "quote": text, "all": [text, 1, None]}) == {
        "file": text,
        "quote": "<EMAIL_ADDRESS>",
        "all": ["<EMAIL_ADDRESS>", 1, None],
    }


def test_of_several_roles_the_most_lenient_counts() -> None:
    policy = most_lenient([Policy({"*": "block", "US_SSN": "mask"}), Policy({"EMAIL_ADDRESS": "allow", "*": "mask"})])
    assert (policy.of("EMAIL_ADDRESS"), policy.of("US_SSN"), policy.of("PERSON")) == ("allow", "mask", "mask")
    assert Policy({"US_SSN": "block"}).blocked_in("His SSN is 460-89-9847.") == ["US_SSN"]
    assert Policy({"US_SSN": "block"}).blocked_in("a@b.example") == []
