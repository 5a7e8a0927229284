"""llama.cpp in this process, through xllamacpp: any GGUF file, no server to start.

One slot by default: several raise the throughput of a 1.5B model on two cores by a tenth only, and split
the prefix cache, which is worth far more here (four personas of one text in 9 s against 25 s in one call).
"""

import asyncio
import os
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from personahub.errors import UserError
from personahub.kernels.threads import core_count
from personahub.models.choices import TOP, choices_of, first_tokens
from personahub.models.protocols import Reply, Request, RequestError, Usage

__all__ = ["LlamaCpp"]

# The states of earlier prompts are kept here when a slot goes on to another, and the one that shares the
# longest prefix is brought back: a few sets of few-shot examples stay warm while they rotate.
_PROMPT_CACHE_MIB = 2048


class LlamaCpp:
    """A :class:`~personahub.models.LanguageModel` over a GGUF file, loaded at the first request.

    Args:
        path: the GGUF file.
        name: identity of its weights, part of every request's key.
        slots: how many requests at a time; the context is for each of them.
        context_tokens: most tokens of one prompt and its reply together.
        deterministic: one slot and no prefix cache, so that a request repeats its reply bit for bit.

    Raises:
        UserError: the extra ``local`` is not installed.
    """

    def __init__(
        self,
        path: Path,
        *,
        name: str,
        slots: int = 1,
        context_tokens: int = 4096,
        deterministic: bool = False,
    ) -> None:
        """Check that the backend is there; the weights are loaded later."""
        # How long an OpenMP thread spins before it sleeps. Never (15 tokens/s) is as bad on a quiet
        # machine as for ever is on a busy one (13 -> 1.4); this little gives 28 on the one and loses nothing
        # on the other. It must be set before the library is loaded.
        os.environ.setdefault("GOMP_SPINCOUNT", "2000")
        try:
            import xllamacpp
        except ModuleNotFoundError as error:
            raise UserError(
                "llama.cpp is not installed, so no local model can run:"
                " install it with pip install 'personahub[local]'"
            ) from error
        except ImportError as error:
            raise UserError(
                f"llama.cpp cannot be loaded ({error}); it needs the system's OpenMP library"
                " (package libgomp1 on Debian and Ubuntu, libgomp on Fedora)"
            ) from error
        self._backend: Any = xllamacpp
        self._path = path
        self.name = name
        self.provider = ""
        self.slots = 1 if deterministic else slots
        self._context_tokens = context_tokens
        self._deterministic = deterministic
        self._server: Any = None
        self._loading = asyncio.Lock()
        self._threads = ThreadPoolExecutor(self.slots, thread_name_prefix="llama.cpp")

    def _load(self) -> None:
        params = self._backend.CommonParams()
        params.model.path = str(self._path)
        params.n_parallel = self.slots
        params.n_ctx = self._context_tokens * self.slots
        params.cache_prompt = not self._deterministic
        params.cache_ram_mib = 0 if self._deterministic else _PROMPT_CACHE_MIB
        params.warmup = False
        params.verbosity = 0
        params.hostnames = ["127.0.0.1"]
        cores = core_count()
        if cores < (os.cpu_count() or 1):
            # llama.cpp counts the machine's cores, not those this process may use.
            params.cpuparams.n_threads = params.cpuparams_batch.n_threads = cores
        try:
            self._server = self._backend.Server(params)
        except RuntimeError as error:
            raise UserError(f"{self._path}: llama.cpp cannot load this model ({error})") from error

    async def complete(self, request: Request, *, slot: int = 0) -> Reply:
        """Answer one request; see :meth:`personahub.models.LanguageModel.complete`."""
        loop = asyncio.get_running_loop()
        async with self._loading:
            if self._server is None:
                await loop.run_in_executor(self._threads, self._load)
        result = await loop.run_in_executor(
            self._threads, self._server.handle_chat_completions, self._body(request, slot)
        )
        if "error" in result:
            error = result["error"]
            long = error.get("type") == "exceed_context_size_error"
            raise RequestError("prompt_too_long" if long else "refused", str(error.get("message")))
        choice, usage, timings = result["choices"][0], result["usage"], result["timings"]
        return Reply(
            text=choice["message"]["content"] or "",
            finish_reason=choice["finish_reason"],
            usage=Usage(
                prompt_tokens=usage["prompt_tokens"],
                cached_tokens=usage["prompt_tokens_details"]["cached_tokens"],
                completion_tokens=usage["completion_tokens"],
            ),
            seconds=(timings["prompt_ms"] + timings["predicted_ms"]) / 1000,
            tokens=first_tokens(choice),
        )

    def _body(self, request: Request, slot: int) -> dict[str, Any]:
        body: dict[str, Any] = {
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "temperature": request.sampling.temperature,
            "top_p": request.sampling.top_p,
            "max_tokens": request.sampling.max_tokens,
            "seed": request.sampling.seed,
            "id_slot": slot,
            "cache_prompt": not self._deterministic,
        }
        if request.sampling.dry:
            # Copies of up to six tokens are words and names that have to come again; the whole context
            # counts, so that a prompt's examples are not copied either.
            body |= {
                "dry_multiplier": request.sampling.dry,
                "dry_allowed_length": 6,
                "dry_penalty_last_n": self._context_tokens,
            }
        if words := choices_of(request.schema):
            # The probabilities are those from before the grammar.
            body |= {"grammar": "root ::= " + " | ".join(f'"{word}"' for word in words)}
            body |= {"logprobs": True, "top_logprobs": TOP}
        elif request.schema is not None:
            body["grammar"] = self._grammar(request.schema)
        return body

    def _grammar(self, schema: Mapping[str, object]) -> str:
        """A grammar for the schema without free whitespace, on which small models loop for ever.

        One space after a colon or a comma stays, as in the JSON that models have read most: without it the
        first word of a string came out wrong. As ``response_format`` the same schema allows any whitespace
        whatever it says, so the grammar is given itself: to llguidance, where the build has it, by its own
        key, else as GBNF.
        """
        form = {"whitespace_flexible": False, "key_separator": ": ", "item_separator": ", "}
        grammar = str(self._backend.json_schema_to_grammar({**schema, "x-guidance": form}))
        if not grammar.startswith("%llguidance"):
            grammar = re.sub(r"^space ::=.*$", 'space ::= " "?', grammar, flags=re.MULTILINE)
        return grammar

    async def close(self) -> None:
        """Free the weights; replies in flight are waited for."""
        await asyncio.to_thread(self._threads.shutdown)
        self._server = None
