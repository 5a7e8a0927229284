"""What a page says of its licence, and whether it asks not to be used for training.

HTML is untrusted and may be megabytes long, so that it is never parsed as a whole: a page is searched for the
few words that matter, and only the tags around them are read, unless they stand in a comment or a script.
"""

import html as entities
import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

__all__ = ["licence_in_html", "licence_name", "opt_out"]


def licence_in_html(html: str) -> str | None:
    """The licence that the page names in its markup, as it stands there: mostly a URL; None if it names none.

    In this order: a ``<link>`` and then an ``<a>`` with ``rel=license``; a ``<meta>`` named license,
    dcterms.license, dc.rights or dcterms.rights; the first "license" of its JSON-LD.
    """
    page = _Page.of(html)
    found: dict[str, str] = {}
    for name, attributes in page.tags("license", "dc.rights", "dcterms.rights"):
        licences = name == "meta" and _meta_name(attributes) in _LICENCE_METAS
        links = name != "meta" and "license" in attributes.get("rel", "").lower().split()
        value = attributes.get("content" if licences else "href", "").strip()
        if (licences or links) and value:
            found.setdefault(name, value)
    if "ld+json" in page.lowered and '"license"' in page.lowered:
        found["json"] = next(page.licences_in_json(), "")
    return next((found[kind] for kind in ("link", "a", "meta", "json") if found.get(kind)), None)


def licence_name(value: str) -> str:
    """A licence's short name, of the kind SPDX gives ("CC-BY-4.0", "MIT"), from its URL or a free text.

    A text that names no known licence, or several, or excepts something, is given as it is, with its
    whitespace collapsed and cut to 200 characters.
    """
    text = " ".join(value[:5000].split())
    if match := _CC_URL.search(text):
        return _creative_commons(match["kind"], match["version"], match["where"])
    if match := _SPDX_URL.search(text):
        return match[1]
    names = {name for pattern, name in _NAMED if pattern.search(text)}
    names |= {_creative_commons(match["kind"], match["version"], None) for match in _CC_SHORT.finditer(text)}
    names |= {_creative_commons(_spelled(match[1]), match[2], None) for match in _CC_LONG.finditer(text)}
    # "CC BY" and, some words on, "CC BY 4.0" are one licence.
    names = {name for name in names if not any(other.startswith(f"{name}-") for other in names)}
    return names.pop() if len(names) == 1 and not _EXCEPTS.search(text) else text[:200]


def opt_out(headers: Mapping[str, str], html: str | None) -> str | None:
    """What the response or its page says against training on it, such as "meta robots: noai", or None.

    Honoured are the tokens noai, noml and DisallowAITraining in ``X-Robots-Tag`` headers (also when meant for
    one robot, as in "GPTBot: noai") and in ``<meta>`` tags named robots or by a robot; and the Text and Data
    Mining Reservation Protocol's ``tdm-reservation`` with the value 1, as header or ``<meta>``.

    Not honoured, since they say nothing about text in training: noimageai (images only), noindex, nofollow
    and nosnippet (search results), noarchive and nocache (kept copies; one search engine alone reads more
    into them).

    Args:
        headers: of the HTTP response, named in any case; several values of one name joined by commas.
        html: the page, where there is one.
    """
    for name, value in headers.items():
        lowered = name.lower()
        if lowered == "x-robots-tag" and (said := _robots_against(value)):
            return f"x-robots-tag: {said}"
        if lowered == "tdm-reservation" and "1" in _listed(value):
            return "tdm-reservation: 1"
    for tag, attributes in _Page.of(html or "").tags(*_AGAINST, "tdm-reservation"):
        name = _meta_name(attributes) if tag == "meta" else ""
        content = attributes.get("content", "")
        if name == "tdm-reservation" and "1" in _listed(content):
            return "meta tdm-reservation: 1"
        if (name == "robots" or name.endswith("bot") or name in _ROBOTS) and (
            said := _robots_against(content)
        ):
            return f"meta {name}: {said}"
    return None


_AGAINST = ("noai", "noml", "disallowaitraining")
# Robots that read for training and whose names do not end in "bot".
_ROBOTS = {
    "ai", "anthropic-ai", "applebot-extended", "bytespider", "claude-web", "cohere-ai", "google-extended",
    "meta-externalagent", "omgili",
}  # fmt: skip
_ROBOT_PREFIX = re.compile(r"[\w. /-]{1,60}:(?!//)\s*")


def _listed(value: str) -> list[str]:
    return [part.strip() for part in value.lower().split(",")]


def _robots_against(value: str) -> str | None:
    """The first directive against training, with its robot if it names one."""
    for directive in _listed(value):
        words = _ROBOT_PREFIX.sub("", directive, count=1).replace(";", " ").split()
        if any(word in _AGAINST for word in words):
            return " ".join(directive.split())[:100]
    return None


_LICENCE_METAS = {
    "license",
    "dcterms.license",
    "dc.rights",
    "dcterms.rights",
    "dc.rights.license",
    "dc.license",
}


def _meta_name(attributes: Mapping[str, str]) -> str:
    return (
        (attributes.get("name") or attributes.get("property") or "")
        .strip()
        .lower()
        .replace("dcterms:", "dcterms.")
    )


# Possessive, so that no text makes them go back; a tag with a bare "<" in it ends there.
_TAG = re.compile(r"""<(a|link|meta)[\s/]((?:[^<>"']++|"[^"]*+"|'[^']*+')*+)>""", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'<>]++)))?""")
_LONGEST_TAG = 4096
_HIDES = re.compile(r"<!--|<(script|style|textarea|template)\b")
_LONGEST_JSON = 2_000_000


class _Page(NamedTuple):
    html: str
    lowered: str  # the same length as html

    @classmethod
    def of(cls, html: str) -> "_Page":
        lowered = html.lower()
        if len(lowered) != len(html):  # one letter, "İ", has no small form of the same length
            html = html.replace("İ", "I")
            lowered = html.lower()
        return cls(html, lowered)

    def tags(self, *words: str) -> Iterator[tuple[str, dict[str, str]]]:
        """The a, link and meta tags that hold one of the words: their names and attributes."""
        places = sorted({start for word in words for start in self._starts(word)})
        hidden = self._hidden() if places else []
        for start in places:
            within = bisect_right(hidden, (start, len(self.html))) - 1
            if within >= 0 and start < hidden[within][1]:
                continue
            if match := _TAG.match(self.html, start, start + _LONGEST_TAG):
                yield match[1].lower(), _attributes(match[2])

    def _starts(self, word: str) -> Iterator[int]:
        """Where a tag may begin that holds the word."""
        place = self.lowered.find(word)
        while place >= 0:
            start = self.lowered.rfind("<", max(0, place - _LONGEST_TAG), place)
            if start >= 0:
                yield start
            # All further words before the next tag are in this one, or in the text after it.
            next_tag = self.lowered.find("<", place)
            place = self.lowered.find(word, next_tag) if next_tag >= 0 else -1

    def _hidden(self) -> list[tuple[int, int]]:
        """The stretches inside comments, scripts and the like; one that is never closed hides the rest."""
        stretches = []
        match = _HIDES.search(self.lowered)
        while match:
            end = self.lowered.find(f"</{match[1]}" if match[1] else "-->", match.end())
            end = len(self.html) if end < 0 else end
            stretches.append((match.start(), end))
            match = _HIDES.search(self.lowered, end)
        return stretches

    def licences_in_json(self) -> Iterator[str]:
        """The values of "license" in scripts of JSON-LD, those of a script's outer objects first."""
        for start, end in self._hidden():
            opening = self.lowered.find(">", start, start + _LONGEST_TAG) + 1
            if "ld+json" not in self.lowered[start:opening] or end - opening > _LONGEST_JSON:
                continue
            try:
                waiting: list[Any] = [json.loads(self.html[opening:end])]
            except (ValueError, RecursionError):
                continue
            for thing in waiting:  # it grows meanwhile
                if isinstance(thing, list):
                    waiting += thing
                elif isinstance(thing, dict):
                    yield from _texts(thing.get("license"))
                    waiting += thing.values()


def _texts(licence: Any) -> Iterator[str]:
    for value in licence if isinstance(licence, list) else [licence]:
        said = (
            (value.get("url") or value.get("@id") or value.get("name")) if isinstance(value, dict) else value
        )
        if isinstance(said, str) and said.strip():
            yield said.strip()


def _attributes(source: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, *values in _ATTRIBUTE.findall(source):
        found.setdefault(name.lower(), entities.unescape("".join(values)))
    return found


_CC_URL = re.compile(
    r"creativecommons\.org/(?:licen[sc]es|publicdomain)/(?P<kind>[a-z+-]{2,20})"
    r"(?:/(?P<version>\d\.\d)(?:/(?P<where>[a-z]{2,3}|scotland)(?=/|$))?)?",
    re.IGNORECASE,
)
_CC_SHORT = re.compile(
    r"\bcc[ -]?(?P<kind>0|zero|by(?:[ -](?:nc|nd|sa)\b){0,2})(?:[ -]?v?(?P<version>\d\.\d))?", re.IGNORECASE
)
_CC_LONG = re.compile(
    r"\bcreative commons\W{1,3}(attribution(?:[ -]{1,3}(?:non-?commercial|no-?deriv(?:ative)?s?(?: "
    r"works)?|share-?alike)){0,2})"
    r"(?: (?:version )?v?(\d\.\d))?",
    re.IGNORECASE,
)
_SPDX_URL = re.compile(r"spdx\.org/licenses/([\w.+-]{2,60}?)(?:\.html|\.json)?/?$", re.IGNORECASE)
_EXCEPTS = re.compile(r"\b(?:not|except|unless|excluding|other than)\b", re.IGNORECASE)
_NAMED = [
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in [
        (
            r"\bapache(?:\.org/licenses/license| software)?(?: licen[sc]e)?,?[ -]*(?:version |"
            r"v)?2(?:\.0)?\b",
            "Apache-2.0",
        ),
        (r"^(?:the )?mit$|\bmit licen[sc]e\b|licenses?/mit\b", "MIT"),
        (r"\bbsd[ -]3|\b3-clause bsd|licenses?/bsd-3-clause", "BSD-3-Clause"),
        (r"\bbsd[ -]2|\b2-clause bsd|licenses?/bsd-2-clause", "BSD-2-Clause"),
        (r"^isc$|\bisc licen[sc]e\b|licenses?/isc\b", "ISC"),
        (r"\bmpl[ -]?2\.0|mozilla public licen[sc]e,? (?:version |v)?2\.0|mozilla\.org/mpl/2\.0", "MPL-2.0"),
        (
            r"(?<![al])gpl[ -]?v?3|(?<!affero )(?<!lesser )general public licen[sc]e,? (?:version |v)3",
            "GPL-3.0",
        ),
        (
            r"(?<![al])gpl[ -]?v?2|(?<!affero )(?<!lesser )general public licen[sc]e,? (?:version |v)2",
            "GPL-2.0",
        ),
        (r"\bagpl[ -]?v?3|affero general public licen[sc]e,? (?:version |v)3", "AGPL-3.0"),
        (r"\blgpl[ -]?v?3|lesser general public licen[sc]e,? (?:version |v)3", "LGPL-3.0"),
        (r"\bg?fdl[ -]?v?1\.3|free documentation licen[sc]e,? (?:version |v)?1\.3", "GFDL-1.3"),
        (r"\bg?fdl[ -]?v?1\.2|free documentation licen[sc]e,? (?:version |v)?1\.2", "GFDL-1.2"),
        (r"\bodbl\b|open (?:data commons open )?database licen[sc]e", "ODbL-1.0"),
        (r"\bodc-by\b|open data commons attribution", "ODC-By-1.0"),
        (r"open[ -]government[ -]licen[sc]e(?:/version/| v| version )3", "OGL-UK-3.0"),
        (r"\bunlicense\b", "Unlicense"),
    ]
]
_ELEMENTS = ("by", "nc", "nd", "sa")


def _spelled(words: str) -> str:
    """The elements of a Creative Commons licence from their full names."""
    lowered = words.lower()
    starts = {"nc": "commercial", "nd": "deriv", "sa": "alike"}
    return "-".join(["by", *(element for element, word in starts.items() if word in lowered)])


def _creative_commons(kind: str, version: str | None, where: str | None) -> str:
    kind = kind.lower().replace(" ", "-")
    if kind in {"0", "zero"}:
        return f"CC0-{version or '1.0'}"
    if kind in {"mark", "publicdomain"}:
        return "CC-PDM-1.0" if kind == "mark" else "CC-PDDC"
    # The short names have NonCommercial first of the conditions, however a page orders them.
    kind = "-".join(
        sorted(kind.split("-"), key=lambda part: _ELEMENTS.index(part) if part in _ELEMENTS else 9)
    )
    return "-".join(part.upper() for part in ("CC", kind, version, where) if part)
