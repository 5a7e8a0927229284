"""A judge of problems: how likely its yes is, from where a problem passes, what is wrong with the others."""

from typing import Any

import pytest

from judged import FAILED, in_turn, item, judged
from personahub.verification import Finding
from personahub.verification.well_posed import WellPosed
from personahub.verification.wording import load_prompt


def word(yes: float) -> dict[str, float]:
    return {"yes": yes, "no": 1 - yes}


def reading(fault: str) -> dict[str, str]:
    return {"given": "3 panes", "asked": "the length", "reading": "So it is read.", "fault": fault}


def found(*replies: Any, readings: int = 1, threshold: float = 0.5) -> Finding:
    check = WellPosed("m", readings=readings, threshold=threshold)
    return judged(check, item("How long was the strip?"), in_turn(*replies))[0]


def test_a_problem_that_the_judge_takes_passes_with_its_chance_as_score() -> None:
    finding = found(word(0.7))
    assert (finding.outcome, finding.reason, finding.score) == ("passed", "", 0.7)
    assert finding.evidence == {"threshold": 0.5, "chances": [0.7]}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("missing", "missing_data"),
        ("contradiction", "contradiction"),
        ("unclear", "ambiguous"),
        ("answer_inside", "answer_inside"),
        ("no_problem", "not_a_problem"),
    ],
)
def test_what_does_not_pass_has_a_reason_and_the_reading_as_evidence(fault: str, reason: str) -> None:
    finding = found(word(0.2), reading(fault))
    assert (finding.outcome, finding.reason, finding.score) == ("failed", reason, 0.2)
    assert finding.evidence["reading"] == reading(fault)


def test_every_fault_that_a_judge_may_name_is_known() -> None:
    for fault in load_prompt("what_is_wrong").schema["properties"]["fault"]["enum"]:
        assert found(word(0.0), reading(fault)).outcome == "failed"


def test_the_threshold_decides() -> None:
    assert found(word(0.7), threshold=0.7).outcome == "passed"
    assert found(word(0.7), reading("missing"), threshold=0.71).outcome == "failed"


def test_of_several_readings_the_mean_decides() -> None:
    assert found(word(0.9), word(0.3), word(0.6), readings=3).score == pytest.approx(0.6)


def test_a_failed_call_leaves_the_others_to_decide() -> None:
    assert found(FAILED, word(0.8), FAILED, readings=3).score == 0.8


def test_without_any_word_nothing_is_decided() -> None:
    finding = found(FAILED, FAILED, readings=2)
    assert (finding.outcome, finding.reason) == ("undecided", "calls_failed")


def test_a_problem_whose_reading_fails_has_failed_all_the_same() -> None:
    finding = found(word(0.1), FAILED)
    assert (finding.outcome, finding.reason) == ("failed", "not_said")


def test_only_the_first_reading_is_without_chance() -> None:
    check = WellPosed("m", readings=3, seed=5)
    _, (asked,) = judged(check, item("How long?"), lambda _: word(1))
    assert [each.request.sampling.temperature for each in asked] == [0.0, 0.7, 0.7]
    assert [each.request.sampling.seed for each in asked] == [5, 6, 7]
    assert len({each.request.key for each in asked}) == 3
