"""Example questions and cited documents: only from documents that the caller may see."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from server_under_test import app_over, key_file, serving
from support import QUICK, run_index

from server.routes.documents import CONTEXT

RESTRICTED = "handbook/hr/salary-bands.docx"


@pytest.fixture(scope="module")
def locked(quick_handbook: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with keys: ann is in no group, hanna in hr."""
    state = tmp_path_factory.mktemp("documents")
    keys = key_file(state / "keys.yaml", ann="key-of-ann", hanna__hr="key-of-hanna")
    with serving(app_over(quick_handbook, state, QUICK, keys=keys)) as url:
        yield url


def get(url: str, path: str, key: str, **params: Any) -> httpx.Response:
    return httpx.get(f"{url}{path}", params=params, headers={"x-api-key": key}, timeout=60)


def test_the_text_around_a_citation_is_that_of_its_document(server: str) -> None:
    body = {"input": {"question": "What is the hotel limit in the EU?"}}
    citation = httpx.post(f"{server}/rag/invoke", json=body, timeout=60).json()["output"]["citations"][0]
    place = {name: citation[name] for name in ("document", "start", "end")}
    excerpt = get(server, "/documents", "", **place).json()
    assert (excerpt["cited"], excerpt["title"]) == (citation["quote"], citation["title"])
    assert excerpt["begins"]
    assert len(excerpt["before"]) == citation["start"]
    assert "During trade fairs" in excerpt["after"]


def test_documents_of_one_file_are_told_apart(tmp_path: Path) -> None:
    records = [{"id": f"r{n}", "title": f"Rule {n}", "text": f"The limit of hall {n} is {n}0 people."} for n in (1, 2)]
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    run_index(corpus, tmp_path / "store")
    with serving(app_over(tmp_path / "store", tmp_path / "state", QUICK)) as url:
        for record in records:
            excerpt = get(url, "/documents", "", document=record["id"], end=9).json()
            assert (excerpt["title"], excerpt["cited"] + excerpt["after"]) == (record["title"], record["text"])


def test_no_choice_of_excerpt_shows_part_of_what_is_masked(tmp_path: Path) -> None:
    card = "4111 1111 1111 1111"
    text = (
        f"# Vault {card}\n\n"
        + "The desk keeps notes. " * 200
        + f"The card is {card} for the desk. "
        + "It is kept. " * 400
    )
    (tmp_path / "vault.md").write_text(text, "utf-8")
    run_index(tmp_path / "vault.md", tmp_path / "store")
    place = text.rindex(card)
    with serving(app_over(tmp_path / "store", tmp_path / "state", QUICK)) as url:
        assert "4111" not in get(url, "/examples", "").text
        for moved in range(-CONTEXT - 24, CONTEXT + 25, 4):
            shown = get(url, "/documents", "", document="vault.md", start=place + moved, end=place + moved).json()
            assert not {"4111", "1111"} & set(" ".join(map(str, shown.values())).split()), moved


def test_a_span_past_the_end_gives_no_error(server: str) -> None:
    excerpt = get(server, "/documents", "", document="handbook/policies/access-control.md", start=10**6, end=5).json()
    assert (excerpt["cited"], excerpt["after"], excerpt["ends"]) == ("", "", True)


def test_a_restricted_document_exists_for_its_group_only(locked: str) -> None:
    assert get(locked, "/documents", "key-of-hanna", document=RESTRICTED).status_code == 200
    refused = get(locked, "/documents", "key-of-ann", document=RESTRICTED)
    unknown = get(locked, "/documents", "key-of-ann", document="handbook/nothing' OR true --.md")
    assert (refused.status_code, unknown.status_code) == (404, 404)
    assert refused.json()["error"]["message"] == unknown.json()["error"]["message"]


def test_examples_are_questions_about_documents_that_the_caller_may_see(locked: str) -> None:
    questions = get(locked, "/examples", "key-of-ann").json()["questions"]
    assert len(questions) == len(set(questions)) == 4
    assert all(question.endswith("?") and "Salary" not in question for question in questions)
