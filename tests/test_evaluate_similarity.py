"""The similarity study as a user gives it: a hub and models in, numbers, plots and pairs out."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from batch_run import open_model
from batch_vendor import BatchVendor
from commands import Run, one_line_error
from hubs import add_personas, hub_of
from personahub import Calls, UserError, evaluate_similarity
from personahub.completion.batches import Polling
from personahub.evaluation.pairs import WITHIN
from personahub.evaluation.vectors import pair_cosines
from personahub.hub import Hub
from personahub.models import Request, RequestError
from personahub.workflows.evaluate import similarity_pairs
from personahub.workflows.evaluate.similarity import Similarity
from personahub.workflows.evaluate.similarity_report import notes
from personahub.workflows.running import Watcher
from personahub.workflows.runs import retry
from scripted import ScriptedModel
from solvers import rows_of
from test_evaluate_diversity import WordVectors, sentences

# Without the words that all have, so that cosines go from low to high.
PERSONAS = list(
    dict.fromkeys("A {1} {4} {6} {7}".format(*sentence.split()) for sentence in sentences(400, kinds=10))
)
FIVE = {"pairs": 5, "embeddings": WordVectors()}


def persona_of(request: Request) -> str:
    return request.messages[-1].content.rpartition("Persona: ")[2]


def echo(request: Request) -> str:
    return persona_of(request)


def model(answer: Callable[[Request], str] = echo, **settings: Any) -> ScriptedModel:
    return ScriptedModel(answer, **settings)


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return hub_of(tmp_path / "hub", PERSONAS)[0].path


def study(hub: Path, answer: ScriptedModel | None = None, **options: Any) -> Similarity:
    return evaluate_similarity(hub, model=answer or model(), **{**FIVE, **options})


def asked_of(result: Similarity) -> set[str]:
    return {each.id for pairs in result.drawn.pairs for pair in pairs for each in (pair.left, pair.right)}


# What the numbers say


def test_problems_that_repeat_their_persona_are_as_alike_as_the_personas(hub: Path) -> None:
    result = study(hub)
    assert [len(pairs) for pairs in result.drawn.pairs] == [5, 5, 5, 5]
    for series in result.series:
        for pairs, cosines in zip(result.drawn.pairs, series.cosines, strict=True):
            # The personas' vectors are kept in half precision.
            assert cosines == pytest.approx([pair.cosine for pair in pairs], abs=2e-3)
        assert series.correlation.value > 0.95
        assert series.others.personas == pytest.approx(series.others.mean.value, abs=2e-3)
    (narrowing,) = result.narrowing
    assert narrowing.overall.value == 0


def test_a_model_that_always_says_the_same_makes_equal_problems(hub: Path) -> None:
    result = study(hub, model(lambda _: "How many apples are left?"))
    for series in result.series:
        assert all(cosine == 1 for cosines in series.cosines for cosine in cosines)
        assert series.correlation.value is None
        assert series.others.mean.value == 1
        assert [spread.in_band for spread in series.levels] == [0, 0, 0, 0]


def test_each_pair_lies_at_its_level_and_shares_no_persona_with_others_of_it(hub: Path) -> None:
    result = study(hub)
    for level, pairs in zip(result.levels, result.drawn.pairs, strict=True):
        lefts, rights = ([getattr(pair, side) for pair in pairs] for side in ("left", "right"))
        vectors = [WordVectors().embed([each.text for each in side]) for side in (lefts, rights)]
        assert all(abs(pair_cosines(*vectors) - level) <= WITHIN + 1e-3)
        assert len({each.id for each in (*lefts, *rights)}) == 2 * len(pairs)


def test_a_narrower_prompt_is_compared_on_the_same_pairs(hub: Path) -> None:
    def narrower(request: Request) -> str:
        about = "finance and probability" in request.messages[-1].content
        return persona_of(request) + " interest dividend chance odds loan bond risk" * about

    result = study(hub, model(narrower))
    plain, narrowed = result.series
    (narrowing,) = result.narrowing
    assert (plain.prompt, narrowed.prompt) == ("plain", "narrowed")
    assert narrowing.overall.low > 0
    for place, difference in enumerate(narrowing.levels):
        change = narrowed.levels[place].mean.value - plain.levels[place].mean.value
        assert difference.value == pytest.approx(change, abs=1e-6)


def test_with_two_models_pairs_are_compared_within_and_between_them(hub: Path) -> None:
    second = model(lambda request: " ".join(reversed(persona_of(request).split()[:4])), name="second")
    result = study(hub, second_model=second)
    voices = [("scripted", "scripted"), ("second", "second"), ("scripted", "second")]
    assert [each.models for each in result.series[::2]] == voices
    between = result.series[4]
    for pair, cosine in zip(result.drawn.pairs[0], between.cosines[0], strict=True):
        texts = [
            result.texts["scripted", "plain", pair.left.id],
            result.texts["second", "plain", pair.right.id],
        ]
        one, other = WordVectors().embed(texts)
        assert cosine == pytest.approx(float(one @ other), abs=1e-4)


# What is asked


def test_two_requests_differ_only_in_their_persona_and_are_greedy(hub: Path) -> None:
    answering = model()
    study(hub, answering, narrow="")
    assert len({request.messages[-1].content.rpartition("Persona: ")[0] for request in answering.asked}) == 1
    assert all(request.sampling.temperature == 0 and request.schema is None for request in answering.asked)


def test_each_persona_is_asked_once_by_each_prompt_and_never_again(hub: Path) -> None:
    answering = model()
    result = study(hub, answering)
    assert answering.calls == 2 * len(asked_of(result))
    again = study(hub, answering)
    assert (again.outcome.totals.calls, answering.calls) == (0, 2 * len(asked_of(result)))
    # Another seed draws other pairs, and asks only for personas that are new.
    other = study(hub, answering, seed=1)
    assert other.outcome.totals.calls == 2 * len(asked_of(other) - asked_of(result))


def test_what_a_model_thinks_aloud_is_no_part_of_its_problem(hub: Path) -> None:
    result = study(hub, model(lambda request: f"<think>Hm: a cook?</think>\n{persona_of(request)}\n"))
    assert result.series[0].correlation.value > 0.95
    assert not any("think" in text for text in result.texts.values())


def test_pairs_without_both_problems_are_left_out_and_counted(hub: Path) -> None:
    whole = study(hub)
    lost, blank = (whole.drawn.pairs[level][0].left.text for level in (0, 3))

    def sometimes(request: Request) -> str:
        if persona_of(request) == lost:
            raise RequestError("refused", "not this one")
        return "  \n" if persona_of(request) == blank else persona_of(request)

    result = study(hub, model(sometimes, name="other"))
    assert result.failures == {"other": {"refused": 2, "blank": 2}}
    for series in result.series:
        assert series.missing == sum(cosine is None for cosines in series.cosines for cosine in cosines) >= 2
        assert series.levels[0].mean.pairs < 5
        assert series.correlation.pairs == 20 - series.missing
    assert any("refused 2, blank 2" in note for note in notes(result))
    recovered = study(hub, model(name="other"))
    # A reply without a text is a reply, and greedy decoding would give it again.
    assert recovered.failures == {"other": {"blank": 2}}
    assert recovered.outcome.totals.calls == 2


def test_a_second_model_that_is_down_leaves_the_first_ones_part(hub: Path, tmp_path: Path) -> None:
    def down(_: Request) -> str:
        raise UserError("http://llm.example:8000: refused; is the server running?")

    first = model()
    result = study(hub, first, second_model=model(down, name="second"), out=tmp_path / "out")
    assert result.not_done == {"second": "http://llm.example:8000: refused; is the server running?"}
    assert [each.models for each in result.series] == [("scripted", "scripted")] * 2
    assert result.series[0].levels[0].mean.pairs == 5
    assert "second: not done (http" in (tmp_path / "out" / "similarity.md").read_text()
    calls = first.calls
    whole = study(hub, first, second_model=model(name="second"))
    assert (len(whole.series), whole.not_done, first.calls) == (6, {}, calls)


def test_a_budget_ends_a_study_and_a_higher_one_goes_on_with_it(hub: Path) -> None:
    answering = model()
    stopped = study(hub, answering, calls=Calls(max_calls=9))
    assert (answering.calls, bool(stopped.outcome.over_budget)) == (9, True)
    assert any("not finished" in note for note in notes(stopped))
    # What is asked first has pairs of all levels.
    assert sum(spread.mean.pairs for spread in stopped.series[0].levels) >= 2
    whole = study(hub, answering)
    assert (whole.outcome.run.number, whole.outcome.interrupted) == (stopped.outcome.run.number, False)
    assert answering.calls == 2 * len(asked_of(whole))


def test_the_budget_is_of_both_models_together(hub: Path) -> None:
    first, second = model(), model(name="second")
    size = 2 * len(asked_of(study(hub, first)))
    stopped = study(hub, first, second_model=second, calls=Calls(max_calls=3))
    assert (first.calls, second.calls) == (size, 3)
    assert stopped.outcome.over_budget


def test_an_interrupt_keeps_what_was_answered(hub: Path) -> None:
    class StopAfterSeven(Watcher):
        def advanced(self, done: int, *_: object) -> None:
            if done == 7:
                signal.raise_signal(signal.SIGINT)

    answering = model()
    stopped = study(hub, answering, watcher=StopAfterSeven())
    assert stopped.outcome.interrupted
    whole = study(hub, answering)
    assert not whole.outcome.interrupted
    assert answering.calls == 2 * len(asked_of(whole))


def test_a_study_goes_through_a_batch(
    hub: Path, openai: BatchVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    openai.answer = lambda body, _: body["messages"][-1]["content"].rpartition("Persona: ")[2]
    monkeypatch.setattr(Polling.__init__, "__defaults__", (0.01, 0.03))
    result = study(hub, open_model("openai", openai.url), calls=Calls(batch=True))
    assert len(openai.made) == 1
    assert result.outcome.totals.calls == 2 * len(asked_of(result))
    assert result.series[0].correlation.value > 0.95


def test_an_estimate_asks_for_five_personas_and_writes_no_report(hub: Path, tmp_path: Path) -> None:
    answering = model()
    result = study(hub, answering, calls=Calls(estimate=True), out=tmp_path / "out")
    assert answering.calls == 10
    assert result.outcome.estimate.units == len(asked_of(result))
    assert result.outcome.estimate.calls.low == 2 * len(asked_of(result))
    assert not (tmp_path / "out").exists()


# Which pairs


def test_pairs_are_of_one_language_and_unknown_languages_are_counted(tmp_path: Path) -> None:
    who = ["Пекарь", "Слесарь", "Садовник", "Учитель", "Водолаз", "Лесник"]
    does = ["чинит фонари", "красит мосты", "считает монеты", "прячет письма"]
    russian = [(f"{one} из деревни каждое утро {other} у реки", "ru") for one in who for other in does]
    chinese = [(f"{n} 号 村里的 面包师 清晨 修理 渔网 和 灯笼 {n % 3}", "zh") for n in range(12)]
    swahili = [(f"Mwalimu wa kijiji namba {n}", "sw") for n in range(7)]
    hub, _ = hub_of(tmp_path / "hub", [*PERSONAS[:60], *russian, *chinese, *swahili])
    answering = model()
    result = study(hub.path, answering, pairs=30, levels=[0.4, 0.6, 0.8])
    pairs = [pair for some in result.drawn.pairs for pair in some]
    assert all(pair.left.language == pair.right.language for pair in pairs)
    assert {pair.left.language for pair in pairs} >= {"en", "ru"}
    assert result.drawn.unknown == 7
    assert any("does not know, left out: 7" in note for note in notes(result))
    for request in answering.asked:
        russian_persona = persona_of(request).split()[0] in who
        assert ("in Russian" in request.messages[-1].content) == russian_persona


def test_one_sentence_of_two_texts_is_one_persona(tmp_path: Path) -> None:
    hub, _ = hub_of(tmp_path / "hub", PERSONAS[:30])
    add_personas(hub, PERSONAS[:30])
    result = study(hub.path, pairs=50, levels=[0.5, 1.0 - WITHIN])
    assert result.drawn.compared == 30
    assert all(pair.left.text != pair.right.text for pairs in result.drawn.pairs for pair in pairs)


def test_a_level_with_fewer_pairs_takes_what_there_is_and_says_so(hub: Path, tmp_path: Path) -> None:
    result = study(hub, pairs=300, levels=[0.5, 0.99], out=tmp_path / "out")
    few = len(result.drawn.pairs[1])
    assert few == result.drawn.there[1] < 300
    assert f"0.99: {few} of 300 pairs, since no more were found" in list(notes(result))
    assert any("some of them in several" in note for note in notes(result))


def test_of_many_personas_some_are_drawn_and_near_pairs_are_looked_up_among_all(
    hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(similarity_pairs, "_MOST", 40)
    result = study(hub, pairs=10)
    drawn = result.drawn
    assert (drawn.sampled, drawn.compared, drawn.gone_through) == (True, 40, 40 * 39 // 2)
    for level, pairs in zip(result.levels, drawn.pairs, strict=True):
        assert len(pairs) > 3
        assert len({frozenset((pair.left.id, pair.right.id)) for pair in pairs}) == len(pairs)
        for pair in pairs:
            one, other = WordVectors().embed([pair.left.text, pair.right.text])
            assert abs(float(one @ other) - level) <= WITHIN + 1e-3
    assert any("pairs of 40 personas drawn from" in note for note in notes(result))
    assert study(hub, pairs=10).drawn == drawn


def test_a_hub_without_pairs_at_the_levels_is_told_where_they_lie(tmp_path: Path) -> None:
    hub, _ = hub_of(tmp_path / "hub", PERSONAS[:2])
    answering = model()
    with pytest.raises(
        UserError, match=r"within 0.01 of 0.4.*their cosines go from (.*) to \1; give --levels"
    ):
        study(hub.path, answering)
    apart, _ = hub_of(tmp_path / "apart", [("A nurse of the village", "en"), ("Пекарь из деревни", "ru")])
    with pytest.raises(UserError, match="no two are of one language"):
        study(apart.path, answering)
    assert answering.calls == 0


@pytest.mark.parametrize("personas", [[], ["A nurse of the village"], [("Mwalimu wa kijiji", "sw")] * 2])
def test_a_hub_with_fewer_than_two_personas_to_compare_is_refused(
    tmp_path: Path, personas: list[Any]
) -> None:
    hub, _ = hub_of(tmp_path / "hub", personas)
    with pytest.raises(UserError, match=r"has [01] of \d personas with an embedding, and two are needed"):
        study(hub.path)


def test_personas_that_are_many_and_without_embedding_are_not_embedded_here(
    hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study(hub)
    add_personas(Hub(hub), sentences(30, seed=7))
    monkeypatch.setattr(similarity_pairs, "_EMBEDDED_AT_ONCE", 10)
    result = study(hub)
    assert result.drawn.unembedded == result.drawn.personas - result.drawn.compared > 10
    assert any("without an embedding, left out" in note for note in notes(result))


# Reports


def test_a_report_has_everything_and_is_the_same_each_time(hub: Path, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        study(hub, second_model=model(name="second"), out=tmp_path / folder)
    written = {file.name: file.read_bytes() for file in (tmp_path / "one").iterdir()}
    assert sorted(written) == [
        "pairs.jsonl",
        "similarity.json",
        "similarity.md",
        "similarity.png",
        "similarity.svg",
    ]
    again = {file.name: file.read_bytes() for file in (tmp_path / "two").iterdir()}
    # The second time nothing is asked.
    differing = {name for name in written if written[name] != again[name]}
    assert differing <= {"similarity.json"}
    assert written["similarity.png"].startswith(b"\x89PNG")
    assert len(written["similarity.png"]) > 50_000
    assert "most problems lie at 0.60 to 0.75" in written["similarity.md"].decode()


def test_each_pair_is_traceable_to_its_personas(hub: Path, tmp_path: Path) -> None:
    result = study(hub, second_model=model(name="second"), out=tmp_path / "out")
    lines = rows_of(tmp_path / "out" / "pairs.jsonl")
    assert len(lines) == 20
    for line in lines:
        stored = Hub(hub).personas.get([each["id"] for each in line["personas"]])
        for each in line["personas"]:
            assert stored[each["id"]]["description"] == each["persona"]
            assert [problem["text"] for problem in each["problems"]] == [each["persona"]] * 4
        assert [each["models"] for each in line["problems"]][-1] == ["scripted", "second"]
        assert abs(line["cosine"] - line["level"]) <= WITHIN + 1e-4
    assert lines == json.loads(json.dumps(list(result.pairs())))


@pytest.mark.parametrize("levels", [[0.5, 0.99], [0.9], [0.55, 0.56, 0.9], [0.3]])
def test_levels_that_are_empty_or_close_are_plotted_too(
    hub: Path, tmp_path: Path, levels: list[float]
) -> None:
    result = study(hub, pairs=1, levels=levels, narrow="", out=tmp_path / "out")
    assert len(result.series) == 1
    assert result.narrowing == ()
    assert (tmp_path / "out" / "similarity.svg").read_bytes().rstrip().endswith(b"</svg>")


def test_without_matplotlib_a_report_is_refused_before_anything_is_asked(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    answering = model()
    with pytest.raises(UserError, match=r"plots need matplotlib: pip install 'personahub\[evaluate\]'"):
        study(hub, answering, out=tmp_path / "out")
    assert answering.calls == 0


def test_a_report_goes_into_no_file(hub: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(UserError, match="is a file; give a folder"):
        study(hub, out=tmp_path / "out")


# On the command line


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> dict[str, ScriptedModel]:
    """The command line compares words, and knows these models by name."""
    models = {name: model(name=name) for name in ("one", "two")}
    calls = "personahub.workflows.calls"
    monkeypatch.setattr(f"{calls}.open_embedding_model", lambda *_: WordVectors())
    monkeypatch.setattr(f"{calls}.open_language_models", lambda name, *_: [models[name]])
    return models


def test_the_command_prints_tables_and_json(
    run: Run, hub: Path, tmp_path: Path, quick: dict[str, ScriptedModel]
) -> None:
    command = ("evaluate", "similarity", "--hub", hub, "--pairs", 5, "--model", "one")
    shown = run(*command, "--second-model", "two", "--out", tmp_path / "out")
    assert shown.code == 0
    for told in (
        "one for one, two for the other",
        "other pairs",
        "Spearman",
        "narrowed less plain",
        "the paper:",
    ):
        assert told in shown.out
    told = json.loads(run(*command, "--json").out)
    assert [level["pairs"] for level in told["levels"]] == [5, 5, 5, 5]
    assert told["paper"] == {"level": 0.9, "band": [0.6, 0.75]}
    assert [each["prompt"] for each in told["series"]] == ["plain", "narrowed"]
    assert list(told["series"][0]["levels"][0]) == [
        "personas",
        "problems",
        "least",
        "lower_quartile",
        "median",
        "upper_quartile",
        "most",
        "in_band",
    ]
    assert (told["calls"], told["whole"]) == (0, True)
    assert quick["one"].calls == quick["two"].calls


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--levels", "high"), "--levels high: are no numbers parted by commas, such as .4,.6,.8,.9"),
        (("--levels", "1.4"), "--levels: 1.4 is no cosine"),
        (("--levels", ".4,.4"), "a level is given twice"),
        (("--levels", ","), "--levels: is empty"),
        (("--pairs", "0"), "--pairs 0: at least one pair"),
        (("--second-model", "one"), "--second-model one: is the first one"),
        (("--second-model", "two", "--batch"), "leave --batch out"),
        (("--hub", "nowhere"), "nowhere"),
    ],
)
@pytest.mark.usefixtures("quick")
def test_bad_options_are_one_line(run: Run, hub: Path, options: tuple[str, ...], message: str) -> None:
    command = ("evaluate", "similarity", "--hub", hub, "--model", "one", *options)
    assert message in one_line_error(run(*command))


def test_a_second_model_that_is_down_is_told_in_the_exit_code(
    run: Run, hub: Path, quick: dict[str, ScriptedModel]
) -> None:
    def down(_: Request) -> str:
        raise UserError("two: is down")

    quick["two"] = model(down, name="two")
    shown = run(
        "evaluate", "similarity", "--hub", hub, "--pairs", 2, "--model", "one", "--second-model", "two"
    )
    assert (shown.code, shown.err.splitlines()[-1]) == (1, "Not done: two: two: is down")
    assert "0.9" in shown.out


@pytest.mark.usefixtures("quick")
def test_a_budget_leaves_with_its_exit_code_and_the_way_on(run: Run, hub: Path) -> None:
    shown = run("evaluate", "similarity", "--hub", hub, "--model", "one", "--max-calls", 3, "--json")
    assert (shown.code, json.loads(shown.out)["whole"]) == (3, False)
    assert "--max-calls HIGHER" in shown.err


@pytest.mark.usefixtures("quick")
def test_an_estimate_is_told(run: Run, hub: Path) -> None:
    shown = run("evaluate", "similarity", "--hub", hub, "--model", "one", "--estimate")
    assert shown.code == 0
    assert "personas, from 5 of them" in shown.out


def test_failures_are_asked_again_by_the_same_command(hub: Path) -> None:
    def refuses(_: Request) -> str:
        raise RequestError("refused", "no")

    failed = study(hub, model(refuses))
    with pytest.raises(UserError, match="give its evaluate similarity command again"):
        retry(hub, failed.outcome.run.number, model=model())
    assert failed.series[0].levels[0].mean.pairs == 0


def test_embeddings_of_another_model_than_the_hubs_are_refused(hub: Path) -> None:
    class Others(WordVectors):
        name = "others"

    study(hub)
    with pytest.raises(UserError, match="embedded by words, and others was asked for"):
        study(hub, embeddings=Others())


@pytest.mark.slow
def test_real_models_write_problems_that_are_compared(tmp_path: Path, small_model: str) -> None:
    hub, _ = hub_of(tmp_path / "hub", PERSONAS[:40])
    result = evaluate_similarity(
        hub.path, pairs=1, levels=[0.6, 0.8], narrow="", model=small_model, calls=Calls(max_calls=6)
    )
    assert result.embeddings == "use-multilingual-v3"
    (series,) = result.series
    drawn = sum(map(len, result.drawn.pairs))
    assert drawn >= 1
    assert sum(spread.mean.pairs for spread in series.levels) + series.missing == drawn
    # It may be cut off, and is asked once more then.
    assert 1 <= result.outcome.totals.calls <= 6
