"""A page's licence and its wishes about training are read from its markup and headers."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personahub.safeguards.rights import licence_in_html, licence_name, opt_out

BY = "https://creativecommons.org/licenses/by/4.0/"


@pytest.mark.parametrize(
    "html",
    [
        f'<a rel="license" href="{BY}">CC BY</a>',
        f"<A HREF='{BY}' REL='noopener License'>",
        f"<link rel=license href={BY}>",
        f'<link\n  href="{BY}"\n  rel="license"\n/>',
        f'<meta name="license" content="{BY}">',
        f'<META CONTENT="{BY}" NAME="DC.Rights">',
        f'<meta name="dcterms.license" content="{BY}"/>',
        f'<script type="application/ld+json">{{"@type": "Article", "license": "{BY}"}}</script>',
        f'<script type=application/ld+json>[{{"@graph": [{{"license": {{"@id": "{BY}"}}}}]}}]</script>',
        f'<p>Our license</p><a rel="nofollow" href="/license">x</a><a rel="license" href="{BY}">y</a>',
        f'<a title="a > b" rel="license" href="{BY}">',
        f'İ<a rel="license" href="{BY}">',
    ],
)
def test_a_licence_is_found_in_the_markup(html: str) -> None:
    assert licence_in_html(f"<html><head>{html}</head><body>text</body></html>") == BY


@pytest.mark.parametrize(
    "html",
    [
        "",
        "A licence, a license, all rights reserved.",
        '<a href="/license">our license</a>',
        f'<!-- <a rel="license" href="{BY}"> -->',
        f'<script>var a = \'<a rel="license" href="{BY}">\';</script>',
        '<a rel="license">no address</a>',
        '<script type="application/ld+json">{"license": </script>',
        '<script type="application/ld+json">{"license": null}</script>',
        '<meta name="description" content="license">',
    ],
)
def test_no_licence_is_made_up(html: str) -> None:
    assert licence_in_html(html) is None


def test_entities_are_read() -> None:
    assert (
        licence_in_html('<a rel=license href="https://example.org/?a=1&amp;b=2">')
        == "https://example.org/?a=1&b=2"
    )


def test_the_page_s_own_link_goes_before_one_in_its_text() -> None:
    html = '<a rel=license href="https://example.org/photo">p</a><link rel=license href="https://example.org/page">'
    assert licence_in_html(html) == "https://example.org/page"


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (BY, "CC-BY-4.0"),
        ("http://creativecommons.org/licenses/by-sa/3.0", "CC-BY-SA-3.0"),
        ("//creativecommons.org/licenses/by-nc-nd/4.0/deed.de", "CC-BY-NC-ND-4.0"),
        ("https://creativecommons.org/licenses/by/3.0/us/", "CC-BY-3.0-US"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("https://creativecommons.org/publicdomain/mark/1.0/", "CC-PDM-1.0"),
        ("CC BY-SA 4.0", "CC-BY-SA-4.0"),
        ("cc-by-sa-nc 2.0", "CC-BY-NC-SA-2.0"),
        ("CC0", "CC0-1.0"),
        (
            "Creative Commons Attribution-NonCommercial-ShareAlike 4.0 International License",
            "CC-BY-NC-SA-4.0",
        ),
        ("Creative Commons Attribution 4.0 International (CC BY 4.0)", "CC-BY-4.0"),
        ("Creative Commons Attribution (CC BY 4.0)", "CC-BY-4.0"),
        ("Creative Commons Attribution-NoDerivatives 4.0", "CC-BY-ND-4.0"),
        ("https://www.apache.org/licenses/LICENSE-2.0", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("MIT", "MIT"),
        ("https://opensource.org/licenses/MIT", "MIT"),
        ("The MIT License (MIT)", "MIT"),
        ("https://www.gnu.org/licenses/gpl-3.0.html", "GPL-3.0"),
        ("GNU Affero General Public License v3", "AGPL-3.0"),
        ("https://www.gnu.org/licenses/fdl-1.3.html", "GFDL-1.3"),
        ("https://opendatacommons.org/licenses/odbl/1-0/", "ODbL-1.0"),
        ("https://spdx.org/licenses/0BSD.html", "0BSD"),
        ("Open Government Licence v3.0", "OGL-UK-3.0"),
        ("https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/", "OGL-UK-3.0"),
    ],
)
def test_a_known_licence_gets_its_short_name(value: str, name: str) -> None:
    assert licence_name(f"  {value}\n") == name


@pytest.mark.parametrize(
    "value",
    [
        "All rights reserved.",
        "(c) MIT 2012",
        "Text is CC BY-SA 3.0, code is under the MIT License",
        "CC BY 4.0 except the photos",
        "https://example.com/terms",
        "",
    ],
)
def test_any_other_words_stay_as_they_are(value: str) -> None:
    assert licence_name(value) == value


def test_long_words_are_collapsed_and_cut() -> None:
    assert licence_name("a \n b " * 1000) == ("a b " * 100)[:200]


@given(st.text())
def test_a_name_is_never_long(value: str) -> None:
    assert len(licence_name(value)) <= 200


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"X-Robots-Tag": "noai"}, "x-robots-tag: noai"),
        ({"x-robots-tag": "noindex, NoAI, noimageai"}, "x-robots-tag: noai"),
        ({"X-ROBOTS-TAG": "GPTBot: noml"}, "x-robots-tag: gptbot: noml"),
        ({"X-Robots-Tag": "googlebot: noindex, otherbot: nofollow, noai"}, "x-robots-tag: noai"),
        ({"X-Robots-Tag": "DisallowAITraining"}, "x-robots-tag: disallowaitraining"),
        ({"X-Robots-Tag": "unavailable_after: 25 Jun 2030 15:00:00 PST, noai"}, "x-robots-tag: noai"),
        ({"TDM-Reservation": " 1 "}, "tdm-reservation: 1"),
        ({"tdm-reservation": "0, 1"}, "tdm-reservation: 1"),
        ({"tdm-reservation": "0"}, None),
        ({"tdm-reservation": "10"}, None),
        ({"X-Robots-Tag": "noimageai"}, None),
        ({"X-Robots-Tag": "noindex, nofollow, noarchive, none"}, None),
        ({"Server": "noai"}, None),
        ({}, None),
    ],
)
def test_headers_opt_out(headers: dict[str, str], found: str | None) -> None:
    assert opt_out(headers, None) == found


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<meta name="robots" content="noai">', "meta robots: noai"),
        ("<META CONTENT='index, NOAI' NAME='Robots' />", "meta robots: noai"),
        ("<meta content=noai name=robots>", "meta robots: noai"),
        ('<meta name="CCBot" content="noai, noimageai">', "meta ccbot: noai"),
        ('<meta name="GPTBot" content="noml">', "meta gptbot: noml"),
        ('<meta name="Google-Extended" content="noai">', "meta google-extended: noai"),
        ('<meta name="tdm-reservation" content="1">', "meta tdm-reservation: 1"),
        ('<meta content="&#49;" name="tdm-reservation">', "meta tdm-reservation: 1"),
        ('<meta name="tdm-reservation" content="0">', None),
        ('<meta name="robots" content="noimageai">', None),
        ('<meta name="robots" content="noindex, nofollow">', None),
        ('<meta name="keywords" content="noai, art">', None),
        ('<!-- <meta name="robots" content="noai"> -->', None),
        ('<p>Write &lt;meta name="robots" content="noai"&gt;</p>', None),
        ('<script>if (\'<meta name="robots" content="noai">\') {}</script>', None),
        ("", None),
    ],
)
def test_a_page_opts_out(html: str, found: str | None) -> None:
    assert opt_out({"Content-Type": "text/html"}, f"<html><head><title>x</title>{html}</head>") == found


def test_a_tag_after_a_closed_comment_counts() -> None:
    assert opt_out({}, '<!-- noai --><meta name="robots" content="noai">') == "meta robots: noai"


@given(
    st.lists(
        st.sampled_from(
            ["<a ", "<meta ", "rel=license ", "name=robots ", '"', "'", ">", "<!--", "-->", "noai", "İ"]
        )
    )
)
def test_any_markup_is_read_without_error(pieces: list[str]) -> None:
    html = "".join(pieces)
    licence_in_html(html)
    opt_out({}, html)


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "<",
        "<!--",
        "<a license",
        "<meta name=noai ",
        "license ",
        "noai",
        '<a "license',
        "<a x='license",
        "<script ",
        '<script>ld+json"license"',
        "İ",
    ],
)
def test_a_hostile_megabyte_takes_well_under_a_second(unit: str) -> None:
    html = unit * (1_000_000 // len(unit))
    start = time.process_time()
    licence_in_html(html)
    opt_out({}, html)
    licence_name(html)
    assert time.process_time() - start < 10


def test_deeply_nested_json_is_no_licence() -> None:
    html = f'<script type="application/ld+json">{"[" * 200_000}"license"</script>'
    assert licence_in_html(html) is None
