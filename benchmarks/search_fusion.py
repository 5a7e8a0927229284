"""How search puts words and meaning together, judged by how high what is meant comes.

    python benchmarks/search_fusion.py --data DATA

Mean reciprocal rank, of occupations' descriptions asked for by their titles, and of paraphrases (pairs of
sentences rated 4 of 5, one asked for by the other) within and across languages: by words alone (BM25),
by meaning alone (cosine), by reciprocal rank fusion (Cormack et al. 2009), and by cosine plus a weight
times BM25 over the best BM25.
"""

import argparse
import gzip
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from personahub import Hub
from personahub.hub.nearest import by_words
from personahub.models.sentence_encoder import SentenceEncoder
from personahub.records import Persona

_DEPTH = 200
_WEIGHTS = (0.2, 0.3, 0.5, 1.0)
_MOST = 400

Scores = npt.NDArray[np.float64]


def _rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _collections(data: Path) -> Iterator[tuple[str, list[str], list[tuple[str, int]]]]:
    """Name, texts, and questions with the place of the text that is meant."""
    jobs = _rows(data / "onet_occupations" / "occupations.jsonl.gz")
    yield (
        "titles of occupations",
        [row["description"] for row in jobs],
        [(row["title"], place) for place, row in enumerate(jobs)],
    )
    pairs = {language: _rows(data / "stsb_dev" / f"{language}.jsonl.gz") for language in ("en", "ru", "zh")}
    for asked, answered in (("en", "en"), ("ru", "ru"), ("zh", "zh"), ("ru", "en"), ("en", "zh")):
        texts = list(dict.fromkeys(row["b"] for row in pairs[answered]))
        places = {text: place for place, text in enumerate(texts)}
        questions = [
            (mine["a"], places[theirs["b"]])
            for mine, theirs in zip(pairs[asked], pairs[answered], strict=True)
            if 4 <= theirs["score"] < 5
        ]
        yield f"paraphrases, {asked} for {answered}", texts, questions


def _fusions(words: Scores, cosines: Scores) -> dict[str, Scores]:
    """Each way's scores of all texts; of those that neither found among its first, minus infinity."""
    word_ranks, ranks = ((-scores).argsort().argsort() for scores in (words, cosines))
    by_word, near = (words > 0) & (word_ranks < _DEPTH), ranks < _DEPTH
    share = np.where(by_word, words, 0.0) / (words.max() or 1.0)
    fused = by_word / (61.0 + word_ranks) + near / (61.0 + ranks)
    ways = {"words": np.where(by_word, words, -np.inf), "meaning": np.where(near, cosines, -np.inf)}
    ways["ranks"] = np.where(by_word | near, fused, -np.inf)
    for weight in _WEIGHTS:
        ways[f"+{weight}"] = np.where(by_word | near, cosines + weight * share, -np.inf)
    return ways


def _measure(texts: Sequence[str], questions: Sequence[tuple[str, int]]) -> dict[str, float]:
    encoder = SentenceEncoder()
    vectors = encoder.embed(list(texts))
    asked = encoder.embed([question for question, _ in questions])
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        hub = Hub.create(Path(folder) / "hub")
        personas = [_persona(text, place) for place, text in enumerate(texts)]
        hub.personas.add(personas)
        hub.personas.index_text()
        places = {persona.id: place for place, persona in enumerate(personas)}
        for (question, meant), vector in zip(questions, asked, strict=True):
            words = np.zeros(len(texts))
            for id_, score in by_words(hub, question, _DEPTH, None, _all).items():
                words[places[id_]] = score
            for way, scores in _fusions(words, (vectors @ vector).astype(np.float64)).items():
                rank = 1 + int((scores > scores[meant]).sum())
                found.setdefault(way, []).append(1 / rank if np.isfinite(scores[meant]) else 0.0)
    return {way: float(np.mean(ranks)) for way, ranks in found.items()}


def _all(ids: Any) -> Any:
    import pyarrow as pa

    return pa.array(np.ones(len(ids), np.bool_))


def _persona(text: str, row: int) -> Persona:
    return Persona(
        description=text,
        language="en",
        relation="read",
        parent_id="",
        document_id="",
        source="",
        row=row,
        date="",
        licence="",
        round=0,
        granularity="",
        closeness=None,
        model="",
        template="",
        seed=0,
        run=1,
        position=row,
        request="",
    )


def main() -> None:
    """Read the command line, and print a line for each collection."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    args = parser.parse_args()
    for name, texts, questions in _collections(args.data):
        means = _measure(texts, questions[:_MOST])
        told = "  ".join(f"{way} {mean:.3f}" for way, mean in means.items())
        print(f"{name} ({len(questions[:_MOST])} in {len(texts)}): {told}", flush=True)


if __name__ == "__main__":
    main()
