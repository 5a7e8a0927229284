"""The normalised words of texts in many scripts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personahub.kernels.words import find_words, join_words, weigh_word


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A nurse, who's 7 years in.", ["a", "nurse", "who's", "7", "years", "in"]),
        ("snake_case 'quoted' rock'n'roll", ["snake", "case", "quoted", "rock'n'roll"]),
        ("L’été à la FRANÇAISE", ["l'été", "à", "la", "française"]),
        ("Die große STRASSE der Straße", ["die", "grosse", "strasse", "der", "strasse"]),
        ("Пчёлы: ПЧЁЛЫ в мае", ["пчёлы", "пчёлы", "в", "мае"]),
        ("ΟΔΟΣ οδός", ["οδοσ", "οδόσ"]),
        ("护士 照顾5名病童", ["护", "士", "照", "顾", "5", "名", "病", "童"]),
        ("パンを焼く", ["パ", "ン", "を", "焼", "く"]),
        ("병원의 간호사", ["병원의", "간호사"]),
        ("พยาบาล", ["พยา", "ยาบ", "าบา", "บาล"]),
        ("ขา", ["ขา"]),
        ("مُمَرِّضة في البيت", ["مُمَرِّضة", "في", "البيت"]),
        ("नर्स जो गाती है", ["नर्स", "जो", "गाती", "है"]),
        ("ｆｕｌｌ　ｗｉｄｔｈ ﬁne ①", ["full", "width", "fine", "1"]),
        ("… — !?", []),
        ("", []),
    ],
)
def test_words_of_each_script_are_cut_as_its_readers_would(text: str, words: list[str]) -> None:
    assert find_words(text) == words


def test_one_letter_written_in_two_ways_is_one_letter() -> None:
    assert find_words("e\u0301te\u0301") == find_words("été")


@given(st.text())
def test_words_have_one_form_only(text: str) -> None:
    words = find_words(text)
    assert find_words(" ".join(word.upper() for word in words if word.isascii())) == [
        word for word in words if word.isascii()
    ]


_COMMON = st.characters(max_codepoint=0x052F) | st.characters(min_codepoint=0x2000, max_codepoint=0x9FFF)


@given(st.text(_COMMON | st.sampled_from("'’_a1я一")))
def test_a_text_is_cut_alike_beside_another_script(text: str) -> None:
    assert find_words(f"{text} ไทย") == [*find_words(text), "ไทย"]


@pytest.mark.parametrize(
    ("words", "tenths"),
    [
        (["a", "7", "rock'n'roll", "мёд", "я", "병원의", "البيت"], 10),
        (["蜜", "々"], 7),
        (["の", "ー"], 3),
        (["พยา", "ขา", "ခွင"], 2),
    ],
)
def test_a_piece_weighs_what_it_stands_for(words: list[str], tenths: int) -> None:
    assert {weigh_word(word) for word in words} == {tenths}


@pytest.mark.parametrize(
    "text", ["a bee's nest 7", "мёд и воск", "一罐蜂蜜", "パンを焼く", "พยาบาล", "seit 1990 一罐 蜜の พยาบาล"]
)
def test_joined_words_are_the_text_again(text: str) -> None:
    words = find_words(text)
    assert find_words(join_words(words)) == words
    assert join_words(words).replace(" ", "") == text.replace(" ", "")
