"""Conditions on a table: a wrong one is told before anything is read."""

from pathlib import Path

import pytest

from commands import Run, one_line_error
from described import hub_of, persona
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


@pytest.mark.parametrize("where", ["language = 'en')", "language = 'en') OR (round = 1", "_rowaddr > 3"])
def test_what_lance_would_read_as_something_else_is_refused(hub: Hub, where: str) -> None:
    said(hub, where)


def test_parentheses_and_names_in_texts_and_comments_are_no_sql(hub: Hub) -> None:
    hub.personas.check_where("description != ':-)' AND source != 'it''s _rowid)' -- :-)")


@pytest.fixture
def full(tmp_path: Path) -> Path:
    # Languages that the embedding model does not know, so that a search has nothing to embed.
    described = [persona(f"Keeper {n}.", language="uk" if n % 2 else "bg") for n in range(20)]
    opened = hub_of(tmp_path / "full", described)
    opened.personas.index_text()
    with opened.writing():
        run, _ = opened.start_run("import", {})
        run.end("finished", {})
        opened.save_run(run)
    return opened.path


def arguments(verb: str, folder: Path) -> list[object]:
    return {"sample": [], "search": ["a keeper"], "export": ["--out", folder / "out.jsonl"]}[verb]


@pytest.mark.parametrize("verb", ["sample", "search", "export"])
@pytest.mark.parametrize(
    "where",
    [
        "CAST(description AS INT) > 1",
        "1/0 > 0",
        "to_timestamp(description) > '2020-01-01'",
        "regexp_match(description, '(')",
    ],
)
def test_a_condition_that_fails_at_a_row_is_one_line(
    full: Path, tmp_path: Path, run: Run, verb: str, where: str
) -> None:
    result = run(verb, *arguments(verb, tmp_path), "--hub", full, "--where", where)
    error = one_line_error(result)
    assert where in error
    assert "has no value for some row" in error
    assert ".rs:" not in error
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("verb", ["sample", "search", "export"])
def test_a_condition_may_end_in_a_comment(full: Path, tmp_path: Path, run: Run, verb: str) -> None:
    command = [verb, *arguments(verb, tmp_path), "--hub", full, "--where", "language = 'uk' -- only these"]
    at = [] if verb == "search" else ["--at", 1]
    for more in ([], at, ["--language", "uk"] if verb == "search" else []):
        result = run(*command, *more)
        assert result.code == 0, result.err
        rows = (tmp_path / "out.jsonl").read_text() if verb == "export" else result.out
        assert rows.count("Keeper") == 10
