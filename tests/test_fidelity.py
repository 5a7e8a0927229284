"""Whether texts fit their personas, as the real embedding model sees it, in three languages."""

from collections.abc import Iterator

import pytest

from judged import item
from personahub.models import EmbeddingModel
from personahub.models.sentence_encoder import SentenceEncoder
from personahub.verification import Finding, Item
from personahub.verification.fidelity import Fidelity

PAIRS = {
    "en": [
        (
            "A beekeeper who winters hives on a mountain slope",
            "A beekeeper feeds 12 hives 3 kg of sugar each before winter. How much sugar is that?",
        ),
        (
            "A tram driver on the night line of a port city",
            "A night tram makes 9 stops of 2 minutes each. How long does it stand in all?",
        ),
        (
            "A dentist who treats nervous children",
            "A dentist sees 14 children a day and fills 3 teeth of each. How many teeth is that in 5 days?",
        ),
        (
            "An astronomer who counts meteors at a desert observatory",
            "An astronomer sees 40 meteors an hour for 6 hours. How many does she count in the night?",
        ),
    ],
    "ru": [
        (
            "Пекарь, который ставит ржаной хлеб в деревенскую печь",
            "Пекарь печёт 24 ржаных хлеба из 18 кг муки. Сколько муки идёт на один хлеб?",
        ),
        (
            "Врач скорой помощи большого города",
            "Скорая помощь выезжает к 7 больным за смену. Сколько выездов за 4 смены?",
        ),
        (
            "Лесник, который считает лосей в заповеднике",
            "Лесник насчитал в заповеднике 36 лосей, треть из них телята. Сколько телят?",
        ),
        (
            "Настройщик старых роялей в консерватории",
            "Настройщик тратит на рояль 3 часа. Сколько роялей он настроит за 12 часов?",
        ),
    ],
    "zh": [
        ("在山上种茶叶的老农", "老农每天采 8 斤茶叶，采了 15 天。他一共采了多少斤茶叶？"),
        ("在医院值夜班的年轻护士", "护士一夜给 24 位病人各量两次体温。一共量了多少次？"),
        ("修理自行车的师傅", "师傅每天修 6 辆自行车，一周工作 5 天。一周修多少辆？"),
        ("在海边打鱼的渔民", "渔民一网捕到 45 条鱼，卖掉三分之二。还剩多少条鱼？"),
    ],
}


@pytest.fixture(scope="module")
def encoder() -> Iterator[EmbeddingModel]:
    opened = SentenceEncoder()
    yield opened
    opened.close()


def items(language: str, turn: int = 0) -> list[Item]:
    """The texts of a language, each with its own persona, or with that of a later one."""
    pairs = PAIRS[language]
    return [
        item(text, name=str(place), language=language, persona=pairs[(place + turn) % len(pairs)][0])
        for place, (_, text) in enumerate(pairs)
    ]


def judged(encoder: EmbeddingModel, given: list[Item]) -> list[Finding]:
    return Fidelity(lambda: encoder).judge(given)


@pytest.mark.parametrize("language", PAIRS)
def test_a_text_passes_beside_its_own_persona(encoder: EmbeddingModel, language: str) -> None:
    for finding in judged(encoder, items(language)):
        assert finding.outcome == "passed", finding
        assert finding.evidence["cosine"] > finding.evidence["mean_other"]
        assert finding.evidence["others"] == 3


@pytest.mark.parametrize("language", PAIRS)
def test_texts_with_each_others_personas_score_lower_and_many_fail(
    encoder: EmbeddingModel, language: str
) -> None:
    findings = judged(encoder, items(language, turn=1))
    # Chance lets half of them pass.
    assert [finding.reason for finding in findings].count("not_its_persona") >= 2
    assert all(finding.score is not None and finding.score < 1 for finding in findings)


def test_a_text_is_compared_with_personas_in_other_languages(encoder: EmbeddingModel) -> None:
    text = item(PAIRS["zh"][3][1], language="zh", persona="A fisherman who sells what his net brings up")
    others = [each for language in ("en", "ru") for each in items(language)]
    assert judged(encoder, [*others, text])[-1].score == 1.0


def test_one_persona_alone_is_compared_with_nobody(encoder: EmbeddingModel) -> None:
    finding = judged(encoder, items("en")[:1])[0]
    assert (finding.outcome, finding.reason) == ("undecided", "no_other_personas")
    assert finding.evidence["cosine"] > 0


def test_without_a_persona_nothing_is_decided(encoder: EmbeddingModel) -> None:
    finding = judged(encoder, [*items("en"), item("A text of nobody's.")])[-1]
    assert (finding.outcome, finding.reason) == ("undecided", "no_persona")


@pytest.mark.parametrize("language", ["sw", "und", ""])
def test_a_language_that_the_model_does_not_know_is_not_compared(
    encoder: EmbeddingModel, language: str
) -> None:
    given = item("Mfugaji wa nyuki ana mizinga 12.", language=language, persona="A beekeeper")
    finding = judged(encoder, [*items("en"), given])[-1]
    assert (finding.outcome, finding.reason) == ("undecided", "not_compared")


def test_what_is_found_does_not_depend_on_what_comes_after(encoder: EmbeddingModel) -> None:
    check = Fidelity(lambda: encoder)
    first = check.judge(items("en"))
    check.judge(items("ru"))
    assert judged(encoder, items("en")) == first


def test_later_items_are_compared_with_the_personas_before_them(encoder: EmbeddingModel) -> None:
    check = Fidelity(lambda: encoder)
    check.judge(items("en"))
    assert check.judge(items("ru")[:1])[0].evidence["others"] == 4


class Unopened:
    """Where nothing can be compared, nothing is embedded."""

    name, dimensions, slots = "none", 1, 1
    languages = frozenset(["en"])

    def embed(self, texts: list[str]) -> None:
        raise AssertionError(texts)

    def close(self) -> None:
        pass


def test_nothing_is_embedded_where_nothing_can_be_compared() -> None:
    findings = judged(Unopened(), [item("A text."), item("文", language="zh", persona="p")])  # type: ignore[arg-type]
    assert [finding.reason for finding in findings] == ["no_persona", "not_compared"]
