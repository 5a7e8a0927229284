"""The task perspective: one question, many personas."""

import jsonschema_rs
import pytest

from personahub.errors import UserError
from personahub.synthesis import Brief, Synthesizer, Task

REST = " My mother kept goats. They ate the hedge. We laughed about it for years. I would do it again."


@pytest.fixture(scope="module")
def task() -> Task:
    return Task.load("perspective")


@pytest.mark.parametrize(
    "opening", ["Goats first.", "A goat taught me that.", "Каждый знает козу.", "我养过羊。"]
)
def test_an_answer_may_begin_with_nearly_anything(task: Task, opening: str) -> None:
    assert jsonschema_rs.is_valid(task.schema({"question": ""})["properties"]["answer"], opening + REST)
    assert task.find_fault(opening + REST) is None


@pytest.mark.parametrize(
    "opening",
    ["As a goatherd, I say no.", "Как пастух, я против.", "作为牧羊人，我反对。", "身为牧羊人，我反对。"],
)
def test_an_answer_does_not_begin_with_who_gives_it(task: Task, opening: str) -> None:
    assert not jsonschema_rs.is_valid(task.schema({"question": ""})["properties"]["answer"], opening + REST)
    assert (fault := task.find_fault(opening + REST)) is not None
    assert fault[0] == "introduces_self"


def test_examples_about_other_questions_are_shown_with_their_own(task: Task) -> None:
    settings = task.settings({"question": "Is rain good?"})
    assert all(example.fits(settings) for example in task.examples)
    brief = Brief(
        0,
        "en",
        {"id": "p", "description": "A goatherd"},
        varied={name: values[0] for name, values in task.declaration.vary.items()},
        shown=(0,),
    )
    _, shown, _, asked = Synthesizer(task, settings, "m", "d", method="few-shot").ask(brief).messages
    assert "children's phones" in shown.content
    assert "Is rain good?" not in shown.content
    assert "Is rain good?" in asked.content


def test_a_question_is_needed(task: Task) -> None:
    with pytest.raises(UserError, match="needs --question"):
        task.settings({})
