"""Real-looking personas in any number, for measurements at scale.

    python benchmarks/made_personas.py --data DATA -n 1000000 --out FILE.jsonl

Recombines short texts of the data folder: occupations, people and what they do in English; clauses of
sentences in Russian and Chinese, after occupations written here. About 13 distinct words at the median, with
the long tail of rare words that personas of the web have. A given share repeats an earlier persona: one third
of it word for word, the others with one word changed, one word more, or two words in another order. The same
data, number and seed give the same personas; memory does not grow with their number.
"""

import argparse
import gzip
import json
import random
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

_LANGUAGES = ("en", "ru", "zh")
_SHARES = (70, 15, 15)
# Earlier personas that may be repeated: a fixed number of all so far, drawn evenly.
_REMEMBERED = 20_000

LEADS = (
    "has to", "hopes to", "is paid to", "is known to", "knows how to", "learned early to", "likes to",
    "loves to", "needs to", "never wants to", "refuses to", "teaches others to", "tries to", "wants to",
)  # fmt: skip
TAILS = ("writes about", "studies", "collects pictures of", "worries about", "trades in", "reads about")
RU_PEOPLE = (
    "Агроном", "Библиотекарь", "Водитель", "Врач", "Геолог", "Инженер", "Историк", "Кузнец", "Лётчик",
    "Механик", "Музыкант", "Охотник", "Пасечник", "Пекарь", "Повар", "Почтальон", "Рыбак", "Сварщик",
    "Следователь", "Столяр", "Студент", "Тренер", "Учитель", "Фермер", "Художник", "Юрист",
)  # fmt: skip
RU_KINDS = ("", "бывший ", "молодой ", "опытный ", "сельский ", "городской ", "начинающий ", "пожилой ")
RU_LEADS = ("который пишет о том, как", "который помнит:", "объясняющий детям:", "который читает вслух:")
ZH_PEOPLE = (
    "医生", "护士", "厨师", "渔民", "农民", "教师", "律师", "记者", "司机", "木匠", "画家", "会计", "摄影师",
    "消防员", "程序员", "翻译", "建筑师", "养蜂人", "图书管理员", "地质学家", "音乐家", "学生", "裁缝",
)  # fmt: skip
ZH_KINDS = ("一位", "一名退休的", "一名年轻的", "一位乡村", "一位住在海边的", "一名刚入行的")
ZH_LEADS = ("，常向孩子们讲述", "，正在研究", "，喜欢谈论", "，写过一本书关于", "，总是记得")

_AFTER_BREAK = re.compile(r"[;:(\"]| - ")


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _different(found: Iterable[str]) -> list[str]:
    """Each once, in the order found."""
    kept = list(dict.fromkeys(found))
    if not kept:
        raise SystemExit("The data folder lacks the short texts that personas are made of.")
    return kept


def _clauses(sentences: Iterable[str], least: int, most: int, *, spaced: bool) -> list[str]:
    """The parts between commas of ``least`` to ``most`` words (characters where words are not spaced)."""
    parts = (
        part.strip(' .。!！?？«»"') for text in sentences for part in re.split("[,，;；:：()（）]", text)
    )
    return _different(part for part in parts if least <= (len(part.split()) if spaced else len(part)) <= most)


class EnglishParts(NamedTuple):
    """What English personas are made of."""

    people: list[str]
    kinds: list[str]
    deeds: list[str]
    things: list[str]
    hours: list[str]


def english_parts(data: Path) -> EnglishParts:
    """Occupations and people, descriptions, what one does, words, and pastimes."""
    lists = data / "corpora_lists"
    people = json.loads((lists / "occupations.json").read_text())["occupations"]
    people += json.loads((lists / "obsolete-occupations.json").read_text())["occupations"]
    named = (word for row in _rows(data / "wordnet_persons" / "classes.jsonl.gz") for word in row["words"])
    people = _different(people + [word for word in named if word.islower()])
    kinds = _different(json.loads((lists / "descriptions.json").read_text())["descriptions"])
    kept = json.loads((lists / "atus_activities.json").read_text())["categories"]
    spent = (each for row in kept for each in row.get("examples", ()))
    hours = _different(each for each in spent if each.split()[0].endswith("ing"))
    deeds, things = [], []
    for row in _rows(data / "wordnet_glosses" / "glosses.jsonl.gz"):
        word, _, gloss = row["text"].partition(": ")
        said = _AFTER_BREAK.split(gloss)[0].strip(" ,")
        if row["id"].startswith("v") and 2 <= len(said.split()) <= 7:
            deeds.append(said)
        elif row["id"].startswith("n") and word.islower():
            things.append(word)
    jobs = _rows(data / "onet_occupations" / "occupations.jsonl.gz")
    work = (row["description"].split(".")[0] for row in jobs)
    deeds = _different(deeds + [text[0].lower() + text[1:] for text in work if 3 <= len(text.split()) <= 14])
    return EnglishParts(people, kinds, deeds, _different(things), hours)


def _english(data: Path) -> Callable[[random.Random], str]:
    people, kinds, deeds, things, hours = english_parts(data)

    def persona(draw: random.Random) -> str:
        who = draw.choice(people)
        if draw.random() < 0.6:
            who = f"{draw.choice(kinds)} {who}"
        text = f"{'An' if who[0] in 'aeiou' else 'A'} {who} who {draw.choice(LEADS)} {draw.choice(deeds)}"
        kind = draw.random()
        if kind < 0.4:
            return f"{text} and {draw.choice(TAILS)} {draw.choice(things)}."
        return f"{text}, and spends evenings {draw.choice(hours)}." if kind < 0.6 else f"{text}."

    return persona


def russian_clauses(data: Path) -> list[str]:
    """Parts of sentences of two to five words."""
    sentences = [row["text"] for row in _rows(data / "ud_ru_gsd" / "sentences.jsonl.gz")]
    for row in _rows(data / "stsb_dev" / "ru.jsonl.gz"):
        sentences += [row["a"], row["b"]]
    return _clauses(sentences, 2, 5, spaced=True)


def _russian(data: Path) -> Callable[[random.Random], str]:
    told = russian_clauses(data)

    def persona(draw: random.Random) -> str:
        who = (draw.choice(RU_KINDS) + draw.choice(RU_PEOPLE).lower()).capitalize()
        first, second = (text[0].lower() + text[1:] for text in draw.choices(told, k=2))
        return f"{who}, {draw.choice(RU_LEADS)} {first}, {second}."

    return persona


def chinese_clauses(data: Path) -> list[str]:
    """Parts of sentences of three to six characters."""
    sentences = [row["text"] for row in _rows(data / "ud_zh_gsdsimp" / "sentences.jsonl.gz")]
    for row in _rows(data / "stsb_dev" / "zh.jsonl.gz"):
        sentences += [row["a"], row["b"]]
    return _clauses(sentences, 3, 6, spaced=False)


def _chinese(data: Path) -> Callable[[random.Random], str]:
    told = chinese_clauses(data)

    def persona(draw: random.Random) -> str:
        who = draw.choice(ZH_KINDS) + draw.choice(ZH_PEOPLE)
        return f"{who}{draw.choice(ZH_LEADS)}{draw.choice(told)}和{draw.choice(told)}。"

    return persona


def _nearly(text: str, other: str, language: str, draw: random.Random) -> str:
    """The persona again: as it is, or with one word changed, one more, or two in another order."""
    kind = draw.randrange(3)
    if kind == 0:
        return text
    gap = "" if language == "zh" else " "
    words = list(text[:-1]) if language == "zh" else text[:-1].split()
    strange = list(other[:-1]) if language == "zh" else other[:-1].split()
    at = draw.randrange(1, len(words))
    if draw.random() < 0.25:
        words[at - 1], words[at] = words[at], words[at - 1]
    elif kind == 1:
        words[at] = draw.choice(strange)
    else:
        words.insert(at, draw.choice(strange))
    return gap.join(words) + text[-1]


def make(data: Path, n: int, seed: int = 0, duplicates: float = 0.1) -> Iterator[tuple[str, str]]:
    """``n`` personas and their languages.

    Args:
        data: the folder of texts.
        n: how many.
        seed: another seed, other personas.
        duplicates: the share that repeats an earlier one, wholly or nearly.
    """
    makers = {"en": _english(data), "ru": _russian(data), "zh": _chinese(data)}
    draw = random.Random(seed)
    earlier: dict[str, list[str]] = {language: [] for language in _LANGUAGES}
    seen = dict.fromkeys(_LANGUAGES, 0)
    for _ in range(n):
        (language,) = draw.choices(_LANGUAGES, _SHARES)
        past = earlier[language]
        seen[language] += 1
        if len(past) > 1 and draw.random() < duplicates:
            text = _nearly(draw.choice(past), draw.choice(past), language, draw)
        else:
            text = makers[language](draw)
        if len(past) < _REMEMBERED:
            past.append(text)
        elif (place := draw.randrange(seen[language])) < _REMEMBERED:
            past[place] = text
        yield text, language


def main() -> None:
    """Read the command line, and write the personas as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-n", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--duplicates", type=float, default=0.1, help="share of planted duplicates")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    with args.out.open("w", encoding="utf-8") as out:
        for persona, language in make(args.data, args.n, args.seed, args.duplicates):
            out.write(json.dumps({"persona": persona, "language": language}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
