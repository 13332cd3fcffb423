"""The page in a real browser, from a file, with no request to anywhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect
from report_under_test import NASTY, report

from evals.gate.thresholds import Threshold, Thresholds
from evals.report import write_files

Scheme = Literal["light", "dark"]
pytestmark = pytest.mark.slow
CONTRAST = """(selector) => {
  const light = (colour) => {
    const parts = colour.match(/[0-9.]+/g).slice(0, 3).map((part) => part / 255);
    const [r, g, b] = parts.map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const found = getComputedStyle(element).backgroundColor;
    return found !== "rgba(0, 0, 0, 0)" ? found : behind(element.parentElement);
  };
  const shown = [...document.querySelectorAll(selector)].filter((element) => element.offsetParent);
  return Math.min(...shown.map((element) => {
    const [one, other] = [light(getComputedStyle(element).color), light(behind(element))].sort((a, b) => b - a);
    return (one + 0.05) / (other + 0.05);
  }));
}"""
"""The least contrast of text to what is behind it (WCAG 2)."""
FLOOR = Thresholds(threshold=(Threshold(metric="answered", floor=0.5),))
TEXTS = "h1, h2, h3, h4, p, li, th, td, dt, dd, .slice, .soft, .word, .chip, .change, .id, a, summary, label, button"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write_files(report(folder / "alone", alone=True), folder / "one")
    return write_files(report(folder / "runs"), folder / "two")


@pytest.fixture
def page(browser: Browser, place: Path) -> Iterator[Page]:
    yield from opened(browser, place)


def opened(browser: Browser, path: Path, *, scheme: str = "light", width: int = 1280) -> Iterator[Page]:
    context = browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light", viewport={"width": width, "height": 900}
    )
    page = context.new_page()
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text))
    page.goto(path.as_uri())
    yield page
    assert page.title().startswith(("Fail: release@1", "Cannot tell: release@1"))
    context.close()
    assert ({url.partition("#")[0] for url in asked}, errors) == ({path.as_uri()}, [])


def rows(page: Page) -> list[str]:
    return page.locator(".sample .id").all_inner_texts()


def test_the_verdict_comes_first_with_its_reasons_and_an_example(page: Page) -> None:
    expect(page.locator("h1")).to_have_text("Fail")
    expect(page.locator(".banner svg[aria-label=fail]").first).to_be_in_viewport()
    expect(page.locator(".reasons li").first).to_contain_text("Answered: ")
    expect(page.locator(".tally")).to_have_text("1 failed 18 worse 21 same", use_inner_text=True)
    expect(page.get_by_role("heading", name="Worst failure: Question 3")).to_be_visible()
    expect(page.locator("#criteria td.picture svg")).to_have_count(4)
    expect(page.locator("#metrics tbody tr", has_text="token F1").locator("td").last).to_have_text("1")
    expect(page.locator("#slices tbody th")).to_have_text(["even"])


def test_a_sample_shows_both_answers_citations_and_passages_side_by_side(page: Page) -> None:
    assert rows(page)[:2] == ["s3", "s0"]
    sample = page.locator("#s-s0")
    expect(sample.locator(".chip").first).to_have_text("answered → declined")
    sample.locator("summary").first.press("Enter")
    expect(sample.locator(".known")).to_contain_text("20 A")
    expect(sample.locator(".said")).to_have_text(["It has 20 A. [1]", "Not enough evidence."])
    expect(sample.locator("blockquote")).to_have_text(["The fuse has 20 A."])
    expect(sample.locator("tr", has_text="token F1")).to_contain_text("▼ 0.800")
    sample.get_by_text("Passages (2 and 1)").press("Enter")
    expect(sample.locator("mark")).to_have_text(["The fuse has 20 A."])
    expect(sample.locator(".chip.holds")).to_have_count(1)
    expect(sample.locator(".chip.only")).to_have_count(1)


def test_history_filters_and_why_there_is_no_answer_are_shown(page: Page) -> None:
    shown = {"s1": ["Before, user", "Which fuse?", '{"region": "EU"}'], "s3": ["TimeoutError: late", "it failed: Time"]}
    for name, told in shown.items():
        sample = page.locator(f"#s-{name}")
        sample.locator("summary").first.click()
        for each in told:
            expect(sample).to_contain_text(each)


def test_what_an_answer_or_a_passage_holds_is_shown_and_never_run(page: Page) -> None:
    sample = page.locator("#s-s2")
    sample.locator("summary").first.click()
    expect(sample.locator(".said").last).to_have_text(NASTY)
    sample.get_by_text("Passages (").click()
    expect(sample.locator(".passage .text").last).to_have_text(NASTY)
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 2


@pytest.mark.parametrize("guarded", [True, False])
def test_the_policy_lets_no_other_script_run(browser: Browser, place: Path, tmp_path: Path, guarded: bool) -> None:
    """A script that got in all the same is refused, by the policy and by nothing else."""
    broken, text = tmp_path / "report.html", place.read_text("utf-8").replace("</main>", f"{NASTY}</main>")
    broken.write_text(text if guarded else text.replace("Content-Security-Policy", "X-Nothing"), "utf-8")
    page = browser.new_page()
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text))
    page.goto(broken.as_uri())
    expect(page.locator("#list .sample").first).to_be_visible()
    assert (page.title() == "broken") != guarded
    assert ("Content Security Policy" in "".join(refused)) == guarded
    page.close()


def test_samples_are_filtered_and_put_in_order(page: Page) -> None:
    count = page.locator("#count")
    expect(count).to_have_text("40 of 40 samples")
    page.keyboard.press("/")
    page.keyboard.type("question 12")
    expect(count).to_have_text("1 of 40 samples")
    page.get_by_role("button", name="Reset").click()
    page.get_by_label("Only regressions").check()
    expect(count).to_have_text("19 of 40 samples")
    page.get_by_label("Tag").select_option("even")
    expect(count).to_have_text("9 of 40 samples")
    page.get_by_role("button", name="Reset").click()
    page.get_by_label("Release's status").select_option("failed")
    expect(count).to_have_text("1 of 40 samples")
    page.get_by_label("Release's status").select_option("")
    page.get_by_label("Metric").select_option("token F1")
    expect(count).to_have_text("18 of 40 samples")
    page.get_by_label("which").select_option("got better")
    expect(count).to_have_text("0 of 40 samples")
    page.get_by_label("which").select_option("has no score")
    expect(count).to_have_text("1 of 40 samples")
    page.get_by_role("button", name="Reset").click()
    page.get_by_label("Order").select_option("as in the dataset")
    expect(page.locator(".sample .id").nth(1)).to_have_text("s1")


def test_a_link_opens_its_sample(page: Page) -> None:
    page.get_by_label("Text").fill("no such sample")
    expect(page.locator("#count")).to_have_text("0 of 40 samples")
    page.locator(".lead a").click()
    expect(page.locator("#s-s3 .body")).to_be_in_viewport()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_and_fits_a_telephone(browser: Browser, place: Path, scheme: Scheme) -> None:
    for page in opened(browser, place, scheme=scheme, width=390):
        page.locator("#s-s0 summary").first.click()
        assert page.evaluate(CONTRAST, TEXTS) >= 4.5
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert ("rgb(20, 23, 26)" in page.evaluate("getComputedStyle(document.body).backgroundColor")) == (
            scheme == "dark"
        )


def test_without_a_champion_there_is_one_side(browser: Browser, place: Path) -> None:
    for page in opened(browser, place.parent.parent / "one" / place.name):
        expect(page.locator("h1")).to_have_text("Cannot tell")
        expect(page.get_by_label("Champion's status")).to_have_count(0)
        page.locator("#s-s0 summary").first.click()
        expect(page.locator("#s-s0 .body .side h4").first).to_have_text("Release")


def test_two_thousand_samples_are_drawn_a_hundred_at_a_time(browser: Browser, tmp_path: Path) -> None:
    for page in opened(browser, write_files(report(tmp_path / "runs", many=2000, limits=FLOOR), tmp_path / "out")):
        expect(page.locator("#count")).to_have_text("2000 of 2000 samples")
        expect(page.locator(".sample")).to_have_count(100)
        assert page.locator(".sample .body").count() == 0
        page.get_by_role("button", name="Show more (1900 left)").click()
        expect(page.locator(".sample")).to_have_count(200)
        page.get_by_label("Text").fill("question 1999")
        expect(page.locator("#count")).to_have_text("1 of 2000 samples")


def test_it_is_printed_whole_and_without_its_controls(page: Page) -> None:
    page.emulate_media(media="print")
    expect(page.locator("#filters")).to_be_hidden()
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator(".sample")).to_have_count(40)
