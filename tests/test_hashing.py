"""Words as hashes: the words that Python finds, each with one hash in all texts."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personahub.errors import UserError
from personahub.kernels.hashing import hash_word, hash_words
from personahub.kernels.texts import Texts, encoded
from personahub.kernels.words import find_words

ODD = "'’ʼ_a1яЁйß№ﬁⅷ½…‑一々。ไยé\u0301ı\u2028\u00a0\ud800\udc00🐝µſÅΣ가ｱＡ"
characters = st.one_of(
    st.sampled_from(ODD),
    st.characters(max_codepoint=0x052F),
    st.characters(min_codepoint=0x2000, max_codepoint=0x9FFF),
    st.characters(),
)


def read(texts: Texts) -> list[list[int]]:
    """The hashes of each text's words."""
    found = []
    for array in encoded(texts):
        for starts, hashes in hash_words(array):
            found += [hashes[begin:end].tolist() for begin, end in pairwise(starts.tolist())]
    return found


def expected(texts: Sequence[str | None]) -> list[list[int]]:
    """The same by Python: each word once, in the order in which they come."""
    return [[hash_word(word) for word in dict.fromkeys(find_words(text or ""))] for text in texts]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(characters, max_size=30), max_size=6))
def test_the_words_are_those_that_python_finds(texts: list[str]) -> None:
    assert read(texts) == expected(texts)


def test_every_character_is_cut_as_python_cuts_it() -> None:
    # Between letters, where it may join or part; sixteen of them at a time.
    codes = [code for code in range(0x10000) if not 0xD800 <= code < 0xE000]
    texts = [f"a{chr(code)}b'{chr(code)}" for code in codes]
    assert read(texts) == expected(texts)


def test_most_of_the_web_is_read_without_python(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [
        "It’s £5 — “naïve”… Straße",
        "Ο Οδυσσέας",
        "مدرسة",
        "カタカナ",
        "한국어",
        "Ёлка №5 «в лесу»",
        "一位（６岁）的护士，住在“海边”。",
    ]
    words = expected(texts)
    read(["its tables are made"])
    monkeypatch.setattr("personahub.kernels.hashing.find_words", None)
    assert read(texts) == words


def test_words_of_a_text_have_different_hashes() -> None:
    words = {f"{left}{right}" for left in ("", "a", "мёд", "bee'", "养") for right in map(str, range(20_000))}
    assert len({hash_word(word) for word in words}) == len(words)


def test_words_of_any_length_end_where_python_ends_them() -> None:
    # Eight bytes are read at a time, also where the next text begins in them.
    longest = "Abc4efgHijklmnopqrs7uvwXyz" * 2
    ends = ["", ".", "'", "'s", "'s'", "é", " x", "养", "\t", "@", "[", "`", "{", "/", ":", "\x00", "\x7f"]
    texts = [before + longest[:size] + after for size in range(30) for after in ends for before in ("", "(")]
    assert read(texts) == expected(texts)
    assert read(texts[::-1]) == expected(texts[::-1])


def test_texts_that_are_not_wanted_have_no_words() -> None:
    texts = pa.array(["a nurse", "a miller", "ᄀ가", "nurse"], pa.large_string())
    wanted = np.array([False, True, False, True])
    starts = np.concatenate([found.starts for found in hash_words(texts, wanted)])
    assert starts.tolist() == [0, 0, 2, 2, 3]


def test_a_text_of_megabytes_is_one_text() -> None:
    texts = ["a miller", "nurse " * 500_000 + "miller", "nurse"]
    assert read(texts) == expected(texts)


@pytest.mark.parametrize(
    "given",
    [
        pa.array(["a nurse", None, "", "nurse"]),
        pa.array(["unseen", "a nurse", None, "", "nurse", "x"], pa.large_string()).slice(1, 4),
        pa.chunked_array([["a nurse", None], [], ["", "nurse"]], pa.string()),
        pa.array(["a nurse", None, "", "nurse"]).dictionary_encode(),
        pa.array(["a nurse", None, "", "nurse"], pa.string_view()),
        ["a nurse", None, "", "nurse"],
    ],
)
def test_arrow_arrays_of_any_kind_give_the_same(given: Texts) -> None:
    assert read(given) == expected(["a nurse", None, "", "nurse"])


@pytest.mark.parametrize("given", [pa.array([None, None], pa.null()), ["", None], ["…", "!"]])
def test_texts_without_words_have_none(given: Texts) -> None:
    assert read(given) == [[], []]


def test_numbers_are_no_texts() -> None:
    with pytest.raises(UserError, match="give one of strings"):
        read(pa.array([1, 2]))
