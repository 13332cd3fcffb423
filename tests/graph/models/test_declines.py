"""A model's "I don't know" in the forms that models give it, and replies that only look like one."""

import pytest

from graph.models.declines import declines, may_be_sentinel

DECLINES = [
    "NO_ANSWER",
    " **NO_ANSWER**. ",
    "[NO_ANSWER]",
    "no_answer",
    "NO_ANSWER. The passages only describe the travel policy [1].",
    "Answer: NO_ANSWER",
    "I don't know.",
    "I don’t know the answer to that.",
    "I do not know.",
    "I'm sorry, but I don't know.",
    "I'm not sure.",
    "Sorry. I cannot answer this question.",
    "I cannot find this in the passages provided.",
    "I don't have enough information to answer that.",
    "Based on the provided passages, I cannot determine when it opened.",
    "The passages do not mention parental leave.",
    "The passages do not mention parental leave [1][2].",
    "Unfortunately, the provided documents do not contain information about parking. Please contact the front desk.",
    "The documents don't say.",
    "There is no information about parental leave in the passages.",
    "None of the passages mention a swimming pool.",
    "This is not mentioned in the context.",
    "Not specified in the passages.",
    "The answer cannot be determined from the given context.",
    "No relevant information was found.",
    "The context does not provide the date of the opening. [3]",
    "Ich weiß es nicht.",
    "Das weiß ich leider nicht.",
    "Leider kann ich diese Frage anhand der Passagen nicht beantworten.",
    "Die Passagen enthalten keine Angaben zum Elterngeld.",
    "Dazu gibt es in den Dokumenten keine Informationen.",
    "Das wird in den Textstellen nicht erwähnt.",
    "Je ne sais pas.",
    "Je ne peux pas répondre à cette question.",
    "Désolé, les passages ne contiennent pas cette information.",
    "Les extraits ne mentionnent pas le congé parental [1].",
    "Aucune information n'est donnée à ce sujet.",
    "Il n'y a pas d'information sur ce point dans les documents.",
    "No lo sé.",
    "Lo siento, no puedo responder a esa pregunta.",
    "Los pasajes no mencionan el permiso parental.",
    "No se menciona en los documentos.",
    "No hay información sobre ese tema.",
    "Non lo so.",
    "Purtroppo non posso rispondere a questa domanda.",
    "I passaggi non menzionano il congedo parentale.",
    "Non ci sono informazioni su questo argomento.",
    "Ik weet het niet.",
    "Helaas kan ik deze vraag niet beantwoorden.",
    "De passages vermelden het ouderschapsverlof niet.",
    "Er is geen informatie over dit onderwerp.",
]
ANSWERS = [
    "I don't know who wrote it, but the quota is 50 GB. [1]",
    "The passages do not say who wrote it. The quota is 50 GB. [1]",
    "The quota is 50 GB [1]. The passages do not mention a fee.",
    "The passages do not name a fee, but the quota is 50 GB [1].",
    "Nobody said: I don't know.",
    "The quota is 50 GB.",
    "No. [1]",
    "No, employees may not work from abroad [2].",
    "No approval is needed for trips below 500 EUR [2].",
    "There is no fee for the first request [3].",
    "We cannot provide refunds after 30 days [3].",
    "Support is not available on Sundays [1].",
    "The policy does not specify a maximum amount [2].",
    "The documents do not include customer data [4].",
    "Not found: error 404 means that the page has moved [1].",
    "Nein, das ist nicht erlaubt [1].",
    "Keine Genehmigung ist nötig [1].",
    "Non, ce n'est pas permis [1].",
    "No hay que pagar nada [1].",
    "Non è necessario un permesso [1].",
    "Nee, dat is niet toegestaan [1].",
    "In the event of a fire, the answer is to leave the building [1].",
    "",
]


@pytest.mark.parametrize("said", DECLINES)
def test_a_reply_that_says_there_is_no_answer_declines(said: str) -> None:
    assert declines(said)


@pytest.mark.parametrize("said", ANSWERS)
def test_a_reply_that_says_something_else_does_not(said: str) -> None:
    assert not declines(said)


def test_odd_replies_are_read_in_time() -> None:
    for said in ("in " * 5000, "kann ich " * 3000, "the passages " * 2000, "[1] " * 5000, "no " * 5000, "i " * 9000):
        assert not declines(said + "x")


def test_the_sentinel_is_held_back_and_nothing_else_is() -> None:
    assert [may_be_sentinel(begun) for begun in ("", "N", "**NO_", "NO_ANSWER.", "No, ", "Nobody", "The")] == [
        True,
        True,
        True,
        True,
        False,
        False,
        False,
    ]
