"""What ``evaluate coverage`` tells: tables, and a folder with the numbers, the tables and the plots."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from personahub.errors import UserError
from personahub.evaluation.coverage_plot import Bar, plot_coverage
from personahub.workflows.evaluate.coverage import BUILT_IN, NOT_READ
from personahub.workflows.evaluate.coverage_result import (
    Coverage,
    ListCoverage,
    Topic,
    Topics,
    named_language,
)
from personahub.workflows.evaluate.section import Section, markdown_sections

__all__ = ["notes", "sections", "write_report"]

_LANGUAGES = 20
_TOPICS = 20
_EXCERPT = 70


def sections(result: Coverage) -> Iterator[Section]:
    """The tables, in their order; those without a row are left out."""
    for section in _all(result):
        if section.rows:
            yield section


def _all(result: Coverage) -> Iterator[Section]:
    if result.occupations:
        yield from _of_list(result.occupations, "occupation")
    yield _counts("Languages", "language", _languages(result), result.personas)
    yield _counts("Gender, where stated", "gender", result.gender, result.looked_at)
    yield _counts("Age, where stated", "age", result.age, result.looked_at)
    if isinstance(result.topics, ListCoverage):
        yield from _of_list(result.topics, "topic")
    elif result.topics:
        yield from _of_clusters(result.topics)


def _of_list(listed: ListCoverage, what: str) -> Iterator[Section]:
    entries = len(listed.entries)
    title = (
        f"{what.capitalize()}s ({listed.named}): {listed.reached:,} of {entries:,} reached; {listed.found:,}"
        f" of {listed.compared:,} personas ({_share(listed.found, listed.compared)}) have one"
    )
    groups = [
        [
            each.group,
            f"{each.reached:,}/{each.entries:,}",
            f"{each.personas:,}",
            _share(each.personas, listed.found),
        ]
        for each in listed.groups
    ] or [["all", f"{listed.reached:,}/{entries:,}", f"{listed.found:,}", _share(listed.found, listed.found)]]
    yield Section(title, ["group", "reached", "personas", "share"], groups, frozenset({1, 2, 3}))
    even = listed.found / entries
    most = [
        [
            each.title,
            f"{each.personas:,}",
            _share(each.personas, listed.found),
            f"{each.personas / even:,.1f}×",
        ]
        for each in listed.most()
    ]
    headings = [what, "personas", "share", "of an even share"]
    yield Section(f"Most frequent {what}s", headings, most, frozenset({1, 2, 3}))
    missing = [[each.title, f"{each.cosine:.2f}", _cut(each.nearest)] for each in listed.missing()]
    headings = [what, "cosine", "nearest persona"]
    yield Section(f"Missing {what}s, the furthest first", headings, missing, frozenset({1}))


def _of_clusters(topics: Topics) -> Iterator[Section]:
    def rows(some: Sequence[Topic]) -> list[list[str]]:
        return [
            [
                ", ".join(each.words) or "–",
                f"{each.personas:,}",
                _share(each.personas, topics.compared),
                _cut(each.example),
            ]
            for each in some
        ]

    headings, right = ["telling words", "personas", "share", "persona in the middle"], frozenset({1, 2})
    title = f"Topics: {len(topics.topics)} clusters, evenness {topics.evenness:.2f}"
    yield Section(f"{title}; the largest", headings, rows(topics.topics[:_TOPICS]), right)
    yield Section(f"Thin topics ({len(topics.thin)})", headings, rows(topics.thin[-_TOPICS:]), right)


def _languages(result: Coverage) -> dict[str, int]:
    named = {f"{named_language(code)} ({code})": n for code, n in result.languages.items()}
    first = dict(list(named.items())[:_LANGUAGES])
    rest = sum(named.values()) - sum(first.values())
    return first | ({f"{len(named) - len(first)} others": rest} if rest else {})


def _counts(title: str, what: str, counts: Mapping[str, int], of: int) -> Section:
    rows = [[name, f"{count:,}", _share(count, of)] for name, count in counts.items()]
    return Section(title, [what, "personas", "share"], rows, frozenset({1, 2}))


def _share(part: int, whole: int) -> str:
    if not whole:
        return "–"
    share = 100 * part / whole
    return "< 0.1 %" if 0 < share < 0.1 else f"{share:.1f} %"


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _EXCERPT else flat[: _EXCERPT - 1] + "…"


def notes(result: Coverage) -> Iterator[str]:
    """What the reader of the tables should know of this hub: each thing a line."""
    if result.looked_at < result.personas:
        yield (
            f"languages are counted of all {result.personas:,} personas, all else of {result.looked_at:,}"
            f" that were drawn (seed {result.seed})"
        )
    if result.not_compared:
        listed = ", ".join(f"{count:,} {language}" for language, count in result.not_compared.items())
        yield f"in languages that the embedding model does not know, not compared: {listed}"
    if result.gender.get(NOT_READ):
        yield f"gender and age: {result.gender[NOT_READ]:,} personas are in languages without rules for them"
    if result.occupations is None:
        yield "occupations: not done, no persona is in a language that the embedding model knows"
    elif result.occupations.named == BUILT_IN:
        yield (
            f"occupations are held against a short list of {len(result.occupations.entries)} of our own;"
            " --occupations FILE takes your own, such as O*NET's"
        )
    elif len(result.occupations.entries) == 1:
        yield "the list of occupations has one entry"
    if result.topics is None:
        yield "topics: not done, fewer than 20 personas can be compared"
    yield (
        f"what the thresholds find and miss was measured: docs/coverage.md; embeddings {result.embeddings},"
        f" seed {result.seed}"
    )


def write_report(result: Coverage, out: Path) -> None:
    """Write ``coverage.json``, ``.md``, ``.png`` and ``.svg`` into a folder, made where it is not there.

    Raises:
        UserError: the folder cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        told = json.dumps(result.to_json(), ensure_ascii=False, indent=1)
        (out / "coverage.json").write_text(f"{told}\n", encoding="utf-8")
        (out / "coverage.md").write_text("\n".join(_markdown(result)) + "\n", encoding="utf-8")
        plot_coverage(
            out / "coverage",
            title=f"{result.personas:,} personas" + _drawn(result),
            groups=_group_bars(result.occupations),
            languages=[Bar(name, n) for name, n in _languages(result).items()],
            gender=[Bar(name, n) for name, n in result.gender.items()],
            age=[Bar(name, n) for name, n in result.age.items()],
            topics=_topic_bars(result.topics),
        )
    except OSError as error:
        raise UserError(f"--out {out}: cannot be written ({error.strerror or error})") from error


def _drawn(result: Coverage) -> str:
    return "" if result.looked_at == result.personas else f", {result.looked_at:,} of them looked at"


def _group_bars(listed: ListCoverage | None) -> list[Bar]:
    if listed is None:
        return []
    if not listed.groups:
        return [Bar("all", listed.reached, len(listed.entries))]
    return [Bar(each.group, each.reached, each.entries) for each in listed.groups]


def _topic_bars(topics: Topics | ListCoverage | None) -> list[Bar]:
    if topics is None:
        return []
    if isinstance(topics, Topics):
        return [Bar(", ".join(each.words), each.personas) for each in topics.topics]
    return [
        Bar(each.title, each.personas) for each in sorted(topics.entries, key=lambda each: -each.personas)
    ]


def _markdown(result: Coverage) -> Iterator[str]:
    yield "# Coverage"
    yield ""
    shown = f", view {result.view}" if result.view else ""
    where = f", where {result.where}" if result.where else ""
    yield f"{result.hub}: {result.personas:,} personas{shown}{where}."
    yield from markdown_sections(sections(result))
    yield "\n## Notes\n"
    yield from (f"- {line}" for line in notes(result))
    yield "\n![occupations, languages, gender, age and topics](coverage.png)"
