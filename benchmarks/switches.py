"""The features, weights and rules of the answering path that benchmarks/ablation.py takes away one by one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import getsourcelines
from typing import Any

from benchmarks import train_confidence
from graph.index.local import SnapshotRetriever
from graph.models import cross_encoder, onnx, rerankers
from graph.retrieval import features, fusion
from graph.state import Evidence, Passage, Quote
from graph.steps import conversation, evidence, names, parts, quotes, route, versions
from graph.steps.evidence import Named, unit_text
from graph.steps.quotes import Quotes

Patch = tuple[Any, str, Any]
"""A module or a class, a name in it, and what stands there in place of what is taken away."""


@dataclass(frozen=True)
class Switch:
    """Something that can be taken away, and how; `code` are the modules and functions, or numbers of lines, that go."""

    room: str
    name: str
    code: tuple[Any, ...]
    patches: tuple[Patch, ...] = ()

    @property
    def lines(self) -> int:
        return sum(part if isinstance(part, int) else len(getsourcelines(part)[0]) for part in self.code)


@contextmanager
def switched(patches: Sequence[Patch]) -> Iterator[None]:
    """What is patched, until it ends."""
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in patches]
    try:
        for owner, name, value in patches:
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)


def always(value: Any) -> Any:
    """A function that gives the value, whatever it is given."""
    return lambda *values, **named: value


def one_unit(question: str, passages: Sequence[Passage], fitting: Sequence[Evidence], found: Any) -> Quotes:
    """The best unit alone, in place of graph.steps.quotes.choose."""
    return Quotes([Quote(text=unit_text(fitting[0]), passage=fitting[0]["passage"])])


def unread(question: str, fitting: Sequence[Evidence], read: Any) -> Any:
    """The units as they were scored, in place of graph.steps.route.by_reading."""
    return list(fitting), None


def no_decline(question: str, passages: Sequence[Passage], found: Sequence[Evidence], language: str = "en") -> Named:
    """Every unit where a name is nowhere, in place of graph.steps.evidence.about_names."""
    named = evidence.about_names(question, passages, found, language)
    return Named(list(found), [], found) if named.missing else named


ALONE: tuple[Patch, ...] = ((route, "choose", one_unit),)

LEXICAL = Switch(
    "retrieval", "lexical leg", (SnapshotRetriever._search_lexical, SnapshotRetriever._score_restricted, fusion.bm25)
)
VECTOR = Switch("retrieval", "vector leg", (SnapshotRetriever._search_vector, onnx))
FUSION = Switch("retrieval", "fusion by scores, not by ranks", (fusion.fuse, fusion.min_max))

RERANKER = Switch("ranking", "reranker", (features, rerankers.EmbeddedReranker))


def _feature(name: str, *code: Any, of: str = "", none: Any = None) -> Switch:
    return Switch("ranking", name, code, ((features, of, none),) if of else ())


def _zeros(asked: Any, values: Sequence[Any], *more: Any) -> list[float]:
    return [0.0] * len(values)


FEATURES = (
    _feature("sentence", 1),
    _feature("pairs", features._pairs_share, features._matched_pairs, of="_matched_pairs", none=always(set())),
    _feature(
        "linked",
        features._link_scores,
        features._link_score,
        features._names,
        features._new_terms_share,
        of="_link_scores",
        none=_zeros,
    ),
    _feature("words_spread", features._bm25, of="_bm25", none=_zeros),
)

EVIDENCE = (
    Switch("evidence", "cosine of the unit", (1,), ((evidence, "MEANING", 0.0),)),
    Switch("evidence", "words that the unit holds", (1,), ((evidence, "WORDS", 0.0),)),
    Switch("evidence", "outdated versions count less", (versions, 4), ((evidence, "outdated", always(set())),)),
    Switch("evidence", "cross-encoder", (cross_encoder, route.by_reading, 10), ((route, "by_reading", unread),)),
)
SIGNS = {
    Switch("confidence", "similar", (1,)): ("similar",),
    Switch("confidence", "held", (1,)): ("held",),
    Switch("confidence", "read", (2,)): ("read", "was_read"),
}
WEIGHTS = Switch("confidence", "weights, reading and names, over one cosine", (route.signs, route.confidence))
RULES = (
    Switch("confidence", "names", (names, evidence.about_names, evidence._View), ((evidence, "names_in", always(())),)),
    Switch(
        "confidence",
        "names that are nowhere",
        (evidence._View.has, 3),
        ((route, "about_names", no_decline), (train_confidence, "about_names", no_decline)),
    ),
    Switch("confidence", "rivals", (evidence._View.is_rivals, 2), ((evidence._View, "is_rivals", always(False)),)),
)
PARTS = Switch("routing", "parts", (parts, 12), ((parts, "split", always([])),))
QUOTES = (Switch("routing", "whole lists, rows and procedures", (quotes,), ALONE),)
CONVERSATION = (
    Switch(
        "conversation",
        "topic that is carried along",
        (
            conversation.Talk,
            conversation._telling,
            conversation.needs_context,
            conversation.spoken_turns,
        ),
        ((conversation.Talk, "topic", always("")),),
    ),
    Switch(
        "conversation",
        "name that is swapped",
        (conversation.replace_name, 8),
        ((conversation, "replace_name", always("")),),
    ),
    Switch("conversation", "score of the searches", (4,), ((rerankers, "SEARCH_SCORE_WEIGHT", 0.0),)),
)
