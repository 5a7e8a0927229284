"""Words of another language in a text, as small models write them."""

import pytest

from personahub.languages import stray_word
from personahub.synthesis import Task


@pytest.mark.parametrize(
    ("text", "language", "stray"),
    [
        ("Мастер проверил each прибор на полке.", "ru", "each"),
        ("У них three лампы and две свечи.", "ru", "and"),
        ("Всем 三人 выдали по лампе.", "ru", "三人"),
        ("每个人都 проверил 一次电梯。", "zh", "проверил"),
        ("他们 with 工具一起来。", "zh", "with"),
        ("The three checked 电梯 again.", "en", "电梯"),
        ("Мастер читает «The Each» и слушает The Who.", "ru", None),
        ("Знак “三人” значит «трое», а (三) — три.", "ru", None),
        ('Функция get_for_each принимает `from` и "with".', "ru", None),
        ("他用 Python 写了 API。", "zh", None),
        ("Она живёт в доме с садом.", "ru", None),
        ("Er war gestern für die Kinder da.", "de", None),
        ("The baker and the tuner talk about nothing.", "en", None),
        ("ข้าวและ the", "th", None),
    ],
)
def test_a_word_of_another_language_is_found(text: str, language: str, stray: str | None) -> None:
    assert stray_word(text, language) == stray


@pytest.mark.parametrize("task", ["math", "logic", "dialogue", "knowledge", "npc", "profile", "instruction"])
def test_no_example_holds_a_stray_word(task: str) -> None:
    for example in Task.load(task).examples:
        assert stray_word(example.text, example.language) is None, example.text
