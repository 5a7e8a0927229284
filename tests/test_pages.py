"""Near-identical pages are set aside: exactly, whole, and the same way however the reading is shared out."""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from commands import Run
from personahub import Calls, Hub, ReadOptions, UserError, curate, merge, read
from personahub.dedup import pages as pages_module
from personahub.dedup import postings as postings_module
from personahub.dedup.pages import PageFilter
from personahub.kernels.words import find_words
from scripted import ScriptedModel, any_reply

# The filter, judged by brute force.


@pytest.fixture(scope="module", autouse=True)
def _small_steps() -> Iterator[None]:
    """Few pages are enough to count words anew, to fill the dict and to merge runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages_module, "_FIRST_COUNT", 3)
        patch.setattr(pages_module, "_AT_ONCE", 30)
        patch.setattr(postings_module, "_TAIL", 8)
        yield


def brute_force(pages: Sequence[Sequence[str]], p: int, q: int) -> list[int | None]:
    kept: list[set[str]] = []
    found: list[int | None] = []
    for page in map(set, pages):
        alike = (n for n, other in enumerate(kept) if page and q * len(page & other) >= p * len(page | other))
        found.append(next(alike, None))
        if found[-1] is None:
            kept.append(page)
    return found


def filtered(pages: Sequence[Sequence[str]], threshold: float) -> list[int | None]:
    with PageFilter(threshold) as pages_kept:
        matches = [pages_kept.add(page) for page in pages]
    return [match.place if match else None for match in matches]


@st.composite
def changed_pages(draw: st.DrawFn) -> list[list[str]]:
    """Pages of a small vocabulary, many of them another one with a few words changed."""
    vocabulary = [f"{script}{n}" for n in range(60) for script in ("w", "слово", "词")]
    pages: list[list[str]] = []
    for _ in range(draw(st.integers(1, 25))):
        if pages and draw(st.booleans()):
            page = set(draw(st.sampled_from(pages)))
            page ^= draw(st.sets(st.sampled_from(vocabulary), max_size=8))
        else:
            page = draw(st.sets(st.sampled_from(vocabulary), max_size=120))
        pages.append(sorted(page))
    return pages


@given(changed_pages(), st.sampled_from([(9, 10), (4, 5), (1, 2), (19, 20), (1, 1)]))
def test_each_page_is_judged_as_by_comparing_it_with_all_that_were_kept(
    pages: list[list[str]], threshold: tuple[int, int]
) -> None:
    p, q = threshold
    assert filtered(pages, p / q) == brute_force(pages, p, q)


@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 2))
@example(9, 1, 0)
@example(18, 1, 1)
def test_a_pair_at_the_threshold_is_near_identical_and_one_word_less_is_not(
    shared: int, added: int, removed: int
) -> None:
    both = [f"both{n}" for n in range(shared)]
    pages = [both + [f"one{n}" for n in range(removed)], both + [f"other{n}" for n in range(added)]]
    is_alike = 10 * shared >= 9 * (shared + added + removed)
    assert filtered(pages, 0.9) == [None, 0 if is_alike else None]


@pytest.mark.parametrize("size", [64, 65, 90, 1000, 20_000])
def test_long_pages_are_compared_to_the_last_word(size: int) -> None:
    words = [f"word{n}" for n in range(size)]
    most = size - -(-9 * size // 10)  # So many may be left out of one of two pages.
    assert filtered([words, words[most:], words[most + 1 :]], 0.9) == [None, 0, None]


def test_many_pages_keep_their_first_likeness() -> None:
    draw = random.Random(7)
    vocabulary = [f"w{n}" for n in range(150)]
    pages: list[list[str]] = []
    for _ in range(1500):
        page = (
            set(draw.choice(pages)) if pages and draw.random() < 0.5 else set(draw.choices(vocabulary, k=90))
        )
        pages.append(sorted(page ^ set(draw.choices(vocabulary, k=draw.randint(0, 5)))))
    found = filtered(pages, 0.9)
    assert found == brute_force(pages, 9, 10)
    assert 200 < sum(place is not None for place in found) < 1300


def test_a_page_without_words_is_like_no_other() -> None:
    assert filtered([[], ["word"], [], ["word"]], 0.9) == [None, None, None, 1]


def test_the_similarity_is_told() -> None:
    with PageFilter() as pages:
        pages.add(map(str, range(10)))
        match = pages.add(map(str, range(9)))
        assert match
        assert match.similarity == 0.9
        assert len(pages) == 1


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.5])
def test_a_threshold_that_is_none_is_one_line(threshold: float) -> None:
    with pytest.raises(UserError, match="the threshold is"):
        PageFilter(threshold)


def test_a_full_disk_is_one_line_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> Any:
        return Path("/dev/full").open("w+b", buffering=0)

    monkeypatch.setattr(pages_module.tempfile, "TemporaryFile", full)
    with PageFilter() as pages, pytest.raises(UserError, match="TMPDIR"):
        pages.add(["word"])


# Reading with it.

ENGLISH = (
    "The keeper of the light wrote the log each night by an oil lamp. He put down which ships had passed, how"
    " the wind stood and when the fog came in over the northern bank, and on Sundays he added the price of"
    " coal, eggs and paper from the village shop, as well as whatever the postman had told him at the gate."
)
RUSSIAN = (
    "Смотритель маяка каждую ночь вёл журнал при свете керосиновой лампы. Он записывал, какие суда прошли"
    " мимо, откуда дул ветер и когда с северной отмели приходил туман, а по воскресеньям добавлял цены на"
    " уголь, яйца и бумагу из сельской лавки и всё, что у калитки рассказывал ему почтальон."
)
CHINESE = (
    "灯塔看守人每天夜里都在油灯下写日志。他记下哪些船经过、风从哪里吹来、北边沙洲的雾什么时候升起,"
    "星期天还会加上村里小店的煤、鸡蛋和纸的价格,以及邮差在门口告诉他的一切消息。"
)
OTHER = (
    "Dough for rye bread is mixed in the evening from sour starter, coarse flour and warm water. It rests"
    " under a cloth beside the stove, and at dawn salt, caraway and a spoon of honey are kneaded in."
)


def written(file: Path, texts: Sequence[str]) -> Path:
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return file


def read_rows(source: Path, **options: Any) -> tuple[list[tuple[int, int]], dict[str, int]]:
    out = source.parent / "out" / f"{source.name}.documents"
    out.parent.mkdir(exist_ok=True)
    outcome = read([source], out, **options)
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    return [(row["row"], row["part"]) for row in rows], dict(outcome.set_aside)


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        (ENGLISH, ENGLISH.replace("northern", "southern")),
        (RUSSIAN, RUSSIAN.upper().replace("СЕВЕРНОЙ", "ЮЖНОЙ")),
        (CHINESE, CHINESE.replace("北", "南")),
    ],
)
def test_a_page_with_nearly_the_words_of_an_earlier_one_is_set_aside(
    tmp_path: Path, text: str, changed: str
) -> None:
    source = written(tmp_path / "a.jsonl", [text, OTHER, changed])
    assert read_rows(source) == ([(1, 0), (2, 0)], {"near_identical": 1})


def test_the_hub_tells_which_page_it_is_like(tmp_path: Path) -> None:
    written(tmp_path / "a.jsonl", [OTHER])
    written(tmp_path / "b.jsonl", [CHINESE, ENGLISH])
    written(tmp_path / "c.jsonl", [ENGLISH.replace("northern", "southern")])
    curate([tmp_path], tmp_path / "hub", model=ScriptedModel(any_reply), relations=["read"])
    (row,) = (row for row in Hub(tmp_path / "hub").set_aside.rows() if row["kind"] == "document")
    words, changed = set(find_words(ENGLISH)), set(find_words(ENGLISH.replace("northern", "southern")))
    similarity = int(100 * len(words & changed) / len(words | changed)) / 100
    assert row["detail"] == f"{similarity:.2f} alike to {tmp_path}/b.jsonl, row 2"
    assert (row["reason"], row["source"], row["row"]) == ("near_identical", f"{tmp_path}/c.jsonl", 1)


def test_the_same_text_is_told_as_read_already(tmp_path: Path) -> None:
    source = written(tmp_path / "a.jsonl", [ENGLISH, ENGLISH, ENGLISH.replace("northern", "southern")])
    assert read_rows(source) == ([(1, 0)], {"already_read": 1, "near_identical": 1})


def test_a_page_is_not_like_one_that_was_set_aside(tmp_path: Path) -> None:
    words = [f"word{n}" for n in range(100)]
    steps = [" ".join(words[n:] + [f"new{i}" for i in range(n)]) for n in (0, 4, 8)]
    source = written(tmp_path / "a.jsonl", steps)
    assert read_rows(source, reading=ReadOptions(filters=False))[0] == [(1, 0), (3, 0)]


def test_near_identical_pages_can_be_kept(run: Run, tmp_path: Path) -> None:
    source = written(tmp_path / "a.jsonl", [ENGLISH, ENGLISH.replace("northern", "southern")])
    asked = ("read", source, "--out", tmp_path / "out.jsonl", "--json")
    assert json.loads(run(*asked).out)["documents"] == 1
    assert json.loads(run(*asked, "--keep-near-identical").out)["documents"] == 2


def long_page(seed: int) -> list[str]:
    """A page of ten paragraphs."""
    draw = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(draw.choices(letters, k=7)) for _ in range(400)]
    return [" ".join(draw.choices(words, k=60)) + "." for _ in range(10)]


def test_the_parts_of_a_page_go_together(tmp_path: Path) -> None:
    page = long_page(1)
    changed = [*page[:5], page[5].replace(" ", " quite ", 2), *page[6:]]
    source = written(tmp_path / "a.jsonl", ["\n\n".join(page), OTHER, "\n\n".join(changed)])
    reading = ReadOptions(filters=False)
    whole, _ = read_rows(source, reading=reading)
    assert whole == [(1, 0), (2, 0)]
    parts, set_aside = read_rows(source, reading=reading, document_tokens=120)
    assert {row for row, _ in parts} == {1, 2}
    # Parts that are word for word the same are told apart from the one that is not.
    assert set_aside["near_identical"] >= 1
    assert sum(set_aside.values()) == len(parts) - 1


def test_a_part_of_a_page_that_was_set_aside_is_not_taken_for_read(tmp_path: Path) -> None:
    page = long_page(1)
    changed = [*page[:5], page[5].replace(" ", " quite ", 2), *page[6:]]
    source = written(tmp_path / "a.jsonl", ["\n\n".join(page), "\n\n".join(changed), changed[5]])
    parts, _ = read_rows(source, reading=ReadOptions(filters=False), document_tokens=120)
    assert {row for row, _ in parts} == {1, 3}


def many_texts(count: int) -> list[str]:
    """Texts of which each third is nearly the one before it."""
    texts: list[str] = []
    for number in range(count):
        if number % 3 == 2:
            texts.append(texts[-1].replace(" ", f" x{number} ", 1))
        else:
            texts.append(" ".join(long_page(number)[:2]))
    return texts


def test_limit_counts_the_documents_that_pass(tmp_path: Path) -> None:
    source = written(tmp_path / "a.jsonl", many_texts(12))
    rows, set_aside = read_rows(source, reading=ReadOptions(filters=False), limit=5)
    assert [row for row, _ in rows] == [1, 2, 4, 5, 7]
    assert set_aside == {"near_identical": 2}


def test_processes_change_nothing(tmp_path: Path) -> None:
    source = written(tmp_path / "a.jsonl", many_texts(600))
    assert source.stat().st_size > 2**18
    reading = ReadOptions(filters=False)
    alone = read_rows(source, reading=reading, jobs=1)
    assert alone[1] == {"near_identical": 200}
    assert read_rows(source, reading=reading, jobs=3) == alone


def curated(source: Path, hub: Path, **options: Any) -> ScriptedModel:
    model = ScriptedModel(any_reply)
    curate([source], hub, model=model, relations=["read"], reading=ReadOptions(filters=False), **options)
    return model


def rows_of(hub: Path) -> list[list[dict[str, Any]]]:
    opened = Hub(hub)
    tables = (opened.documents, opened.personas, opened.set_aside)
    return [sorted(table.rows(), key=lambda row: row["id"]) for table in tables]


def test_shards_agree_on_what_is_set_aside(tmp_path: Path) -> None:
    source = written(tmp_path / "a.jsonl", many_texts(12))
    curated(source, tmp_path / "whole")
    for number in (1, 2, 3):
        curated(source, tmp_path / "hub", shard=f"{number}/3")
    merge(tmp_path / "hub")
    assert rows_of(tmp_path / "hub") == rows_of(tmp_path / "whole")
    assert Hub(tmp_path / "hub").documents.count() == 8


def test_a_run_that_is_gone_on_with_ends_like_one_without_a_stop(tmp_path: Path) -> None:
    source = written(tmp_path / "a.jsonl", many_texts(12))
    curated(source, tmp_path / "whole")
    first = curated(source, tmp_path / "hub", calls=Calls(max_calls=3))
    rest = curated(source, tmp_path / "hub")
    assert first.calls + rest.calls == 8
    assert rows_of(tmp_path / "hub") == rows_of(tmp_path / "whole")


def test_an_estimate_is_for_the_documents_that_pass(tmp_path: Path) -> None:
    source = written(tmp_path / "a.jsonl", many_texts(30))
    outcome = curate(
        [source],
        tmp_path / "hub",
        model=ScriptedModel(any_reply),
        reading=ReadOptions(filters=False),
        calls=Calls(estimate=True),
    )
    assert outcome.estimate
    assert (outcome.estimate.units, outcome.estimate.known) == (20, True)


def test_pages_that_an_earlier_run_read_are_not_compared_with(tmp_path: Path) -> None:
    curated(written(tmp_path / "a.jsonl", [ENGLISH]), tmp_path / "hub")
    curated(written(tmp_path / "b.jsonl", [ENGLISH.replace("northern", "southern")]), tmp_path / "hub")
    assert Hub(tmp_path / "hub").documents.count() == 2
