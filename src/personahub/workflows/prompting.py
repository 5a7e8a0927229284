"""How a run's prompts are built: the method, and what it draws on."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import yaml

from personahub.errors import UserError
from personahub.hub import Hub
from personahub.synthesis import METHODS, Method, Settings, Task
from personahub.workflows.items import Items, read_items

__all__ = ["Material", "Prompting", "in_turn", "load_material", "shown_examples"]

_T = TypeVar("_T")
_MOST_CANDIDATES = 20


@dataclass(frozen=True)
class Prompting:
    """How prompts are built.

    Attributes:
        method: "zero-shot"; "few-shot", with examples; "persona-enhanced", with examples that carry their
            personas; "instance-driven", as variations of seed items; "key-point-driven", from key points.
            None for few-shot where the task has examples, which small models need, else zero-shot.
        shots: examples in a prompt, for the two methods that show some.
        seeds: a file, or a data set of the hub, with the items to vary.
        key_points: a file, or a data set of the hub, with a key point in each row.
        key_points_from: texts (files, folders, addresses) of which the model tells the key points first.
        points: key points in a prompt.
        field: the field of ``seeds``, ``key_points`` or a task's items that holds the text.
        scenario: a rare or extreme situation for all records; "@FILE" with one a line; "" draws from those
            that come with the package; None for none.
        candidates: replies asked for at once, of which one is drawn (verbalized sampling).
    """

    method: Method | None = None
    shots: int = 2
    seeds: str | None = None
    key_points: str | None = None
    key_points_from: Sequence[str] = ()
    points: int = 2
    field: str | None = None
    scenario: str | None = None
    candidates: int = 1

    def __post_init__(self) -> None:
        """Check what can be checked without a hub.

        Raises:
            UserError: no such method, or it lacks what it needs.
        """
        if self.method is not None and self.method not in METHODS:
            raise UserError(f"--method {self.method}: is none of {', '.join(METHODS)}")
        if self.method == "instance-driven" and not self.seeds:
            raise UserError("--method instance-driven needs --seeds FILE, the items that it varies")
        if self.method == "key-point-driven" and not (self.key_points or self.key_points_from):
            raise UserError(
                "--method key-point-driven needs --key-points FILE, or --key-points-from TEXTS that hold them"
            )
        if self.seeds and self.method != "instance-driven":
            raise UserError(
                f"--seeds goes with --method instance-driven, not with {self.method or 'examples'}"
            )
        if (self.key_points or self.key_points_from) and self.method != "key-point-driven":
            raise UserError(
                f"--key-points goes with --method key-point-driven, not with {self.method or 'examples'}"
            )
        if self.key_points and self.key_points_from:
            raise UserError("--key-points and --key-points-from are both given; leave one of them out")
        for name, value in (("--shots", self.shots), ("--points", self.points)):
            if value < 1:
                raise UserError(f"{name} {value}: must be at least 1")
        if not 1 <= self.candidates <= _MOST_CANDIDATES:
            raise UserError(f"--verbalized {self.candidates}: must be 1 to {_MOST_CANDIDATES}")

    def method_for(self, task: Task) -> Method:
        """The method, where none is named the one that suits the task."""
        return self.method or ("few-shot" if task.examples else "zero-shot")


@dataclass
class Material:
    """What prompts are made of beside the task and the personas, read and checked.

    Attributes:
        items: what a task asks about; None where it asks about nothing but personas.
        seeds: what is varied.
        key_points: what is built on; those of texts come when the run has begun.
        scenarios: situations.
        examples: places of the task's examples that fit the run's options.
    """

    items: Items | None = None
    seeds: Items | None = None
    key_points: list[str] = field(default_factory=list)
    scenarios: list[str] = field(default_factory=list)
    examples: list[int] = field(default_factory=list)

    def identity(self) -> dict[str, Any]:
        """What was read, for what identifies a run."""
        return {
            "items": self.items.digest if self.items else None,
            "seeds": self.seeds.digest if self.seeds else None,
            "key_points": self.key_points,
            "scenarios": self.scenarios,
        }


def load_material(hub: Hub, task: Task, settings: Settings, prompting: Prompting) -> Material:
    """Read what the prompting and the task name.

    Raises:
        UserError: a file or data set that is not there or holds nothing that can be used, or a task without
            the examples that the method shows.
    """
    material = Material()
    if named := settings.get(task.items_option or ""):
        material.items = read_items(named, hub, prompting.field, f"--{task.items_option}")
    if prompting.seeds:
        material.seeds = read_items(prompting.seeds, hub, prompting.field, "--seeds")
    if prompting.key_points:
        read = read_items(prompting.key_points, hub, prompting.field, "--key-points")
        material.key_points = list(dict.fromkeys(item.text for item in read))
    if prompting.scenario is not None:
        material.scenarios = _scenarios(prompting.scenario)
    method = prompting.method_for(task)
    if method in {"few-shot", "persona-enhanced"}:
        material.examples = [place for place, one in enumerate(task.examples) if one.fits(settings)]
        material.examples = material.examples or list(range(len(task.examples)))
        if not material.examples:
            raise UserError(
                f"--method {method} shows examples, and the task {task.name} has none;"
                f" put some into {task.folder / 'examples.yaml'}, or use zero-shot"
            )
    return material


def _scenarios(given: str) -> list[str]:
    if not given:
        shipped = files("personahub.synthesis") / "scenarios.yaml"
        return [str(each) for each in yaml.safe_load(shipped.read_text("utf-8"))]
    if not given.startswith("@"):
        return [given]
    file = Path(given[1:])
    try:
        lines = [line.strip() for line in file.read_text("utf-8").splitlines()]
    except UnicodeDecodeError as error:
        raise UserError(f"--scenario {given}: {file} is no text in UTF-8") from error
    except OSError as error:
        raise UserError(f"--scenario {given}: {file} cannot be read ({error.strerror})") from error
    if not (found := [line for line in lines if line]):
        raise UserError(f"--scenario {given}: {file} is empty; write one situation a line")
    return found


def in_turn(count: int, seed: int, what: str) -> Callable[[int], int]:
    """Says for each position which of ``count`` things to take: all once, drawn anew for each time around."""

    @lru_cache(maxsize=2)
    def order(around: int) -> list[int]:
        return random.Random(f"{seed} {what} {around}").sample(range(count), count)

    return lambda position: order(position // count)[position % count]


def shown_examples(
    task: Task, places: Sequence[int], shots: int, seed: int
) -> Callable[[int, str], tuple[int, ...]]:
    """Says for each position and language which examples its prompt shows.

    The same ones for eight positions in a row, so that a prefix cache serves seven of them. In the language
    where there are enough of it, else English ones, else any.
    """

    @lru_cache(maxsize=64)
    def pool(language: str) -> list[int]:
        for wanted in (language, "en"):
            own = [place for place in places if task.examples[place].language == wanted]
            if len(own) >= min(shots, 2):
                break
        else:
            own = list(places)
        return random.Random(f"{seed} examples").sample(own, len(own))

    def choose(position: int, language: str) -> tuple[int, ...]:
        among = pool(language)
        count = min(shots, len(among))
        first = position // _BLOCK * count
        return tuple(among[(first + place) % len(among)] for place in range(count))

    return choose


_BLOCK = 8
