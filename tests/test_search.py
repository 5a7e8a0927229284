"""Search: by words and by meaning, in several languages, with filters."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from commands import Run, one_line_error
from described import CountingEncoder, hub_of, persona
from personahub import Hub, UserError, curate, search
from personahub.hub import nearest
from personahub.hub.indexes import unindexed_rows
from personahub.hub.nearest import by_meaning, by_words
from personahub.workflows import search as searching
from personahub.workflows.embed import embed_personas
from personahub.workflows.views import OpenView
from scripted import ScriptedModel, any_reply

NURSE_EN = persona(
    "A pediatric nurse who gives injections to frightened children.", relation="care/nurse", round=1
)
BAKER_EN = persona("A baker who kneads rye dough before dawn.", source="texts/bread.md", date="2021-03-04")
SAILOR_EN = persona(
    "A retired sailor who repairs fishing nets in Zanzibar.", source="web/sea.warc", date="2023-05-17"
)
TEACHER_EN = persona("A teacher who explains fractions with apples.", relation="write", date="2023")
BEES_RU = persona("Пчеловод, который держит двенадцать ульев в деревне.", language="ru", date="2022-11-02")
DOCTOR_RU = persona("Врач скорой помощи, который работает по ночам.", language="ru", relation="care/doctor")
NURSE_ZH = persona("一位照顾生病儿童的儿科护士。", language="zh", relation="care/nurse", round=2)
FISHER_ZH = persona("一位每天清晨出海捕鱼的老渔民。", language="zh")
BAKER_DE = persona("Ein Bäcker, der nachts Brötchen für das ganze Dorf backt.", language="de")
BAKER_KA = persona("მეპურე, რომელიც პურს აცხობს.", language="ka")
ALL = [NURSE_EN, BAKER_EN, SAILOR_EN, TEACHER_EN, BEES_RU, DOCTOR_RU, NURSE_ZH, FISHER_ZH, BAKER_DE, BAKER_KA]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("search") / "hub"
    hub_of(path, ALL)
    search(path, "makes the index and the embeddings")
    return path


def found(hub: Path, query: str | None = None, **settings: object) -> list[str]:
    return [each.id for each in search(hub, query, **settings)]  # type: ignore[arg-type]


def shows_all(ids: pa.Array) -> pa.BooleanArray:
    return pa.array(np.ones(len(ids), np.bool_))


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("someone who looks after sick children", {NURSE_EN.id, NURSE_ZH.id}),
        ("Zanzibar", {SAILOR_EN.id}),
        ("человек, который разводит пчёл", {BEES_RU.id}),
        ("渔民", {FISHER_ZH.id}),
        ("捕鱼的人", {FISHER_ZH.id}),
    ],
)
def test_the_persona_that_is_meant_comes_first(hub: Path, query: str, first: set[str]) -> None:
    assert found(hub, query)[0] in first


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("a beekeeper with twelve hives", BEES_RU),
        ("an emergency doctor on night duty", DOCTOR_RU),
        ("старый рыбак, который выходит в море", FISHER_ZH),
        ("给孩子讲解分数的老师", TEACHER_EN),
        ("пекарь, который ночью печёт булочки для деревни", BAKER_DE),
    ],
)
def test_a_question_in_one_language_finds_personas_in_another(hub: Path, query: str, first: object) -> None:
    assert found(hub, query)[0] == first.id  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("words", "those"),
    [
        ("nurses", {NURSE_EN.id}),
        ("ульев", {BEES_RU.id}),
        ("护士", {NURSE_ZH.id}),
        ("清晨", {FISHER_ZH.id}),
        ("brötchen", {BAKER_DE.id}),
        ("მეპურე", {BAKER_KA.id}),
        ("zebra", set()),
        ("?!", set()),
    ],
)
def test_words_are_found_inside_sentences_of_any_script(hub: Path, words: str, those: set[str]) -> None:
    assert set(by_words(Hub(hub), words, 10, None, shows_all)) == those


def test_a_persona_in_a_language_the_model_does_not_know_is_found_by_its_words(hub: Path) -> None:
    assert found(hub, "მეპურე")[0] == BAKER_KA.id


def test_its_own_description_finds_a_persona_with_the_score_of_one(hub: Path) -> None:
    best = search(hub, NURSE_ZH.description)[0]
    assert (best.id, best.description) == (NURSE_ZH.id, NURSE_ZH.description)
    assert best.score == pytest.approx(1.0, abs=0.002)


def test_scores_fall(hub: Path) -> None:
    scores = [each.score for each in search(hub, "a baker in a village")]
    assert scores == sorted(scores, reverse=True)


def test_a_smaller_limit_finds_the_first_of_a_larger_one(hub: Path) -> None:
    assert found(hub, "a nurse", limit=3) == found(hub, "a nurse", limit=8)[:3]


@pytest.mark.parametrize(
    ("filters", "those"),
    [
        ({"language": "ru"}, [BEES_RU, DOCTOR_RU]),
        ({"relation": "care/nurse"}, [NURSE_EN, NURSE_ZH]),
        ({"relation": "care"}, [NURSE_EN, NURSE_ZH, DOCTOR_RU]),
        ({"relation": "nurse"}, [NURSE_EN, NURSE_ZH]),
        ({"relation": "car"}, []),
        ({"round": 2}, [NURSE_ZH]),
        ({"source": "texts/bread.md"}, [BAKER_EN]),
        ({"source": "sea.warc"}, [SAILOR_EN]),
        ({"source": "web/"}, [SAILOR_EN]),
        ({"date": "2023"}, [SAILOR_EN, TEACHER_EN]),
        ({"since": "2022-11"}, [SAILOR_EN, TEACHER_EN, BEES_RU]),
        ({"until": "2022"}, [BAKER_EN, BEES_RU]),
        ({"since": "2021-03-04", "until": "2021-03-04"}, [BAKER_EN]),
        ({"where": "round > 0 AND language = 'en'"}, [NURSE_EN]),
        ({"language": "zh", "where": "round > 0 OR round = 0"}, [NURSE_ZH, FISHER_ZH]),
    ],
)
def test_only_personas_that_meet_the_filters_are_found(
    hub: Path, filters: dict[str, object], those: list[object]
) -> None:
    wanted = {each.id for each in those}  # type: ignore[attr-defined]
    assert set(found(hub, "a nurse or a baker", **filters)) == wanted


def test_a_quote_in_a_filter_is_no_sql(hub: Path) -> None:
    assert found(hub, "a nurse", relation="x' OR 'a' = 'a", source="o'brien.txt") == []


@pytest.mark.parametrize("shown", [NURSE_EN.id, NURSE_EN.id[:12]])
def test_what_is_like_a_persona_is_found_without_itself(hub: Path, shown: str) -> None:
    ids = found(hub, like=shown)
    assert ids[0] == NURSE_ZH.id
    assert NURSE_EN.id not in ids


def test_what_is_like_a_persona_that_has_no_embedding_is_found(hub: Path) -> None:
    ids = found(hub, like=BAKER_KA.id)
    assert ids
    assert BAKER_KA.id not in ids


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "say what to look for"),
        (("  ",), "say what to look for"),
        (("a nurse", "--like", "p12345"), "only one may be"),
        (("--like", "p0000000"), "no such persona"),
        (("--like", "d" + "0" * 20), "is no persona's id"),
        (("--like", "p"), "is no persona's id"),
        (("a nurse", "--where", "colour = 'red'"), "no column colour"),
        (("a nurse", "--language", "xx"), "unknown language"),
        (("a nurse", "--since", "yesterday"), "is no date"),
    ],
)
def test_what_cannot_be_searched_is_one_clear_line(
    hub: Path, run: Run, arguments: tuple[str, ...], says: str
) -> None:
    assert says in one_line_error(run("search", *arguments, "--hub", hub))


def test_the_command_line_prints_a_list_of_ids_descriptions_and_scores(hub: Path, run: Run) -> None:
    result = run("search", "someone who looks after sick children", "--hub", hub, "--limit", 2, "--json")
    printed = json.loads(result.out)
    assert result.code == 0
    assert [set(each) for each in printed] == [{"id", "description", "score"}] * 2
    assert printed[0]["id"] in {NURSE_EN.id, NURSE_ZH.id}


def test_another_embedding_model_than_the_hubs_is_one_clear_line(hub: Path) -> None:
    with pytest.raises(UserError, match=r"embedded by use-multilingual-v3, and counting was asked for"):
        search(hub, "a nurse", encoder=CountingEncoder())


def test_a_hub_without_personas_is_one_clear_line(tmp_path: Path, run: Run) -> None:
    Hub.create(tmp_path / "hub")
    assert "holds no personas yet" in one_line_error(run("search", "a nurse", "--hub", tmp_path / "hub"))


def test_personas_added_later_are_found_by_words_and_meaning(tmp_path: Path) -> None:
    opened = hub_of(tmp_path / "hub", ALL)
    search(opened.path, "a nurse")
    new = persona("Кузнец, который подковывает лошадей.", language="ru")
    opened.personas.add([new])
    assert by_words(opened, "кузнец", 10, None, shows_all).keys() == {new.id}
    assert found(opened.path, "a blacksmith who shoes horses")[0] == new.id
    assert opened.embeddings.count() == len(ALL)  # All but the Georgian one.


def test_indexing_again_takes_in_what_was_added(tmp_path: Path) -> None:
    opened = hub_of(tmp_path / "hub", ALL[:3])
    for new in ALL[3:]:
        opened.personas.index_text()
        opened.personas.add([new])
        assert unindexed_rows(opened.personas.path, "description") == 1
    opened.personas.index_text()
    assert unindexed_rows(opened.personas.path, "description") == 0
    for each in ALL:
        assert each.id in by_words(opened, each.description, 10, None, shows_all)


def test_duplicates_step_aside_and_the_limit_is_met_all_the_same(
    hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = found(hub, "a nurse", limit=8)
    aside = OpenView("0.9/0.9", pa.table({"id": everything[:4]}))
    monkeypatch.setattr(searching, "open_view", lambda *_: aside)
    assert found(hub, "a nurse", limit=4) == everything[4:8]


def test_a_hub_that_is_being_written_is_searched_as_it_is(tmp_path: Path) -> None:
    opened = hub_of(tmp_path / "hub", ALL)
    told: list[str] = []
    with opened.writing():
        assert found(opened.path, "Zanzibar", told=told.append)[0] == SAILOR_EN.id
    assert "is being written" in told[0]
    assert unindexed_rows(opened.personas.path, "description") is None


def test_where_many_have_no_embedding_words_alone_are_searched_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "_EMBEDDED_AT_ONCE", 3)
    opened = hub_of(tmp_path / "hub", ALL)
    told: list[str] = []
    assert found(opened.path, "a baker", told=told.append) == [BAKER_EN.id]
    assert "hub index" in told[-1]
    assert opened.embeddings.count() == 0


@pytest.mark.parametrize("few", [0, 10_000])
def test_the_nearest_that_meet_a_condition_are_those_of_brute_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(nearest, "_FEW", few)
    kinds = [("en", 0), ("ru", 1), ("zh", 2), ("en", 3)]
    described = [
        persona(f"Someone {number}.", language=kinds[number % 4][0], round=number % 7)
        for number in range(600)
    ]
    opened, encoder = hub_of(tmp_path / "hub", described), CountingEncoder()
    with opened.writing():
        embed_personas(opened, encoder)
    ids, vectors = opened.embeddings.load()
    query = encoder.embed(["Who?"])[0]
    cosines = dict(zip(ids.to_pylist(), (vectors.astype(np.float32) @ query).tolist(), strict=True))
    for where, meets in {
        "language = 'ru' AND round = 3": lambda each: each.language == "ru" and each.round == 3,
        "round < 6": lambda each: each.round < 6,
        "round > 9": lambda _: False,
    }.items():
        wanted = sorted((each.id for each in described if meets(each)), key=lambda id_: -cosines[id_])[:40]
        got = by_meaning(opened, query, 40, where, shows_all)
        assert [cosines[id_] for id_ in got] == pytest.approx([cosines[id_] for id_ in wanted], abs=2e-3)
        assert list(got.values()) == pytest.approx([cosines[id_] for id_ in wanted], abs=2e-3)


def test_what_curate_made_is_indexed(texts: Path, tmp_path: Path) -> None:
    curate([texts], tmp_path / "hub", model=ScriptedModel(any_reply))
    opened = Hub(tmp_path / "hub")
    assert opened.personas.count() > 0
    assert unindexed_rows(opened.personas.path, "description") == 0
