"""The task knowledge: articles and reading material."""

from typing import Any

import pytest

from personahub.synthesis import Task

SECTIONS = [
    {"about": "The weight of wet sand", "text": "A bucket weighs 18 kg. It drips. I carry two."},
    {"about": "Rope that rots", "text": "Hemp lasts two years. Nylon lasts eight. I splice both."},
]
REPLY = {
    "need": "To lift less.",
    "question": "Why does sand wear me out?",
    "title": "Sand and rope",
    "points": ["Sand", "Rope"],
    "sections": SECTIONS,
}


@pytest.fixture(scope="module")
def task() -> Task:
    return Task.load("knowledge")


def said(task: Task, **given: Any) -> str:
    persona = {"persona": "A well digger", "language_name": "English", "angle": "a mistake", "item": ""}
    return "\n".join(message.content for message in task.messages({**task.settings(given), **persona}))


def test_only_reading_material_says_what_its_reader_needs(task: Task) -> None:
    article, reading = (task.schema(task.settings({"form": form})) for form in ("article", "reading"))
    assert "need" not in article["properties"]
    assert next(iter(reading["properties"])) == "need"


def test_an_article_has_a_title_and_paragraphs_and_reading_material_headings_too(task: Task) -> None:
    article, _ = task.finish(REPLY, task.settings({}))
    reading, _ = task.finish(REPLY, task.settings({"form": "reading"}))
    assert article.split("\n\n") == [
        "# Why does sand wear me out?",
        *(section["text"] for section in SECTIONS),
    ]
    assert [line for line in reading.splitlines() if line.startswith("## ")] == [
        "## The weight of wet sand",
        "## Rope that rots",
    ]


@pytest.mark.parametrize(("words", "sections"), [(100, 3), (300, 4), (900, 12)])
def test_more_words_are_more_sections_and_never_more_than_the_schema_allows(
    task: Task, words: int, sections: int
) -> None:
    assert f"then {sections} sections" in said(task, words=words)
    assert sections <= task.schema(task.settings({}))["properties"]["sections"]["maxItems"]


def test_a_text_that_says_a_sentence_twice_is_found(task: Task) -> None:
    twice = "The kiln must not be opened before the gauge stands below one hundred degrees."
    assert (fault := task.find_fault(f"# Kilns\n\n{twice} Wait.\n\n{twice} Then wait.")) is not None
    assert fault[0] == "repeats_itself"
