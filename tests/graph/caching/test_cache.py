"""The caches by themselves: bounded, copied in and out, and named by all that a result follows from."""

import itertools
from functools import partial
from typing import Any

import numpy as np
import pytest
from cachetools import TTLCache
from hypothesis import given, settings
from hypothesis import strategies as st
from support import QUICK

from graph.caching import cache
from graph.caching.cache import ENTRY, BoundedCache, Caches, JsonCache, key_of, open_caches
from graph.models.embedding import TextWithSpans
from graph.models.vector_cache import CachedEmbedder
from graph.models.wordllama import WordLlama
from graph.settings import Settings

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_the_least_lately_used_is_dropped_first() -> None:
    shelf = BoundedCache(2, 60)
    shelf.put("a", 1)
    shelf.put("b", 2)
    shelf.get("a")
    shelf.put("c", 3)
    assert [shelf.get(key) for key in "abc"] == [1, None, 3]


def test_what_is_too_old_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(step=40)

    monkeypatch.setattr(cache, "TTLCache", partial(TTLCache, timer=lambda: next(clock)))
    shelf = BoundedCache(2, 100)
    shelf.put("a", 1)
    found = [shelf.get("a") for _ in range(4)]
    assert (found[0], found[-1]) == (1, None)


@pytest.mark.parametrize(("places", "seconds"), [(0, 60), (2, 0)])
def test_a_shelf_of_nothing_or_for_no_time_keeps_nothing(places: int, seconds: float) -> None:
    shelf = BoundedCache(places, seconds)
    shelf.put("a", 1)
    assert (shelf.on, shelf.get("a"), len(shelf)) == (False, None, 0)


def test_what_is_long_takes_several_places() -> None:
    shelf = BoundedCache(3, 60)
    for key in "abc":
        shelf.put(key, "short")
    shelf.put("long", "x" * (ENTRY + 1))
    assert [shelf.get(key) is not None for key in ("a", "b", "c", "long")] == [False, False, True, True]


def test_what_is_longer_than_the_shelf_is_not_kept_and_drops_nothing() -> None:
    shelf = BoundedCache(1, 60)
    shelf.put("a", "short")
    shelf.put("b", "x" * (ENTRY + 1))
    assert (shelf.get("a"), shelf.get("b")) == ("short", None)


@settings(deadline=None)
@given(PLAIN)
def test_any_plain_value_comes_back_as_it_was(value: Any) -> None:
    copies = JsonCache(1, 60)
    copies.put("key", value)
    assert copies.get("key") == value


def test_what_is_done_to_a_value_or_to_a_hit_reaches_nobody_else() -> None:
    copies, value = JsonCache(1, 60), {"citations": [{"quote": "five years"}]}
    copies.put("key", value)
    value["citations"][0]["quote"] = "changed"
    hit = copies.get("key")
    assert hit == {"citations": [{"quote": "five years"}]}
    hit["citations"].clear()
    assert copies.get("key") == {"citations": [{"quote": "five years"}]}


def test_the_settings_size_each_cache() -> None:
    sizes = Settings(cache_answers=0, cache_retrieval=1, cache_embeddings=2, cache_seconds=60)
    caches = open_caches(sizes)
    for key in "abc":
        caches.answers.put(key, key)
        caches.retrieval.put(key, key)
        caches.embeddings.put(key, key)
    assert [len(each) for each in (caches.answers, caches.retrieval, caches.embeddings)] == [0, 1, 2]
    assert not any(each.on for each in (open_caches(Settings(cache_seconds=0)).retrieval, Caches().answers))


BASE: dict[str, Any] = {"release": "r", "snapshot": "s", "filters": {"a": 1, "b": 2}, "groups": ["x", "y"]}


@pytest.mark.parametrize(
    "other",
    [
        {"release": "r2"},
        {"snapshot": "s2"},
        {"filters": {}},
        {"filters": {"a": "1", "b": 2}},
        {"filters": {"a": 1, "b": [2]}},
        {"groups": ["x"]},
        {"groups": []},
        {"groups": ["x,y"]},
        {"groups": ["x", "y", "z"]},
    ],
    ids=str,
)
def test_results_that_may_differ_have_different_names(other: dict[str, Any]) -> None:
    assert key_of(**BASE) != key_of(**{**BASE, **other})


def test_what_is_asked_and_its_history_are_part_of_the_name() -> None:
    history = [{"role": "user", "content": "Hello"}]
    asked = [("q",), ("Q",), ("q", "alone"), ("q", "alone", []), ("q", "alone", history)]
    assert len({key_of("r", "s", {}, [], *each) for each in asked}) == len(asked)


def test_the_order_of_groups_and_columns_does_not_count() -> None:
    same = {**BASE, "filters": {"b": 2, "a": 1}, "groups": ["y", "x", "y"]}
    assert key_of(**same) == key_of(**BASE)


class Counting(WordLlama):
    """Remembers what it was given to embed."""

    def __init__(self) -> None:
        super().__init__()
        self.embedded: list[str] = []

    def embed(self, texts: Any) -> Any:
        self.embedded += texts
        return super().embed(texts)


def cached(embedder: WordLlama) -> CachedEmbedder:
    return CachedEmbedder(embedder, BoundedCache(10, 60), BoundedCache(10, 60))


def test_a_question_is_embedded_once() -> None:
    counting = Counting()
    embedder = cached(counting)
    first = embedder.embed_question("How long is it?")
    assert embedder.embed_question("How long is it?") is first
    assert counting.embedded == ["How long is it?"]
    assert np.array_equal(first.whole, WordLlama().embed(["How long is it?"])[0])


def test_questions_and_other_texts_have_caches_of_their_own() -> None:
    questions, texts = BoundedCache(10, 60), BoundedCache(10, 60)
    embedder = CachedEmbedder(WordLlama(), questions, texts)
    embedder.embed(["How long is it?", "A sentence."])
    assert (len(questions), len(texts)) == (0, 2)


def test_a_sentence_that_was_scored_is_not_embedded_again_when_it_is_checked() -> None:
    counting = Counting()
    embedder = cached(counting)
    embedder.embed(["How long?", "One is red.", "Two is blue.", "One is red."])
    again = embedder.embed(["A claim.", "Two is blue.", "One is red."])
    assert counting.embedded == ["How long?", "One is red.", "Two is blue.", "A claim."]
    assert np.array_equal(again, WordLlama().embed(["A claim.", "Two is blue.", "One is red."]))


def test_case_and_space_make_another_question() -> None:
    counting = Counting()
    embedder = cached(counting)
    for text in ("How long?", "how long?", "How  long?"):
        embedder.embed_question(text)
    assert len(counting.embedded) == 3


def test_a_kept_vector_does_not_change_with_the_one_given() -> None:
    embedder = cached(WordLlama())
    first = embedder.embed(["How long?"])
    wanted = first.copy()
    first[:] = 0
    assert np.array_equal(embedder.embed(["How long?"]), wanted)


def test_nothing_to_embed_and_the_other_calls_reach_the_embedder() -> None:
    embedder, behind = cached(WordLlama()), WordLlama()
    assert embedder.embed([]).shape == (0, 256)
    assert (embedder.name, embedder.dimensions, embedder.unrelated) == (QUICK.embedding, 256, 0.0)
    assert embedder.count_tokens("How long is it?") == behind.count_tokens("How long is it?") > 0
    [marks] = embedder.embed_with_spans([TextWithSpans("How long?", [(0, 3)])])
    assert np.array_equal(marks.spans, behind.embed_with_spans([TextWithSpans("How long?", [(0, 3)])])[0].spans)
