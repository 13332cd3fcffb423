"""Example questions from the index, and the text around a citation: what the web page offers to click on."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from graph.agent import Agent
from graph.safety.sensitive import policy_of
from graph.state import Passage
from server.context import this_request
from server.errors import refuse
from server.service import AnswerService

EXAMPLES = 4
SEARCHED = 50
OVERVIEW = "overview, purpose and rules"
"""The search whose passages give the examples."""
CONTEXT = 3000
"""Characters of a document before and after the cited span."""
MARGIN = 300
"""Characters beyond these in which sensitive data may begin or end."""


class Examples(BaseModel):
    """Questions about headings of documents that the caller may see."""

    questions: list[str]


class DocumentExcerpt(BaseModel):
    """Part of a document's text; `before`, `cited` and `after` follow each other, `start` and `end` bound `cited`.

    `begins` and `ends` say whether the excerpt reaches the document's beginning and end.
    """

    document: str
    title: str
    start: int
    end: int
    before: str
    cited: str
    after: str
    begins: bool
    ends: bool


def document_routes(service: AnswerService) -> APIRouter:
    """GET /examples and GET /documents."""
    routes = APIRouter(tags=["page"])

    @routes.get("/examples")
    async def examples() -> Examples:
        """A few questions that the documents may answer, one for each document."""
        policy = policy_of(this_request().caller.roles, service.settings.sensitive)
        questions = await _example_questions((await service.deployment()).agent)
        return Examples(questions=[policy.blot(question) for question in questions])

    @routes.get("/documents")
    async def excerpt(
        document: Annotated[str, Query(max_length=1000)],
        start: Annotated[int, Query(ge=0)] = 0,
        end: Annotated[int, Query(ge=0)] = 0,
    ) -> DocumentExcerpt:
        """The text around characters `start` to `end` of a document that you may see; 404 for any other."""
        await service.count("read")
        agent, groups = (await service.deployment()).agent, list(this_request().caller.groups)
        found = await agent.document(document, groups)
        if found is None:
            raise refuse(404, "There is no such document here.")
        start = min(start, len(found.text))
        end = max(start, min(end, len(found.text)))
        first, last = max(0, start - CONTEXT), min(len(found.text), end + CONTEXT)
        # What begins or ends outside of the excerpt is blotted too.
        around, policy = max(0, first - MARGIN), policy_of(this_request().caller.roles, service.settings.sensitive)
        text = policy.blot(found.text[around : last + MARGIN])[first - around : last - around]
        return DocumentExcerpt(
            document=document,
            title=policy.blot(found.title),
            start=start,
            end=end,
            before=text[: start - first],
            cited=text[start - first : end - first],
            after=text[end - first :],
            begins=first == 0,
            ends=last == len(found.text),
        )

    return routes


async def _example_questions(agent: Agent) -> list[str]:
    passages = await agent.search(OVERVIEW, {}, list(this_request().caller.groups), SEARCHED)
    best = {passage["document"]: passage for passage in reversed(passages) if _heading(passage)}
    questions = (f"What does “{each['title']}” say about {_heading(each)}?" for each in reversed(best.values()))
    return list(dict.fromkeys(questions))[:EXAMPLES]


def _heading(passage: Passage) -> str:
    """The innermost heading over a passage, unless it is the document's title."""
    heading = passage["section"].rpartition(" > ")[2].strip()
    return "" if heading == passage["title"] else heading
