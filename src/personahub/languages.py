"""Languages by their ISO 639-1 codes."""

from personahub.errors import UserError

__all__ = ["LANGUAGES", "check_language", "language_name"]

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
