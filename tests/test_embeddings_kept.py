"""The embeddings that a hub keeps: each persona's once, of one model."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from commands import Run
from described import CountingEncoder, hub_of, persona
from personahub import Hub, UserError
from personahub.hub import embeddings as kept
from personahub.hub.indexes import unindexed_rows
from personahub.hub.nearest import by_meaning
from personahub.models.encoder_processes import EncoderProcesses
from personahub.models.sentence_encoder import SentenceEncoder
from personahub.workflows.embed import EmbedOutcome, embed_personas


def embed(hub: Hub, encoder: CountingEncoder) -> EmbedOutcome:
    with hub.writing():
        return embed_personas(hub, encoder)


def test_every_persona_gets_the_vector_of_its_description(tmp_path: Path) -> None:
    described = [persona(f"A baker of village {number}.") for number in range(600)]
    hub, encoder = hub_of(tmp_path / "hub", described), CountingEncoder()
    assert embed(hub, encoder) == EmbedOutcome(embedded=600, not_compared=0)
    ids, vectors = hub.embeddings.load()
    assert ids.to_pylist() == [each.id for each in described]
    np.testing.assert_allclose(vectors, encoder.embed([each.description for each in described]), atol=1e-3)


def test_vectors_beyond_the_memory_are_the_same_from_a_file_that_leaves_nothing(tmp_path: Path) -> None:
    hub = hub_of(tmp_path / "hub", [persona(f"A baker of village {number}.") for number in range(50)])
    embed(hub, CountingEncoder())
    before = set(hub.path.iterdir())
    ids, vectors = hub.embeddings.load(memory=100)
    assert isinstance(vectors, np.memmap)
    assert set(hub.path.iterdir()) == before
    all_ids, all_vectors = hub.embeddings.load()
    assert ids.equals(all_ids)
    assert np.array_equal(vectors, all_vectors)
    vectors[0] = 0  # They are moved together in place; the hub keeps its own.
    assert np.array_equal(hub.embeddings.load()[1], all_vectors)


def test_nothing_is_embedded_twice(tmp_path: Path) -> None:
    hub, encoder = hub_of(tmp_path / "hub", [persona("A baker."), persona("A tailor.")]), CountingEncoder()
    embed(hub, encoder)
    hub.personas.add([persona("Пекарь.", language="ru")])
    assert embed(hub, encoder) == EmbedOutcome(embedded=1, not_compared=0)
    assert embed(hub, encoder) == EmbedOutcome(embedded=0, not_compared=0)
    assert encoder.asked == [["A baker.", "A tailor."], ["Пекарь."]]
    assert hub.embeddings.count() == 3


def test_one_sentence_of_several_personas_is_embedded_once(tmp_path: Path) -> None:
    twice = [persona("A baker.", relation=relation) for relation in ("read", "write", "like")]
    hub, encoder = hub_of(tmp_path / "hub", [*twice, persona("A tailor.")]), CountingEncoder()
    assert embed(hub, encoder).embedded == 4
    assert encoder.asked == [["A baker.", "A tailor."]]
    shared = hub.embeddings.vectors([each.id for each in twice])
    assert len({vector.tobytes() for vector in shared.values()}) == 1


def test_personas_in_languages_the_model_does_not_know_are_counted_and_not_embedded(tmp_path: Path) -> None:
    described = [
        persona("მეპურე.", language="ka"),
        persona("?", language="und"),
        persona("面包师。", language="zh"),
    ]
    hub, encoder = hub_of(tmp_path / "hub", described), CountingEncoder()
    assert embed(hub, encoder) == EmbedOutcome(embedded=1, not_compared=2)
    assert encoder.asked == [["面包师。"]]


def test_an_interrupt_keeps_what_is_done_and_the_next_call_goes_on(tmp_path: Path) -> None:
    described = [persona(f"A baker of village {number}.") for number in range(700)]
    hub = hub_of(tmp_path / "hub", described)
    with pytest.raises(KeyboardInterrupt):
        embed(hub, CountingEncoder(interrupted_at=2))
    assert hub.embeddings.count() == 512
    rest = CountingEncoder()
    assert embed(hub, rest).embedded == 188
    assert sum(map(len, rest.asked)) == 188
    assert hub.embeddings.load()[0].to_pylist() == [each.id for each in described]


def test_two_embedding_models_in_one_hub_are_one_clear_line(tmp_path: Path) -> None:
    hub = hub_of(tmp_path / "hub", [persona("A baker.")])
    embed(hub, CountingEncoder())
    with pytest.raises(UserError, match=r"embedded by counting, and other was asked for") as raised:
        embed(hub, CountingEncoder("other"))
    assert "\n" not in str(raised.value)


def test_a_hub_without_embeddings_has_none(tmp_path: Path) -> None:
    hub = hub_of(tmp_path / "hub", [persona("A baker.")])
    assert (hub.embeddings.model, hub.embeddings.count(), hub.embeddings.vectors(["p" + "0" * 20])) == (
        None,
        0,
        {},
    )
    assert hub.embeddings.load()[1].shape == (0, 0)


def test_progress_is_told_up_to_the_end(tmp_path: Path) -> None:
    hub = hub_of(tmp_path / "hub", [persona(f"A baker of village {number}.") for number in range(300)])
    told: list[tuple[int, int]] = []
    with hub.writing():
        embed_personas(hub, CountingEncoder(), lambda done, total: told.append((done, total)))
    assert told == [(256, 300), (300, 300)]


def test_several_processes_embed_as_one_does() -> None:
    texts = ["A midwife who rows to her patients.", "Кузнец из Тулы.", "一位种茶的老人。"]
    processes = EncoderProcesses(2)
    try:
        np.testing.assert_allclose(processes.embed(texts), SentenceEncoder().embed(texts), atol=1e-5)
    finally:
        processes.close()


def test_a_process_that_dies_is_one_clear_line_and_another_takes_its_place() -> None:
    processes = EncoderProcesses(1)
    try:
        processes.embed(["A baker."])
        processes._started[0].kill()
        with pytest.raises(UserError, match="was killed"):
            processes.embed(["A baker."])
        processes.close()
        assert processes.embed(["A baker."]).shape == (1, 512)
    finally:
        processes.close()


def test_hub_index_embeds_and_says_what_it_did(tmp_path: Path, run: Run) -> None:
    hub_of(tmp_path / "hub", [persona("A baker."), persona("მეპურე.", language="ka")])
    result = run("hub", "index", tmp_path / "hub", "--json")
    assert result.code == 0
    assert json.loads(result.out) == {
        "personas": 2,
        "embedded": 1,
        "embeddings": 1,
        "not_compared": 1,
        "model": "use-multilingual-v3",
    }


def test_hub_index_without_embeddings_makes_none(tmp_path: Path, run: Run) -> None:
    hub = hub_of(tmp_path / "hub", [persona("A baker.")])
    result = run("hub", "index", tmp_path / "hub", "--no-embeddings", "--json")
    assert (result.code, json.loads(result.out)["embeddings"], hub.embeddings.model) == (0, 0, None)


def test_an_index_of_many_vectors_finds_the_nearest_also_of_those_added_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "_COMPARED", 1000)
    hub = hub_of(tmp_path / "hub", [persona("A baker.")])
    vectors = np.random.default_rng(0).standard_normal((3000, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [f"p{number:020x}" for number in range(3000)]
    for start, end in ((0, 2000), (2000, 2010), (2010, 3000)):
        hub.embeddings.add(ids[start:end], vectors[start:end], "drawn")
        assert share_found(hub, vectors[:end], ids) > 0.95
        hub.embeddings.index()
        assert unindexed_rows(hub.embeddings.path, "vector") == 0
        assert share_found(hub, vectors[:end], ids) > 0.95


def share_found(hub: Hub, vectors: npt.NDArray[np.float32], ids: list[str]) -> float:
    """Of the nearest twenty, by brute force."""
    hits = 0
    for query in vectors[::200] + 0.05:
        best = by_meaning(hub, query, 20, None, lambda ids: pa.array(np.ones(len(ids), np.bool_)))
        hits += len(set(best) & {ids[place] for place in np.argsort(-(vectors @ query))[:20]})
    return hits / len(vectors[::200]) / 20
