"""Eleven releases of the handbook that were made worse are each refused with the reason first; three others are not."""

import csv
import io
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
from conftest import made_once
from support import HANDBOOK, ROOT, Silent

from evals.api import ask_releases
from evals.dataset import read_dataset
from evals.gate.decision import compare_runs
from evals.gate.thresholds import read_thresholds
from evals.gate.verdict import Verdict
from evals.runner import packed
from evals.runs import EvalRun
from evals.scores import score_run
from graph.ingest.options import Options
from graph.ingest.pipeline import index
from graph.registry.package import package_digest
from graph.release import Release

pytestmark = pytest.mark.slow
DATASET = read_dataset(ROOT / "evals" / "data" / "handbook.jsonl")
NEWER = (
    "it/on-call-rules-2025.md",
    "policies/storage-policy-2025.md",
    "policies/travel-expenses-2024.html",
    "releases/nodus-5.0.md",
    "retention/retention-policy-2025.docx",
    "warranty/kaldera-warranty-eu-2024.pdf",
)
RESTRICTED = (
    "finance/approval-limits.txt",
    "hr/salary-bands.docx",
    "service/partner-discounts.csv",
    "warranty/goodwill-guideline.txt",
)
LARGEST = 64_000
"""Bytes of a result that is worth remembering: a question's, not a passage's."""
NUMBER = re.compile(r"(?<![\w.,:-])\d+(?![\w.,:-]\d|\w)")
Fields = dict[str, Any]


@dataclass(frozen=True)
class Planted:
    """What is done to a release, its documents or its code (a file, what stands there, and what is to)."""

    reason: str | tuple[str, ...] = ""
    """What the verdict's first sentence begins with, or one of several that say as much."""
    fields: Fields = field(default_factory=dict)
    documents: Callable[[Path], object] | None = None
    code: tuple[str, str, str] = ("answers.py", "", "")


def edit_metadata(folder: Path, edit: Callable[[str, Fields], Fields]) -> None:
    """Edit the fields of each document, in the manifest and the sidecars."""
    manifest = folder / "manifest.csv"
    rows = csv.DictReader(io.StringIO(manifest.read_text("utf-8")))
    edited = [edit(row["file"], row) for row in rows]
    with manifest.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows.fieldnames or ())
        writer.writeheader()
        writer.writerows(edited)
    for path in folder.rglob("*.meta.yaml"):
        name = path.relative_to(folder).as_posix().removesuffix(".meta.yaml")
        told = re.findall(r"^(\w+):(.*?)(?=^\w|\Z)", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        path.write_text("".join(f"{key}:{value}" for key, value in edit(name, dict(told)).items()), "utf-8")


def open_up(name: str, fields: Fields) -> Fields:
    return {key: value for key, value in fields.items() if key != "allowed_groups" or name not in RESTRICTED}


def strip(_: str, fields: Fields) -> Fields:
    return {key: value for key, value in fields.items() if key in ("file", "title", "allowed_groups")}


def make_older(folder: Path) -> None:
    manifest = folder / "manifest.csv"
    lines = manifest.read_text("utf-8").splitlines(keepends=True)
    manifest.write_text("".join(line for line in lines if not line.startswith(NEWER)), "utf-8")
    for name in NEWER:
        (folder / name).unlink()


def change_numbers(folder: Path, documents: int = 8, numbers: int = 47) -> None:
    """Change numbers that samples quote, in the text files that are quoted most."""
    spots: dict[Path, set[tuple[int, int]]] = {}
    for sample in DATASET.samples:
        for path in (folder.parent / name for name in sample.documents if name.endswith((".md", ".txt"))):
            spots.setdefault(path, set()).update(quoted_numbers(path.read_text("utf-8"), sample.quotes))
    chosen = sorted(spots, key=lambda path: (-len(spots[path]), path))[:documents]
    places = [(path, *spot) for path in chosen for spot in sorted(spots[path])]
    for path, start, end in places[:numbers]:
        text = path.read_text("utf-8")
        changed = str((int(text[start:end]) + 3) % 10 ** (end - start)).zfill(end - start)
        path.write_text(text[:start] + changed + text[end:], "utf-8")


def quoted_numbers(text: str, quotes: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    for quote in quotes:
        if (at := text.find(quote)) >= 0:
            yield from ((at + found.start(), at + found.end()) for found in NUMBER.finditer(quote))


WORSE = {
    "leak": Planted("leaked: ", documents=partial(edit_metadata, edit=open_up)),
    "no metadata": Planted("failed: ", documents=partial(edit_metadata, edit=strip)),
    "wrong numbers": Planted("quote_recall: margin: ", documents=change_numbers),
    "older documents": Planted(("context_recall: floor: ", "quote_recall: margin: "), documents=make_older),
    "never declines": Planted("declined_rightly: margin: ", {"routing": {"answer_from": 0}}),
    "always declines": Planted("answered: ", {"routing": {"answer_from": 1}}),
    "static embedding": Planted("answered_wrongly: margin: ", {"embedding": "wordllama-256"}),
    "huge chunks": Planted("context_tokens: margin: ", {"chunking": {"target_tokens": 2000, "minimum_tokens": 1000}}),
    "invented dates": Planted(
        "value_precision: ",
        code=("answers.py", "[checked.text,", "[checked.text + ' It has been so since 3 March 2019. [1]',"),
    ),
    "irrelevant citations": Planted(
        "citation_precision: ",
        code=(
            "answers.py",
            "status, text, checked.citations)",
            "status, text, [{**each, 'passage': state['passages'][-1]['id']} for each in checked.citations])",
        ),
    ),
    "slow": Planted("waiting_ms: ", code=("nodes.py", "found, cached =", "await asyncio.sleep(2); found, cached =")),
}
AS_GOOD = {
    "more passages": Planted(fields={"reranking": {"passages": 7}}),
    "smaller pool": Planted(fields={"retrieval": {"pool": 80, "keep": 40}}),
    "other embedding": Planted(fields={"embedding": "minilm-l6-v2-int8"}),
}


def ask(name: str, planted: Planted, handbook: Path, temporary: pytest.TempPathFactory) -> EvalRun:
    """Make a release and ask it everything."""
    # No deadline that a busy machine could miss.
    fields = {"name": name.replace(" ", "-"), "generation": {"deadline": 300}, **planted.fields}
    release = Release.model_validate(fields)

    def make(out: Path) -> None:
        if planted.documents:
            # Documents that are as they were are not read and embedded again.
            shutil.copytree(handbook, out, dirs_exist_ok=True)
            roots = out / "roots.json"
            roots.write_text(roots.read_text("utf-8").replace(str(HANDBOOK), str(out / "handbook")), "utf-8")
        shutil.copytree(HANDBOOK, out / "handbook")
        if planted.documents:
            planted.documents(out / "handbook")
        index([out / "handbook"], out, release, Options(threads=2, prune=True), Silent())

    reindexed = planted.documents or {"embedding", "chunking"} & planted.fields.keys()
    store = made_once(temporary, f"store-{release.name}", make) if reindexed else handbook
    with packed(release, store) as package:
        path, before, after = package.root / "graph" / planted.code[0], *planted.code[1:]
        text = path.read_text("utf-8")
        assert before in text
        if after:
            path.write_text(text.replace(before, after), "utf-8")
        package = package.model_copy(update={"release": package_digest(package.root)})
        return ask_releases([package], DATASET, temporary.mktemp("runs"), at_once=16)[0]


@pytest.fixture(scope="module", autouse=True)
def models_run_once() -> Iterator[None]:
    """The releases have most questions and passages in common: what an ONNX model made of them is not made again."""
    results: dict[tuple[object, ...], Any] = {}

    class Remembering(onnxruntime.InferenceSession):  # type: ignore[misc]  # it has no types
        def __init__(self, weights: str, *more: Any, **options: Any) -> None:
            super().__init__(weights, *more, **options)
            self._weights = weights

        def run(self, names: Any, feed: Any, options: Any = None) -> Any:
            key = (self._weights, *(feed[name].tobytes() for name in sorted(feed)))
            if key not in results:
                made = super().run(names, feed, options)
                if made[0].nbytes > LARGEST:
                    return made
                results[key] = made
            return results[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnxruntime, "InferenceSession", Remembering)
        yield


@pytest.fixture(scope="module")
def champion(handbook: Path, tmp_path_factory: pytest.TempPathFactory) -> EvalRun:
    return ask("champion", Planted(), handbook, tmp_path_factory)


@pytest.fixture
def verdict(
    request: pytest.FixtureRequest, champion: EvalRun, handbook: Path, tmp_path_factory: pytest.TempPathFactory
) -> Verdict:
    """What the gate says of a release by the thresholds that ship."""
    planted: Planted = {**WORSE, **AS_GOOD}[request.param]
    run = ask(request.param, planted, handbook, tmp_path_factory)
    return compare_runs(run, champion, read_thresholds(), lambda run: score_run(run, {}, 2))


@pytest.mark.parametrize(
    ("verdict", "reason"), [(name, each.reason) for name, each in WORSE.items()], indirect=["verdict"]
)
def test_a_release_that_was_made_worse_fails_with_the_reason_first(
    verdict: Verdict, reason: str | tuple[str, ...]
) -> None:
    assert verdict.says == "fail", "\n".join(verdict.why)
    assert verdict.why[0].startswith(reason)
    assert ("The groups of 4 documents changed: " in verdict.why[-1]) == (reason == "leaked: ")


@pytest.mark.parametrize("verdict", AS_GOOD, indirect=True)
def test_a_release_that_is_as_good_passes_or_needs_a_number_of_samples(verdict: Verdict) -> None:
    assert verdict.says != "fail"
    assert [each.name for each in verdict.findings if each.says == "cannot tell" and not each.more] == []
