"""OpenAI's own client, and LangChain's, against a real server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from langchain_core.messages import AIMessageChunk
from langchain_openai import ChatOpenAI
from openai import OpenAI
from pydantic import SecretStr
from server_under_test import app_over, key_file, serving
from support import QUICK

LAPTOPS = "After how many years are laptops replaced?"
EXPECTED = "every 4 years"
SAID: list[Any] = [{"role": "user", "content": LAPTOPS}]


@pytest.fixture(scope="module")
def client(server: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{server}/v1", api_key="none", max_retries=0) as client:
        yield client


def invoke(client: OpenAI, **question: object) -> dict[str, Any]:
    """The same through LangServe."""
    url = str(client.base_url).removesuffix("/v1/")
    output: dict[str, Any] = httpx.post(f"{url}/rag/invoke", timeout=60, json={"input": question}).json()["output"]
    return output


def test_a_chat_is_answered_with_citations_as_annotations(client: OpenAI) -> None:
    reply = client.chat.completions.create(model="warrant", messages=SAID)
    message = reply.choices[0].message
    answer = invoke(client, question=LAPTOPS)
    assert message.content == answer["text"]
    assert EXPECTED in answer["text"]
    assert (reply.choices[0].finish_reason, reply.model) == ("stop", QUICK.label)
    assert message.annotations
    for note, citation in zip(message.annotations, answer["citations"], strict=True):
        cited = note.url_citation
        assert (message.content or "")[cited.start_index : cited.end_index] == f"[{citation['marker']}]"
        assert (cited.url, cited.title) == (citation["file"], citation["title"])
    assert (reply.model_extra or {})["warrant"]["citations"] == answer["citations"]


def test_a_streamed_chat_says_the_same(client: OpenAI) -> None:
    whole = client.chat.completions.create(model="warrant", messages=SAID)
    stream = client.chat.completions.create(
        model="warrant", messages=SAID, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    deltas = [chunk.choices[0] for chunk in chunks if chunk.choices]
    assert "".join(each.delta.content or "" for each in deltas) == whole.choices[0].message.content
    assert len(deltas) > 5
    assert deltas[0].delta.role == "assistant"
    assert [each.finish_reason for each in deltas if each.finish_reason] == ["stop"]
    notes = (deltas[-1].delta.model_extra or {})["annotations"]
    assert [each["url_citation"]["url"] for each in notes] == ["handbook/policies/acceptable-use.md"]
    assert chunks[-1].usage is not None
    assert not any(chunk.usage for chunk in chunks[:-1])


def test_a_response_is_answered_and_streamed(client: OpenAI) -> None:
    whole = client.responses.create(model="warrant", input=LAPTOPS)
    assert EXPECTED in whole.output_text
    assert whole.status == "completed"
    with client.responses.stream(model="warrant", input=SAID) as stream:
        events = list(stream)
        final = stream.get_final_response()
    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added"
    ]  # fmt: skip
    assert kinds[-1] == "response.completed"
    assert [event.sequence_number for event in events] == sorted({event.sequence_number for event in events})
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == whole.output_text
    assert final.output_text == whole.output_text
    part = final.output[0].content[0]  # type: ignore[union-attr, index]
    assert [note.url for note in part.annotations] == ["handbook/policies/acceptable-use.md"]  # type: ignore[union-attr]


@pytest.mark.parametrize("path", ["invocations", "responses"])
def test_a_client_of_a_responses_agent_asks(client: OpenAI, server: str, path: str) -> None:
    """As MLflow's clients do, without naming a model; filters are custom inputs."""
    hotel = "What is the hotel limit in the EU?"
    filters = {"effective_date": {"lt": "2024-01-01"}}
    body = {"input": [{"role": "user", "content": hotel}], "custom_inputs": {"filters": filters}}
    reply = httpx.post(f"{server}/{path}", timeout=60, json=body).json()
    assert reply["warrant"] == {**invoke(client, question=hotel, filters=filters), **_own(reply["warrant"])}
    assert reply["output"][0]["content"][0]["text"] == reply["warrant"]["text"]
    assert httpx.post(f"{server}/v1/responses", json={"input": hotel}).status_code == 422


def _own(answer: dict[str, Any]) -> dict[str, Any]:
    """What differs from one request to the next."""
    return {name: answer[name] for name in ("cached", "timings", "request_id") if name in answer}


def test_earlier_messages_are_the_history(client: OpenAI) -> None:
    said: list[Any] = [
        {"role": "system", "content": "Answer in verse."},
        {"role": "user", "content": "What is the hotel limit in the EU?"},
        {"role": "assistant", "content": "EUR 145"},
        {"role": "user", "content": [{"type": "text", "text": "And in Switzerland?"}]},
    ]
    chat = client.chat.completions.create(model="warrant", messages=said)
    last: Any = user("And in Switzerland?")
    response = client.responses.create(model="warrant", input=[*said[1:3], last])
    for reply in (chat, response):
        assert "hotel" in (reply.model_extra or {})["warrant"]["asked"]


def test_more_history_than_the_release_takes_is_cut_to_the_latest(client: OpenAI) -> None:
    turns: list[Any] = [{"role": "user", "content": "What is the hotel limit in the EU?"}] * 60
    reply = client.chat.completions.create(model="warrant", messages=turns)
    assert reply.choices[0].message.content


def test_filters_and_sessions_come_beside_the_messages(client: OpenAI) -> None:
    question: list[Any] = [{"role": "user", "content": "What is the hotel limit in the EU?"}]
    extra = {"warrant": {"filters": {"effective_date": {"lt": "2024-01-01"}}, "session_id": "openai-1"}}
    old = client.chat.completions.create(model="warrant", messages=question, extra_body=extra)
    assert "110" in (old.choices[0].message.content or "")
    extra = {"warrant": {"session_id": "openai-1"}}
    more = client.responses.create(model="warrant", input="And in Switzerland?", extra_body=extra)
    assert "hotel" in (more.model_extra or {})["warrant"]["asked"]


def test_a_declined_answer_is_a_reply(client: OpenAI) -> None:
    reply = client.chat.completions.create(model="warrant", messages=[{"role": "user", "content": "Who won in 1998?"}])
    assert (reply.model_extra or {})["warrant"]["status"] == "declined"
    assert reply.choices[0].message.annotations == []


def test_the_models_that_are_served_are_listed(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["warrant"]
    assert client.chat.completions.create(model=QUICK.label, messages=SAID).model == QUICK.label
    assert [client.models.retrieve(name).id for name in ("warrant", QUICK.label)] == ["warrant", QUICK.label]
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4o")


def test_what_clients_usually_send_besides_is_accepted(client: OpenAI) -> None:
    usual: dict[str, Any] = {
        "temperature": 0,
        "top_p": 1,
        "user": "u",
        "store": True,
        "metadata": {"a": "b"},
        "tools": [],
    }
    chat: dict[str, Any] = {"max_tokens": 5, "n": None, "stream": None, "logprobs": False, "modalities": ["text"]}
    chat |= {"response_format": {"type": "text"}, "seed": 1, "stop": ["."], "tool_choice": "none"}
    reply = client.chat.completions.create(model="warrant", messages=SAID, **usual, **chat)
    assert EXPECTED in (reply.choices[0].message.content or "")
    more: dict[str, Any] = {
        "instructions": "Answer in verse.",
        "max_output_tokens": 20,
        "text": {"format": {"type": "text"}},
    }
    assert EXPECTED in client.responses.create(model="warrant", input=LAPTOPS, **usual, **more).output_text


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown column": ({"extra_body": {"warrant": {"filters": {"nowhere": 1}}}}, "filter_invalid"),
    "a long question": ({"messages": [user("x" * 33_000)]}, "question_invalid"),
    "no question": ({"messages": []}, "invalid"),
    "an answer last": ({"messages": [user("Hi"), {"role": "assistant", "content": "Hi"}]}, "invalid"),
    "two answers": ({"n": 2}, "invalid"),
    "tools": ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "invalid"),
    "functions": ({"functions": [{"name": "f"}]}, "invalid"),
    "JSON": ({"response_format": {"type": "json_object"}}, "invalid"),
    "a schema": ({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}}, "invalid"),
    "probabilities": ({"logprobs": True}, "invalid"),
    "speech": ({"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}, "invalid"),
    "the web": ({"web_search_options": {}}, "invalid"),
    "groups": ({"extra_body": {"warrant": {"groups": ["hr"]}}}, "invalid"),
    "an image": ({"messages": [user([{"type": "image_url", "image_url": {"url": "x"}}])]}, "invalid"),
    "an unknown model": ({"model": "gpt-4o"}, "model_not_found"),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("wrong", WRONG)
def test_what_cannot_be_asked_is_refused_before_the_reply_begins(client: OpenAI, stream: bool, wrong: str) -> None:
    changed, code = WRONG[wrong]
    with pytest.raises(openai.APIStatusError) as refused:
        client.chat.completions.create(**{"model": "warrant", "messages": SAID, "stream": stream, **changed})
    assert (refused.value.code, refused.value.status_code) == (code, 404 if code == "model_not_found" else 422)


NOT_HERE: dict[str, tuple[dict[str, Any], str]] = {
    "a kept response": ({"previous_response_id": "resp_1"}, "session_id"),
    "a kept conversation": ({"conversation": "conv_1"}, "session_id"),
    "the background": ({"background": True}, "session_id"),
    "a kept prompt": ({"prompt": {"id": "pmpt_1"}}, "prompt"),
    "JSON": ({"text": {"format": {"type": "json_object"}}}, "text.format"),
    "probabilities": ({"top_logprobs": 2}, "top_logprobs"),
    "a tool": ({"tools": [{"type": "web_search"}]}, "tools"),
    "a tool's output": (
        {"input": [{"type": "function_call_output", "call_id": "1", "output": "x"}]},
        "function_call_out",
    ),
    "a message of nobody": ({"input": [{"content": "Why?"}]}, "role"),
    "an image": ({"input": [user([{"type": "input_image", "image_url": "x", "detail": "auto"}])]}, "input_image"),
    "an unknown column": ({"extra_body": {"warrant": {"filters": {"nowhere": 1}}}}, "nowhere"),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("wrong", NOT_HERE)
def test_what_the_responses_api_cannot_do_here_is_said(client: OpenAI, stream: bool, wrong: str) -> None:
    changed, message = NOT_HERE[wrong]
    with pytest.raises(openai.UnprocessableEntityError, match=message):
        client.responses.create(**{"model": "warrant", "input": LAPTOPS, "stream": stream, **changed})


def test_an_unknown_model_gives_no_response(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="gpt-4o", input=LAPTOPS, stream=True)


def test_a_failure_in_mid_stream_reaches_the_client_as_an_error(quick_handbook: Path, tmp_path: Path) -> None:
    app = app_over(quick_handbook, tmp_path, QUICK, grace=0)
    with serving(app) as url, OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        break_the_writers(app)
        with pytest.raises(openai.APIError, match="The server failed"):
            list(client.chat.completions.create(model="warrant", messages=SAID, stream=True))
        with pytest.raises(openai.APIError, match="The server failed"):
            list(client.responses.create(model="warrant", input=LAPTOPS, stream=True))
        with pytest.raises(openai.InternalServerError):
            client.chat.completions.create(model="warrant", messages=SAID)


def break_the_writers(app: Any) -> None:
    """Take away what the graph needs to write, so that it fails after it has searched."""
    app.state.server.deployments.agent.backend.writers.clear()


def test_a_key_is_sent_as_openai_s_clients_do(quick_handbook: Path, tmp_path: Path) -> None:
    keys = key_file(tmp_path / "keys.yaml", ann="key-of-ann")
    with serving(app_over(quick_handbook, tmp_path, QUICK, keys=keys)) as url:
        with OpenAI(base_url=f"{url}/v1", api_key="key-of-ann") as client:
            assert client.responses.create(model="warrant", input=LAPTOPS).output_text
        with OpenAI(base_url=f"{url}/v1", api_key="wrong") as client, pytest.raises(openai.AuthenticationError):
            client.models.list()


@pytest.mark.parametrize("responses", [False, True])
def test_langchain_s_client_asks(server: str, responses: bool) -> None:
    model = ChatOpenAI(model="warrant", base_url=f"{server}/v1", api_key=SecretStr("none"), use_responses_api=responses)
    reply = model.invoke(LAPTOPS)
    assert EXPECTED in reply.text
    chunks = list(model.stream(LAPTOPS))
    whole = sum(chunks[1:], chunks[0])
    assert isinstance(whole, AIMessageChunk)
    assert whole.text == reply.text
