"""A judge's readings of a problem, and what several of them come to."""

import pytest

from judged import FAILED, in_turn, item, judged
from personahub.verification import Finding
from personahub.verification.well_posed import WellPosed
from personahub.verification.wording import load_prompt


def reading(fault: str) -> dict[str, str]:
    return {"given": "3 panes", "asked": "the length", "reading": "So it is read.", "fault": fault}


def found(*replies: dict[str, str] | str) -> Finding:
    check = WellPosed("m", readings=len(replies))
    return judged(check, item("How long was the strip?"), in_turn(*replies))[0]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("missing", "missing_data"),
        ("contradiction", "contradiction"),
        ("answer_inside", "answer_inside"),
        ("no_problem", "not_a_problem"),
    ],
)
def test_each_fault_has_its_reason_and_the_reading_as_evidence(fault: str, reason: str) -> None:
    finding = found(reading(fault))
    assert (finding.outcome, finding.reason, finding.score) == ("failed", reason, 0.0)
    assert finding.evidence == {"readings": [reading(fault)]}


def test_a_problem_without_a_fault_passes() -> None:
    finding = found(reading("none"))
    assert (finding.outcome, finding.reason, finding.score) == ("passed", "", 1.0)


def test_most_readings_decide() -> None:
    assert found(reading("missing"), reading("none"), reading("none")).outcome == "passed"
    assert found(reading("none"), reading("missing"), reading("missing")).reason == "missing_data"


def test_of_equal_votes_the_first_reading_decides() -> None:
    assert found(reading("none"), reading("missing")).outcome == "passed"
    assert found(reading("missing"), reading("none")).reason == "missing_data"


def test_the_score_is_the_share_of_readings_without_a_fault() -> None:
    assert found(reading("none"), reading("missing"), reading("missing")).score == pytest.approx(1 / 3)


def test_a_failed_call_leaves_the_others_to_decide() -> None:
    finding = found(FAILED, reading("missing"), FAILED)
    assert (finding.reason, len(finding.evidence["readings"])) == ("missing_data", 1)


def test_without_any_reading_nothing_is_decided() -> None:
    finding = found(FAILED, FAILED)
    assert (finding.outcome, finding.reason) == ("undecided", "calls_failed")


def test_only_the_first_reading_is_without_chance() -> None:
    check = WellPosed("m", readings=3, seed=5)
    _, (asked,) = judged(check, item("How long?"), lambda _: reading("none"))
    assert [each.request.sampling.temperature for each in asked] == [0.0, 0.7, 0.7]
    assert [each.request.sampling.seed for each in asked] == [5, 6, 7]
    assert len({each.request.key for each in asked}) == 3


def test_every_fault_that_a_judge_may_name_is_known() -> None:
    for fault in load_prompt("well_posed").schema["properties"]["fault"]["enum"]:
        assert found(reading(fault)).outcome == ("passed" if fault == "none" else "failed")
