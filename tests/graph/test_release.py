import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from graph.errors import ReleaseInvalid
from graph.release import PROMPTS, ROLES, Chunking, Models, Release
from graph.release_yaml import load_release, parse_release


def refused(text: str) -> str:
    with pytest.raises(ReleaseInvalid) as caught:
        parse_release(text, "release.yaml")
    return str(caught.value)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}\n"])
def test_an_empty_file_is_the_default_release(text: str) -> None:
    assert parse_release(text, "release.yaml") == Release()


def test_no_path_is_the_default_release() -> None:
    assert load_release(None) == Release()


def test_a_release_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "release.yaml"
    path.write_text("name: eu\nchunking:\n  target_tokens: 128\nmodels: {simple: openai:gpt-5}\n")
    assert load_release(path) == Release(
        name="eu", chunking=Chunking(target_tokens=128), models=Models(simple="openai:gpt-5")
    )


def test_a_release_reads_back_from_its_own_json() -> None:
    release = Release(name="eu", chunking=Chunking(target_tokens=128))
    assert parse_release(release.model_dump_json(), "release.yaml") == release


def test_a_release_that_is_not_there_is_refused_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(ReleaseInvalid, match=re.escape(str(tmp_path / "none.yaml"))):
        load_release(tmp_path / "none.yaml")


def test_a_release_that_is_not_utf8_is_refused_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "release.yaml"
    path.write_bytes(b"name: caf\xe9\n")
    with pytest.raises(ReleaseInvalid, match=re.escape(str(path))):
        load_release(path)


def test_a_misspelt_field_is_refused_with_its_line_and_the_right_names() -> None:
    assert refused("name: eu\nchunking:\n  target_tokens: 64\n  minimum_token: 8\n") == (
        "release.yaml:4: there is no field 'chunking.minimum_token'; the fields here are target_tokens, minimum_tokens."
    )


def test_a_misspelt_part_is_refused_with_the_parts_that_there_are() -> None:
    fields = ", ".join(Release.model_fields)
    assert refused("\n\nchunkng:\n  target_tokens: 64\n") == (
        f"release.yaml:3: there is no field 'chunkng'; the fields here are {fields}."
    )


def test_a_value_out_of_range_is_refused_with_its_line_and_the_value() -> None:
    assert refused("name: eu\nretrieval:\n  pool: 0\n") == ("release.yaml:3: retrieval.pool must be at least 1, not 0.")


def test_every_problem_is_named_on_a_line_of_its_own() -> None:
    lines = refused("nam: eu\nretrieval:\n  pool: many\n  keep: 0\n").split("\n")
    assert sorted(line[: line.index(": ")] for line in lines) == ["release.yaml:1", "release.yaml:3", "release.yaml:4"]


@pytest.mark.parametrize(
    "text",
    [
        "name: EU West",
        "name: ''",
        "embedding: gpt",
        "chunking: {target_tokens: 31}",
        "retrieval: {vector_weight: 1.5}",
        "reranking: {timeout: .nan}",
        "reranking: {model: bert}",
        "reranking: {model: 'remote:'}",
        "routing: {answer_from: -0.1}",
        "generation: {timeout: 0}",
        "generation: {timeout: .inf}",
        "generation: {retries: 6}",
        "generation: {context_window: 511}",
        "generation: {context_window: 512, max_tokens: 257}",
        "generation: {roles: {backup: {context_window: 600}}}",
        "generation: {format: xml}",
        "generation: {hedge_after: 0}",
        "breaker: {failures: 0}",
        "breaker: {window: 9}",
        "breaker: {probes: 0}",
        "limits: {history_turns: -1}",
        "chunking: 5",
        "prompts: {answer: 5}",
    ],
)
def test_a_field_refuses_what_it_cannot_mean(text: str) -> None:
    assert refused(text).startswith(f"release.yaml:1: {text.split(':')[0]}")


@pytest.mark.parametrize("writer", ["gpt-5", "openai:", "llama", "", "extractive:x"])
def test_a_model_without_a_known_kind_is_refused_with_the_kinds(writer: str) -> None:
    message = refused(f"models:\n  simple: '{writer}'\n")
    assert message.startswith(f'release.yaml:2: models.simple = "{writer}": name a model as')
    assert "extractive or PROVIDER:MODEL, such as openai:gpt-4o-mini" in message


@pytest.mark.parametrize("writer", ["extractive", "openai:gpt-5", "llama:smollm2", "scripted:replies.jsonl"])
def test_a_model_of_each_kind_is_taken(writer: str) -> None:
    assert Models(simple=writer).simple == writer


def test_broken_yaml_is_refused_with_its_line() -> None:
    assert refused("name: eu\nchunking: [1, 2\n").startswith("release.yaml:3: this is not YAML that can be read:")


def test_a_control_character_is_refused_as_no_yaml() -> None:
    assert refused("name: e\x00u\n").startswith("release.yaml:1: this is not YAML that can be read:")


@pytest.mark.parametrize("text", ["- name\n", "just words\n", "5\n", "false\n", "[]\n"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    assert refused(text) == "release.yaml:1: a release is a mapping of fields such as `name: default`."


def test_a_release_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Release().name = "other"  # type: ignore[misc]


def test_the_prompts_are_those_of_the_package_unless_given() -> None:
    given = parse_release("prompts: {declined: Not in the documents.}\n", "release.yaml").prompts
    assert (given.answer, given.declined) == ((PROMPTS / "answer.md").read_text("utf-8"), "Not in the documents.")


def test_equal_releases_have_one_digest_and_any_change_gives_another() -> None:
    assert Release().digest == parse_release("name: default\n", "release.yaml").digest
    changed = [
        "name: b",
        "embedding: wordllama-256",
        "chunking: {minimum_tokens: 1}",
        "retrieval: {pool: 1}",
        "reranking: {passages: 1}",
        "routing: {read_from: 1}",
        "models: {backup: openai:x}",
        "generation: {retries: 0}",
        "checking: {support_from: 0.6}",
        "breaker: {window: 20}",
        "limits: {history_turns: 0}",
        "prompts: {answer: x}",
    ]
    digests = {Release().digest, *(parse_release(text, "release.yaml").digest for text in changed)}
    assert len(digests) == 1 + len(Release.model_fields)


def test_the_label_is_the_name_and_the_start_of_the_digest() -> None:
    release = Release(name="eu")
    assert release.label == f"eu@{release.digest[:12]}"


@pytest.mark.parametrize("text", ["name: 2025-13-45", "name: " + "[" * 5000, "name: a\nname: b"])
def test_yaml_that_cannot_be_a_value_is_refused(text: str) -> None:
    assert "this is not YAML that can be read" in refused(text)


def test_sizes_that_contradict_each_other_are_refused() -> None:
    assert "minimum_tokens must not be above target_tokens" in refused("chunking: {target_tokens: 32}")


def test_a_role_has_the_terms_of_all_but_for_its_own() -> None:
    text = "generation: {timeout: 9, format: json, roles: {backup: {timeout: 3, format: text}}}"
    generation = parse_release(text, "release.yaml").generation
    terms = [generation.terms(role) for role in ROLES]
    assert [(each.timeout, each.format, each.context_window) for each in terms] == [
        (9, "json", 8192),
        (9, "json", 8192),
        (3, "text", 8192),
    ]


def test_a_window_without_room_for_the_reply_is_refused_by_both_numbers() -> None:
    message = refused("generation: {context_window: 600, max_tokens: 512}")
    assert "context_window = 600 must leave 256 tokens beside max_tokens = 512" in message
