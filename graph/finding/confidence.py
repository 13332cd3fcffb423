"""How sure it is that the evidence answers a question: that it is about it, and that it says what is asked; pure.

Each is learned from what question and evidence have in common, and a third one makes a calibrated probability of both,
one way for a question that is asked alone and another for a turn of a conversation. No model is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from math import log

from ..learned import Mean, Model, load
from ..question.answer_types import asked_clause, could_answer, wanted
from ..state import Evidence, Passage
from ..text.facts import denials, names, opposed, plain_words
from ..text.values import unmet, values
from ..text.words import Weigh
from .as_claim import signs_as_claim
from .evidence import BY_TOKENS, about, gather, has_tokens, share, term_set
from .spans import best_spans, log_odds

KINDS = ("person", "place", "date", "count", "amount", "measure")


@dataclass(frozen=True)
class Confidence:
    """The models that the evidence is near, that it holds what is asked, and of both together."""

    near: Model
    holds: Model | Mean
    both: Model

    def factors(self, found: Mapping[str, float]) -> dict[str, float]:
        """The log-odds of both, and again by themselves for a turn of a conversation.

        A turn leaves unsaid what was said before, so that what its evidence lacks of it tells less.
        """
        near, holds, turn = self.near.score(found), self.holds.score(found), found["turn"]
        return {"near": near, "holds": holds, "near_turn": near * turn, "holds_turn": holds * turn, "turn": turn}

    def probability(self, found: Mapping[str, float]) -> float:
        """That there is an answer, 0 to 1."""
        return self.both.probability(self.factors(found))


@cache
def learned(*, tokens: bool = True) -> Confidence:
    """As it was trained: for an index that holds tokens, or for one that does not."""
    end = "" if tokens else "_afresh"
    holds = Mean([load(f"confidence_holds{end}"), load(f"confidence_holds_trees{end}")])
    return Confidence(load(f"confidence_near{end}"), holds, load(f"confidence{end}"))


def confidence(
    question: str, passages: Sequence[Passage], evidence: Sequence[Evidence], weigh: Weigh, *, turn: bool = False
) -> float:
    """The probability, 0 to 1, that the evidence holds the answer; 0 without evidence. `evidence` is best first.

    `turn`: whether the question comes after other turns of a conversation.
    """
    if not evidence:
        return 0.0
    found = signs(question, passages, evidence, weigh, turn=turn)
    return learned(tokens=has_tokens(evidence)).probability(found)


def of_parts(
    parts: Sequence[str],
    passages: Sequence[Passage],
    evidence: Sequence[Evidence],
    weigh: Weigh,
    *,
    turn: bool = False,
) -> list[float]:
    """The confidence in an answer to each part, from the evidence that answers that part best."""
    found = []
    for number, part in enumerate(parts, 1):
        own = [unit for unit in evidence if unit.get("part") == number]
        found.append(confidence(part, passages, own, weigh, turn=turn))
    return found


def signs(
    question: str, passages: Sequence[Passage], evidence: Sequence[Evidence], weigh: Weigh, *, turn: bool = False
) -> dict[str, float]:
    """Everything that the models look at; shares and cosines are 0 to 1, weights are a tenth of a term's."""
    best = evidence[0]
    return {
        "turn": float(turn),
        **_likeness(passages, evidence),
        **_terms(question, passages, evidence, weigh),
        **_facts(question, passages, evidence),
        **_kind(question, best, evidence, weigh),
        **signs_as_claim(question, passages, evidence, weigh),
    }


def _likeness(passages: Sequence[Passage], evidence: Sequence[Evidence]) -> dict[str, float]:
    """How alike question and evidence are by meaning, and how far the best is ahead of another passage's best."""
    best = evidence[0]
    stated = [unit for unit in evidence if not unit["text"].rstrip().endswith("?")] or list(evidence)
    told = {(unit["passage"], unit["start"]): unit["similarity"] for unit in gather(passages)}
    late = sorted((told.get((unit["passage"], unit["start"]), 0.0) for unit in stated), reverse=True)
    similar = sorted((unit["similarity"] for unit in stated), reverse=True)
    whole = sorted((passage["vector"] or 0.0 for passage in passages), reverse=True)
    other = next((unit["score"] for unit in evidence if unit["passage"] != best["passage"]), 0.0)
    return {
        "odds": log_odds(best["score"]),
        "ahead": min(3.0, log_odds(best["score"]) - log_odds(other)),
        "similar": similar[0],
        "similar_best": best["similarity"],
        "similar_three": _mean(similar[:3]),
        "late": late[0],
        "late_best": told.get((best["passage"], best["start"]), 0.0),
        "late_three": _mean(late[:3]),
        "passage": whole[0],
        "passage_best": passages[best["passage"]]["vector"] or 0.0,
        "passage_ahead": whole[0] - _mean(whole[1:4]) if len(whole) > 1 else 0.0,
        **(_met(stated, best) if has_tokens(evidence) else {}),
    }


def _met(stated: Sequence[Evidence], best: Evidence) -> dict[str, float]:
    """How nearly the question's tokens are met: by the nearest sentence, the best one, and three of them."""
    found: dict[str, float] = {}
    for name in BY_TOKENS:
        ranked = sorted((unit[name] for unit in stated), reverse=True)
        found |= {name: ranked[0], f"{name}_best": best[name], f"{name}_three": _mean(ranked[:3])}
    return found


def _terms(question: str, passages: Sequence[Passage], evidence: Sequence[Evidence], weigh: Weigh) -> dict[str, float]:
    """Which terms of the question the best sentence, its neighbours, its passage and all passages hold and lack."""
    best, asked = evidence[0], term_set(question)
    passage = passages[best["passage"]]
    here = term_set(best["text"]) | term_set(about(passage))
    whole = [term_set(each["text"]) | term_set(about(each)) for each in passages]
    held = {
        "here": here,
        "near": term_set(_window(evidence)) | here,
        "passage": whole[best["passage"]],
        "any": frozenset[str]().union(*whole),
    }
    return {
        **{f"held_{place}": share(asked, terms, weigh) for place, terms in held.items()},
        **{f"lost_{place}": max(map(weigh, asked - terms), default=0.0) / 10 for place, terms in held.items()},
        "held_best": max(share(asked, terms, weigh) for terms in whole),
        "count_lost_here": min(5, len(asked - here)),
        "count_lost_passage": min(4, len(asked - held["passage"])),
        "length": log(1 + len(asked)),
    }


def _facts(question: str, passages: Sequence[Passage], evidence: Sequence[Evidence]) -> dict[str, float]:
    """Names and numbers of the question that are missing, denials that only one side has, and opposites."""
    best = evidence[0]
    passage = passages[best["passage"]]
    near, whole = f"{_window(evidence)} {about(passage)}", f"{passage['text']} {about(passage)}"
    named, counted, own = names(question), values(question), term_set(question)
    denies, denied = denials(asked_clause(question)) > 0, denials(best["text"]) > 0
    return {
        "names_lost_near": float(len(named - plain_words(near))),
        "names_lost_passage": float(len(named - plain_words(whole))),
        "numbers_lost_near": float(bool(unmet(counted, values(near)))),
        "numbers_lost_passage": float(bool(unmet(counted, values(whole)))),
        "denies_alone": float(denies and not denied),
        # Terms alone: `before` and `after`, `off` and `at` meet in any two sentences.
        "opposed": float(opposed(own, term_set(best["text"])) > 0),
        "opposed_near": float(opposed(own, term_set(near)) > 0),
    }


def _kind(question: str, best: Evidence, evidence: Sequence[Evidence], weigh: Weigh) -> dict[str, float]:
    """Whether there is something of the kind that is asked for."""
    kind = wanted(question).kind
    span = next(iter(best_spans(question, evidence, weigh)), None)
    return {
        "polar": float(kind == "polar"),
        "asks_kind": float(kind in KINDS),
        "could": float(could_answer(question, best["text"]) is True),
        "could_not": float(could_answer(question, best["text"]) is False),
        "span": span.odds if span else -12.0,
        "span_unlike": float(bool(span and span.unlike)),
    }


def _window(evidence: Sequence[Evidence]) -> str:
    """The best sentence with the one before and the one after it."""
    best = evidence[0]
    same = sorted((unit for unit in evidence if unit["passage"] == best["passage"]), key=lambda unit: unit["start"])
    place = next(n for n, unit in enumerate(same) if unit["start"] == best["start"])
    return " ".join(unit["text"] for unit in islice(same, max(0, place - 1), place + 2))


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0
