"""The filter: simple rules that set poor descriptions aside, each with a name and its reason.

The rules work on words, so that they hold for any model: what the prompt asks for and a grammar enforces
is checked here all the same.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from personahub.personas.template import Example, Granularity
from personahub.records import Document

__all__ = ["Finding", "find_fault"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a description does not pass: the rule's name, and what it saw."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class _Case:
    description: str
    document: Document
    examples: Sequence[Example]
    language: str
    granularity: Granularity


# Languages without spaces: a character counts as half a word, as segmenters find it to be for Chinese.
_DENSE = {"zh", "ja", "th"}
_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_MIN_WORDS: dict[Granularity, int] = {"fine": 7, "coarse": 1}


def _words(words: str) -> set[str]:
    return set(words.split())


_THINGS = {
    "en": "text article recipe guide guideline document story book blog website page post system method "
    "process company organization organisation program project tool product description summary list "
    "report letter review manual course event law",
    "ru": "текст статья рецепт руководство документ рассказ книга сайт страница система метод процесс "
    "компания организация программа проект инструмент продукт описание список отчёт письмо закон",
}
_THING_HEADS = {language: _words(words) for language, words in _THINGS.items()}
_THING_ENDS_ZH = re.compile(
    r"^(?:一[个篇份本种项]|这[个篇份本种项段])?[^，。]{0,12}?(?:文章|文字|食谱|指南|文件|故事|网站|系统|方法|公司|项目|产品|报告|法律)[。，]?$"
)
# The head of "A recipe blog that …" is what stands before the first word that begins a clause.
_CLAUSES = _words(
    "that which who whose whom with for of from in to about on at by as under into where when a an the this "
    "his her its their который которая которое для о об из с в на по"
)
_GUIDES_READERS = {"that", "which", "to", "for", "about", "on"}
# Compounds that are none of the text: a post office, the post-war years, a text message.
_COMPOUND = r"(?!-| (?:messages?|editors?|office|box)\b)"
_ABOUT_TEXT = re.compile(
    rf"\b(?:this|the) (?:text|article|passage|post|author|document|excerpt)\b{_COMPOUND}"
    # At the start it describes the person: a document clerk. An author may be one of novels.
    rf"|(?!\A)\ban? (?:text|article|passage|post|document|excerpt)\b{_COMPOUND}"
    r"|\b(?:этот|этого|этому|этим|данн\w+) (?:текст|стать)\w*|\bтекст(?:а|у|ом|е)?\b"
    r"|(?:这|该|此)(?:段|篇|个)?(?:文字|文章|文本|帖子)"
    r"|(?<!小说|童话|诗歌|漫画|绘本|剧本|科普|专栏|博客|图书|教材)作者",
    re.IGNORECASE,
)
# Of five letters or more, but in any description.
_FORM_WORDS = _words(
    "about after again always because before being could doing during every having never often other "
    "should since still their there these those though through until wants where which while whose within "
    "without would который которая которое которому которой которого которую которые каждый каждую когда "
    "может можно нужно очень перед после потому своей своего своему своих своими свою сейчас среди также "
    "хочет через чтобы этого"
)
_MEASURE_ZH = re.compile(r"一[位名个]")
_LATIN_WORD = re.compile(r"[A-Za-z]+")


def find_fault(
    description: str,
    *,
    document: Document,
    examples: Sequence[Example],
    language: str,
    granularity: Granularity,
) -> Finding | None:
    """The first rule that the description breaks, or None.

    Args:
        description: what the model gave.
        document: the text it was asked about.
        examples: what the prompt showed.
        language: the language it was asked in, ISO 639-1.
        granularity: how narrow it was asked to be.
    """
    case = _Case(description, document, examples, language, granularity)
    for rule in _RULES:
        if detail := rule(case):
            return Finding(rule.__name__.lstrip("_"), detail)
    return None


def _too_short(case: _Case) -> str | None:
    words: float = len(_WORD.findall(case.description))
    if case.language in _DENSE:
        words = sum(unicodedata.category(char) == "Lo" for char in case.description) / 2
    least = _MIN_WORDS[case.granularity]
    return f"{words:g} words, at least {least} are wanted" if words < least else None


def _wrong_language(case: _Case) -> str | None:
    """By script: the languages that share one cannot be told apart in so few words."""
    script = {"zh": "CJK", "ja": "CJK", "ru": "CYRILLIC", "uk": "CYRILLIC", "bg": "CYRILLIC"}.get(
        case.language
    )
    if case.language in {"en", "de", "es", "fr", "it", "nl", "pl", "pt", "tr"}:
        script = "LATIN"
    letters = [char for char in case.description if char.isalpha()]
    if script is None or not letters:
        return None
    if case.language in _DENSE:
        # A name in Latin letters is long beside characters, and is one word all the same.
        letters = [char for char in _LATIN_WORD.sub("a", case.description) if char.isalpha()]
    scripts = ("CJK", "HIRAGANA", "KATAKANA") if case.language == "ja" else (script,)
    share = sum(unicodedata.name(char, "").startswith(scripts) for char in letters) / len(letters)
    return f"only {share:.0%} of its letters are {script.title()}" if share < 0.7 else None


def _not_a_person(case: _Case) -> str | None:
    if case.language == "zh":
        match = _THING_ENDS_ZH.search(case.description)
        return f"names a thing: {match[0]}" if match else None
    # A comma in Russian ends what the head is in: «Инженер, налаживающий проект, который …».
    described = case.description.partition(",")[0] if case.language == "ru" else case.description
    words = [word.lower() for word in _WORD.findall(described)]
    if words and words[0] in {"a", "an", "the", "this"}:
        words = words[1:]
    end = next((place for place, word in enumerate(words) if word in _CLAUSES), len(words))
    head = words[end - 1] if end else ""
    if head == "guide" and not _GUIDES_READERS & set(words[end : end + 1]):
        return None
    if head in _THING_HEADS.get(case.language, set()):
        return f"names a thing: {head}"
    return None


def _repeats_itself(case: _Case) -> str | None:
    """Three words in a row for the third time: a small model that has lost its way."""
    words = [word.lower() for word in _WORD.findall(case.description)]
    if case.language in _DENSE:
        words = [char for char in case.description if char.isalpha()]
    size = 6 if case.language in _DENSE else 3
    runs = Counter(zip(*(words[start:] for start in range(size)), strict=False))
    run, count = max(runs.items(), key=lambda item: item[1], default=((), 0))
    return f"{count} times {' '.join(run)!r}" if count > 2 else None


def _about_the_text(case: _Case) -> str | None:
    match = _ABOUT_TEXT.search(case.description)
    return f"speaks of the text itself: {match[0]}" if match else None


_PADDING = re.compile(
    r"\b(?:passionate about|lov(?:es|ing) (?:to|cooking|experimenting|trying)|always looking"
    r"|(?:enthusiast|lover)s? who (?:loves|enjoys|likes|is interested)"
    r"|interested in understanding|experimenting with"
    r"|enjoys (?:experimenting|trying|cooking|making|learning)|(?:is|are) eager|wants to learn more about)\b"
    r"|热爱|充满热情|喜欢挑战",
    re.IGNORECASE,
)


def _vague(case: _Case) -> str | None:
    """Words that fit anybody: of 80 personas judged by readers, 7 of the 8 with such words failed."""
    match = _PADDING.search(case.description) if case.granularity == "fine" else None
    return f"could be said of anybody: {match[0]}" if match else None


def _unknown_name(case: _Case) -> str | None:
    """A name or a nationality inside the sentence that the text does not hold.

    Only where capitals mark names, and where the text is in the persona's language.
    """
    if case.language not in {"en", "ru"} or case.document.language != case.language:
        return None
    text = f"{case.document.title or ''} {case.document.text}".casefold()
    for name in re.findall(r"(?<=[^\W\d_] )[A-ZА-ЯЁ][\w-]{3,}", case.description):
        # By its first letters, since endings change: Germany, German.
        if name[:4].casefold() not in text:
            return f"the text does not hold the name {name}"
    return None


def _copies_example(case: _Case) -> str | None:
    words = _content_words(case.description, case.language)
    every_word = _WORD.findall(case.description.casefold())
    own = _content_words(case.document.text, case.language)
    for example in case.examples:
        for persona in example.personas[case.granularity].values():
            shown = _content_words(persona, case.language)
            shared = words & shown
            # One word in common ("driver") is no copy, unless that is all there is.
            same = every_word == _WORD.findall(persona.casefold())
            if same or len(shared) > max(1, 0.6 * min(len(words), len(shown))):
                return f"nearly the example: {persona}"
        # A single word may come by chance; several that the text does not hold come from the example.
        everything = " ".join([example.text, *example.personas[case.granularity].values()])
        leaked = (words & _content_words(everything, case.language)) - own
        long = 0 if case.language in _DENSE else sum(len(word) >= 7 for word in leaked)
        if len(leaked) >= max(3, len(words) // 2) or long >= 2:
            return "words of an example that the text does not hold: " + ", ".join(sorted(leaked))
    return None


@lru_cache(1024)
def _content_words(text: str, language: str) -> frozenset[str]:
    """Words of five letters or more, folded; in languages without spaces, pairs of characters.

    Words that belong to the form of a description are left out.
    """
    if language in _DENSE:
        runs = re.findall(r"[㐀-鿿぀-ヿ฀-๿]+", _MEASURE_ZH.sub(" ", text))
        return frozenset(run[i : i + 2] for run in runs for i in range(len(run) - 1))
    return frozenset(word for word in _WORD.findall(text.casefold()) if len(word) >= 5) - _FORM_WORDS


_RULES: Sequence[Callable[[_Case], str | None]] = (
    _wrong_language,
    _too_short,
    _not_a_person,
    _repeats_itself,
    _about_the_text,
    _vague,
    _unknown_name,
    _copies_example,
)
