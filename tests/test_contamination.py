"""Decontamination: every leak of a benchmark's words, judged by Python's own sets of n-grams."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personahub.errors import UserError
from personahub.kernels.words import find_words, weigh_word
from personahub.verification import ngrams
from personahub.verification.contamination import Benchmark, BenchmarkItem, Overlap

ENGLISH = (
    "A beekeeper fills seventeen jars with heather honey on Monday and twice as many on Tuesday, but nine of "
    "them break on the way to the village market; how many jars are left to sell?"
)
TEXTS = {
    "en": ENGLISH,
    "ru": "Пасечник в понедельник разлил вересковый мёд по семнадцати банкам, во вторник вдвое больше, но "
    "девять банок разбились по дороге на деревенский рынок; сколько банок осталось продать?",
    "zh": "养蜂人星期一装了十七罐石楠蜂蜜，星期二装的是星期一的两倍，"
    "可是在去村里集市的路上打碎了九罐，请问还剩下多少罐可以卖？",
    "ja": "養蜂家は月曜日に十七個の瓶にヒースの蜂蜜を詰め、火曜日にはその二倍を詰めましたが、"
    "村の市場へ行く途中で九個が割れてしまいました。売れる瓶はいくつ残っていますか。",
    "th": "คนเลี้ยงผึ้งบรรจุน้ำผึ้งสิบเจ็ดขวดในวันจันทร์และสองเท่าในวันอังคารแต่เก้าขวดแตกระหว่างทางไปตลาดในหมู่บ้านเหลือกี่ขวดที่จะขาย",
    "ar": "يملأ النحال سبع عشرة جرة بعسل الخلنج يوم الاثنين وضعف ذلك يوم الثلاثاء "
    "لكن تسعا منها تنكسر في الطريق إلى سوق القرية فكم جرة تبقى للبيع؟",
}

# Few words, so that long runs come by chance; of scripts that weigh differently.
words = st.sampled_from(["a", "b", "мёд", "蜜", "城", "の", "ไทย", "ไทยไ", "7"])
unknown = st.sampled_from(["a", "b", "мёд", "蜜", "x", "の", "ไทย", "y", "7"])
few_words = st.lists(words, max_size=8)
some_words = st.one_of(few_words, st.lists(words, min_size=8, max_size=30))


@st.composite
def leaking(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Items, some with parts of others, and texts that hold stretches of them."""
    items: list[list[str]] = draw(st.lists(some_words, min_size=1, max_size=3))
    for _ in range(draw(st.integers(0, 2))):
        items.append([*draw(few_words), *stretch(draw, items), *draw(few_words)])
    texts = []
    for _ in range(draw(st.integers(1, 4))):
        text: list[str] = draw(st.lists(unknown, max_size=3))
        for _ in range(draw(st.integers(1, 3))):
            text += [*stretch(draw, items), *draw(st.lists(unknown, max_size=2))]
        texts.append(text)
    return [" ".join(item) for item in items], [" ".join(text) for text in texts]


def stretch(draw: st.DrawFn, items: list[list[str]]) -> list[str]:
    item = draw(st.sampled_from(items))
    start = draw(st.integers(0, len(item) // 2))
    return item[start : draw(st.integers(start, len(item))) if draw(st.booleans()) else None]


def weight(run: Sequence[str]) -> int:
    return sum(map(weigh_word, run))


def grams(text: Sequence[str], least: int) -> list[tuple[str, ...]]:
    """From each word on the shortest stretch that weighs so much."""
    found = []
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            if weight(text[start:end]) >= least:
                found.append(tuple(text[start:end]))
                break
    return found


def stands_in(run: Sequence[str], text: Sequence[str]) -> bool:
    return any(text[at : at + len(run)] == list(run) for at in range(len(text) - len(run) + 1))


def longest(text: Sequence[str], other: Sequence[str]) -> int:
    runs = {tuple(other[a:b]) for a in range(len(other)) for b in range(a + 1, len(other) + 1)}
    return max(
        (
            weight(text[a:b])
            for a in range(len(text))
            for b in range(a + 1, len(text) + 1)
            if tuple(text[a:b]) in runs
        ),
        default=0,
    )


def judged(items: list[str], text: str, share: str) -> list[tuple[int, int, Fraction, int]]:
    """Every item that contaminates a text, by definition: its place, n, share and longest run."""
    own, found = find_words(text), []
    seen: set[tuple[str, ...]] = set()
    for place, item in enumerate(items):
        asked = find_words(item)
        if not asked or tuple(asked) in seen:
            continue
        seen.add(tuple(asked))
        if weight(asked) >= 80:
            eights = grams(asked, 80)
            part = Fraction(sum(gram in set(grams(own, 80)) for gram in eights), len(eights))
            thirteen = bool(set(grams(own, 130)) & set(grams(asked, 130)))
            if thirteen or part >= Fraction(share):
                found.append((place, 13 if thirteen else 8, part, longest(own, asked)))
        elif stands_in(asked, own) if weight(asked) >= 40 else asked == own:
            found.append((place, weight(asked) // 10 or 1, Fraction(1), weight(asked)))
    return found


def matches(items: list[str], texts: list[str], share: float = 0.5) -> list[Overlap | None]:
    return Benchmark.index((BenchmarkItem("b", row, item) for row, item in enumerate(items)), share).overlaps(
        texts
    )


def check(items: list[str], texts: list[str], share: str) -> None:
    for text, match in zip(texts, matches(items, texts, float(share)), strict=True):
        expected = judged(items, text, share)
        if match is None:
            assert not expected
            continue
        long = [each for each in expected if weight(find_words(items[each[0]])) >= 80]
        best = max(
            long or expected, key=lambda each: (each[1] == 13, each[2] if long else 0, each[3], -each[0])
        )
        assert (match.row, match.n) == best[:2]
        assert match.share == pytest.approx(float(best[2]))
        assert match.words == max(best[3] // 10, 1)
        assert match.others == len(expected) - 1


@settings(max_examples=300, deadline=None)
@given(leaking(), st.sampled_from(["0.1", "0.3", "0.5", "1.0"]))
def test_verdicts_are_those_of_sets_of_grams(drawn: tuple[list[str], list[str]], share: str) -> None:
    check(*drawn, share)


@settings(max_examples=60, deadline=None)
@given(leaking())
def test_words_decide_where_all_hashes_are_the_same(drawn: tuple[list[str], list[str]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngrams, "word_marks", lambda count: np.zeros(count, np.uint64))
        check(*drawn, "0.5")


@pytest.mark.parametrize("language", TEXTS)
def test_a_leak_is_found_in_every_script(language: str) -> None:
    text = TEXTS[language]
    around = {"zh": "题目如下：{}答案是四十二。", "ja": "問題：{}答えは四十二です。"}.get(
        language, "So: {} And so on."
    )
    (found,) = matches([*TEXTS.values()], [around.format(text)])
    assert found is not None
    assert (found.row, found.n, found.share, found.others) == (list(TEXTS).index(language), 13, 1.0, 0)
    assert find_words(found.run) == find_words(text)


@pytest.mark.parametrize("language", TEXTS)
def test_a_text_of_other_words_is_clean(language: str) -> None:
    others = [text for code, text in TEXTS.items() if code != language]
    assert matches(others, [TEXTS[language]]) == [None]


def test_case_punctuation_and_letter_forms_hide_no_leak() -> None:
    assert matches([ENGLISH], [ENGLISH.upper().replace(" ", " — ").replace("Y", "Ｙ")])[0] is not None


def test_thirteen_words_in_a_row_contaminate_and_twelve_of_a_long_item_do_not() -> None:
    asked = ENGLISH.split()
    thirteen, twelve = matches([ENGLISH], ["so " + " ".join(asked[5:18]), "so " + " ".join(asked[5:17])])
    assert thirteen is not None
    assert (thirteen.n, thirteen.words) == (13, 13)
    assert thirteen.run == "with heather honey on monday and twice as many on tuesday but nine"
    assert twelve is None


def test_nineteen_characters_stand_for_thirteen_words() -> None:
    asked = "".join(find_words(TEXTS["zh"]))
    found = matches([TEXTS["zh"]], [asked[5:24] + "蜜", asked[5:23] + "蜜"])
    assert [match and (match.n, match.run) for match in found] == [(13, asked[5:24]), None]


def test_half_of_the_eight_grams_of_an_item_contaminate() -> None:
    item = "how many pine cones does a red squirrel bury"  # two 8-grams
    (found,) = matches([item], ["Tell us how many pine cones does a red fox bury, or squirrel."])
    assert found is None
    (found,) = matches([item], ["Tell us how many pine cones does a red squirrel eat."])
    assert found is not None
    assert (found.n, found.share, found.words) == (8, 0.5, 8)
    assert matches([item], ["Tell us how many pine cones does a red squirrel eat."], share=0.6) == [None]


def test_a_short_item_contaminates_as_a_whole() -> None:
    item = "Who tunes the harbour bells?"
    whole, part = matches([item], ["He asked who tunes the harbour bells.", "who tunes the harbour organ"])
    assert whole is not None
    assert (whole.n, whole.share, whole.run) == (5, 1.0, "who tunes the harbour bells")
    assert part is None


def test_an_item_of_one_word_contaminates_only_a_text_of_no_more() -> None:
    found = matches(["Yes"], ["yes!", "yes and no", "no"])
    assert [match and match.run for match in found] == ["yes", None, None]


def test_the_item_that_a_text_has_most_of_is_named_and_the_others_are_counted() -> None:
    longer = f"{ENGLISH} Explain each step in words."
    (found,) = matches([longer, ENGLISH], [f"{ENGLISH} Nothing more."])
    assert found is not None
    assert (found.row, found.share, found.others) == (1, 1.0, 1)


def test_items_of_equal_words_are_one_and_items_without_words_are_counted() -> None:
    benchmark = Benchmark.index(
        [
            BenchmarkItem("first.jsonl", 3, ENGLISH),
            BenchmarkItem("second.jsonl", 8, ENGLISH.lower()),
            BenchmarkItem("second.jsonl", 9, "…?"),
        ]
    )
    assert (benchmark.items, benchmark.repeated, benchmark.wordless) == (1, 1, 1)
    (found,) = benchmark.overlaps([ENGLISH])
    assert found is not None
    assert (found.file, found.row, found.others) == ("first.jsonl", 3, 0)


def test_an_empty_benchmark_contaminates_nothing() -> None:
    assert matches([], [ENGLISH, ""]) == [None, None]


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
)
def test_texts_come_as_arrow_arrays_in_any_number(kind: pa.DataType) -> None:
    texts = pa.array([ENGLISH, None, "…", "other"] * 1500, pa.string()).cast(kind)
    found = Benchmark.index([BenchmarkItem("b", 0, ENGLISH)]).overlaps(texts)
    assert [match is not None for match in found] == [True, False, False, False] * 1500


def test_a_share_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match="share of 8-grams is 0; give a number above 0 and up to 1"):
        matches([ENGLISH], [], share=0)
