"""The pages in a real browser, with no request to anywhere else."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect
from registry_under_test import MemoryRegistry
from server_under_test import app_over, key_file, scripted, serving
from support import QUICK

from graph.registry.package import open_package
from graph.release import Release
from server.app import assemble
from server.releases.registry import RegistryDeployments
from server.settings import ServerSettings

pytestmark = pytest.mark.slow
HOTEL = "What is the hotel limit in the EU?"


@pytest.fixture(scope="module")
def server(quick_handbook: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of this file's own, which nobody has asked before: its first answers come from no cache."""
    with serving(app_over(quick_handbook, tmp_path_factory.mktemp("browser"), QUICK)) as url:
        yield url


@pytest.fixture
def page(browser: Browser, server: str) -> Iterator[Page]:
    """The page at /, which asks nobody but the server and says nothing wrong on its console."""
    yield from opened(browser, server)


def opened(browser: Browser, url: str, path: str = "/") -> Iterator[Page]:
    context = browser.new_context(color_scheme="light")
    page = context.new_page()
    elsewhere: list[str] = []
    errors: list[str] = []
    page.on("request", lambda sent: None if sent.url.startswith((url, "data:")) else elsewhere.append(sent.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if wrong(said) else None)
    page.goto(f"{url}{path}")
    yield page
    context.close()
    assert (elsewhere, errors) == ([], [])


def wrong(said: ConsoleMessage) -> bool:
    """An error on the console; a key that is wanted is none."""
    return said.type == "error" and "401" not in said.text


def ask(page: Page, question: str) -> None:
    page.get_by_role("textbox", name="Question").fill(question)
    page.keyboard.press("Enter")


def test_a_question_is_answered_with_its_citation_in_place(page: Page) -> None:
    ask(page, HOTEL)
    turn = page.locator(".turn")
    expect(turn.locator(".answer")).to_contain_text("EUR 145")
    expect(turn.locator(".facts")).to_contain_text("answered")
    expect(turn.locator(".facts")).to_contain_text("rung primary")
    card = turn.locator(".cards li")
    expect(card).to_contain_text("handbook/policies/travel-expenses-2024.html")
    expect(card.locator("blockquote")).to_contain_text("EUR 145 per night")
    expect(turn.locator(".note", has_text="older version of 2022-07-01")).to_be_visible()
    turn.get_by_text("Details").click()
    expect(turn.locator(".how")).to_contain_text(QUICK.label)
    expect(turn.locator(".times")).to_contain_text("retrieve")


def test_everything_can_be_done_from_the_keyboard(page: Page) -> None:
    page.get_by_role("heading", name="Warrant").click()
    page.keyboard.press("/")
    page.keyboard.type("What is the hotel limit")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("in the EU?")
    page.keyboard.press("Enter")
    marker = page.locator(".marker").first
    marker.focus()
    expect(page.locator(".cards li.near")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator(".cards li:focus")).to_have_count(1)
    expect(page.locator(".question")).to_have_text("What is the hotel limit\nin the EU?", use_inner_text=True)


def test_a_conversation_goes_on_is_listed_opened_and_deleted(page: Page) -> None:
    ask(page, "What is the hotel limit in the EU for my talk?")
    expect(page.locator(".facts")).to_have_count(1)
    ask(page, "And in Switzerland?")
    expect(page.locator(".facts")).to_have_count(2)
    page.get_by_text("Details").last.click()
    expect(page.locator(".how dd").filter(has_text="hotel")).not_to_have_count(0)
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".turn")).to_have_count(0)
    page.get_by_text("Conversations", exact=True).click()
    row = page.locator("#conversation-list li").filter(has_text="for my talk")
    row.locator(".open").click()
    expect(page.locator(".question")).to_have_text(
        ["What is the hotel limit in the EU for my talk?", "And in Switzerland?"]
    )
    page.get_by_text("Conversations", exact=True).click()
    row.get_by_role("button", name=re.compile("Delete")).click()
    expect(row).to_have_count(0)


def test_a_declined_question_names_what_is_near_and_what_is_missing(page: Page) -> None:
    ask(page, "Who won the world cup in 1998, and how many people were there?")
    expect(page.locator(".facts .declined")).to_be_visible()
    expect(page.locator(".note", has_text="Nearest passages")).to_be_visible()
    gaps = page.locator(".gap")
    expect(gaps.filter(has_text="Not found in the documents").locator("li")).to_have_text(["1998"])
    expect(gaps.filter(has_text="Not answered").locator("li").first).to_have_text("Who won the world cup in 1998?")


def test_an_example_question_of_the_index_is_asked_with_a_click(page: Page) -> None:
    examples = page.locator("#examples button")
    expect(examples).to_have_count(4)
    question = examples.first.inner_text()
    examples.first.click()
    expect(page.locator(".question")).to_have_text(question)
    expect(page.locator(".facts")).to_have_count(1)


def test_a_cited_document_opens_with_its_quote_marked(page: Page) -> None:
    ask(page, HOTEL)
    page.get_by_role("button", name="Open document").first.click()
    dialog = page.locator("#document")
    expect(dialog.locator("#document-title")).to_have_text("Travel and Expenses Policy 2024")
    expect(dialog.locator(".marked td")).to_have_text(["Hotel in the EU, with breakfast", "EUR 145 per night"])
    expect(dialog.locator(".marked")).to_be_in_viewport()
    expect(dialog.locator("#document-text")).to_contain_text("During trade fairs")
    page.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()


def test_a_quoted_table_row_is_a_table_with_its_labels(page: Page) -> None:
    ask(page, "How often is the door seal of the Brisel renewed?")
    answer = page.locator(".answer > table")
    expect(answer.locator("th").first).to_be_visible()
    expect(answer.locator("td").first).to_contain_text("door seal", ignore_case=True)
    expect(answer.locator(".marker")).to_have_count(1)
    expect(page.locator(".cards table td").first).to_contain_text("door seal", ignore_case=True)


def test_a_sentence_of_a_cited_document_is_marked(page: Page) -> None:
    ask(page, "After how many years do I get a new laptop?")
    quote = page.locator(".cards blockquote").first.inner_text()
    page.get_by_role("button", name="Open document").first.click()
    expect(page.locator("#document mark").first).to_be_in_viewport()
    assert " ".join(page.locator("#document mark").all_inner_texts()).split() == quote.split()


def test_unverified_sentences_and_parts_without_an_answer_are_shown_as_such(page: Page) -> None:
    citation = {
        "marker": 1, "file": "a.md", "title": "A", "page": None, "start": 0, "end": 9, "quote": "It lasts.",
        "support": 0.4, "verdict": "unverified",
    }  # fmt: skip
    answer = {
        "text": "It lasts 4 years. [1] It is blue. [1]", "status": "partial", "confidence": 0.5,
        "citations": [citation], "route": "simple", "rung": "primary", "reason": None, "nearest": [],
        "release": "r", "version": "", "asked": "", "snapshot": "s", "timings": {"cite": 1.0},
        "usage": {"model": "m", "input_tokens": 1, "output_tokens": 1}, "parts": [], "unanswered": ["Who made it?"],
        "missing": [], "language": "en", "conflicts": [], "cached": [], "warnings": [],
        "repairs": [{"claim": "It is blue. [1]", "action": "unverified", "because": "", "support": 0.4}],
        "request_id": "12345678", "session_id": "",
    }  # fmt: skip
    body = f"event: data\ndata: {json.dumps({'event': 'final', 'seq': 0, 'answer': answer})}\n\n"
    page.route("**/rag/stream", lambda route: route.fulfill(body=body, content_type="text/event-stream"))
    ask(page, "What is it like?")
    expect(page.locator(".answer > p .unverified")).to_have_text("It is blue. 1")
    expect(page.locator(".answer > p .tag")).to_have_text("unverified")
    expect(page.locator(".cards .tag")).to_have_text("unverified")
    expect(page.locator(".gap li")).to_have_text("Who made it?")


def test_filters_are_sent_along(page: Page) -> None:
    page.get_by_text("Filters").click()
    page.get_by_role("button", name="Add a filter").click()
    page.get_by_label("Column").select_option("effective_date")
    page.get_by_label("Comparison").select_option("lt")
    page.get_by_label("Value").fill("2024-01-01")
    expect(page.locator("#filter-count")).to_have_text("(1)")
    ask(page, HOTEL)
    expect(page.locator(".answer")).to_contain_text("EUR 110")


def test_an_answer_is_rated_with_a_comment(page: Page) -> None:
    ask(page, HOTEL)
    page.get_by_role("button", name="Not helpful").click()
    expect(page.locator(".rate [role=status]")).to_have_text("Thank you.")
    page.get_by_label("Comment").fill("It is out of date")
    with page.expect_response(lambda reply: "/feedback" in reply.url) as rated:
        page.keyboard.press("Enter")
    assert rated.value.status == 204
    assert "out of date" in (rated.value.request.post_data or "")


def test_dark_and_light_are_remembered(page: Page) -> None:
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.get_by_role("button", name="Switch between").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_what_is_asked_is_shown_as_text(page: Page) -> None:
    ask(page, "<img src=x onerror=document.title='broken'> What is the hotel limit in the EU?")
    expect(page.locator(".facts")).to_have_count(1)
    expect(page.locator(".question")).to_contain_text("<img src=x")
    assert page.locator(".question img").count() == 0
    assert page.title() == "Warrant"


def test_a_refusal_is_told(page: Page) -> None:
    ask(page, "?" * 5)
    expect(page.get_by_role("alert").filter(has_text="letter or digit")).to_be_visible()


def test_a_slow_answer_shows_its_draft_and_can_be_stopped(
    browser: Browser, quick_handbook: Path, tmp_path: Path
) -> None:
    reply = "Laptops are replaced every 4 years and telephones every 3 years [1]."
    release = scripted(tmp_path, {"reply": reply, "seconds_per_token": 0.5})
    with serving(app_over(quick_handbook, tmp_path, release)) as url:
        for page in opened(browser, url):
            ask(page, "After how many years are laptops replaced?")
            expect(page.locator(".draft")).to_contain_text("Laptops are")
            page.keyboard.press("Escape")
            expect(page.get_by_role("alert").filter(has_text="Stopped.")).to_be_visible()


def test_a_key_is_asked_for_where_there_are_keys(browser: Browser, quick_handbook: Path, tmp_path: Path) -> None:
    keys = key_file(tmp_path / "keys.yaml", ann="key-of-ann")
    with serving(app_over(quick_handbook, tmp_path, QUICK, keys=keys)) as url:
        for page in opened(browser, url):
            page.get_by_label("Key", exact=True).fill("wrong")
            page.keyboard.press("Enter")
            expect(page.locator("#signin-error")).to_contain_text("No caller has this key")
            page.get_by_label("Key", exact=True).fill("key-of-ann")
            page.keyboard.press("Enter")
            expect(page.locator("#release")).to_have_text(QUICK.label)
            ask(page, HOTEL)
            expect(page.locator(".answer")).to_contain_text("EUR 145")


def test_the_page_and_the_playground_of_a_version_ask_that_version(
    browser: Browser, quick_handbook: Path, tmp_path: Path
) -> None:
    registry = MemoryRegistry(tmp_path / "logged", quick_handbook)
    for name in ("one", "two"):
        registry.log(Release(name=name, embedding="wordllama-256"))
    registry.names |= {"production": 1, "staging": 2}
    settings = ServerSettings(state=tmp_path / "state", registry="memory")
    with serving(assemble(settings, RegistryDeployments(lambda: registry, open_package, settings))) as url:
        for path, number in (("/", 1), ("/staging/", 2), ("/versions/2/", 2)):
            label = registry.versions[number].label
            for page in opened(browser, url, path):
                expect(page.locator("#release")).to_have_text(label)
                ask(page, HOTEL)
                page.get_by_text("Details").click()
                expect(page.locator(".how")).to_contain_text(label)
            for page in opened(browser, url, f"{path}rag/playground/"):
                page.locator("textarea").first.fill(HOTEL)
                page.get_by_role("button", name="Start").click()
                expect(page.locator("body")).to_contain_text(label)


def test_the_playground_asks_and_answers(browser: Browser, server: str) -> None:
    for page in opened(browser, server, "/rag/playground/"):
        expect(page.get_by_text("Validation Errors")).to_be_visible()
        page.locator("textarea").first.fill(HOTEL)
        page.get_by_role("button", name="Start").click()
        expect(page.locator("body")).to_contain_text("EUR 145 per night")
        expect(page.locator("body")).to_contain_text("answered · confidence")


def test_the_routes_are_shown_offline(browser: Browser, server: str) -> None:
    for page in opened(browser, server, "/docs"):
        expect(page.locator("#routes")).to_contain_text("/rag/invoke")
        expect(page.locator("#routes")).to_contain_text("/feedback")
