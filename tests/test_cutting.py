"""Words of many texts as numbers: the words of `find_words`, one by one."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personahub.kernels.cutting import BETWEEN, UNKNOWN, KnownWords
from personahub.kernels.words import find_words

pieces = st.sampled_from(
    [
        "Bees",
        "it's",
        "'",
        "’",
        " ",
        "_",
        "7",
        "мёд",
        "蜂蜜",
        "はち",
        "ー",
        "ไทย",
        "ไทยไทย",
        "ພ",
        "\u0301",
        "ß",
        "①",
    ]
)
texts = st.lists(st.one_of(st.text(max_size=12), st.lists(pieces, max_size=12).map("".join)), max_size=8)


@settings(max_examples=400, deadline=None)
@given(texts, texts)
def test_the_words_are_those_that_are_found_text_by_text(known: list[str], asked: list[str]) -> None:
    words = list(dict.fromkeys(word for text in known for word in find_words(text)))
    numbers, starts = KnownWords(words).number(asked)
    by_word = {word: number for number, word in enumerate(words)}
    expected = [[by_word.get(word, UNKNOWN) for word in find_words(text)] for text in asked]
    assert numbers.tolist() == [BETWEEN, *(number for row in expected for number in [*row, BETWEEN])]
    assert [numbers[start : end - 1].tolist() for start, end in pairwise(starts)] == expected


@pytest.mark.slow
def test_every_character_is_cut_as_it_is_when_text_by_text() -> None:
    every = [f"a{chr(point)}b" for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    words = list(dict.fromkeys(word for text in every for word in find_words(text)))
    numbers, starts = KnownWords(words).number(every)
    assert len(starts) == len(every) + 1
    found = iter(numbers[1:].tolist())
    for text in every:
        assert [words[next(found)] for _ in find_words(text)] == find_words(text)
        assert next(found) == BETWEEN


def test_a_missing_text_has_no_words() -> None:
    numbers, starts = KnownWords(["bee"]).number([None, "bee"])
    assert (numbers.tolist(), starts.tolist()) == ([-2, -2, 0, -2], [1, 2, 4])
