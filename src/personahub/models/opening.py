"""From the one string that names a model to the model, at each of its endpoints.

qwen2.5-coder-1.5b, ./my.gguf        llama.cpp in this process
openai:NAME, anthropic:NAME          a hosted API, its key from the environment
http://host:8000/v1#NAME             any server that speaks the OpenAI protocol;
http://a/v1,http://b/v1#NAME         several of them that serve the same model
unix:/run/llm.sock#NAME              one behind a Unix socket
vllm:NAME                            vLLM in this process
sentence-transformers:NAME           for embeddings: a model on a GPU of this machine
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from personahub.errors import UserError
from personahub.models.batch_anthropic import AnthropicBatches
from personahub.models.batch_openai import OpenAIBatches
from personahub.models.batches import BatchModel
from personahub.models.catalog import DEFAULT_MODEL
from personahub.models.http import OWN_KEY, Server
from personahub.models.llamacpp import LlamaCpp
from personahub.models.openai import OpenAIModel
from personahub.models.openai_embeddings import OpenAIEmbeddings
from personahub.models.protocols import EmbeddingModel, LanguageModel
from personahub.models.sentence_encoder import SentenceEncoder
from personahub.models.store import ModelStore

__all__ = [
    "DEFAULT_MODEL",
    "Opening",
    "named_servers",
    "open_batch_model",
    "open_embedding_model",
    "open_language_models",
]

_HOSTED = {
    "openai": ("OPENAI_BASE_URL", "https://api.openai.com/v1", "OPENAI_API_KEY"),
    "anthropic": ("ANTHROPIC_BASE_URL", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY"),
}
_CONCURRENCY = 64
_TRANSFORMERS = "sentence-transformers:"


@dataclass(frozen=True, slots=True)
class Opening:
    """How a model is opened; no part of what it answers.

    Attributes:
        concurrency: requests at a time, at each endpoint; by default 1 in this process, else 64.
        timeout: seconds that a call over HTTP may take.
        ca_file: certificates to trust beside the system's, in PEM.
        deterministic: llama.cpp only: one slot and no prefix cache, so that a request repeats its reply
            bit for bit.
    """

    concurrency: int | None = None
    timeout: float = 120.0
    ca_file: Path | None = None
    deterministic: bool = False


def open_language_models(
    model: str | LanguageModel | Sequence[LanguageModel], opening: Opening | None = None
) -> list[LanguageModel]:
    """The endpoints of the model of this name; model objects are given back as they are.

    Args:
        model: a name as at the top of this module, or models that all answer alike.
        opening: how to open it.

    Raises:
        UserError: no such model, its weights or its key are not there, or its backend is not installed.
    """
    opening = opening or Opening()
    if isinstance(model, Sequence) and not isinstance(model, str):
        return list(model)
    if not isinstance(model, str):
        return [model]
    if (named := named_servers(model, opening)) is not None:
        servers, name = named
        return [OpenAIModel(server, name) for server in servers]
    if model.startswith("vllm:"):
        from personahub.models.vllm import VllmModel

        return [VllmModel(model.removeprefix("vllm:"), slots=opening.concurrency or 256)]
    store = ModelStore()
    path = store.path(model)
    local = LlamaCpp(
        path,
        name=store.identity(path),
        slots=opening.concurrency or 1,
        deterministic=opening.deterministic,
    )
    return [local]


def open_batch_model(model: str, opening: Opening | None = None) -> BatchModel:
    """The batch API behind the model of this name.

    Args:
        model: a name as at the top of this module: ``openai:``, ``anthropic:`` or one ``http://`` address.
        opening: how to open it.

    Raises:
        UserError: there is none behind it, or its key is missing.
    """
    vendor = model.partition(":")[0]
    named = None
    if vendor in {*_HOSTED, "http", "https"}:
        named = named_servers(model, opening or Opening())
    if named is None:
        raise UserError(
            f"{model}: has no batch API; --batch takes openai:NAME, anthropic:NAME or http://HOST/v1#NAME"
        )
    servers, name = named
    if len(servers) > 1:
        raise UserError(f"{model}: a batch goes to one address, and these are {len(servers)}")
    return (AnthropicBatches if vendor == "anthropic" else OpenAIBatches)(servers[0], name)


def open_embedding_model(
    model: str | EmbeddingModel | None, opening: Opening | None = None
) -> EmbeddingModel:
    """The embedding model of this name, as at the top of this module; None for the built-in one.

    Raises:
        UserError: it is no name of one, its key is not there, or its backend or a GPU is not.
    """
    if model is None:
        return SentenceEncoder()
    if not isinstance(model, str):
        return model
    if model.startswith(_TRANSFORMERS):
        from personahub.models.transformer_encoder import TransformerEncoder

        return TransformerEncoder(model.removeprefix(_TRANSFORMERS))
    named = named_servers(model, opening or Opening())
    if named is None:
        raise UserError(
            f"{model}: is no embedding model; give openai:NAME, http://HOST:PORT/v1#NAME or"
            f" {_TRANSFORMERS}NAME"
        )
    servers, name = named
    return OpenAIEmbeddings(servers[0], name)


def named_servers(model: str, opening: Opening) -> tuple[list[Server], str] | None:
    """The servers that a name stands for and the model's name there; None where it names none.

    Raises:
        UserError: the name of the model, or its key, is missing.
    """
    vendor, _, name = model.partition(":")
    if vendor in _HOSTED:
        base, usual, variable = _HOSTED[vendor]
        if not name:
            raise UserError(f"{model}: names no model; give {vendor}:NAME")
        key = os.environ.get(variable)
        if not key:
            raise UserError(f"{model}: no key is set; put it in the environment variable {variable}")
        urls = [os.environ.get(base) or usual]
    elif vendor in {"http", "https", "unix"}:
        addresses, _, name = model.partition("#")
        urls = [address.strip() for address in addresses.split(",")]
        if not name:
            raise UserError(f"{model}: names no model; add its name there after a #: {addresses}#NAME")
        variable = OWN_KEY
        key = os.environ.get(variable)
    else:
        return None
    return [
        Server(
            url=url,
            key=key,
            key_variable=variable,
            timeout=opening.timeout,
            connections=opening.concurrency or _CONCURRENCY,
            ca_file=opening.ca_file,
        )
        for url in urls
    ], name
