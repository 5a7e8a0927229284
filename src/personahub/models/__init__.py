"""Language models and embedding models behind two Protocols; weights are data, kept by a store."""

from personahub.models.protocols import (
    EmbeddingModel,
    LanguageModel,
    Message,
    Reply,
    Request,
    RequestError,
    Sampling,
)

__all__ = [
    "EmbeddingModel",
    "LanguageModel",
    "Message",
    "Reply",
    "Request",
    "RequestError",
    "Sampling",
]
