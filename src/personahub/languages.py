"""Languages by their ISO 639-1 codes."""

import re
import unicodedata

from personahub.errors import UserError

__all__ = ["LANGUAGES", "check_language", "language_name", "mixed_word", "script_share", "stray_word"]

_NAMES = {
    "ar": "Arabic", "be": "Belarusian", "bg": "Bulgarian", "bn": "Bengali", "ca": "Catalan", "cs": "Czech",
    "da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish", "et": "Estonian",
    "fa": "Persian", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian",
    "hu": "Hungarian", "id": "Indonesian", "it": "Italian", "ja": "Japanese", "kk": "Kazakh", "ko": "Korean",
    "lt": "Lithuanian", "lv": "Latvian", "ms": "Malay", "nl": "Dutch", "no": "Norwegian", "pl": "Polish",
    "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "sr": "Serbian",
    "sv": "Swedish", "sw": "Swahili", "ta": "Tamil", "te": "Telugu", "th": "Thai", "tr": "Turkish",
    "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
LANGUAGES = frozenset(_NAMES)
"""The codes known here."""


def language_name(code: str) -> str:
    """The language's English name, for a prompt; for a code not known here, words that still ask for it."""
    return _NAMES.get(code, "the language of the text" if code == "und" else f"the language {code!r}")


def check_language(code: str) -> str:
    """The code itself.

    Raises:
        UserError: it is no code known here.
    """
    if code not in _NAMES:
        raise UserError(f"unknown language {code!r}; known codes: {' '.join(_NAMES)}")
    return code


_SCRIPTS = {
    **dict.fromkeys(("en", "de", "es", "fr", "it", "nl", "pl", "pt", "tr"), ("LATIN",)),
    **dict.fromkeys(("ru", "uk", "bg"), ("CYRILLIC",)),
    "zh": ("CJK",),
    "ja": ("CJK", "HIRAGANA", "KATAKANA"),
}
_LATIN_WORD = re.compile(r"[A-Za-z]+")


def script_share(text: str, code: str) -> float | None:
    """How much of a text's letters is of the language's script; None where there is nothing to tell it by.

    Languages that share a script cannot be told apart so. Beside Chinese or Japanese characters, each of
    which is about half a word, a word in Latin letters counts as one letter.
    """
    scripts = _SCRIPTS.get(code)
    if "CJK" in (scripts or ()):
        text = _LATIN_WORD.sub("a", text)
    letters = [char for char in text if char.isalpha()]
    if scripts is None or not letters:
        return None
    return sum(unicodedata.name(char, "").startswith(scripts) for char in letters) / len(letters)


_ALPHABETS = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "ARMENIAN", "GEORGIAN", "THAI"})
_WORD = re.compile(r"[^\W\d_]{2,}")


def mixed_word(text: str) -> str | None:
    """The first word with letters of two alphabets, as models write when they lose a language; None for none.

    Chinese and Japanese characters beside Latin letters are usual and not meant, nor is a word such as
    "IT-отдел", whose parts are whole.
    """
    if text.isascii():
        return None
    for word in _WORD.findall(text):
        if not word.isascii():
            scripts = {unicodedata.name(char, "").partition(" ")[0] for char in word}
            if len(scripts & _ALPHABETS) > 1:
                return str(word)
    return None


_ENGLISH = re.compile(
    r"(?<![\w.@/\"'`])(?:the|and|with|each|every|nothing|something|which|from|this|that|these|those|for|are|was|were|"
    r"has|have|had|his|her|their|does|not|but|because|about|into|after|before|when|where|while|they|there|shops?|"
    r"people|persons?|goes|going|comes|coming|takes|makes)(?![\w.@/\"'`])"
)
"""Words that no other language has borrowed."""
_HAN = re.compile(r"(?<![\u4e00-\u9fff«“‘\"'(（])[\u4e00-\u9fff]+(?![\u4e00-\u9fff»”’\"')）])")
_CYRILLIC = re.compile(r"(?<![\w«“‘\"'(（])[а-яё]{3,}(?![\w»”’\"')）])")


def stray_word(text: str, code: str) -> str | None:
    """The first word that a model took from another language, as small ones do when they lose one.

    English words without a capital in a text of another script, Chinese characters in one of Latin or
    Cyrillic letters, Russian words in a Chinese or Japanese one. What stands in quotes or brackets is meant.
    """
    scripts = _SCRIPTS.get(code, ())
    if not scripts:
        return None
    strays = [] if "LATIN" in scripts else [_ENGLISH]
    strays.append(_CYRILLIC if "CJK" in scripts else _HAN)
    found = (pattern.search(text) for pattern in strays)
    return next((match[0] for match in found if match), None)
