"""Benchmark items near in meaning, judged by comparing all with all."""

import json
from dataclasses import asdict

import numpy as np
import numpy.typing as npt
import pytest

from personahub.errors import UserError
from personahub.models.sentence_encoder import SentenceEncoder
from personahub.verification import neighbours
from personahub.verification.contamination import BenchmarkItem
from personahub.verification.neighbours import Neighbour, Neighbours, NotCompared


class Letters:
    """Embeds a text by how often it has each letter; knows two languages."""

    name = "letters"
    dimensions = 27
    languages = frozenset(["en", "de"])
    slots = 1

    def __init__(self) -> None:
        self.embedded: list[int] = []

    def embed(self, texts: list[str]) -> npt.NDArray[np.float32]:
        self.embedded.append(len(texts))
        counts = np.array([[1, *(text.count(chr(97 + n)) for n in range(26))] for text in texts], np.float32)
        return np.asarray(counts / np.linalg.norm(counts, axis=1, keepdims=True), np.float32)

    def close(self) -> None:
        pass


def items(texts: list[str], language: str | None = None) -> list[BenchmarkItem]:
    return [BenchmarkItem("b.jsonl", row, text, language) for row, text in enumerate(texts)]


def test_the_nearest_item_of_all_is_found_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_BLOCK", 7)
    monkeypatch.setattr(neighbours, "_AT_ONCE", 3)
    draw = np.random.default_rng(0)
    asked, texts = (
        ["".join(map(chr, draw.integers(97, 123, 12))) for _ in range(count)] for count in (40, 25)
    )
    model = Letters()
    found = Neighbours(items(asked), model, 0.6).find(texts, ["en"] * 25)
    cosines = model.embed(texts) @ model.embed(asked).T
    assert any(found)
    assert not all(found)
    for row, match in enumerate(found):
        if match is None:
            assert cosines[row].max() < 0.6
        else:
            assert isinstance(match, Neighbour)
            assert match.cosine == pytest.approx(cosines[row].max())
            assert cosines[row, match.row] == pytest.approx(match.cosine)
            assert match.text == asked[match.row]
    assert max(model.embedded[:-2]) == 3


def test_a_text_in_an_unknown_language_is_reported_and_not_embedded() -> None:
    model = Letters()
    found = Neighbours(items(["bee"]), model, 0.9).find(["bee", "bee", "zzz", "bee"], ["en", "sw", "de", ""])
    assert isinstance(found[0], Neighbour)
    assert found[1:] == [NotCompared("sw"), None, NotCompared("")]
    assert model.embedded == [1, 2]


def test_items_in_an_unknown_language_are_counted() -> None:
    asked = [*items(["bee"]), *items(["nyuki", "asali"], "sw"), *items(["biene"], "de")]
    found = Neighbours(asked, Letters())
    assert (found.items, found.not_compared) == (2, {"sw": 2})


def test_what_has_no_words_is_near_nothing() -> None:
    found = Neighbours(items(["…", "bee"]), Letters(), 0.0)
    assert found.items == 1
    assert found.find(["", "…"], ["en", "en"]) == [None, None]


def test_beside_no_items_every_text_is_clean() -> None:
    assert Neighbours([], Letters()).find(["bee"], ["en"]) == [None]


def test_a_cosine_out_of_range_is_refused() -> None:
    with pytest.raises(UserError, match=r"least cosine is 1\.5; give a number from -1 to 1"):
        Neighbours([], Letters(), 1.5)


def test_the_built_in_model_finds_a_translation_and_leaves_another_problem_alone() -> None:
    asked = items(
        ["A snail climbs 3 metres up a well by day and slides back 2 metres at night. When is it at the top?"]
    )
    texts = [
        "Улитка днём поднимается по колодцу на 3 метра, а ночью сползает на 2. Когда она будет наверху?",
        "How many jars of honey does a beekeeper sell when nine of seventeen break?",
    ]
    found = Neighbours(asked, SentenceEncoder()).find(texts, ["ru", "en"])
    assert [isinstance(match, Neighbour) for match in found] == [True, False]
    assert isinstance(found[0], Neighbour)
    assert json.loads(json.dumps(asdict(found[0])))["row"] == 0
