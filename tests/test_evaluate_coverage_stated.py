"""Gender and age: found where a persona's words state them, and nowhere else."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personahub.evaluation.stated import GENDERS, find_stated
from personahub.evaluation.stated_words import AGE_WORDS, BANDS, MAN, WOMAN
from personahub.models.sentence_encoder import SentenceEncoder
from stated_sentences import SENTENCES, UNSEEN, Sentence


def wrong(sentences: Iterable[Sentence]) -> list[tuple[str, object, object]]:
    """Where something is found that is not stated, or something else than is stated."""
    found = ((each, find_stated(each.text, each.language)) for each in sentences)
    return [
        (each.text, each[2:], tuple(stated))
        for each, stated in found
        if (stated.gender not in {None, each.gender}) or (stated.age not in {None, each.age})
    ]


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda each: each.text[:40])
def test_what_is_stated_is_found_and_nothing_else(sentence: Sentence) -> None:
    assert find_stated(sentence.text, sentence.language) == (sentence.gender, sentence.age)


def test_in_sentences_written_after_the_rules_nothing_is_found_that_is_not_stated() -> None:
    assert wrong(UNSEEN) == []


def test_in_sentences_written_after_the_rules_nine_of_ten_are_found() -> None:
    for place, name in ((2, "gender"), (3, "age")):
        stating = [each for each in UNSEEN if each[place] is not None]
        found = [
            each for each in stating if getattr(find_stated(each.text, each.language), name) == each[place]
        ]
        assert len(found) >= 0.9 * len(stating)


@pytest.mark.parametrize(
    ("text", "language", "gender", "age"),
    [
        ("Eine 34-jährige Frau, die Brücken prüft", "de", "woman", "18 to 39"),
        ("Ein Vater von drei Kindern", "de", "man", None),
        ("Ein Arzt für Frauen", "de", None, None),
        ("Una abuela que enseña a coser", "es", "woman", None),
        ("Un carpintero de 70 años que talla santos", "es", None, "65 and over"),
        ("Un conserje con 30 años de experiencia", "es", None, None),
        ("Une jeune femme qui restaure des vitraux", "fr", "woman", "18 to 39"),
        ("Un médecin de 45 ans qui chante", "fr", None, "40 to 64"),
        ("Una madre di due gemelli", "it", "woman", None),
        ("Een 16-jarige jongen die zeilt", "nl", "man", "under 18"),
        ("Matka trójki dzieci, która gra w szachy", "pl", "woman", None),
        ("Um avô que conserta relógios", "pt", "man", None),
        ("Köyde öğretmenlik yapan bir kadın", "tr", "woman", None),
        ("34歳の看護師", "ja", None, "18 to 39"),
        ("毎朝パンを焼く母親", "ja", "woman", None),
        ("시골에서 벌을 치는 할머니", "ko", "woman", None),
        ("ผู้หญิงที่ขายดอกไม้", "th", "woman", None),
        ("แม่ครัวที่ชอบทำขนม", "th", None, None),
        ("أم لطفلين تدرس ليلا", "ar", "woman", None),
        ("رجل أعمال يسافر كثيرا", "ar", None, None),
        ("Mwanamke wa miaka 30", "sw", None, None),
    ],
)
def test_other_languages_have_rules_too(
    text: str, language: str, gender: str | None, age: str | None
) -> None:
    assert find_stated(text, language) == (gender, age)


@pytest.mark.parametrize(
    "text", ["A waitress who sings", "A businessman who sails", "A policewoman on a horse"]
)
def test_forms_of_occupations_state_no_gender(text: str) -> None:
    assert find_stated(text, "en").gender is None


@pytest.mark.parametrize(
    ("years", "band"), [(1, 0), (17, 0), (18, 1), (39, 1), (40, 2), (64, 2), (65, 3), (104, 3)]
)
def test_ages_fall_into_bands_by_their_first_year(years: int, band: int) -> None:
    assert find_stated(f"A {years}-year-old who whistles", "en").age == BANDS[band]
    assert find_stated(f"一位{years}岁的邮递员", "zh").age == BANDS[band]
    assert find_stated(f"{years}-летний почтальон", "ru").age == BANDS[band]


def test_an_impossible_age_is_none() -> None:
    assert find_stated("A 900-year-old oak keeper", "en").age is None


def test_a_pronoun_that_may_mean_somebody_else_states_nothing() -> None:
    assert find_stated("A band manager who plays for a sick singer and her family", "en").gender is None
    assert find_stated("A visitor of Dr Lee's office who praises his patience", "en").gender is None


def test_all_languages_of_the_built_in_embeddings_have_words() -> None:
    assert set(WOMAN) == set(MAN) == set(AGE_WORDS) == SentenceEncoder.languages


@given(st.text(max_size=120), st.sampled_from([*sorted(WOMAN), "xx"]))
def test_any_text_is_read(text: str, language: str) -> None:
    stated = find_stated(text, language)
    assert stated.gender in {None, *GENDERS}
    assert stated.age in {None, *BANDS}
