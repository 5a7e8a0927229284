"""Rules on what a description says: of whom, and where it has it from."""

import re
from collections import Counter
from functools import lru_cache

from personahub.personas.quality.case import DENSE, WORD, Case, head_of, words

__all__ = [
    "about_the_text",
    "content_words",
    "copied_run",
    "copies_example",
    "copies_source",
    "misfits_relation",
    "named_person",
    "not_a_person",
    "repeats_itself",
]

_THINGS = {
    "en": "text article recipe guide guideline document story book blog website page post system method "
    "process company organization organisation program project tool product description summary list "
    "report letter review manual course event law",
    "ru": "текст статья рецепт руководство документ рассказ книга сайт страница система метод процесс "
    "компания организация программа проект инструмент продукт описание список отчёт письмо закон",
}
_THING_HEADS = {language: words(listed) for language, listed in _THINGS.items()}
_THING_ENDS_ZH = re.compile(
    r"^(?:一[个篇份本种项]|这[个篇份本种项段])?[^，。]{0,12}?(?:文章|文字|食谱|指南|文件|故事|网站|系统|方法|公司|项目|产品|报告|法律)[。，]?$"
)
_GUIDES_READERS = words("that which to for about on")
# Compounds that are none of the text: a post office, the post-war years, a text message.
_COMPOUND = r"(?!-| (?:messages?|editors?|office|box)\b)"
_ABOUT_TEXT = re.compile(
    rf"\b(?:this|the) (?:text|article|passage|post|author|document|excerpt)\b{_COMPOUND}"
    # "A document" and "a post" may be the person's own.
    r"|\b(?:этот|этого|этому|этим|данн\w+) (?:текст|стать)\w*|\bтекст(?:а|у|ом|е)?\b"
    r"|(?:这|该|此)(?:段|篇|个)?(?:文字|文章|文本|帖子)"
    r"|(?<!小说|童话|诗歌|漫画|绘本|剧本|科普|专栏|博客|图书|教材)作者",
    re.IGNORECASE,
)
# Of five letters or more, but in any description.
_FORM_WORDS = words(
    "about after again always because before being could doing during every having never often other "
    "should since still their there these those though through until wants where which while whose within "
    "without would который которая которое которому которой которого которую которые каждый каждую когда "
    "может можно нужно очень перед после потому своей своего своему своих своими свою сейчас среди также "
    "хочет через чтобы этого"
)
_MEASURE_ZH = re.compile(r"一[位名个]")
_CHARACTER = re.compile(r"\w")


def not_a_person(case: Case) -> str | None:
    """Describes a thing: a blog, a method, a company."""
    if case.language == "zh":
        match = _THING_ENDS_ZH.search(case.description)
        return f"names a thing: {match[0]}" if match else None
    head, following = head_of(case)
    if head == "guide" and following not in _GUIDES_READERS:
        return None
    if head in _THING_HEADS.get(case.language, set()):
        return f"names a thing: {head}"
    return None


def repeats_itself(case: Case) -> str | None:
    """Three words in a row for the third time: a small model that has lost its way."""
    words = [word.lower() for word in WORD.findall(case.description)]
    if case.language in DENSE:
        words = [char for char in case.description if char.isalpha()]
    size = 6 if case.language in DENSE else 3
    runs = Counter(zip(*(words[start:] for start in range(size)), strict=False))
    run, count = max(runs.items(), key=lambda item: item[1], default=((), 0))
    return f"{count} times {' '.join(run)!r}" if count > 2 else None


def about_the_text(case: Case) -> str | None:
    """Speaks of the text or its author, whom nobody knows who meets the persona alone."""
    match = _ABOUT_TEXT.search(case.description)
    return f"speaks of the text itself: {match[0]}" if match else None


_NAME = re.compile(
    r"\b(?:named|called|по имени) [A-ZА-ЯЁ]|名叫|叫做"
    r"|^(?!(?:A|An|The) )[A-Z][a-z]+ (?:[A-Z]\. )?[A-Z][a-z]+(?:,| is | was | who )"
    r"|^[А-ЯЁ][а-яё]+ (?:[А-ЯЁ][а-яё]+(?:вич|вна) )?[А-ЯЁ][а-яё]+(?:,| — )"
)


def named_person(case: Case) -> str | None:
    """Somebody by name, private or public, and not a kind of person."""
    match = _NAME.search(case.description)
    return f"names somebody: {match[0].strip()}" if match else None


_WANTS_TO_LEARN = re.compile(
    r"\b(?:looking for|unsure|(?:does|do)(?:n['’]t| not) know|wants? to (?:learn|know|find|try|understand))\b"
    r"|ищет|не знает|хочет (?:узнать|научиться|найти|понять)|想(?:要)?(?:了解|学习|知道|找)|寻找|不知道"
)


def misfits_relation(case: Case) -> str | None:
    """Who is still to learn a thing does not write the text about it, unless the text asks."""
    if case.relation != "write" or re.search("[?？]", case.source):
        return None
    match = _WANTS_TO_LEARN.search(case.description)
    return f"a reader, not the writer: {match[0]}" if match else None


_LEAST_COPIED = 8
"""Words; of shorter runs many come by chance."""


def copies_source(case: Case) -> str | None:
    """Most of it stands in its source as it is."""
    unit = WORD if case.language not in DENSE else _CHARACTER
    least = _LEAST_COPIED * (2 if case.language in DENSE else 1)
    size = max(least, -(-6 * len(unit.findall(case.description.casefold())) // 10))
    run = copied_run(case, size)
    return f"stands in the text as it is: {run}" if run else None


def copied_run(case: Case, size: int) -> str | None:
    """The first run of so many words, or characters, that stands in the source as well."""
    unit = WORD if case.language not in DENSE else _CHARACTER
    found = unit.findall(case.description.casefold())
    source = f" {' '.join(unit.findall(case.source.casefold()))} "
    for start in range(len(found) - size + 1):
        run = " ".join(found[start : start + size])
        if f" {run} " in source:
            return run
    return None


def copies_example(case: Case) -> str | None:
    """Nearly an example of the prompt, or with words that only an example has."""
    own_words = content_words(case.description, case.language)
    every_word = WORD.findall(case.description.casefold())
    own = content_words(f"{case.source} {case.asked}", case.language)
    for example in case.examples:
        for persona in example.personas[case.granularity].values():
            shown = content_words(persona, case.language)
            shared = own_words & shown
            # One word in common ("driver") is no copy, unless that is all there is.
            same = every_word == WORD.findall(persona.casefold())
            if same or len(shared) > max(1, 0.6 * min(len(own_words), len(shown))):
                return f"nearly the example: {persona}"
        # A single word may come by chance; several that the text does not hold come from the example.
        everything = " ".join([example.text, *example.personas[case.granularity].values()])
        leaked = (own_words & content_words(everything, case.language)) - own
        long = 0 if case.language in DENSE else sum(len(word) >= 7 for word in leaked)
        if len(leaked) >= max(3, len(own_words) // 2) or long >= 2:
            return "words of an example that the text does not hold: " + ", ".join(sorted(leaked))
    return None


@lru_cache(1024)
def content_words(text: str, language: str) -> frozenset[str]:
    """Words of five letters or more, folded; in languages without spaces, pairs of characters.

    Words that belong to the form of a description are left out.
    """
    if language in DENSE:
        runs = re.findall(r"[㐀-鿿぀-ヿ฀-๿]+", _MEASURE_ZH.sub(" ", text))
        return frozenset(run[i : i + 2] for run in runs for i in range(len(run) - 1))
    return frozenset(word for word in WORD.findall(text.casefold()) if len(word) >= 5) - _FORM_WORDS
