"""Fields that fit their schema or do not, and texts that are in their language or are not."""

from typing import Any

import pytest

from judged import item
from personahub.corpus import detect_language
from personahub.verification import Finding
from personahub.verification.forms import LanguageCheck, SchemaCheck

SCHEMA = {
    "type": "object",
    "properties": {"problem": {"type": "string", "minLength": 5}, "level": {"enum": ["school", "olympiad"]}},
    "required": ["problem"],
}


def by_schema(fields: dict[str, Any], schema: Any = SCHEMA) -> Finding:
    return SchemaCheck(lambda _: schema).judge([item(fields=fields)])[0]


def test_fields_that_fit_pass_whatever_else_is_there() -> None:
    assert by_schema({"problem": "How many?", "level": "school", "more": 1}) == Finding("passed", "")


@pytest.mark.parametrize("fields", [{}, {"problem": 3}, {"problem": "Why", "level": "nursery"}])
def test_fields_that_do_not_fit_fail_with_what_is_wrong(fields: dict[str, Any]) -> None:
    finding = by_schema(fields)
    assert (finding.outcome, finding.reason) == ("failed", "misfits_schema")
    assert all(isinstance(error, str) and error for error in finding.evidence["errors"])


def test_every_error_is_told_but_not_more_than_five() -> None:
    schema = {"required": [f"field{number}" for number in range(9)]}
    assert len(by_schema({}, schema).evidence["errors"]) == 5


def test_without_a_schema_nothing_is_decided() -> None:
    assert by_schema({"problem": "How many?"}, None) == Finding("undecided", "no_schema")


def test_a_schema_that_is_none_decides_nothing_and_says_why() -> None:
    finding = by_schema({"problem": "How many?"}, {"type": "problem"})
    assert (finding.outcome, finding.reason) == ("undecided", "no_schema")
    assert "problem" in finding.evidence["error"]


def function(parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "count_eggs", "parameters": parameters}}


def test_a_tools_interface_that_function_calling_takes_passes() -> None:
    parameters = {"type": "object", "properties": {"eggs": {"type": "integer"}}, "required": ["eggs"]}
    assert by_schema({"function": function(parameters)}, {}).outcome == "passed"


@pytest.mark.parametrize(
    "given",
    [
        function({"type": "thing"}),
        function({"properties": []}),
        function(None),
        function("object"),
        {"function": "count_eggs"},
        {},
    ],
)
def test_a_tools_interface_that_is_none_fails(given: dict[str, Any]) -> None:
    finding = by_schema({"function": given}, {})
    assert (finding.outcome, finding.reason) == ("failed", "no_function_schema")
    assert finding.evidence["errors"]


TEXTS = {
    "en": "The miller grinds forty sacks of rye on Monday and a quarter of them more on Tuesday morning, "
    "before the river rises. How many sacks does he grind on both days together?",
    "de": "Der Müller mahlt am Montag vierzig Säcke Roggen und am Dienstag ein Viertel mehr, bevor der Fluss "
    "steigt. Wie viele Säcke mahlt er an beiden Tagen zusammen?",
    "ru": "Мельник смолол в понедельник сорок мешков ржи, а во вторник утром на четверть больше, пока не "
    "поднялась река. Сколько мешков он смолол за оба дня?",
    "zh": "磨坊主星期一磨了四十袋黑麦，星期二早上河水上涨以前又多磨了四分之一。他两天一共磨了多少袋黑麦？",
}


def by_language(text: str, language: str, **given: Any) -> Finding:
    return LanguageCheck(detect_language).judge([item(text, language=language, **given)])[0]


@pytest.mark.parametrize("language", TEXTS)
def test_a_text_in_its_language_passes(language: str) -> None:
    assert by_language(TEXTS[language], language).outcome == "passed"


@pytest.mark.parametrize(
    ("written", "said"), [(one, other) for one in TEXTS for other in TEXTS if one != other]
)
def test_a_text_in_another_language_fails(written: str, said: str) -> None:
    finding = by_language(TEXTS[written], said)
    assert (finding.outcome, finding.reason) == ("failed", "wrong_language")


def test_a_short_text_is_told_by_its_script_alone() -> None:
    assert by_language("Vierzig Säcke?", "en").outcome == "passed"
    assert by_language("Сорок мешков?", "en").reason == "wrong_language"


def test_the_language_that_is_seen_is_told() -> None:
    assert by_language(TEXTS["de"], "en").evidence == {"seen": "de", "language": "en"}


@pytest.mark.parametrize("language", ["ru", "zh"])
def test_code_within_a_text_is_not_of_its_language(language: str) -> None:
    code = (
        "```python\n"
        + "def count_all_of_the_sacks(monday, tuesday):\n    return monday + tuesday\n" * 6
        + "```"
    )
    assert by_language(f"{TEXTS[language]}\n\n{code}\n\n`count_sacks(40)`", language).outcome == "passed"


def test_a_text_of_numbers_is_of_any_language() -> None:
    assert by_language("12 + 30 = ?", "ru").outcome == "passed"


@pytest.mark.parametrize("language", ["", "und"])
def test_without_a_language_nothing_is_decided(language: str) -> None:
    assert by_language(TEXTS["en"], language) == Finding("undecided", "no_language")


def test_a_language_that_was_only_seen_decides_nothing() -> None:
    finding = by_language(TEXTS["en"], "en", language_is_told=False)
    assert finding == Finding("undecided", "no_language")
