"""Samples: exact, the same for a seed, uniform, or spread out in meaning."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands import Run, one_line_error
from described import CountingEncoder, hub_of, persona
from personahub import Hub, sample
from personahub.hub.drawing import places
from personahub.workflows import sample as sampling
from personahub.workflows import spread
from personahub.workflows.embed import embed_personas
from personahub.workflows.sample import draw
from personahub.workflows.views import OpenView

LANGUAGES = ["en", "ru", "zh", "en"]
DESCRIBED = [persona(f"Someone {number}.", language=LANGUAGES[number % 4]) for number in range(200)]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "hub"
    opened = hub_of(path, DESCRIBED)
    with opened.writing():
        embed_personas(opened, CountingEncoder())
    return path


def ids_of(hub: Path, n: int, **settings: object) -> list[str]:
    return [row["id"] for row in sample(hub, n, **settings)]  # type: ignore[arg-type]


@pytest.mark.parametrize("diverse", [False, True])
def test_a_sample_has_exactly_n_different_personas(hub: Path, diverse: bool) -> None:
    for n in (0, 1, 20, 200):
        assert len(set(ids_of(hub, n, diverse=diverse))) == n


@pytest.mark.parametrize("diverse", [False, True])
def test_a_sample_of_more_than_there_are_has_all(hub: Path, diverse: bool) -> None:
    assert sorted(ids_of(hub, 999, diverse=diverse)) == sorted(each.id for each in DESCRIBED)


@pytest.mark.parametrize("diverse", [False, True])
def test_the_first_of_a_larger_sample_are_the_smaller_one(hub: Path, diverse: bool) -> None:
    longest = ids_of(hub, 150, seed=7, diverse=diverse)
    for n in (1, 2, 30, 149):
        assert ids_of(hub, n, seed=7, diverse=diverse) == longest[:n]


def test_another_seed_draws_others(hub: Path) -> None:
    drawn = {tuple(ids_of(hub, 5, seed=seed)) for seed in (0, 1, 2, 2**40, -1)}
    assert len(drawn) == 5


def test_every_persona_is_drawn_equally_often(hub: Path) -> None:
    counts = dict.fromkeys((each.id for each in DESCRIBED), 0)
    opened = Hub(hub)
    for seed in range(300):
        for id_ in draw(opened, 20, seed=seed):
            counts[id_] += 1
    expected = 300 * 20 / 200
    chi_square = sum((count - expected) ** 2 / expected for count in counts.values())
    # 199 degrees of freedom; drawing without repetition makes it a tenth smaller. 1 in 1000 lies beyond 267.
    assert 120 < chi_square < 267


def test_personas_added_later_do_not_disturb_the_order_of_the_others(tmp_path: Path) -> None:
    opened = hub_of(tmp_path / "hub", DESCRIBED[:100])
    before = draw(opened)
    opened.personas.add(DESCRIBED[100:])
    earlier = set(before)
    assert [id_ for id_ in draw(opened) if id_ in earlier] == before


def test_a_hub_without_personas_gives_none(tmp_path: Path) -> None:
    Hub.create(tmp_path / "hub")
    assert sample(tmp_path / "hub", 5) == []


def splitmix(number: int) -> int:
    number = (number + 0x9E3779B97F4A7C15) % 2**64
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    number = (number ^ number >> 27) * 0x94D049BB133111EB % 2**64
    return number ^ number >> 31


@given(st.lists(st.text("0123456789abcdef", min_size=20, max_size=20)), st.integers(), st.integers(0, 3))
def test_places_are_splitmix_of_the_id_and_the_seed(digits: list[str], seed: int, skipped: int) -> None:
    ids = pa.array(["p" + each for each in digits], pa.string())[skipped:]
    wanted = [splitmix(splitmix(int(each[:16], 16) ^ splitmix(seed % 2**64))) for each in digits[skipped:]]
    assert places(ids, seed).tolist() == wanted


def test_only_personas_that_meet_the_condition_are_drawn(hub: Path) -> None:
    rows = sample(hub, 200, where="language = 'ru' OR language = 'zh'")
    assert len(rows) == 100
    assert {row["language"] for row in rows} == {"ru", "zh"}


def test_a_condition_thins_the_order_and_does_not_change_it(hub: Path) -> None:
    russian = {each.id for each in DESCRIBED if each.language == "ru"}
    assert ids_of(hub, 50, where="language = 'ru'") == [id_ for id_ in ids_of(hub, 200) if id_ in russian]


def test_an_unknown_column_is_one_clear_line(hub: Path, run: Run) -> None:
    result = run("sample", "--hub", hub, "--where", "colour = 'red'", "--json")
    assert "no column colour" in one_line_error(result)


def test_a_view_is_sampled_without_its_duplicates(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aside = {each.id for each in DESCRIBED[:150]}
    view = OpenView("0.9/0.9", pa.table({"id": sorted(aside)}))
    monkeypatch.setattr(sampling, "open_view", lambda *_: view)
    everyone = [id_ for id_ in draw(Hub(hub)) if id_ not in aside]
    assert ids_of(hub, 30) == everyone[:30]
    assert not set(ids_of(hub, 60, diverse=True)) & aside


def loneliness(hub: Path, ids: list[str]) -> float:
    """Mean cosine of each with the nearest of the others; small where they are spread out."""
    vectors = np.stack(list(Hub(hub).embeddings.vectors(ids).values())).astype(np.float32)
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -1)
    return float(cosines.max(axis=1).mean())


def test_a_diverse_sample_is_spread_wider_than_a_uniform_one(hub: Path) -> None:
    for seed in range(5):
        diverse = loneliness(hub, ids_of(hub, 20, seed=seed, diverse=True))
        assert diverse < loneliness(hub, ids_of(hub, 20, seed=seed)) - 0.05


def test_each_of_a_diverse_sample_is_the_farthest_from_those_before_it(hub: Path) -> None:
    chosen = ids_of(hub, 30, diverse=True)
    ids, vectors = Hub(hub).embeddings.load()
    wide = dict(zip(ids.to_pylist(), vectors.astype(np.float32), strict=True))
    for place in range(1, 30):
        before = np.stack([wide[id_] for id_ in chosen[:place]])
        nearest = {
            id_: float((before @ vector).max()) for id_, vector in wide.items() if id_ not in chosen[:place]
        }
        assert nearest[chosen[place]] == pytest.approx(min(nearest.values()), abs=1e-5)


def test_a_diverse_sample_chosen_in_many_lots_is_exact(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "_POOL", 40)
    monkeypatch.setattr(spread, "_LOT", 7)
    longest = ids_of(hub, 200, diverse=True)
    assert len(set(longest)) == 200
    assert ids_of(hub, 33, diverse=True) == longest[:33]
    assert loneliness(hub, longest[:20]) < loneliness(hub, ids_of(hub, 20))


def test_personas_without_an_embedding_come_last_in_a_diverse_sample(tmp_path: Path) -> None:
    unknown = [persona(f"მეპურე {number}.", language="ka") for number in range(5)]
    opened = hub_of(tmp_path / "hub", [*unknown, *DESCRIBED[:10]])
    with opened.writing():
        embed_personas(opened, CountingEncoder())
    ids = ids_of(opened.path, 12, diverse=True)
    assert set(ids[:10]) == {each.id for each in DESCRIBED[:10]}
    assert set(ids[10:]) < {each.id for each in unknown}


def test_a_diverse_sample_without_embeddings_is_one_clear_line(tmp_path: Path, run: Run) -> None:
    hub_of(tmp_path / "hub", DESCRIBED[:3])
    assert "hub index" in one_line_error(run("sample", "--hub", tmp_path / "hub", "--diverse"))
