"""What a hub holds and lacks, as a user asks for it: tables, JSON, plots, and what is said of bad input."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands import Run, one_line_error
from hubs import add_personas, hub_of
from personahub import Hub, evaluate_coverage
from personahub.evaluation.heads import find_head
from personahub.evaluation.matching import ListVectors, forms_to_compare, match_list
from personahub.evaluation.titles import built_in_occupations, no_occupations, soc_group, title_forms
from personahub.evaluation.topics import name_clusters, name_words
from personahub.evaluation.vectors import unit
from personahub.models.sentence_encoder import SentenceEncoder
from personahub.workflows.evaluate.coverage_result import ListCoverage, Topics

PERSONAS = [
    ("A nurse who paints the harbour on her free days", "en"),
    ("A 52-year-old beekeeper who reads old almanacs", "en"),
    ("A cat owner who is worried about the stairs", "en"),
    ("A mother of four who is learning to juggle", "en"),
    ("Медсестра, которая ведёт дневник погоды", "ru"),
    ("一位在山区修路的律师", "zh"),
    ("Ένας ψαράς που γράφει ποιήματα", "el"),
]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("coverage") / "hub"
    hub_of(path, PERSONAS)
    return path


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    """A hub of sixty personas about two things, and few about a third."""
    told = [f"A baker who bakes bread number {n} with rye and sour dough" for n in range(30)]
    told += [f"A sailor who sails ship number {n} across the stormy sea" for n in range(27)]
    told += [f"A chess player who plays game number {n}" for n in range(3)]
    hub_of(tmp_path / "wide", told)
    return tmp_path / "wide"


def personas_of(listed: ListCoverage | None) -> dict[str, int]:
    assert listed is not None
    return {each.title: each.personas for each in listed.entries if each.personas}


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


# Occupations


def test_occupations_are_found_by_meaning_in_several_scripts(hub: Path) -> None:
    listed = evaluate_coverage(hub).occupations
    assert personas_of(listed) == {"nurse": 2, "beekeeper": 1, "lawyer": 1}


def test_who_has_no_occupation_is_counted_as_none(hub: Path) -> None:
    listed = evaluate_coverage(hub).occupations
    assert listed is not None
    assert (listed.compared, listed.found, listed.reached) == (6, 4, 3)


def test_a_list_of_the_users_own_is_read_with_its_groups(hub: Path, tmp_path: Path) -> None:
    listed = write(
        tmp_path / "list.csv",
        "code,Title",
        "29-1141.00,Nurses",
        "23-1011.00,Lawyers",
        "19-2012.00,Physicists",
        "45-9999.00,Beekeepers",
    )
    found = evaluate_coverage(hub, occupations=listed).occupations
    assert personas_of(found) == {"Nurses": 2, "Lawyers": 1, "Beekeepers": 1}
    assert found is not None
    groups = {each.group: (each.reached, each.entries, each.personas) for each in found.groups}
    assert groups["health care, trained"] == (1, 1, 2)
    assert groups["science"] == (0, 1, 0)
    assert [each.title for each in found.missing()] == ["Physicists"]


def test_each_missing_occupation_comes_with_the_persona_nearest_to_it(hub: Path, tmp_path: Path) -> None:
    listed = evaluate_coverage(hub, occupations=write(tmp_path / "a.txt", "surgeon", "judge")).occupations
    assert listed is not None
    nearest = {each.title: each.nearest for each in listed.entries}
    assert nearest["judge"] == "一位在山区修路的律师"
    assert "nurse" in nearest["surgeon"] or "Медсестра" in nearest["surgeon"]


def test_a_higher_threshold_finds_no_more(hub: Path) -> None:
    found = [evaluate_coverage(hub, threshold=cosine).occupations for cosine in (0.3, 0.65, 0.9, 1.0)]
    counts = [listed.found for listed in found if listed]
    assert counts == sorted(counts, reverse=True)


def test_titles_are_compared_as_personas_say_them() -> None:
    assert title_forms("Registered Nurses") == ["registered nurse"]
    assert title_forms("Writers and Authors") == ["Writers and Authors", "writer", "author"]
    assert title_forms("Software Developers, Applications")[1:] == ["software developer"]
    assert title_forms("Prepress Technicians and Workers")[1:] == ["prepress technician"]
    assert title_forms("Managers, All Other") == ["Managers, All Other"]
    assert title_forms("Salesmen") == ["salesman"]
    assert title_forms("учитель") == ["учитель"]


def test_only_codes_of_the_soc_tell_a_group() -> None:
    assert soc_group(" 29-1141.00 ") == "health care, trained"
    assert soc_group("15-1252") == "computing and mathematics"
    assert {soc_group(code) for code in ("", "99-0000", "2911", "29-1141.00.1")} == {""}


def test_the_built_in_list_names_each_occupation_once_and_none_that_is_none() -> None:
    titles = [each.title for each in built_in_occupations()]
    assert len(set(titles)) == len(titles)
    assert not set(titles) & set(no_occupations())


@pytest.mark.parametrize(
    ("text", "language", "head"),
    [
        ("A pediatric nurse who gives injections to children", "en", "pediatric nurse"),
        ("Старый смотритель маяка, который учит чаек", "ru", "Старый смотритель маяка"),
        ("一位在公司工作，喜欢开源项目的软件工程师", "zh", "软件工程师"),
        ("一位安全研究员，对项目的安全负责", "zh", "安全研究员"),
        ("Eine Hebamme, die mit dem Rad kommt", "de", "Hebamme"),
        ("Un horloger qui répare des montres", "fr", "horloger"),
        ("小児科で働く看護師", "ja", "看護師"),
        ("아이들을 돌보는 소아과 간호사", "ko", "소아과 간호사"),
        ("Köyde çalışan bir öğretmen", "tr", "öğretmen"),
        ("พยาบาลที่ทำงานกะกลางคืน", "th", "พยาบาล"),
        ("Mwalimu wa shule, mzee", "sw", "Mwalimu wa shule"),
    ],
)
def test_the_head_says_who_it_is(text: str, language: str, head: str) -> None:
    assert find_head(text, language) == head


@given(st.text(max_size=200), st.sampled_from(["en", "ru", "zh", "ja", "ko", "tr", "th", "ar", "de", "xx"]))
def test_any_text_has_a_head_of_its_own_characters(text: str, language: str) -> None:
    assert find_head(text, language) in text


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 12), st.integers(0, 3))
def test_matching_agrees_with_brute_force(seed: int, personas: int, entries: int, others: int) -> None:
    draws = np.random.default_rng(seed)

    def some(count: int) -> Any:
        return unit(draws.normal(size=(count, 8)))

    heads, wholes, none = some(max(personas // 2, 1)), some(personas), some(others)
    head_of = draws.integers(len(heads), size=personas)
    forms = [[f"{n}.{m}" for m in range(draws.integers(1, 4))] for n in range(entries)]
    flat, starts = forms_to_compare(forms)
    vectors = some(len(flat))
    found = match_list(heads, head_of, wholes, ListVectors(vectors, starts, none))
    of = {form: place for place, form in enumerate(flat)}
    for place in range(personas):
        near = [max(vectors[of[f]] @ heads[head_of[place]] for f in each) for each in forms]
        whole = [max(vectors[of[f]] @ wholes[place] for f in each) for each in forms]
        best = int(np.argmax(np.array(near) + 0.3 * np.array(whole)))
        assert found.entry[place] == best
        assert found.cosine[place] == pytest.approx(near[best], abs=1e-5)
        beside = max((v @ heads[head_of[place]] for v in none), default=-1)
        assert found.other[place] == pytest.approx(beside, abs=1e-5)


# Languages, and what is not compared


def test_languages_are_counted_of_all_by_name(hub: Path) -> None:
    told = evaluate_coverage(hub).to_json()["languages"]
    assert told["en"] == {"name": "English", "personas": 4}
    assert {code: each["personas"] for code, each in told.items()} == {"en": 4, "ru": 1, "zh": 1, "el": 1}


def test_languages_that_the_model_does_not_know_are_told_and_not_compared(run: Run, hub: Path) -> None:
    assert evaluate_coverage(hub).not_compared == {"Greek": 1}
    assert "not compared: 1 Greek" in run("evaluate", "coverage", "--hub", hub).out


def test_a_hub_of_unknown_languages_only_is_told_too(run: Run, tmp_path: Path) -> None:
    hub_of(tmp_path / "hub", [("Mwalimu wa shule ya msingi", "sw"), ("Ένας ψαράς", "el")])
    result = evaluate_coverage(tmp_path / "hub", out=tmp_path / "out")
    assert (result.occupations, result.topics, result.gender["language not read"]) == (None, None, 2)
    assert "occupations: not done" in run("evaluate", "coverage", "--hub", tmp_path / "hub").out


# What is looked at


def test_a_condition_and_a_number_narrow_what_is_looked_at(hub: Path) -> None:
    english = evaluate_coverage(hub, where="language = 'en'", looked_at=2)
    assert (english.personas, english.looked_at, english.languages) == (4, 2, {"en": 4})
    assert sum(english.gender.values()) == 2


def test_the_same_seed_draws_the_same(hub: Path) -> None:
    first, again = (evaluate_coverage(hub, looked_at=3, seed=5) for _ in range(2))
    assert first == again


def test_duplicates_that_step_aside_are_not_counted(tmp_path: Path) -> None:
    from personahub import deduplicate

    hub_of(tmp_path / "hub", ["A baker who bakes rye bread before dawn"] * 3)
    deduplicate(tmp_path / "hub", semantic=None)
    assert evaluate_coverage(tmp_path / "hub").personas == 1
    assert evaluate_coverage(tmp_path / "hub", view="all").personas == 3


def test_stored_vectors_are_used_and_the_hub_is_not_written(hub: Path, tmp_path: Path) -> None:
    opened, ids = hub_of(tmp_path / "hub", PERSONAS[:4])
    encoder = SentenceEncoder()
    with opened.writing():
        opened.embeddings.add(ids[:3], encoder.embed([text for text, _ in PERSONAS[:3]]), encoder.name)
    before = evaluate_coverage(tmp_path / "hub")
    assert Hub(tmp_path / "hub").embeddings.count() == 3
    with opened.writing():
        opened.embeddings.add(ids[3:], encoder.embed([PERSONAS[3][0]]), encoder.name)
    assert personas_of(evaluate_coverage(tmp_path / "hub").occupations) == personas_of(before.occupations)


def test_vectors_of_some_personas_come_in_the_tables_order(tmp_path: Path) -> None:
    import pyarrow as pa

    opened, ids = hub_of(tmp_path / "hub", [f"A clerk of office {n}" for n in range(9)])
    vectors = np.eye(9, 16, dtype=np.float32)
    with opened.writing():
        opened.embeddings.add(ids[:5], vectors[:5], "m")
        opened.embeddings.add(ids[5:], vectors[5:], "m")
    wanted = pa.array([ids[7], ids[1], "p" + "0" * 20, ids[4]])
    found = {
        int(place): int(vector.argmax())
        for places, some in opened.embeddings.of(wanted)
        for place, vector in zip(places, some, strict=True)
    }
    assert found == {0: 7, 1: 1, 3: 4}


# Topics


def test_clusters_are_named_by_their_own_words_with_sizes(wide: Path) -> None:
    topics = evaluate_coverage(wide).topics
    assert isinstance(topics, Topics)
    assert sum(each.personas for each in topics.topics) == topics.compared == 60
    assert 0 < topics.evenness <= 1
    words = {word for each in topics.topics for word in each.words}
    assert words & {"baker", "bread", "dough", "rye", "bakes"}
    assert words & {"sailor", "ship", "sea", "sails", "stormy"}
    assert all(each.personas < 0.25 * 60 / len(topics.topics) for each in topics.thin)


def test_names_leave_out_what_all_of_a_language_say() -> None:
    texts = (
        [("一位开源软件工程师", "zh")] * 5 + [("一位乡村医生", "zh")] * 5 + [("A man who sails", "en")] * 5
    )
    names = name_clusters(texts, [0] * 5 + [1] * 5 + [0] * 3 + [1] * 2, 2)
    assert "医生" in names[1]
    assert not {"一位", "who", "sails"} & {word for name in names for word in name}


def test_names_are_of_words_that_several_scripts_have() -> None:
    assert name_words("The sea, МОРЕ и 大海 바다") == {"the", "sea", "море", "大海", "바다"}


def test_topics_of_a_list_are_found_in_all_that_a_persona_says(wide: Path, tmp_path: Path) -> None:
    listed = write(tmp_path / "topics.txt", "baking bread", "sailing ships", "opera singing")
    found = evaluate_coverage(wide, topics=listed).topics
    assert isinstance(found, ListCoverage)
    assert set(personas_of(found)) == {"baking bread", "sailing ships"}
    assert [each.title for each in found.missing()] == ["opera singing"]


# On the command line


def test_the_command_prints_tables_and_json(run: Run, hub: Path) -> None:
    shown = run("evaluate", "coverage", "--hub", hub)
    assert shown.code == 0
    for title in ("Occupations (built in)", "Missing occupations", "Languages", "Gender", "Age"):
        assert title in shown.out
    told = json.loads(run("evaluate", "coverage", "--hub", hub, "--json").out)
    assert told["gender"] == {"woman": 2, "man": 0, "not stated": 4, "language not read": 1}
    assert told["age"]["40 to 64"] == 1
    assert told["occupations"]["reached"] == 3
    assert len(told["occupations"]["entries"]) == len(built_in_occupations())
    assert told["topics"] is None


def test_a_report_is_written_the_same_each_time(wide: Path, tmp_path: Path) -> None:
    add_personas(Hub(wide), [("一位讲故事的渔民|船长", "zh"), ("Рыбак <b>$x$</b>, который чинит сети", "ru")])
    for folder in ("one", "two"):
        evaluate_coverage(wide, out=tmp_path / folder)
    written = {file.name: file.read_bytes() for file in (tmp_path / "one").iterdir()}
    assert sorted(written) == ["coverage.json", "coverage.md", "coverage.png", "coverage.svg"]
    assert written == {file.name: file.read_bytes() for file in (tmp_path / "two").iterdir()}
    assert written["coverage.png"].startswith(b"\x89PNG")


def test_a_hub_of_one_persona_is_told_of_too(tmp_path: Path) -> None:
    hub_of(tmp_path / "hub", ["A glassblower who hums"])
    result = evaluate_coverage(tmp_path / "hub", out=tmp_path / "out")
    assert personas_of(result.occupations) == {"glassblower": 1}
    assert "topics: not done" in (tmp_path / "out" / "coverage.md").read_text(encoding="utf-8")


# Bad input


def test_a_hub_without_personas_is_refused(run: Run, tmp_path: Path) -> None:
    Hub.create(tmp_path / "hub")
    assert "has no persona; personahub stats" in one_line_error(
        run("evaluate", "coverage", "--hub", tmp_path / "hub")
    )


def test_a_condition_that_nobody_meets_is_told(run: Run, hub: Path) -> None:
    told = one_line_error(run("evaluate", "coverage", "--hub", hub, "--where", "language = 'fr'"))
    assert "has no persona that meets the condition" in told


@pytest.mark.parametrize(
    ("name", "lines", "told"),
    [
        ("a.txt", [""], "has no entry"),
        ("a.txt", ["# only a heading", "---", "12"], "has no entry"),
        (
            "a.csv",
            ["code,pay", "29-1141.00,12"],
            "no row has a title; name its field one of title, occupation",
        ),
        ("a.jsonl", ['{"title": 7}'], "no row has a title"),
        ("a.csv", ["title"], "has no entry"),
    ],
)
def test_a_list_without_titles_is_refused(
    run: Run, hub: Path, tmp_path: Path, name: str, lines: list[str], told: str
) -> None:
    listed = write(tmp_path / name, *lines)
    assert told in one_line_error(run("evaluate", "coverage", "--hub", hub, "--occupations", listed))


def test_a_list_that_is_not_there_is_refused(run: Run, hub: Path, tmp_path: Path) -> None:
    line = one_line_error(run("evaluate", "coverage", "--hub", hub, "--topics", tmp_path / "no.txt"))
    assert "no.txt" in line


def test_a_list_of_one_line_is_told(run: Run, hub: Path, tmp_path: Path) -> None:
    listed = write(tmp_path / "one.txt", "nurse", "Nurse ")
    shown = run("evaluate", "coverage", "--hub", hub, "--occupations", listed)
    assert "1 of 1 reached" in shown.out
    assert "the list of occupations has one entry" in shown.out


def test_embeddings_of_another_model_are_refused(run: Run, tmp_path: Path) -> None:
    opened, ids = hub_of(tmp_path / "hub", ["A nurse"])
    with opened.writing():
        opened.embeddings.add(ids, np.ones((1, 4), np.float32), "another-model")
    line = one_line_error(run("evaluate", "coverage", "--hub", tmp_path / "hub"))
    assert "embedded by another-model" in line


@pytest.mark.parametrize("cosine", ["0", "1.5", "-1", "nan"])
def test_a_threshold_that_is_no_cosine_is_refused(run: Run, hub: Path, cosine: str) -> None:
    line = one_line_error(run("evaluate", "coverage", "--hub", hub, "--threshold", cosine))
    assert "--threshold" in line


def test_without_matplotlib_a_report_is_refused_before_anything_is_read(
    run: Run, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    told = one_line_error(run("evaluate", "coverage", "--hub", hub, "--out", tmp_path / "out"))
    assert "plots need matplotlib: pip install 'personahub[evaluate]'" in told
