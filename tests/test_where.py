"""Conditions on a table: a wrong one is told before anything is read."""

from pathlib import Path

import pytest

from personahub.errors import UserError
from personahub.hub import Hub


def said(hub: Hub, where: str) -> str:
    with pytest.raises(UserError) as error:
        hub.personas.check_where(where)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub.create(tmp_path / "hub")


@pytest.mark.parametrize(
    "where",
    ["language = 'en'", "round > 0 AND relation IN ('read', 'like')", "lower(description) LIKE '%врач%'"],
)
def test_a_condition_on_known_columns_passes(hub: Hub, where: str) -> None:
    hub.personas.check_where(where)


@pytest.mark.parametrize("where", ["langage = 'en'", "lower(langage) = 'en'", "round > 0 AND langage = 'en'"])
def test_an_unknown_column_is_named_with_those_that_there_are(hub: Hub, where: str) -> None:
    message = said(hub, where)
    assert "personas has no column langage" in message
    assert "description, language, relation" in message


def test_a_text_without_quotes_is_told_how_to_be_quoted(hub: Hub) -> None:
    assert "language = 'en'" in said(hub, "language = en")


@pytest.mark.parametrize("where", ["", "language = ", "language", "round > 'x'", "it's", "nothing(language)"])
def test_what_is_no_condition_is_one_line_without_the_library_s_source_places(hub: Hub, where: str) -> None:
    message = said(hub, where)
    assert "cannot be read" in message
    assert ".rs:" not in message
