"""Logic puzzles: their clues leave one solution, and the answer that is kept follows from it."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import permutations, product
from typing import Any

import pytest

from personahub.records import Record, SetAside
from personahub.synthesis import Brief, Synthesizer, Task

World = Mapping[str, Any]
Place = tuple[int, int]


def _orders() -> Iterator[World]:
    for places in permutations(range(1, 6)):
        yield dict(zip("12345", places, strict=True))


def _grids() -> Iterator[World]:
    for things, details in product(permutations("123"), repeat=2):
        rows = {"p": "123", "t": things, "d": details}
        yield {f"{sort}{number}": row[int(number) - 1] for sort, row in rows.items() for number in "123"}


def _layouts() -> Iterator[World]:
    for places in permutations(product((0, 1), (0, 1, 2))):
        yield dict(zip("123456", places, strict=True))


_HOLDS: Mapping[str, Mapping[str, Callable[..., bool]]] = {
    "ordering": {
        "before": lambda a, b: a < b,
        "next": lambda a, b: b - a == 1,
        "gap": lambda a, b: abs(a - b) == 2,
        "apart": lambda a, b: abs(a - b) > 1,
        "inner": lambda a: 1 < a < 5,
        "notfirst": lambda a: a > 1,
    },
    "grid": {
        "with": lambda a, b: a == b,
        "not": lambda a, b: a != b,
        "neither": lambda a, b, c: a not in (b, c),
    },
    "layout": {
        "left": lambda a, b: a[0] == b[0] and b[1] - a[1] == 1,
        "above": lambda a, b: (a[0], b[0]) == (0, 1) and a[1] == b[1],
        "samerow": lambda a, b: a[0] == b[0],
        "opposite": lambda a, b: a[0] != b[0] and abs(a[1] - b[1]) == 2,
        "corner": lambda a: a[1] != 1,
        "middle": lambda a: a[1] == 1,
        "upper": lambda a: a[0] == 0,
        "lower": lambda a: a[0] == 1,
    },
}
LOGIC = Task.load("logic")
_WORLDS = {"ordering": list(_orders()), "grid": list(_grids()), "layout": list(_layouts())}


def _fitting(sort: str, facts: list[str]) -> list[World]:
    def hold(world: World) -> bool:
        said = [fact.split() for fact in facts]
        return all(_HOLDS[sort][words[0]](*(world[name] for name in words[1:])) for words in said)

    return [world for world in _WORLDS[sort] if hold(world)]


@pytest.mark.parametrize("sort", ["ordering", "grid", "layout"])
def test_the_facts_of_a_skeleton_leave_the_hidden_solution_and_one_less_leaves_more(sort: str) -> None:
    skeletons = LOGIC.declaration.vary[sort]
    assert len(set(skeletons)) == len(skeletons) >= 10
    for skeleton in skeletons:
        *facts, asked = skeleton.split("; ")
        assert len(facts) == 4
        assert asked.startswith("ask ")
        assert _fitting(sort, facts) == _WORLDS[sort][:1], skeleton  # the first is the hidden one
        for fact in facts:
            assert len(_fitting(sort, [other for other in facts if other != fact])) > 1, skeleton


VARIED = {
    "ordering": "next 1 2; inner 3; gap 1 3; next 4 5; ask 4",
    "scale": "weight",
    "grid": "neither t3 p1 d1; neither p2 t1 d1; with t3 d3; not p2 d3; ask d1 p",
    "detail": "day of the week",
    "layout": "samerow 5 6; opposite 1 6; left 4 5; above 2 5; ask 3",
    "view": "as on a map",
    "trap": "cause and effect the wrong way round",
}
GRID = {
    "people": ["Марфа", "Глеб", "Тимур"],
    "things": ["скрипка", "баян", "медная труба"],
    "details": ["среда", "пятница", "суббота"],
    "scene": "В мастерскую пришли трое, каждый со своим инструментом и в свой день.",
}
GRID_CLUES = {
    "clue_1": "Трубу принесла не Марфа и не в среду.",
    "clue_2": "Глеб не приносил скрипки и не приходил в среду.",
    "clue_3": "С трубой пришли в субботу.",
    "clue_4": "Глеб пришёл не в субботу.",
    "question": "Кто пришёл в среду?",
}


def _answer(kind: str, *replies: Mapping[str, Any], **varied: str) -> Record | SetAside:
    task = LOGIC
    synthesizer = Synthesizer(task, task.settings({"kind": kind}), "m", "d")
    # Ukrainian is one of the languages in which the model words the clues.
    language = "uk" if kind == "deductive" else "en"
    brief = Brief(0, language, {"id": "p", "description": "A luthier"}, varied=VARIED | varied)
    return synthesizer.answer(brief, replies, request="r", run=1)


def test_the_answer_and_the_facts_of_a_grid_follow_from_the_hidden_solution() -> None:
    record = _answer("deductive", GRID, GRID_CLUES)
    assert isinstance(record, Record)
    fields = json.loads(record.fields)
    assert fields["answer"] == "Марфа"
    assert fields["facts"][1] == ["neither", "Глеб", "скрипка", "среда"]
    assert fields["solution"][2] == {"person": "Тимур", "thing": "медная труба", "detail": "суббота"}
    assert "Глеб · Марфа · Тимур" in record.text
    assert record.text.endswith("Кто пришёл в среду?")


def test_a_clue_that_loses_a_name_of_its_fact_is_set_aside() -> None:
    aside = _answer("deductive", GRID, {**GRID_CLUES, "clue_4": "Пётр пришёл не в субботу."})
    assert isinstance(aside, SetAside)
    assert aside.reason == "clue_astray"
    assert "lacks Глеб" in aside.detail


def test_a_clue_that_names_somebody_beside_its_fact_is_set_aside() -> None:
    aside = _answer("deductive", GRID, {**GRID_CLUES, "clue_4": "Глеб и Тимур пришли не в суббота."})
    assert isinstance(aside, SetAside)
    assert aside.reason == "clue_astray"
    assert "adds Тимур" in aside.detail


def test_a_puzzle_that_tells_its_solution_is_set_aside() -> None:
    told = _answer("deductive", GRID, {**GRID_CLUES, "question": "Почему Марфа пришла в среду?"})
    scene = _answer("deductive", {**GRID, "scene": "Марфа несёт скрипка, Глеб баян."}, GRID_CLUES)
    assert [told.reason, scene.reason] == ["tells_solution"] * 2  # type: ignore[union-attr]


def test_a_puzzle_with_a_name_twice_is_set_aside() -> None:
    aside = _answer("deductive", {**GRID, "people": ["Глеб", "Глеб", "Тимур"]}, GRID_CLUES)
    assert isinstance(aside, SetAside)
    assert aside.reason == "name_twice"


def test_facts_come_to_the_second_question_with_the_names_in_their_places() -> None:
    task = LOGIC
    synthesizer = Synthesizer(task, task.settings({"kind": "ordering"}), "m", "d")
    reply = {"scene": "五件东西轻重不同。", "order": ["竖琴", "铁炉", "钢琴", "木箱", "石磨"]}
    asked = synthesizer.ask(Brief(0, "ja", varied=VARIED), [reply]).messages[-1].content
    assert "铁炉" in asked
    assert "Fact 4: 木箱 is lighter than 石磨, and none of the others is between them." in asked
    assert "Question: which of the five is the fourth lightest?" in asked


# By kind and language: a form of each fact, in which every gap is a name.
_NAMES = {
    "ordering": [f"Nem{letter}" for letter in "abcde"],
    "spatial": [f"Nem{letter}" for letter in "abcdef"],
    "people": ["Pem", "Pol", "Pud"],
    "things": ["Tem", "Tol", "Tud"],
    "details": ["Dem", "Dol", "Dud"],
}
_SKELETON = {"ordering": "ordering", "spatial": "layout", "deductive": "grid"}


def _worded(kind: str, language: str, **varied: str) -> dict[str, Any]:
    task = LOGIC
    synthesizer = Synthesizer(task, task.settings({"kind": kind}), "m", "d")
    scene = {"en": "They meet on Monday.", "ru": "Все сегодня встречаются.", "zh": "大家今天见面。"}[language]
    lists: dict[str, Any] = {
        "ordering": {"order": _NAMES["ordering"]},
        "spatial": {"places": _NAMES["spatial"]},
        "deductive": {name: _NAMES[name] for name in ("people", "things", "details")},
    }[kind]
    brief = Brief(0, language, varied=VARIED | varied)
    assert synthesizer.steps(brief) == ("",)
    text, fields = task.finish(
        {"scene": scene, **lists}, {**synthesizer.settings, **brief.varied, "language": language}
    )
    assert text.endswith(fields["question"])
    return fields


def _read_back(kind: str, language: str, clue: str) -> list[str]:
    """A clue's names in their order, each as its place in the hidden solution."""
    names = (
        {
            name: f"{sort[0]}{at}"
            for sort in ("people", "things", "details")
            for at, name in enumerate(_NAMES[sort], 1)
        }
        if kind == "deductive"
        else {name: str(at) for at, name in enumerate(_NAMES[kind], 1)}
    )
    return [names[name] for name in re.findall("|".join(names), clue)]


@pytest.mark.parametrize("language", ["en", "ru", "zh"])
@pytest.mark.parametrize("kind", ["ordering", "spatial", "deductive"])
def test_clues_that_the_task_words_say_the_facts_of_the_skeleton(kind: str, language: str) -> None:
    vary = LOGIC.declaration.vary
    about = {"ordering": "scale", "spatial": "view", "deductive": "detail"}[kind]
    for skeleton, other in product(vary[_SKELETON[kind]], vary[about]):
        fields = _worded(kind, language, **{_SKELETON[kind]: skeleton, about: other})
        *facts, asked = skeleton.split("; ")
        read = [_read_back(kind, language, clue) for clue in fields["clues"]]
        assert read == [fact.split()[1:] for fact in facts], fields["clues"]
        assert len(set(fields["clues"])) == 4
        assert fields["answer"] not in fields["question"]
        assert _read_back(kind, language, fields["question"]) == (
            asked.split()[1:2] if kind == "deductive" else []
        )


@pytest.mark.parametrize("language", ["en", "ru", "zh"])
@pytest.mark.parametrize(
    ("kind", "about"), [("ordering", "scale"), ("spatial", "view"), ("deductive", "detail")]
)
def test_facts_that_differ_are_worded_differently(kind: str, about: str, language: str) -> None:
    vary = LOGIC.declaration.vary
    for other in vary[about]:
        said: dict[str, str] = {}
        for skeleton in vary[_SKELETON[kind]]:
            fields = _worded(kind, language, **{_SKELETON[kind]: skeleton, about: other})
            for fact, clue in zip(skeleton.split("; ")[:-1], fields["clues"], strict=True):
                assert said.setdefault(clue, fact) == fact


ABSURD = {
    "scene": "A bank writes that an account is frozen.",
    "wording": "frozen",
    "meant": "blocked for now",
    "taken_as": "very cold",
    "question": "My account is frozen. Should I bring gloves to the bank?",
    "answer": "The account is blocked, not cold.",
}


def test_an_absurd_question_is_the_whole_record() -> None:
    record = _answer("ruozhiba", ABSURD)
    assert isinstance(record, Record)
    assert record.text == ABSURD["question"]
    assert json.loads(record.fields)["answer"] == ABSURD["answer"]


def test_an_absurd_question_without_the_wording_that_it_misreads_is_set_aside() -> None:
    reply = {**ABSURD, "question": "Which tool does the bank use for this?"}
    aside = _answer("ruozhiba", reply)
    assert isinstance(aside, SetAside)
    assert aside.reason == "no_trap"
