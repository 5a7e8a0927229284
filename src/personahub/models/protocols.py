"""What a language model and an embedding model must offer, and what passes between them and us."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from personahub.config import json_bytes

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

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


class Message(NamedTuple):
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is drawn; the field's usual names and ranges."""

    temperature: float
    top_p: float
    max_tokens: int
    """Most tokens of the reply."""
    seed: int
    dry: float = 0.0
    """How strongly runs of tokens that the prompt or the reply has are kept from coming again: the multiplier
    of the DRY sampler ("don't repeat yourself"). 0 is off; only llama.cpp in this process knows it."""


@dataclass(slots=True)  # Not frozen, which takes four times as long to make, but never changed.
class Request:
    """One question to a language model."""

    model: str
    """The model's identity, the same for the same weights."""
    messages: tuple[Message, ...]
    sampling: Sampling
    schema: Mapping[str, object] | None = None
    """JSON schema that the reply must fit."""
    sample: int = 0
    """Which sample of the same question this is, from 0."""
    group: str = ""
    """Requests in a row with one group share a long prefix and are asked one after another by one slot;
    an empty one stands alone."""
    _key: str = field(default="", init=False, repr=False, compare=False)

    @property
    def key(self) -> str:
        """SHA-256 (32 hexadecimal digits) of the canonical request; the group is no part of it."""
        # By hand, since functools.cached_property takes a lock, which doubles the time of a resume's keys.
        known = self._key
        if not known:
            known = self._key = self._hash()
        return known

    def _hash(self) -> str:
        sampling = self.sampling
        content = [
            self.model,
            [[message.role, message.content] for message in self.messages],
            # Left out where it is off, as in the keys of journals from before there was one.
            [sampling.temperature, sampling.top_p, sampling.max_tokens, sampling.seed, sampling.dry][
                : None if sampling.dry else -1
            ],
            self.schema,
            self.sample,
        ]
        return hashlib.sha256(json_bytes(content, sort_keys=True)).hexdigest()[:32]


class Usage(NamedTuple):  # Here and for Message: a frozen dataclass takes two to four times as long to make.
    """The tokens of a call as its server counted them; None where it did not tell."""

    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    """Those of the prompt tokens that a prefix cache served."""
    completion_tokens: int | None = None


NOTHING_TOLD = Usage()


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model answered, and what it took."""

    text: str
    finish_reason: str
    """"stop" for a whole reply, "length" for one cut off at ``max_tokens``."""
    usage: Usage
    seconds: float
    """The model's own time for the request, or where only the server knows it, the wait for the reply."""
    tokens: Sequence[tuple[str, float]] = ()
    """Tokens that it could have begun with, each with the logarithm of its probability; for a reply that is
    one word of a few, where the server tells."""


class RequestError(Exception):
    """One call failed and no other; the run goes on.

    Attributes:
        reason: a short name, such as "prompt_too_long"; the engine knows from it whether to try again.
        retry_after: seconds that the server asks to wait before another try; None where it did not ask.
        usage: what the call cost all the same; None where it was refused and cost nothing.
        text: what came instead of a reply, as far as it did.
    """

    def __init__(
        self,
        reason: str,
        detail: str,
        *,
        retry_after: float | None = None,
        usage: Usage | None = None,
        text: str = "",
    ) -> None:
        """Keep the reason's name apart from its detail."""
        super().__init__(detail)
        self.reason = reason
        self.retry_after = retry_after
        self.usage = usage
        self.text = text


class LanguageModel(Protocol):
    """A model that answers chats, several at a time."""

    @property
    def name(self) -> str:
        """The model's identity, the same for the same weights; part of every request's key."""
        ...

    @property
    def provider(self) -> str:
        """Whom its calls are paid to: the address of its server; empty for a model in this process."""
        ...

    @property
    def slots(self) -> int:
        """How many requests it takes at a time."""
        ...

    async def complete(self, request: Request, *, slot: int = 0) -> Reply:
        """Answer one request.

        Args:
            request: the question.
            slot: which of ``slots`` asks; one slot's requests come one after another, and those that
                share a prefix stay on one slot, so that its cache serves them.

        Raises:
            RequestError: this call failed.
            UserError: the model cannot be used at all.
        """
        ...

    async def close(self) -> None:
        """Release what the model holds."""
        ...


class EmbeddingModel(Protocol):
    """A model that turns texts into vectors whose cosine says how alike their meanings are."""

    @property
    def name(self) -> str:
        """The model's identity."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        ...

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes of the languages it knows; texts in others are not compared."""
        ...

    @property
    def slots(self) -> int:
        """How many threads may call :meth:`embed` at a time."""
        ...

    def embed(self, texts: list[str]) -> "npt.NDArray[np.float32]":
        """Vectors of unit length, shape (len(texts), dimensions).

        The last bits of a vector may depend on the texts that are embedded with it.

        Raises:
            UserError: the model cannot be used.
        """
        ...

    def close(self) -> None:
        """Release what the model holds; it may be used again."""
        ...
