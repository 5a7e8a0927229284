"""Tools with their tests, in the real sandbox."""

import pytest

from judged import item
from personahub.verification import Finding
from personahub.verification.sandbox import Limits, Sandbox
from personahub.verification.tools import ToolCheck

CODE = '''
def share(total: float, people: int) -> float:
    """What each gets."""
    if people < 1:
        raise ValueError(f"nobody to share with: {people}")
    return total / people
'''
TESTS = """
import pytest
from tool import share
def test_two():
    assert share(10, 2) == 5
def test_third():
    assert share(1, 3) == pytest.approx(0.333333, abs=1e-5)
def test_nobody():
    with pytest.raises(ValueError, match="nobody"):
        share(1, 0)
"""


@pytest.fixture(scope="module")
def check() -> ToolCheck:
    return ToolCheck(Sandbox(Limits(seconds=3)))


def found(check: ToolCheck, tests: object, code: object = CODE) -> Finding:
    return check.judge([item(fields={"code": code, "tests": tests})])[0]


def test_a_tool_that_does_what_its_tests_say_passes(check: ToolCheck) -> None:
    finding = found(check, TESTS)
    assert (finding.outcome, finding.score) == ("passed", 1.0)
    assert finding.evidence["tests"] == dict.fromkeys(("test_nobody", "test_third", "test_two"), "passed")


def test_a_tool_that_does_not_fails_with_the_tests_that_say_so(check: ToolCheck) -> None:
    finding = found(check, TESTS, CODE.replace("total / people", "total * people"))
    assert (finding.outcome, finding.reason) == ("failed", "tests_fail")
    assert finding.score == pytest.approx(1 / 3)
    assert finding.evidence["tests"]["test_nobody"] == "passed"
    assert "AssertionError" in finding.evidence["tests"]["test_two"]


@pytest.mark.parametrize(
    "test",
    [
        "def test_it():\n    with pytest.raises(ValueError):\n        share(1, 2)",
        "def test_it():\n    with pytest.raises(ValueError, match='no such words'):\n        share(1, 0)",
        "def test_it():\n    assert share(1, 3) == pytest.approx(0.34)",
        "def test_it():\n    assert [share(1, 2), 3.0] == pytest.approx([0.5, 4.0])",
        "@pytest.mark.parametrize('total, each', [(4, 2), (6, 4)])\n"
        "def test_it(total, each):\n    assert share(total, 2) == each",
        "async def test_it():\n    assert share(4, 2) == 3",
        "def test_it():\n    pytest.raises(ValueError, share)",
        "def test_it():\n    pytest.fail('as it should')",
        "def test_it(tmp_path):\n    assert share(4, 2) == 2",
    ],
)
def test_what_tests_use_of_pytest_fails_where_it_should(check: ToolCheck, test: str) -> None:
    finding = found(check, f"import pytest\nfrom tool import share\n{test}\n")
    assert (finding.outcome, finding.reason) == ("failed", "tests_fail")


@pytest.mark.parametrize(
    "test",
    [
        "def test_it():\n    with pytest.raises(ValueError) as caught:\n        share(1, 0)\n"
        "    assert 'nobody' in str(caught.value)",
        "def test_it():\n    assert [share(1, 2), 3.0] == pytest.approx([0.5, 3.0])",
        "@pytest.mark.parametrize('people', [1, 2, 4])\n"
        "def test_it(people):\n    assert share(people, people) == 1",
        "@pytest.mark.parametrize('one', [4, 6])\n@pytest.mark.parametrize('other', [1, 2])\n"
        "def test_it(one, other):\n    assert share(one, other) == one / other",
        "async def test_it():\n    assert share(4, 2) == 2",
    ],
)
def test_what_tests_use_of_pytest_passes_where_it_should(check: ToolCheck, test: str) -> None:
    assert found(check, f"import pytest\nfrom tool import share\n{test}\n").outcome == "passed"


def test_one_test_that_hangs_fails_the_tool(check: ToolCheck) -> None:
    finding = found(check, "from tool import share\ndef test_it():\n    while True: pass\n")
    assert (finding.outcome, finding.reason, finding.score) == ("failed", "does_not_run", 0.0)
    assert finding.evidence["status"] == "timeout"


@pytest.mark.parametrize("code", ["def share(:", "raise SystemExit", "import nowhere"])
def test_code_that_cannot_be_imported_fails(check: ToolCheck, code: str) -> None:
    finding = found(check, TESTS, code)
    assert (finding.outcome, finding.score) == ("failed", 0.0)
    assert list(finding.evidence["tests"]) == ["import"]


def test_code_that_leaves_at_once_does_not_run(check: ToolCheck) -> None:
    finding = found(check, TESTS, "import os\nos._exit(0)")
    assert (finding.outcome, finding.reason) == ("failed", "does_not_run")


def test_a_tool_without_any_test_fails(check: ToolCheck) -> None:
    finding = found(check, "from tool import share\nassert share(4, 2) == 2\n")
    assert (finding.outcome, finding.reason) == ("failed", "no_tests")


def test_a_tool_reaches_no_network_in_its_tests(check: ToolCheck) -> None:
    tests = "import socket\ndef test_it():\n    socket.create_connection(('127.0.0.1', 80), 1)\n"
    assert found(check, tests).reason == "tests_fail"


def test_what_a_tool_prints_does_not_hide_its_results(check: ToolCheck) -> None:
    finding = found(check, TESTS, CODE + "\nprint('{\"tests\": {}}')\nprint('no newline', end='')\n")
    assert finding.outcome == "passed"


@pytest.mark.parametrize(("code", "tests"), [(CODE, None), (None, TESTS), (CODE, ["a"])])
def test_an_item_without_code_and_tests_is_not_decided(check: ToolCheck, code: object, tests: object) -> None:
    assert found(check, tests, code) == Finding("undecided", "no_code")


def test_findings_come_in_the_order_of_the_items(check: ToolCheck) -> None:
    good, bad = {"code": CODE, "tests": TESTS}, {"code": "", "tests": TESTS}
    findings = check.judge([item(fields=fields) for fields in (bad, good, bad, good, {})])
    assert [finding.outcome for finding in findings] == ["failed", "passed", "failed", "passed", "undecided"]
