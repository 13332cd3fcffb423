"""warrant search: what retrieval finds, for one question or for a whole query set as a TREC run."""

import asyncio
import gzip
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
from rich.progress import track

from ..errors import QuestionInvalid, ReleaseInvalid, SourceInvalid
from ..garbage import importing
from ..release import Release
from ..release_yaml import load_release
from ..settings import Settings
from ..state import Passage
from .display import passage_table
from .options import filter_of, takes, takes_settings
from .terminal import Terminal, echo, json_text

if TYPE_CHECKING:
    from ..backend import Reranker, Scope
    from ..index.local import SnapshotRetriever

LEGS = {"lexical": 0.0, "vector": 1.0}
AT_ONCE = 4
SPACE = re.compile(r"\s")
"""What may not stand in a name of a TREC run."""


@click.command()
@click.argument("text", required=False)
@takes_settings("index", "release")
@takes("filter", "group", "json")
@click.option("-k", "most", type=click.IntRange(1, 10_000), help="Passages, or documents of a run. [default: 10, 100]")
@click.option("--leg", type=click.Choice(["fused", *LEGS, "reranked"]), default="fused", show_default=True)
@click.option("--queries", type=click.Path(path_type=Path), help="A query set: queries.jsonl[.gz] of {id, text}.")
@click.option("--trec-run", "run", type=click.Path(path_type=Path), help="Where to write the TREC run of the set.")
def search(
    text: str | None,
    settings: Settings,
    filters: tuple[str, ...],
    groups: tuple[str, ...],
    most: int | None,
    leg: str,
    as_json: bool,
    queries: Path | None,
    run: Path | None,
) -> None:
    """Search a Snapshot: the fused passages for TEXT, or a TREC run for a whole query set."""
    if (text is None) == (queries is None) or (queries is None) != (run is None):
        raise click.UsageError("Give either a TEXT to search for, or --queries and --trec-run together.")
    chosen = _only(load_release(settings.release), leg)
    texts = [("", text)] if text is not None else read_queries(queries or Path())

    async def work() -> None:
        with importing():
            from ..index.local import open_retriever

            retriever, _ = await open_retriever(settings.index, chosen, settings.cores)
        reranker = _reranker(settings, chosen, retriever) if leg == "reranked" else None
        searcher = Searcher(retriever, chosen, filter_of(filters, retriever.columns), list(groups), reranker)
        if run is None:
            found = await searcher.find(texts[0][1], most or 10)
            echo(json_text(found)) if as_json else Terminal().print(passage_table(found))
        else:
            await searcher.write_run(texts, run, most or 100)

    asyncio.run(work())


def _only(release: Release, leg: str) -> Release:
    if leg not in LEGS:
        return release
    retrieval = release.retrieval.model_copy(update={"vector_weight": LEGS[leg]})
    return release.model_copy(update={"retrieval": retrieval})


def _reranker(settings: Settings, release: Release, retriever: "SnapshotRetriever") -> "Reranker":
    """The release's; raises ReleaseInvalid when it has none."""
    from ..models.rerankers import open_reranker

    found = open_reranker(settings, release, retriever.lexicon)
    if found is None:
        raise ReleaseInvalid(f"The release {release.label} has reranking.model none; search its fused leg instead.")
    return found


@dataclass(frozen=True)
class Searcher:
    """Searches one Snapshot under one filter and one caller's groups."""

    retriever: "SnapshotRetriever"
    release: Release
    filters: dict[str, Any]
    groups: list[str]
    reranker: "Reranker | None" = None

    async def find(self, text: str, most: int) -> list[Passage]:
        """The best `most` passages for a text; with a reranker, of those that the release reranks."""
        from ..retrieval.rerank import reorder

        question, scope = self._prepared(text, self.release.retrieval.keep if self.reranker else most)
        found = await self.retriever.search(question, scope)
        if self.reranker is None:
            return found
        ranked = await self.reranker.rank([question], found, self.release.reranking.timeout)
        if ranked.trouble:
            echo(f"warrant: {ranked.trouble}", err=True)
        return reorder(found, ranked.scores)[:most]

    async def documents(self, text: str, most: int) -> list[tuple[str, float]]:
        """The best documents for a text; several passages of one may stand before the next one's first."""
        from ..retrieval.fusion import best_by_document

        if self.reranker is None:
            return await self.retriever.documents(*self._prepared(text, 3 * most))
        return [(each["document"], each["score"]) for each in best_by_document(await self.find(text, 3 * most))]

    def _prepared(self, text: str, most: int) -> "tuple[str, Scope]":
        from ..backend import Scope
        from ..steps.preprocess import normalise_question

        pool = max(self.release.retrieval.pool, most)
        return normalise_question(text, self.release.limits), Scope(self.filters, self.groups, pool, most)

    async def write_run(self, queries: list[tuple[str, str]], path: Path, most: int) -> None:
        """Write `query Q0 document rank score tag` lines, whole or not at all: documents by their best passage."""
        copies = await self.retriever.copies()
        unfinished = path.with_name(path.name + ".part")
        at_once = asyncio.Semaphore(AT_ONCE)

        async def ranked(query: str, text: str) -> list[tuple[str, float]]:
            try:
                async with at_once:
                    found = await self.documents(text, most)
            except QuestionInvalid as error:
                echo(f"warrant: query {query} is left out: {error}", err=True)
                return []
            return [(name, score) for first, score in found for name in (first, *copies.get(first, []))][:most]

        tasks = [asyncio.create_task(ranked(query, text)) for query, text in queries]
        with unfinished.open("w", encoding="utf-8") as lines:
            for (query, _), task in track(
                zip(queries, tasks, strict=True), "Searching", total=len(queries), console=Terminal(stderr=True)
            ):
                for rank, (document, score) in enumerate(await task, 1):
                    lines.write(f"{query} Q0 {SPACE.sub('%20', document)} {rank} {score:.6f} warrant\n")
        unfinished.replace(path)


def read_queries(path: Path) -> list[tuple[str, str]]:
    """The ids and texts of a query set; raises SourceInvalid with the line that is wrong."""
    try:
        with _open(path) as lines:
            return [_query(f"{path}:{number}", line) for number, line in enumerate(lines, 1) if line.strip()]
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise SourceInvalid(f"A query set is JSON lines; {path} cannot be read: {error}.") from error


def _open(path: Path) -> IO[str]:
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")


def _query(where: str, line: str) -> tuple[str, str]:
    try:
        query = json.loads(line)
        name, text = str(query["id"]), query["text"]
    except (ValueError, KeyError, TypeError) as error:
        raise SourceInvalid(f'{where}: a query is {{"id": ..., "text": ...}} on one line.') from error
    if not isinstance(text, str) or not name or any(space in name for space in " \t"):
        raise QuestionInvalid(f"{where}: a query's text is text, and its id has no space in it.")
    return name, text
