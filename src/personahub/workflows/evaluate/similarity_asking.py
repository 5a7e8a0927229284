"""The calls of a similarity study: each persona's problem by each prompt and each model, once."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from personahub.completion import BatchEngine, Completion, Engine
from personahub.errors import UserError
from personahub.evaluation.similarity_prompt import problem_request
from personahub.models import Request
from personahub.workflows.estimate import spread
from personahub.workflows.evaluate.similarity_pairs import Asked
from personahub.workflows.running import Outcome, Work, closing

__all__ = ["Asking"]


class Asking:
    """Asks a study's personas for their problems.

    Args:
        work: the run.
        second: asks the second model, where there is one.
        prompts: what each prompt says the problem is about; empty for the plain one.

    Attributes:
        texts: the problems by model, prompt and persona's id.
        failures: problems that could not be had, by model and reason.
        not_done: why a model's part is missing, by its identity.
    """

    def __init__(self, work: Work[Outcome], second: Engine | None, prompts: Mapping[str, str]) -> None:
        """Nothing is asked yet."""
        self._work, self._second, self._prompts = work, second, prompts
        self.texts: dict[tuple[str, str, str], str] = {}
        self.failures: dict[str, Counter[str]] = {}
        self.not_done: dict[str, str] = {}
        self._done = 0

    async def ask_all(self, personas: Sequence[Asked], *, estimate: bool) -> None:
        """Ask the first model everything, then the second, whose fault leaves the first one's part whole.

        Args:
            personas: each once.
            estimate: ask a few of them only.

        Raises:
            UserError: the first model cannot be used.
        """
        work, second = self._work, self._second
        if estimate:
            work.estimating("personas", len(personas))
            chosen = spread(len(personas))
            personas = [each for place, each in enumerate(personas) if place in chosen]
        total = len(personas) * len(self._prompts) * (2 if second else 1)
        work.watcher.started("problems", total, work.outcome.run, work.resumed)
        async with work.engaged(), closing(second):
            await self._ask(work.engine, personas)
            if second and not work.engine.stopping:
                try:
                    await self._ask(second, personas)
                except UserError as error:
                    self.not_done[second.models[0].name] = str(error)
                if second.stopping and second.over_budget:
                    work.engine.stop()
                    work.engine.over_budget = second.over_budget
        if estimate:
            work.estimated()

    async def _ask(self, engine: Engine | BatchEngine, personas: Sequence[Asked]) -> None:
        name = engine.models[0].name
        asked: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)

        def requests() -> Iterator[Request]:
            for persona in personas:
                for prompt, narrow in self._prompts.items():
                    request = problem_request(persona.text, persona.language, model=name, narrow=narrow)
                    asked[request.key].append((prompt, persona.id))
                    if len(asked[request.key]) == 1:
                        yield request

        async for completion in engine.complete(requests()):
            for prompt, persona in asked.pop(completion.request.key):
                self._take(name, prompt, persona, completion)
            self._work.advanced(self._done, len(self.texts), {"problems": len(self.texts)})

    def _take(self, model: str, prompt: str, persona: str, completion: Completion) -> None:
        self._done += 1
        if self._work.estimator:
            self._work.estimator.add(persona, completion)
        if completion.failure:
            self.failures.setdefault(model, Counter())[completion.failure.reason] += 1
        # What a model thinks aloud is no part of its problem.
        elif text := completion.value.rpartition("</think>")[2].strip():
            self.texts[model, prompt, persona] = text
        else:
            self.failures.setdefault(model, Counter())["blank"] += 1
