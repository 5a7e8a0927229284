"""How much of a page's main text is kept, and how much else comes with it?

    python benchmarks/main_text.py --data DATA

Twenty pages of real archives, whose lines a reader told apart who had not seen what is extracted: main text,
either way (dates, bylines, link labels), and the rest (menus, notices, footers). The labels hold line numbers
and none of the text. Beside ours: trafilatura's other settings, and all of a page's text.
"""

import argparse
import json
import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import trafilatura
from lxml import html as lxml_html

from personahub.corpus.compression import read_pieces
from personahub.corpus.formats.archives import Record, read_warc
from personahub.corpus.formats.pages import texts_of
from personahub.corpus.texts import Text

LABELS = Path(__file__).parent / "labels" / "main_text.jsonl"
_BLOCKS = set(
    "p div li td th tr h1 h2 h3 h4 h5 h6 br section article ul ol table header footer nav aside form option"  # noqa: SIM905
    " label blockquote pre dd dt figcaption title button main hr dl fieldset select figure".split()
)


def lines_of(page: str) -> list[str]:
    """Every line of the page's text in its order, as the labels number them from 1."""
    tree = lxml_html.document_fromstring(re.sub(r"<\?xml[^>]*\?>", "", page))
    for element in tree.xpath("//script|//style|//noscript|//template|//comment()|//svg"):
        if element.getparent() is not None:
            element.drop_tree()
    pieces: list[str] = []

    def walk(element: lxml_html.HtmlElement) -> None:
        if not isinstance(element.tag, str):
            return
        outer = ["\n"] if element.tag in _BLOCKS else []
        pieces.extend([*outer, element.text or ""])
        for child in element:
            walk(child)
            pieces.append(child.tail or "")
        pieces.extend(outer)

    walk(tree)
    return [line for found in "".join(pieces).split("\n") if (line := " ".join(found.split()))]


def numbers(ranges: str) -> set[int]:
    """The numbers of a text such as ``3-5 8``."""
    found: set[int] = set()
    for part in ranges.split():
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def records(data: Path, file: str, url: str) -> Iterator[Record]:
    """The archive's records of an address."""
    with (data / file).open("rb") as opened:
        for record in read_warc(read_pieces(opened, compressed=True)):
            if isinstance(record, Record) and record.headers.get("warc-target-uri", "").strip("<>") == url:
                yield record


def as_labelled(record: Record) -> str:
    """The page as it stands in the archive, which two servers sent in chunks: their sizes are lines, too."""
    body = record.content.partition(b"\r\n\r\n")[2]
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("latin-1")


def ours(record: Record, _: str) -> str:
    """What a document of the page holds."""
    found = next(texts_of([record]))
    return found.text if isinstance(found, Text) else ""


def by_trafilatura(**settings: bool) -> Callable[[Record, str], str]:
    """Trafilatura's extraction with other settings."""
    return lambda _, page: trafilatura.extract(page, include_comments=False, **settings) or ""


WAYS: dict[str, Callable[[Record, str], str]] = {
    "ours": ours,
    "trafilatura, fast": by_trafilatura(fast=True),
    "trafilatura, favor_recall": by_trafilatura(favor_recall=True),
    "trafilatura, favor_precision": by_trafilatura(favor_precision=True),
    "all text": lambda _, page: "\n".join(lines_of(page)),
}


def folded(text: str) -> str:
    """Letters and digits alone, so that spaces, bullets and quotes do not count."""
    return "".join(re.findall(r"\w+", text.casefold()))


def main() -> None:
    """Read the command line, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    args = parser.parse_args()
    sums: dict[str, dict[str, int]] = {name: defaultdict(int) for name in WAYS}
    shares: dict[str, list[float]] = defaultdict(list)
    print("| page | main text, characters | kept | of what is kept, not main |\n|---|---|---|---|")
    for line in LABELS.read_text().splitlines():
        label = json.loads(line)
        main_lines, either = numbers(label["main"]), numbers(label["either"])
        for record in records(args.data, label["file"], label["url"]):
            page = as_labelled(record)
            if page and len(lines := lines_of(page)) == label["lines"]:
                break
        else:
            raise SystemExit(f"{label['url']}: not in {label['file']} as it was labelled")
        for name, way in WAYS.items():
            kept = folded(way(record, page))
            count: dict[str, int] = defaultdict(int)
            for number, text in enumerate(lines, 1):
                size = len(folded(text))
                kind = "main" if number in main_lines else "either" if number in either else "other"
                count[kind] += size
                # Of very short lines the words are met anywhere.
                if size > 3 and folded(text) in kept:
                    count[f"{kind} kept"] += size
            if count["main"]:
                shares[name].append(count["main kept"] / count["main"])
            for kind, size in count.items():
                sums[name][kind] += size
            if name == "ours":
                wrong = count["other kept"] / max(count["other kept"] + count["main kept"], 1)
                share = f"{count['main kept'] / count['main']:.0%}" if count["main"] else "none to keep"
                print(f"| {label['url'][:80]} | {count['main']:,} | {share} | {wrong:.0%} |")
    print("\n| way | main text kept, mean of the pages | all pages together | of what is kept, not main |")
    print("|---|---|---|---|")
    for name, total in sums.items():
        wrong = total["other kept"] / (total["other kept"] + total["main kept"])
        mean, whole = statistics.mean(shares[name]), total["main kept"] / total["main"]
        print(f"| {name} | {mean:.1%} | {whole:.1%} | {wrong:.1%} |")


if __name__ == "__main__":
    main()
