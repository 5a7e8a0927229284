"""Rules at the end of a given file: what the prompt, the reply's schema and the record make of them."""

import json
from collections import Counter
from pathlib import Path

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from personahub import curate, synthesize
from personahub.errors import UserError
from personahub.models import Request
from personahub.records import Record, SetAside
from personahub.synthesis import Brief, Synthesizer, Task
from scripted import ScriptedModel, any_reply
from task_folders import task_folder

WORLD = """A town of glass.

```rules
en:
  who:
    Blower: {called: '[A-Z][a-z]+ Blow'}
    Cutter: {called: 'Cut [A-Z][a-z]+'}
  where: [Kiln Row, The Shards]
  never: [iron*, tea]
zh:
  never: [茶]
```
"""
FIELDS = ("who", "where", "called", "note")


def _task(path: Path) -> Task:
    folder = task_folder(
        path / "notes",
        examples=False,
        options={"world": {"help": "the world", "type": "file"}},
        schema={"type": "object", "properties": {name: {"type": "string"} for name in FIELDS}},
        text="{{ note }}",
        messages={},
    )
    (folder / "prompt.jinja").write_text(
        "{%- macro system() -%}{{ world }}{%- endmacro -%}"
        "{%- macro user() -%}Of {{ persona }} in {{ language_name }}{{ angle }}:"
        " {{ drawn.who if 'who' in drawn else 'anybody' }}"
        "{%- endmacro -%}{%- macro more() -%}more{%- endmacro -%}",
        "utf-8",
    )
    return Task.load(folder)


def _synthesizer(path: Path, world: str = WORLD) -> Synthesizer:
    task = Task.load(path / "notes") if (path / "notes").is_dir() else _task(path)
    (path / "town.md").write_text(world, "utf-8")
    return Synthesizer(task, task.settings({"world": path / "town.md"}), "model", "set")


def _brief(language: str = "en", **more: object) -> Brief:
    return Brief(0, language, varied={"angle": ""}, **more)  # type: ignore[arg-type]


def _answer(path: Path, note: str, language: str = "en") -> Record | SetAside:
    reply = {"who": "Blower", "where": "Kiln Row", "called": "Ana Blow", "note": note}
    return _synthesizer(path).answer(_brief(language), [reply], request="r", run=1)


def test_the_prompt_shows_the_file_without_its_rules(tmp_path: Path) -> None:
    said = _synthesizer(tmp_path).ask(_brief()).messages[0].content
    assert said == "A town of glass."


@pytest.mark.parametrize(
    ("reply", "fits"),
    [
        ({"who": "Cutter", "where": "Kiln Row", "called": "Cut Ana", "note": ""}, True),
        ({"who": "Blower", "where": "Kiln Row", "called": "Cut Ana", "note": ""}, False),
        ({"who": "Cutter", "where": "Kiln Row", "called": "Ana Blow", "note": ""}, False),
        ({"who": "Cutter", "where": "Kiln Row", "called": "So Cut Ana", "note": ""}, False),
        ({"who": "Cutter", "where": "Paris", "called": "Cut Ana", "note": ""}, False),
    ],
)
def test_a_reply_is_held_to_what_was_drawn_and_to_the_listed_values(
    tmp_path: Path, reply: dict[str, str], fits: bool
) -> None:
    asked = _synthesizer(tmp_path).ask(_brief(drawn={"who": "Cutter"}))
    assert asked.messages[1].content.endswith(": Cutter")
    assert jsonschema_rs.is_valid(asked.schema, reply) == fits


def test_candidates_are_held_to_the_rules_too(tmp_path: Path) -> None:
    one = _synthesizer(tmp_path)
    several = Synthesizer(one.task, one.settings, "model", "set", candidates=2)
    schema = several.ask(_brief(drawn={"who": "Cutter"})).schema
    reply = {"who": "Blower", "where": "Kiln Row", "called": "Cut Ana", "note": ""}
    candidates = {"candidates": [{"reply": reply, "probability": 10}] * 2}
    assert not jsonschema_rs.is_valid(schema, candidates)
    reply["who"] = "Cutter"
    assert jsonschema_rs.is_valid(schema, candidates)


def test_a_language_without_rules_is_bound_by_none(tmp_path: Path) -> None:
    free = _synthesizer(tmp_path).ask(_brief("fi")).schema
    assert jsonschema_rs.is_valid(free, dict.fromkeys(FIELDS, "mitä vain"))
    assert isinstance(_answer(tmp_path, "Rauta, tea ja iron.", "fi"), Record)


@pytest.mark.parametrize(
    ("note", "language", "seen"),
    [
        ("He drinks Tea at noon.", "en", "Tea"),
        ("An ironmonger's door.", "en", "ironmonger"),
        ("The steam of a team.", "en", ""),
        ("他在喝红茶。", "zh", "茶"),
    ],
)
def test_a_word_that_never_occurs_sets_a_record_aside(
    tmp_path: Path, note: str, language: str, seen: str
) -> None:
    answered = _answer(tmp_path, note, language)
    if not seen:
        assert isinstance(answered, Record)
        return
    assert isinstance(answered, SetAside)
    assert answered.reason == "forbidden_word"
    assert repr(seen) in answered.detail


@given(word=st.text("abcdeфыв", min_size=1, max_size=4), text=st.text("abcde фыв.", max_size=30))
def test_a_whole_word_is_found_where_splitting_finds_it(word: str, text: str) -> None:
    rules = _rules_of(f"en: {{never: ['{word}']}}")
    assert bool(rules["en"].find_forbidden(text)) == (word in text.replace(".", " ").split())


def _rules_of(block: str) -> dict[str, object]:
    from personahub.synthesis.rules import split_rules

    return dict(split_rules("town.md", f"text\n```rules\n{block}\n```\n", FIELDS)[1])


def test_every_value_is_drawn_equally_often_and_kept_with_the_record(texts: Path, tmp_path: Path) -> None:
    def reply(request: Request) -> str:
        who = request.messages[-1].content.rsplit(": ", 1)[1]
        called = {"Blower": "Ana Blow", "Cutter": "Cut Ana"}[who]
        return json.dumps({"who": who, "where": "Kiln Row", "called": called, "note": request.key})

    curate([texts], tmp_path / "hub", model=ScriptedModel(any_reply))
    task = _task(tmp_path)
    (tmp_path / "town.md").write_text(WORLD, "utf-8")
    outcome = synthesize(
        str(task.folder),
        tmp_path / "hub",
        n=6,
        options={"world": tmp_path / "town.md"},
        language="en",
        repetition="off",
        model=ScriptedModel(reply),
    )
    drawn = [json.loads(record.inputs)["drawn"]["who"] for record in outcome.records]
    assert Counter(drawn) == {"Blower": 3, "Cutter": 3}


def test_other_rules_are_another_run(tmp_path: Path) -> None:
    digests = {
        str(each.task.described(each.settings))
        for each in (_synthesizer(tmp_path), _synthesizer(tmp_path, WORLD.replace("tea", "rum")))
    }
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ("", "holds no mapping; it begins with a language"),
        ("english: {never: [tea]}", "'english' is no language's code"),
        ("en: [tea]", "en: holds no mapping"),
        ("en: {hue: [red]}", "hue: is nothing that rules are about; there are never, called, note"),
        ("en: {where: [1]}", "where: must be a list of texts"),
        ("en: {where: []}", "where: must be a list of texts"),
        ("en: {never: ['*']}", "'*' would forbid every word"),
        ("en: {who: {A: red}}", "who: A: must say which field has which form"),
        ("en: {who: {A: {hue: red}}}", "who: A: hue: is no other field"),
        ("en: {who: {A: {called: '('}}}", "called: is no regular expression"),
        ("en: {never: [tea", "is no YAML"),
    ],
)
def test_rules_that_are_none_are_told_in_one_line_with_their_place(
    tmp_path: Path, block: str, told: str
) -> None:
    with pytest.raises(UserError, match=r"town\.md, rules") as raised:
        _synthesizer(tmp_path, f"A town.\n```rules\n{block}\n```\n")
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def test_rules_alone_are_no_world(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is empty"):
        _synthesizer(tmp_path, "```rules\nen: {never: [tea]}\n```\n")


def test_two_files_with_rules_are_refused(tmp_path: Path) -> None:
    one = _synthesizer(tmp_path)
    with pytest.raises(UserError, match="keep them in one file"):
        one.task.rules({**one.settings, "second": one.settings["world"]})
