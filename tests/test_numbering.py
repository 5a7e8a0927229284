"""Words as numbers: the words that Python finds, each with one number in all texts."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personahub.errors import UserError
from personahub.kernels.numbering import number_words
from personahub.kernels.texts import Texts
from personahub.kernels.words import find_words

ODD = "'’ʼ_a1яЁйß№ﬁⅷ½…‑一々。ไยé\u0301ı\u2028\u00a0\ud800\udc00🐝µſÅΣ가ｱＡ"
characters = st.one_of(
    st.sampled_from(ODD),
    st.characters(max_codepoint=0x052F),
    st.characters(min_codepoint=0x2000, max_codepoint=0x9FFF),
    st.characters(),
)


def check(texts: list[str | None], given: Texts | None = None) -> None:
    """Each text has the words that Python finds, and no two words have one number."""
    found = number_words(texts if given is None else given)
    assert found.starts[0] == 0
    assert len(found.starts) == len(texts) + 1
    names: dict[int, str] = {}
    numbers: dict[str, int] = {}
    for row, text in enumerate(texts):
        words = set(find_words(text or ""))
        own = found.words[found.starts[row] : found.starts[row + 1]].tolist()
        assert len(own) == len(set(own)) == len(words)
        assert {names[number] for number in own if number in names} <= words
        new = [number for number in own if number not in names]
        unnamed = [word for word in words if word not in numbers]
        assert len(new) == len(unnamed)
        if len(new) == 1:
            names[new[0]] = unnamed[0]
            numbers[unnamed[0]] = new[0]
        else:
            # Which is which is told by giving each of them alone.
            for word in unnamed:
                alone = number_words([*texts, word]).words
                numbers[word] = int(alone[-1])
                names[numbers[word]] = word
            assert set(new) == {numbers[word] for word in unnamed}
    assert max(names, default=-1) < found.vocabulary


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(characters, max_size=30), max_size=6))
def test_the_words_are_those_that_python_finds(texts: list[str]) -> None:
    check(list(texts))


def test_every_character_is_cut_as_python_cuts_it() -> None:
    # Between letters, where it may join or part; sixteen of them at a time.
    codes = [code for code in range(0x10000) if not 0xD800 <= code < 0xE000]
    texts = [f"a{chr(code)}b'{chr(code)}" for code in codes]
    found = number_words(texts)
    for row, text in enumerate(texts):
        own = found.words[found.starts[row] : found.starts[row + 1]]
        assert len(own) == len(set(find_words(text))), hex(codes[row])


def test_most_of_the_web_is_read_without_python(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["It’s £5 — “naïve”… Straße", "Ёлка №5 «в лесу»", "一位（６岁）的护士，住在“海边”。"]
    counts = [len(set(find_words(text))) for text in texts]
    number_words(["its tables are made"])
    monkeypatch.setattr("personahub.kernels.numbering.find_words", None)
    assert np.diff(number_words(texts).starts).tolist() == counts


def test_a_vocabulary_outgrows_its_table() -> None:
    rows = [" ".join(f"w{place}x{row}" for place in range(400)) for row in range(1500)]
    found = number_words(pa.array([*rows, *rows], pa.large_string()))
    assert found.vocabulary == 600_000
    half = len(found.words) // 2
    assert (found.words[:half] == found.words[half:]).all()


def test_a_text_of_megabytes_is_one_text() -> None:
    long = "nurse " * 500_000 + "miller"
    found = number_words(["a miller", long, "nurse"])
    assert found.words.tolist() == [0, 1, 2, 1, 2]
    assert found.starts.tolist() == [0, 2, 4, 5]


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
    found = number_words(given)
    assert found.words.tolist() == [0, 1, 1]
    assert found.starts.tolist() == [0, 2, 2, 2, 3]


@pytest.mark.parametrize("given", [pa.array([None, None], pa.null()), ["", None], ["…", "!"]])
def test_texts_without_words_have_none(given: Texts) -> None:
    found = number_words(given)
    assert (found.starts.tolist(), found.words.tolist(), found.vocabulary) == ([0, 0, 0], [], 0)


def test_numbers_are_no_texts() -> None:
    with pytest.raises(UserError, match="give one of strings"):
        number_words(pa.array([1, 2]))
