"""Copying: the longest run that a text shares, judged by trying every run."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personahub.kernels.words import find_words, weigh_word
from personahub.verification import ngrams
from personahub.verification.copying import Corpus, CorpusDocument, longest_common_run

SOURCE = (
    "The ferry to the outer island leaves at six, and whoever misses it sleeps in the net loft above the "
    "smokehouse, where the skipper's aunt keeps three cots, a stove and a shelf of almanacs."
)
RUSSIAN = (
    "Паром на дальний остров уходит в шесть, и кто опоздал, тот ночует на чердаке над коптильней, где тётка "
    "шкипера держит три койки, печку и полку старых календарей."
)
CHINESE = (
    "去外岛的渡船六点开，赶不上的人就睡在熏鱼房上面的网具阁楼里，"
    "船长的姑妈在那里放了三张小床、一个炉子和一架子旧历书。"
)

words = st.sampled_from(["a", "b", "мёд", "蜜", "城", "の", "ไทย", "ไทยไ", "7"])
word_lists = st.lists(words, max_size=40)


def weight(run: Sequence[str]) -> int:
    return sum(map(weigh_word, run))


def longest(text: Sequence[str], source: Sequence[str]) -> int:
    """What the longest shared run weighs, by trying every run."""
    runs = {tuple(source[a:b]) for a in range(len(source)) for b in range(a + 1, len(source) + 1)}
    found = (tuple(text[a:b]) for a in range(len(text)) for b in range(a + 1, len(text) + 1))
    return max((weight(run) for run in found if run in runs), default=0)


@settings(max_examples=200, deadline=None)
@given(word_lists, word_lists)
def test_the_longest_run_is_that_of_trying_every_run(text: list[str], source: list[str]) -> None:
    own, other = find_words(" ".join(text)), find_words(" ".join(source))
    run = longest_common_run(" ".join(text), " ".join(source))
    expected = longest(own, other)
    assert (run is None) == (expected == 0)
    if run:
        size = next(n for n in range(1, len(own) + 1) if weight(own[run.start : run.start + n]) == expected)
        assert own[run.start : run.start + size] == other[run.source_start : run.source_start + size]
        assert run.words == max(expected // 10, 1)
        assert run.share == pytest.approx(expected / weight(own))


@settings(max_examples=200, deadline=None)
@given(st.lists(word_lists, max_size=5), st.data())
def test_a_corpus_gives_the_longest_run_of_all_its_documents(
    documents: list[list[str]], data: st.DataObject
) -> None:
    source = data.draw(st.sampled_from(documents)) if documents else []
    start = data.draw(st.integers(0, len(source)))
    text = " ".join([*data.draw(word_lists), *source[start:], *data.draw(word_lists)])
    corpus = Corpus.index(CorpusDocument("c", row, " ".join(each)) for row, each in enumerate(documents))
    (run,) = corpus.longest_runs([text])
    own, others = find_words(text), [find_words(" ".join(each)) for each in documents]
    expected = max((longest(own, other) for other in others), default=0)
    assert (run is None) == (expected < 130)
    if run:
        size = next(n for n in range(1, len(own) + 1) if weight(own[run.start : run.start + n]) == expected)
        there = others[run.row][run.source_start : run.source_start + size]
        assert own[run.start : run.start + size] == there
        assert run.words == expected // 10


@pytest.mark.parametrize(
    ("source", "copied"),
    [
        (
            SOURCE,
            "whoever misses it sleeps in the net loft above the smokehouse where the skipper's aunt keeps",
        ),
        (RUSSIAN, "кто опоздал тот ночует на чердаке над коптильней где тётка шкипера держит три койки"),
        (CHINESE, "赶不上的人就睡在熏鱼房上面的网具阁楼里船长的姑妈在那里"),
    ],
)
def test_a_copied_passage_is_found_and_shown(source: str, copied: str) -> None:
    text = f"Zzz {copied.upper()}, qqq."
    run = longest_common_run(text, source)
    assert run is not None
    assert (run.run, run.start) == (copied, 1)
    (found,) = Corpus.index([CorpusDocument("c", 1, SOURCE + RUSSIAN + CHINESE)]).longest_runs([text])
    assert found is not None
    assert (found.run, found.words, found.share) == (copied, run.words, run.share)


def test_a_run_goes_over_no_end_of_a_document() -> None:
    half = len(SOURCE.split()) // 3
    parts = [" ".join(SOURCE.split()[:half]), " ".join(SOURCE.split()[half:])]
    (found,) = Corpus.index(CorpusDocument("c", row, part) for row, part in enumerate(parts)).longest_runs(
        [SOURCE]
    )
    assert found is not None
    assert (found.row, found.run) == (1, " ".join(find_words(parts[1])))


def test_the_document_is_named_with_its_place() -> None:
    corpus = Corpus.index([CorpusDocument("a.txt", 1, RUSSIAN), CorpusDocument("b.jsonl", 7, SOURCE)])
    (found,) = corpus.longest_runs([f"He wrote: {SOURCE}"])
    assert found is not None
    assert (found.file, found.row, found.start, found.source_start) == ("b.jsonl", 7, 2, 0)


def test_twelve_words_of_a_corpus_are_no_copy_and_thirteen_are() -> None:
    twelve, thirteen = (" ".join(SOURCE.split()[3 : 3 + size]) for size in (12, 13))
    found = Corpus.index([CorpusDocument("c", 1, SOURCE)]).longest_runs([twelve, thirteen])
    assert [run and run.words for run in found] == [None, 13]


def test_a_word_said_a_thousand_times_is_one_run() -> None:
    run = longest_common_run("ha " * 3000 + "ho", "hum " + "ha " * 5000)
    assert run is not None
    assert (run.words, run.start, run.source_start) == (3000, 0, 1)


def test_long_texts_are_taken_in_their_order() -> None:
    filler = "zzz " * 400_000
    found = Corpus.index([CorpusDocument("c", 1, SOURCE)]).longest_runs(
        [filler, f"{filler} {SOURCE}", SOURCE]
    )
    assert [run and run.start for run in found] == [None, 400_000, 0]


def test_texts_without_words_share_nothing() -> None:
    assert longest_common_run("", SOURCE) is None
    assert longest_common_run(SOURCE, "…") is None
    assert Corpus.index([]).longest_runs([SOURCE, None]) == [None, None]
    assert Corpus.index([CorpusDocument("c", 1, "")]).longest_runs([""]) == [None]


def test_words_decide_where_all_hashes_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ngrams, "word_marks", lambda count: np.zeros(count, np.uint64))
    (found,) = Corpus.index([CorpusDocument("c", 1, SOURCE), CorpusDocument("c", 2, RUSSIAN)]).longest_runs(
        [f"Он сказал: {RUSSIAN}"]
    )
    assert found is not None
    assert (found.row, found.run) == (2, " ".join(find_words(RUSSIAN)))
