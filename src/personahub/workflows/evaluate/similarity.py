"""``evaluate similarity``: how alike the problems of more or less alike personas are.

The study of Ge et al. 2024 (arXiv 2406.20094, figure 10), for the personas of a hub and any model.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from personahub.completion import Engine
from personahub.errors import UserError
from personahub.evaluation.intervals import LEVEL
from personahub.evaluation.similarity import BAND, BAND_LEVEL, REPLICATES
from personahub.evaluation.similarity_prompt import prompt_version
from personahub.hub import Hub
from personahub.models import EmbeddingModel, LanguageModel
from personahub.models.opening import DEFAULT_MODEL
from personahub.workflows.calls import Calls
from personahub.workflows.evaluate.folders import check_plotting
from personahub.workflows.evaluate.similarity_asking import Asking
from personahub.workflows.evaluate.similarity_numbers import (
    Narrowing,
    Problems,
    Series,
    narrowing_of,
    series_of,
)
from personahub.workflows.evaluate.similarity_pairs import Asked, Drawn, draw_persona_pairs
from personahub.workflows.running import Outcome, Watcher, run_async, working

__all__ = ["LEVELS", "NARROW", "Similarity", "evaluate_similarity"]

LEVELS = (0.4, 0.6, 0.8, 0.9)
NARROW = "about finance and probability"


@dataclass(frozen=True)
class Similarity:
    """How alike the problems of more or less alike personas are.

    Attributes:
        levels: cosines of personas.
        wanted: pairs asked for at each level.
        drawn: the pairs, and what they were drawn from.
        prompts: what each prompt says the problem is about; empty for the plain one.
        models: identities of the model, and of the second one where there is one.
        series: the numbers, of each prompt by each model, then by one model for each persona of a pair.
        narrowing: what the narrowed prompt changes, in the same order of models.
        not_done: why a model's part is missing, by its identity.
        failures: problems that could not be had, by model and reason.
        texts: the problems by model, prompt and persona's id.
        embeddings: the embedding model's name.
        template: the prompt's version.
        seed: of everything that was drawn.
        outcome: of the run that asked.
    """

    levels: tuple[float, ...]
    wanted: int
    drawn: Drawn
    prompts: Mapping[str, str]
    models: tuple[str, ...]
    series: tuple[Series, ...]
    narrowing: tuple[Narrowing, ...]
    not_done: Mapping[str, str]
    failures: Mapping[str, Mapping[str, int]]
    texts: Mapping[tuple[str, str, str], str]
    embeddings: str
    template: str
    seed: int
    outcome: Outcome

    def to_json(self) -> dict[str, Any]:
        """The contract of ``evaluate similarity --json``."""
        drawn = self.drawn
        levels = [
            {
                "level": level,
                "pairs": len(pairs),
                "personas": len({each.id for pair in pairs for each in (pair.left, pair.right)}),
                "there": there,
            }
            for level, pairs, there in zip(self.levels, drawn.pairs, drawn.there, strict=True)
        ]
        return {
            "embeddings": self.embeddings,
            "seed": self.seed,
            "template": self.template,
            "interval": {"level": LEVEL, "replicates": REPLICATES},
            "paper": {"level": BAND_LEVEL, "band": list(BAND)},
            "wanted": self.wanted,
            "levels": levels,
            "personas": {
                "hub": drawn.personas,
                "compared": drawn.compared,
                "sampled": drawn.sampled,
                "unknown_language": drawn.unknown,
                "without_embedding": drawn.unembedded,
                "cosines": [round(drawn.least, 4), round(drawn.most, 4)],
            },
            "prompts": dict(self.prompts),
            "models": list(self.models),
            "series": [each.to_json() for each in self.series],
            "narrowing": [each.to_json() for each in self.narrowing],
            "not_done": dict(self.not_done),
            "failures": {model: dict(reasons) for model, reasons in self.failures.items()},
            "calls": self.outcome.totals.calls,
            "whole": not self.outcome.interrupted,
        }

    def pairs(self) -> Iterator[dict[str, Any]]:
        """Each pair with its personas, their problems and the cosines: the lines of ``pairs.jsonl``."""
        for at, pairs in enumerate(self.drawn.pairs):
            for place, pair in enumerate(pairs):
                sides = (pair.left, pair.right)
                cosines = [
                    {"prompt": each.prompt, "models": list(each.models), "cosine": each.cosines[at][place]}
                    for each in self.series
                ]
                yield {
                    "level": pair.level,
                    "cosine": pair.cosine,
                    "personas": [self._told(each) for each in sides],
                    "problems": cosines,
                }

    def _told(self, persona: Asked) -> dict[str, Any]:
        problems = [
            {"model": model, "prompt": prompt, "text": self.texts[model, prompt, persona.id]}
            for model in self.models
            for prompt in self.prompts
            if (model, prompt, persona.id) in self.texts
        ]
        return {
            "id": persona.id,
            "persona": persona.text,
            "language": persona.language,
            "problems": problems,
        }


def evaluate_similarity(
    hub: Path | str,
    *,
    pairs: int = 20,
    levels: Sequence[float] = LEVELS,
    narrow: str = NARROW,
    model: str | LanguageModel | Sequence[LanguageModel] = DEFAULT_MODEL,
    second_model: str | LanguageModel | Sequence[LanguageModel] | None = None,
    embeddings: str | EmbeddingModel | None = None,
    seed: int = 0,
    out: Path | str | None = None,
    calls: Calls | None = None,
    watcher: Watcher | None = None,
) -> Similarity:
    """Measure how alike the problems of two personas are, by how alike the personas are.

    Pairs of personas of one language are drawn whose embeddings' cosine is within 0.01 of each level. Each
    persona is asked once by each prompt for a math problem, by greedy decoding; with a second model, that is
    asked the same, and pairs are compared with one problem by each model too. The hub's journal keeps what
    was answered, so the same call asks nothing twice.

    Args:
        hub: the hub's directory.
        pairs: pairs at each level; fewer where the hub has no more.
        levels: cosines of personas.
        narrow: what the narrowed prompt's problems are about; empty for the plain prompt alone.
        model: a model's name, or model objects.
        second_model: another one. Where it cannot be reached, its part is reported as not done.
        embeddings: what compares meanings, a name or a model; None for the built-in model.
        seed: of everything that is drawn; greedy decoding has no part in it.
        out: a folder for ``similarity.json``, ``.md``, ``.png``, ``.svg`` and ``pairs.jsonl``.
        calls: how the calls are made and what they may cost.
        watcher: is told how it goes.

    Raises:
        UserError: whatever the user can mend; nothing was asked then.
    """
    calls, watcher = calls or Calls(), watcher or Watcher()
    # NumPy takes no negative seeds.
    seed %= 2**63
    narrow = " ".join(narrow.split())
    _check(pairs, levels, calls, second_model)
    if out is not None:
        check_plotting(Path(out))
    opened = Hub(hub)
    models = calls.open(model)
    seconds = calls.open(second_model) if second_model is not None else []
    if seconds and seconds[0].name == models[0].name:
        raise UserError(f"--second-model {seconds[0].name}: is the first one; name another, or leave it out")
    with ExitStack() as held:
        encoder = calls.encoder_when_needed(embeddings, held)()
        drawn = draw_persona_pairs(opened, encoder, levels, pairs, seed, watcher)
        asked = _in_turn(drawn)
        prompts = {"plain": "", **({"narrowed": narrow} if narrow else {})}
        configuration: dict[str, Any] = {
            "levels": list(levels),
            "pairs": pairs,
            "prompts": prompts,
            "template": prompt_version(),
            "model": models[0].name,
            "second_model": seconds[0].name if seconds else None,
            "embeddings": encoder.name,
            "seed": seed,
            "personas": drawn.personas,
        }
        work = held.enter_context(
            working(
                opened,
                "evaluate similarity",
                configuration,
                model=model,
                models=models,
                calls=calls,
                outcome=Outcome,
                watcher=watcher,
            )
        )
        # Without a batch API, which is refused with a second model, the engine is one that has companions.
        second = None
        if seconds and isinstance(work.engine, Engine):
            second = work.engine.beside(seconds, calls.price_of(seconds[0]))  # type: ignore[arg-type]
        asking = Asking(work, second, prompts)
        run_async(asking.ask_all(asked, estimate=calls.estimate))
        names = tuple(each[0].name for each in (models, seconds) if each)
        vectors = opened.embeddings.vectors([each.id for each in asked])
        problems = Problems(asking.texts, encoder, vectors)
        series = _series(problems, names, prompts, drawn, asking.not_done, seed)
        result = Similarity(
            levels=tuple(levels),
            wanted=pairs,
            drawn=drawn,
            prompts=prompts,
            models=names,
            series=series,
            narrowing=_narrowings(series, seed),
            not_done=asking.not_done,
            failures=asking.failures,
            texts=asking.texts,
            embeddings=encoder.name,
            template=prompt_version(),
            seed=seed,
            outcome=work.outcome,
        )
        if out is not None and not calls.estimate:
            from personahub.workflows.evaluate.similarity_report import write_report

            write_report(result, Path(out))
        work.ended({"problems": len(asking.texts)})
        return result


def _check(pairs: int, levels: Sequence[float], calls: Calls, second_model: object) -> None:
    if pairs < 1:
        raise UserError(f"--pairs {pairs}: at least one pair at each level must be asked for")
    if not levels:
        raise UserError("--levels: is empty; give cosines of personas, such as .4,.6,.8,.9")
    for level in levels:
        if not -1 <= level <= 1:
            raise UserError(
                f"--levels: {level:g} is no cosine; give numbers from -1 to 1, such as .4,.6,.8,.9"
            )
    if len(set(levels)) < len(levels):
        raise UserError("--levels: a level is given twice; leave one of the two out")
    if second_model is not None and calls.batch:
        raise UserError("--second-model: cannot be asked through a batch API; leave --batch out")


def _in_turn(drawn: Drawn) -> list[Asked]:
    """The personas, each once, a pair of each level after another: what is asked first has all levels."""
    pairs = (pair for turn in zip_longest(*drawn.pairs) for pair in turn if pair)
    return list({each.id: each for pair in pairs for each in (pair.left, pair.right)}.values())


def _series(
    problems: Problems,
    models: Sequence[str],
    prompts: Mapping[str, str],
    drawn: Drawn,
    not_done: Mapping[str, str],
    seed: int,
) -> tuple[Series, ...]:
    done = [model for model in models if model not in not_done]
    voices = [(model, model) for model in done] + ([(done[0], done[1])] if len(done) > 1 else [])
    return tuple(
        series_of(problems, prompt, voice, drawn.pairs, seed) for voice in voices for prompt in prompts
    )


def _narrowings(series: Sequence[Series], seed: int) -> tuple[Narrowing, ...]:
    narrowed = {each.models: each for each in series if each.prompt == "narrowed"}
    plain = (each for each in series if each.prompt == "plain" and each.models in narrowed)
    return tuple(narrowing_of(each, narrowed[each.models], seed) for each in plain)
