"""Language models and embedding models behind two Protocols; weights are data, kept by a store."""

from personahub.models.protocols import (
    NOTHING_TOLD,
    EmbeddingModel,
    LanguageModel,
    Message,
    Reply,
    Request,
    RequestError,
    Sampling,
    Usage,
)

__all__ = [
    "NOTHING_TOLD",
    "EmbeddingModel",
    "LanguageModel",
    "Message",
    "Reply",
    "Request",
    "RequestError",
    "Sampling",
    "Usage",
]
