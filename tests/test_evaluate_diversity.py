"""Sets of texts measured as a user does it: files in, tables and plots out, and what is said of bad ones."""

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from commands import Run, one_line_error
from personahub import UserError, evaluate_diversity
from personahub.evaluation import METRICS
from personahub.evaluation.plots import printable
from personahub.evaluation.words import find_words
from personahub.workflows.evaluate import diversity as evaluating
from personahub.workflows.evaluate.diversity import Diversity, SetDiversity
from personahub.workflows.evaluate.text_sets import set_names

WHO = "nurse baker welder beekeeper glazier tailor courier plumber tutor miller roofer vet clerk cook"
WHERE = "island village harbour suburb valley market border campus station mountain prairie desert"
DOES = "repairs studies collects delivers inspects paints measures borrows defends restores"
WHAT = "clocks maps bridges lanterns pianos saddles ladders kettles mosaics compasses radios"


class WordVectors:
    """An embedding model for tests: the sum of a vector for each word, so that the same words are near."""

    name = "words"
    dimensions = 32
    languages = frozenset(["en", "ru", "zh"])
    slots = 1

    def embed(self, texts: list[str]) -> npt.NDArray[np.float32]:
        sums = np.array([np.sum([self._of(word) for word in find_words(text)], axis=0) for text in texts])
        return (sums / np.linalg.norm(sums, axis=1, keepdims=True)).astype(np.float32)

    def _of(self, word: str) -> npt.NDArray[np.float64]:
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4])
        return np.random.default_rng(seed).normal(size=self.dimensions)

    def close(self) -> None: ...


def sentences(count: int, seed: int = 0, *, kinds: int = 14) -> list[str]:
    draws = np.random.default_rng(seed)

    def one_of(listed: str) -> str:
        words = listed.split()
        return words[draws.integers(min(kinds, len(words)))]

    return [
        f"The {one_of(WHO)} of the {one_of(WHERE)} who {one_of(DOES)} {one_of(WHAT)} for the neighbours."
        for _ in range(count)
    ]


def write(file: Path, texts: Sequence[Any], field: str = "text") -> Path:
    rows = [text if isinstance(text, dict) else {field: text} for text in texts]
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return file


def evaluate(*sets: Path, **options: Any) -> Diversity:
    return evaluate_diversity(*sets, embeddings=WordVectors(), **options)


def values(measured: Any) -> dict[str, float | None]:
    return {name: measure.value for name, measure in measured.measures.items()}


@pytest.fixture
def varied(tmp_path: Path) -> Path:
    return write(tmp_path / "varied.jsonl", sentences(120))


def only(result: Diversity) -> SetDiversity:
    (one,) = result.sets
    return one


# What the numbers say


def test_a_set_of_few_words_is_less_diverse_by_every_measure(tmp_path: Path, varied: Path) -> None:
    uniform = write(tmp_path / "uniform.jsonl", sentences(120, kinds=3))
    one, other = evaluate(varied, uniform).sets
    for form in ("raw", "matched"):
        rich, poor = values(getattr(one, form)), values(getattr(other, form))
        for name, metric in METRICS.items():
            assert (rich[name] > poor[name]) == metric.higher_is_diverse, (form, name)


def test_every_text_twice_moves_each_number_as_it_should(tmp_path: Path, varied: Path) -> None:
    twice = write(tmp_path / "twice.jsonl", sentences(120) * 2)
    once_set, twice_set = evaluate(varied, twice).sets
    once, repeated = values(once_set.raw), values(twice_set.raw)
    for n in (1, 2, 3):
        assert repeated[f"distinct_{n}"] == pytest.approx(once[f"distinct_{n}"] / 2)
    assert repeated["near_duplicates"] == 1
    assert repeated["self_bleu"] == pytest.approx(1)
    assert repeated["compression_zstd"] > 1.5 * once["compression_zstd"]
    # A share of the whole says nothing of how often the whole comes.
    for name in ("vendi", "cluster_coverage", "cluster_evenness"):
        assert repeated[name] == pytest.approx(once[name], rel=1e-3)


def test_matched_sets_have_as_many_texts_of_as_many_words(tmp_path: Path, varied: Path) -> None:
    longer = write(tmp_path / "longer.jsonl", [f"{text} {text}" for text in sentences(500, seed=1)])
    result = evaluate(varied, longer)
    assert result.matched_texts == 120
    assert result.matched_words == 11
    for each in result.sets:
        assert (each.matched.texts, each.matched.words, each.matched.compared) == (120, 11, 120)
    assert [each.raw.texts for each in result.sets] == [120, 500]


def test_count_and_length_can_be_given(tmp_path: Path, varied: Path) -> None:
    result = evaluate(varied, matched_texts=30, matched_words=5)
    assert (result.matched_texts, result.matched_words) == (30, 5)
    assert only(result).matched.words == 5


def test_texts_that_are_too_short_are_not_matched(tmp_path: Path) -> None:
    mixed = write(tmp_path / "mixed.jsonl", ["two words", *sentences(20)])
    assert evaluate(mixed).matched_texts == 20


def test_more_texts_than_there_are_cannot_be_matched(varied: Path) -> None:
    with pytest.raises(UserError, match=r"--matched-texts 500: a set has only 120 texts of 11 words"):
        evaluate(varied, matched_texts=500)


def test_a_set_given_twice_gives_the_same_numbers_twice(varied: Path) -> None:
    one, other = evaluate(varied, varied).sets
    assert (one.raw, one.matched) == (other.raw, other.matched)
    assert other.name == "varied.jsonl (2)"


def test_the_same_seed_gives_the_same_numbers_and_another_one_other_draws(varied: Path) -> None:
    assert evaluate(varied, seed=5).to_json() == evaluate(varied, seed=5).to_json()
    assert evaluate(varied, seed=5).to_json() != evaluate(varied, seed=6).to_json()


def test_intervals_lie_around_their_numbers(varied: Path) -> None:
    for measure in only(evaluate(varied)).raw.measures.values():
        assert measure.low <= measure.value <= measure.high


def test_sets_that_are_called_alike_are_told_apart() -> None:
    assert set_names(["a/x.jsonl", "b/x.jsonl", "a/y.jsonl", "a/y.jsonl"]) == [
        "a/x.jsonl",
        "b/x.jsonl",
        "y.jsonl",
        "y.jsonl (2)",
    ]


# Languages


@pytest.mark.parametrize(
    "texts",
    [
        ["Пекарь чинит фонари на рассвете.", "Слесарь считает кирпичи под мостом."],
        ["面包师清晨在桥下清点渔网。", "锁匠午后在磨坊修理砖块。"],
    ],
    ids=["ru", "zh"],
)
def test_texts_in_other_scripts_are_measured(tmp_path: Path, texts: list[str]) -> None:
    one = only(evaluate(write(tmp_path / "a.jsonl", texts * 15)))
    assert one.raw.compared == 30
    assert one.not_compared == {}
    assert None not in values(one.raw).values()


def test_texts_in_a_language_that_the_model_does_not_know_are_told_and_not_compared(tmp_path: Path) -> None:
    swahili = [
        {"text": f"Mwalimu wa kijiji anafundisha watoto {n} asubuhi", "language": "sw"} for n in range(9)
    ]
    one = only(evaluate(write(tmp_path / "a.jsonl", [*sentences(40), *swahili])))
    assert one.not_compared == {"Swahili": 9}
    assert (one.raw.texts, one.raw.compared) == (49, 40)
    alone = only(evaluate(write(tmp_path / "b.jsonl", swahili)))
    assert alone.raw.measures["vendi"].reason.startswith(
        "needs two texts that the embedding model can compare"
    )
    assert alone.raw.measures["distinct_1"].value is not None


def test_a_set_that_cannot_be_compared_does_not_keep_others_from_it(tmp_path: Path, varied: Path) -> None:
    swahili = [{"text": f"Mwalimu wa kijiji anafundisha watoto {n}", "language": "sw"} for n in range(9)]
    result = evaluate(varied, write(tmp_path / "b.jsonl", swahili))
    assert [each.matched.compared for each in result.sets] == [9, 0]


# Sets that are hard to measure


def test_one_text_alone_has_what_one_text_can_have(tmp_path: Path) -> None:
    one = only(evaluate(write(tmp_path / "a.jsonl", sentences(1))))
    assert values(one.raw)["distinct_1"] == pytest.approx(9 / 11)
    for name in ("mean_cosine", "vendi", "near_duplicates", "self_bleu", "cluster_coverage"):
        assert one.raw.measures[name].reason
    assert one.raw.cosines is None


def test_equal_texts_are_one(tmp_path: Path) -> None:
    found = values(only(evaluate(write(tmp_path / "a.jsonl", sentences(1) * 50))).raw)
    assert found["vendi"] == pytest.approx(1, abs=1e-3)
    assert found["mean_cosine"] == pytest.approx(1, abs=1e-3)
    assert (found["near_duplicates"], found["self_bleu"], found["cluster_coverage"]) == (1, 1, 1)


def test_of_a_very_long_text_the_start_is_measured(tmp_path: Path) -> None:
    long = " ".join(sentences(20_000))
    one = only(evaluate(write(tmp_path / "a.jsonl", [long, *sentences(20)])))
    assert one.cut == 1
    assert one.raw.words < 1000


def test_texts_without_words_are_no_fault(tmp_path: Path) -> None:
    result = evaluate(write(tmp_path / "a.jsonl", ["!?", "…", "—"]))
    one = only(result)
    assert result.matched_texts == 0
    assert one.not_compared == {"without letters": 3}
    assert one.raw.measures["distinct_1"].reason == "no text has 1 words in a row"
    assert one.matched.measures["compression_gzip"].reason == "there are no texts"


def test_a_set_that_gives_no_text_is_told_in_a_line(run: Run, tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    assert "is empty" in one_line_error(run("evaluate", "diversity", empty))
    unnamed = write(tmp_path / "a.jsonl", sentences(3), field="body")
    told = one_line_error(run("evaluate", "diversity", unnamed))
    assert "the fields there: body" in told
    assert "--field names the field" in told
    assert "no such file" in one_line_error(run("evaluate", "diversity", tmp_path / "none.jsonl"))
    lacking = one_line_error(run("evaluate", "diversity", unnamed, "--field", "txt"))
    assert "no field 'txt'" in lacking


def test_rows_without_a_text_are_counted(tmp_path: Path) -> None:
    one = only(evaluate(write(tmp_path / "a.jsonl", [*sentences(5), {"n": 1}, {"text": 7}])))
    assert (one.raw.texts, one.left_out) == (5, {"no_text_field": 2})


def test_personas_are_read_as_they_are_published(tmp_path: Path) -> None:
    assert only(evaluate(write(tmp_path / "a.jsonl", sentences(5), field="persona"))).raw.texts == 5
    rows = [{"persona": "A cook", "text": text} for text in sentences(5)]
    assert only(evaluate(write(tmp_path / "b.jsonl", rows))).raw.words == 11


# On the command line


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line compares words, too, which takes no second."""
    monkeypatch.setattr(evaluating, "open_embedding_model", lambda _: WordVectors())


@pytest.mark.usefixtures("quick")
def test_the_command_prints_tables_and_json(run: Run, varied: Path) -> None:
    shown = run("evaluate", "diversity", varied)
    assert shown.code == 0
    assert "Matched: 120 texts of each set, cut to 11 words" in shown.out
    assert all(metric.title in shown.out for metric in METRICS.values())
    told = json.loads(run("evaluate", "diversity", varied, "--json").out)
    assert told["matched"] == {"texts": 120, "words": 11}
    assert list(told["sets"][0]["raw"]["measures"]) == list(METRICS)
    assert sum(told["sets"][0]["raw"]["cosines"]["histogram"]["shares"]) == pytest.approx(1, abs=1e-4)


@pytest.mark.usefixtures("quick")
def test_a_data_set_of_a_hub_is_a_set(run: Run, made: Path) -> None:
    told = json.loads(run("evaluate", "diversity", "math", "--hub", made, "--json").out)
    assert [(each["name"], each["raw"]["texts"]) for each in told["sets"]] == [("math", 2)]


def test_a_report_is_written_the_same_each_time(tmp_path: Path, varied: Path) -> None:
    chinese = write(tmp_path / "短文 <&> $x$.jsonl", sentences(40, seed=1))
    for folder in ("one", "two"):
        evaluate(varied, chinese, out=tmp_path / folder)
    written = {file.name: file.read_bytes() for file in (tmp_path / "one").iterdir()}
    assert sorted(written) == ["diversity.json", "diversity.md", "diversity.png", "diversity.svg"]
    assert written == {file.name: file.read_bytes() for file in (tmp_path / "two").iterdir()}
    assert "短文" in written["diversity.md"].decode()
    assert written["diversity.png"].startswith(b"\x89PNG")
    assert written["diversity.svg"].rstrip().endswith(b"</svg>")


@pytest.mark.parametrize("texts", [sentences(1), ["!?"], sentences(1) * 30])
def test_sets_with_little_to_show_are_plotted_too(tmp_path: Path, texts: list[str]) -> None:
    evaluate(write(tmp_path / "a.jsonl", texts), out=tmp_path / "out")
    assert (tmp_path / "out" / "diversity.svg").exists()


def test_a_label_that_no_font_has_is_replaced_and_a_long_one_shortened() -> None:
    assert printable("a\ue000b", "set 3") == "set 3"
    assert len(printable("long " * 50, "set 3")) <= 41


def test_without_matplotlib_a_report_is_refused_before_anything_is_read(
    run: Run, tmp_path: Path, varied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    told = one_line_error(run("evaluate", "diversity", varied, "--out", tmp_path / "out"))
    assert "plots need matplotlib: pip install 'personahub[evaluate]'" in told


def test_without_sacrebleu_self_bleu_is_reported_as_not_done(
    varied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics", None)
    measures = only(evaluate(varied)).raw.measures
    assert measures["self_bleu"].reason == "needs sacrebleu: pip install 'personahub[evaluate]'"
    assert measures["distinct_1"].value is not None


def test_a_report_goes_into_no_file(run: Run, tmp_path: Path, varied: Path) -> None:
    (tmp_path / "out").write_text("")
    assert "is a file; give a folder" in one_line_error(
        run("evaluate", "diversity", varied, "--out", tmp_path / "out")
    )


@pytest.mark.slow
def test_the_built_in_model_tells_a_narrow_set_from_a_wide_one(tmp_path: Path, varied: Path) -> None:
    narrow = write(tmp_path / "narrow.jsonl", sentences(120, kinds=2))
    wide, close = evaluate_diversity(varied, narrow).sets
    assert wide.matched.measures["vendi"].low > close.matched.measures["vendi"].high
    assert wide.matched.measures["mean_cosine"].high < close.matched.measures["mean_cosine"].low
