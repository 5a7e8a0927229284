"""vLLM in this process: the fastest way to a large model on a GPU of this machine, without a server."""

import asyncio
import time
from typing import Any

from personahub.errors import UserError
from personahub.models.choices import TOP, choices_of
from personahub.models.protocols import Reply, Request, RequestError, Usage

__all__ = ["VllmModel"]


class VllmModel:
    """A :class:`~personahub.models.LanguageModel` over vLLM's asynchronous engine, started at the first call.

    Args:
        name: a model's name on its hub or its folder; the identity of its weights.
        slots: how many requests at a time; vLLM batches them as its memory allows.

    Raises:
        UserError: the extra ``vllm`` is not installed.
    """

    def __init__(self, name: str, *, slots: int = 256) -> None:
        """Check that vLLM is there; the weights are loaded later."""
        try:
            import vllm
        except ImportError as error:
            raise UserError(
                f"vLLM cannot be used ({error}): install it with pip install 'personahub[vllm]' on a machine"
                " with a GPU, or run its server anywhere and name http://HOST:8000/v1#MODEL"
            ) from error
        self._vllm: Any = vllm
        self.name = name
        self.provider = ""
        self.slots = slots
        self._engine: Any = None
        self._starting = asyncio.Lock()
        self._asked = 0

    async def _start(self) -> Any:
        async with self._starting:
            if self._engine is None:
                arguments = self._vllm.AsyncEngineArgs(model=self.name, enable_prefix_caching=True)
                try:
                    self._engine = self._vllm.AsyncLLMEngine.from_engine_args(arguments)
                except (ValueError, OSError, RuntimeError) as error:
                    said = " ".join(str(error).split())[:300]
                    raise UserError(f"vllm:{self.name}: vLLM cannot load this model ({said})") from error
        return self._engine

    async def complete(self, request: Request, *, slot: int = 0) -> Reply:
        """Answer one request; see :meth:`personahub.models.LanguageModel.complete`."""
        engine = await self._start()
        tokenizer = await _maybe(engine.get_tokenizer())
        messages = [{"role": message.role, "content": message.content} for message in request.messages]
        prompt = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        self._asked += 1
        start = time.perf_counter()
        final: Any = None
        try:
            async for output in engine.generate(prompt, self._sampling(request), f"{self._asked}"):
                final = output
        except ValueError as error:
            raise RequestError("prompt_too_long", " ".join(str(error).split())[:300]) from None
        made = final.outputs[0]
        return Reply(
            text=made.text,
            finish_reason=made.finish_reason or "stop",
            usage=Usage(
                prompt_tokens=len(final.prompt_token_ids),
                cached_tokens=getattr(final, "num_cached_tokens", None),
                completion_tokens=len(made.token_ids),
            ),
            seconds=time.perf_counter() - start,
            tokens=[
                (each.decoded_token or "", each.logprob)
                for each in (made.logprobs[0].values() if made.logprobs else ())
            ],
        )

    def _sampling(self, request: Request) -> Any:
        given: dict[str, Any] = {
            "temperature": request.sampling.temperature,
            "top_p": request.sampling.top_p,
            "max_tokens": request.sampling.max_tokens,
            "seed": request.sampling.seed,
        }
        if request.schema is not None:
            from vllm.sampling_params import StructuredOutputsParams

            words = choices_of(request.schema)
            form = {"choice": list(words)} if words else {"json": dict(request.schema)}
            given["structured_outputs"] = StructuredOutputsParams(**form)
            if words:
                given["logprobs"] = TOP
        return self._vllm.SamplingParams(**given)

    async def close(self) -> None:
        """Stop the engine and free the GPU."""
        if self._engine is not None:
            self._engine.shutdown()
            self._engine = None


async def _maybe(value: Any) -> Any:
    """What was called ``async`` in some versions and is none in others."""
    return await value if asyncio.iscoroutine(value) else value
