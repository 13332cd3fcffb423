"""Indexes documents on Spark into a table of chunks, from which a Snapshot is built or AI Search syncs.

Workers read, cut and embed as `warrant index` does on one machine; the driver finds the documents, tells which of them
changed and which are copies. Beside the table TO lies TO_documents, with the documents' texts and digests: a document
is there once its row in it is, so that an interrupted run is completed by the next one. With a Snapshot the chunk table
describes it too, in rows of no document: an index of AI Search with delta sync over the table is then searched itself.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from ..errors import FilesRefused
from ..index.rows import DOCUMENT_SCHEMA, DocumentRow, PassageRows
from ..index.store import Store
from ..ingest.build import build_snapshot
from ..ingest.document import FileWarning, Refusal, Source
from ..ingest.duplicates import Duplicates
from ..ingest.journal import Journal
from ..ingest.options import Options
from ..ingest.pipeline import recipe_of
from ..ingest.previous import unchanged, withdrawn
from ..ingest.roots import Roots
from ..ingest.sources import Inputs, check_paths
from ..models.packaged_embeddings import load_embedder
from ..release import Release
from .chunks import CHUNKS, DOCUMENTS, REFUSAL, SOURCE, STAGED, description, passages_of, read_batches
from .columns import Row
from .spark import SparkTable, open_table

TASKS_OF_CORE = 4


@dataclass(frozen=True)
class TableIndexed:
    """What a run did, by document id."""

    indexed: list[str]
    unchanged: int
    removed: list[str]
    duplicates: dict[str, str] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    warnings: list[FileWarning] = field(default_factory=list)


class TableIndex:
    """The tables of an index: its chunks and its documents."""

    def __init__(self, spark: SparkSession, table: str, release: Release, options: Options) -> None:
        self.spark, self.table, self.release, self.options = spark, table, release, options
        self.recipe = recipe_of(release, options.ocr)
        self.chunks: SparkTable = open_table(spark, table, CHUNKS)
        self.documents: SparkTable = open_table(spark, f"{table.rstrip('/')}_documents", DOCUMENTS)

    def update(self, paths: Sequence[Path]) -> TableIndexed:
        """Bring the tables up to date with the documents under the paths; raises FilesRefused in a strict run."""
        check_paths(paths, Roots())
        inputs = Inputs(paths, Roots(), self.options, Path(self.table))
        before, other = self._before()
        there = {source.id for source in inputs.sources}
        gone = inputs.gone(before) | withdrawn(before, there, inputs.refused) | (other - there)
        same = unchanged(before, inputs.sources, gone)
        todo = [source for source in inputs.sources if source.id not in same]
        staged = self._staged(todo)
        try:
            return self._write(staged, inputs.refused, before, gone | other, same & there)
        finally:
            staged.unpersist()

    def _before(self) -> tuple[dict[str, DocumentRow], set[str]]:
        """The documents of this recipe that are there, `text` being the digest of their content; ids of the others."""
        rows = self.documents.frame().select("document", "file", "digest", "duplicate_of", "content", "recipe")
        found = [row.asDict() for row in rows.collect()]
        bare: Row = {"title": "", "page_starts": [], "metadata": "", "named": "", "body": 0}
        before = {
            row["document"]: DocumentRow(
                **bare,
                document=row["document"],
                file=row["file"],
                digest=row["digest"],
                text=row["content"],
                duplicate_of=row["duplicate_of"],
            )
            for row in found
            if row["recipe"] == self.recipe
        }
        return before, {row["document"] for row in found} - before.keys()

    def _staged(self, todo: list[Source]) -> DataFrame:
        """The documents as workers read them; parts of one file are read together, in their order."""
        rows = [(number, str(source.path), SOURCE.dump_json(source)) for number, source in enumerate(todo)]
        frame = self.spark.createDataFrame(rows, "number long, path string, source binary")
        tasks = max(1, min(len(todo), TASKS_OF_CORE * self.spark.sparkContext.defaultParallelism))
        split = frame.repartition(tasks, "path").sortWithinPartitions("number")
        read = partial(read_batches, release=self.release, options=self.options, recipe=self.recipe)
        return split.mapInArrow(read, from_arrow_schema(STAGED)).persist(StorageLevel.MEMORY_AND_DISK)

    def _write(
        self,
        staged: DataFrame,
        refused: list[Refusal],
        before: dict[str, DocumentRow],
        gone: set[str],
        unchanged: set[str],
    ) -> TableIndexed:
        listed = (
            staged.select("number", "document", "file", "content", "warnings", "refusal").orderBy("number").collect()
        )
        refused = refused + [REFUSAL.validate_json(row["refusal"]) for row in listed if row["refusal"]]
        if self.options.strict and refused:
            told = "; ".join(f"{refusal.file}: {refusal.reason}" for refusal in refused[:5])
            raise FilesRefused(f"{len(refused)} refused, so nothing was written: {told}.")
        new = [row for row in listed if not row["refusal"]]
        copies = self._copies(before, unchanged, [(row["document"], row["content"]) for row in new])
        there = {row["document"] for row in new}
        lost = {row["document"] for row in listed} - there
        out = gone | lost | withdrawn(before, there | unchanged, refused)
        self._replace(staged, sorted(out | there), copies)
        return TableIndexed(
            indexed=[row["document"] for row in new],
            unchanged=len(unchanged),
            removed=sorted(out & (before.keys() | gone) - there),
            duplicates=copies,
            refused=refused,
            warnings=[FileWarning(row["file"], message) for row in new for message in row["warnings"]],
        )

    def _copies(
        self, before: dict[str, DocumentRow], unchanged: set[str], new: list[tuple[str, str]]
    ) -> dict[str, str]:
        """The new documents that say the same as an earlier one, which they name."""
        duplicates = Duplicates()
        for name in sorted(unchanged):
            if before[name].duplicate_of is None:
                duplicates.first(name, before[name].text)
        firsts = {name: duplicates.first(name, content) for name, content in new}
        return {name: first for name, first in firsts.items() if first}

    def _replace(self, staged: DataFrame, out: list[str], copies: dict[str, str]) -> None:
        """Take documents out, and what an interrupted run left of others; then write the new ones, their rows last."""
        documents, chunks = self.documents.frame().select("document"), self.chunks.frame().select("document")
        chunks = chunks.where("document IS NOT NULL").distinct()
        left = [row["document"] for row in chunks.join(documents, "document", "left_anti").collect()]
        self.documents.delete("document", out)
        self.chunks.delete("document", sorted({*out, *left}))
        named = self.spark.createDataFrame([*copies.items()], "document string, first string")
        good = staged.where("refusal IS NULL").drop("duplicate_of").join(F.broadcast(named), "document", "left")
        whole = good.withColumnRenamed("first", "duplicate_of")
        text = F.when(F.col("duplicate_of").isNull(), F.col("text")).otherwise("")
        self.chunks.append(
            whole.where("duplicate_of IS NULL").select(F.explode("chunks").alias("chunk")).select("chunk.*")
        )
        self.documents.append(whole.withColumn("text", text).select(DOCUMENTS.names))

    def snapshot(self, store: Path) -> Path:
        """Build and publish the Snapshot of what the tables hold; it is the one that `warrant index` would make."""
        home = Store(store)
        with home.writing(patience=self.options.patience):
            dimensions = load_embedder(self.release.embedding, self.options.threads).dimensions
            journal = Journal(home.work / "journal.sqlite", self.recipe, dimensions)
            journal.keep_only(set())
            for entry in self._entries(dimensions):
                journal.record([entry])
            built = asyncio.run(build_snapshot(home, journal, self.release, self.recipe, None))
            journal.discard()
        self._describe(built.path)
        return built.path

    def _describe(self, snapshot: Path) -> None:
        """Write the description, in place of that of an earlier Snapshot."""
        frame = self.chunks.frame()
        named = frame.where("NOT public").select("allowed_groups").distinct().collect()
        rows = description(snapshot, [row["allowed_groups"] for row in named])
        self.chunks.delete("id", [row["id"] for row in frame.where("document IS NULL").select("id").collect()])
        self.chunks.append(self.spark.createDataFrame(rows))

    def _entries(self, dimensions: int) -> Iterator[tuple[DocumentRow, PassageRows]]:
        """Each document with its passages; both tables are read in the order of the documents' ids."""
        rows = self.chunks.frame().where("document IS NOT NULL").orderBy("document").toLocalIterator()
        parts = groupby((row.asDict() for row in rows), key=lambda row: row["document"])
        name, chunks = next(parts, ("", iter(())))
        for row in self.documents.frame().orderBy("document").select(DOCUMENT_SCHEMA.names).toLocalIterator():
            document = DocumentRow(**row.asDict())
            own = list[Row]()
            if name == document.document:
                own = sorted(chunks, key=lambda chunk: int(chunk["id"].rpartition("#")[2]))
                name, chunks = next(parts, ("", iter(())))
            yield document, passages_of(own, dimensions)
