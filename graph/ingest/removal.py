"""Which earlier documents a run takes out of the index: what is gone, and what is refused now; pure."""

from collections.abc import Iterable, Mapping, Sequence

from ..snapshot.rows import DocumentRow
from .document import Refusal
from .roots import below

Rows = Mapping[str, DocumentRow]


def gone(before: Rows, there: set[str], scopes: Sequence[str], refused: Iterable[Refusal]) -> set[str]:
    """Documents under the scopes that are no longer there. What lies in a folder that was not read is not known."""
    unread = [refusal.file for refusal in refused if refusal.kind == "unreadable"]
    rows = ((name, row.file) for name, row in before.items() if name not in there)
    return {name for name, file in rows if below(file, scopes) and not below(file, unread)}


def withdrawn(before: Rows, there: set[str], refused: Iterable[Refusal]) -> set[str]:
    """Earlier versions of what is refused; of a corpus, all that is no longer found, as the refused line may be any.

    A file that is only listed and not there is like any that was deleted, unless groups are named for it.
    """
    refusals = [refusal for refusal in refused if refusal.kind != "missing"]
    files = {refusal.within or refusal.file for refusal in refusals}
    links = [refusal.file for refusal in refusals if refusal.kind == "link"]
    return {name for name, row in before.items() if name not in there and (row.file in files or below(row.file, links))}
