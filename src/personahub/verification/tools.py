"""Whether a tool's code does what its own tests say, run in the sandbox."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.resources import files

from personahub.verification.findings import Finding, Item
from personahub.verification.sandbox import Sandbox

__all__ = ["ToolCheck"]

_RUNNER = (files("personahub.verification") / "tool_runner.py.txt").read_text("utf-8")
_PYTEST = (files("personahub.verification") / "pytest.py.txt").read_text("utf-8")


@dataclass
class ToolCheck:
    """Runs the tests that came with a tool's code.

    Attributes:
        sandbox: where they run.
        at_once: how many run at a time.
    """

    sandbox: Sandbox
    at_once: int = 2
    name: str = field(default="tool", init=False)

    def judge(self, items: Sequence[Item]) -> list[Finding]:
        """What is found of each item; a tool without code is undecided."""
        with ThreadPoolExecutor(self.at_once) as threads:
            return list(threads.map(self._judge, items))

    def _judge(self, item: Item) -> Finding:
        code, tests = item.fields.get("code"), item.fields.get("tests")
        if not isinstance(code, str) or not isinstance(tests, str):
            return Finding("undecided", "no_code")
        shipped = {"tool.py": code, "tests.py": tests, "main.py": _RUNNER, "pytest.py": _PYTEST}
        run = self.sandbox.run(shipped, "main.py")
        last = next((line for line in reversed(run.stdout.splitlines()) if line.startswith("{")), "")
        try:
            found = json.loads(last)
        except ValueError:
            found = None
        if not isinstance(found, dict) or not isinstance(found.get("tests"), dict):
            told = {"status": run.status, "stderr": run.stderr[-400:]}
            return Finding("failed", "does_not_run", 0.0, told)
        results: dict[str, str] = found["tests"]
        if not results:
            return Finding("failed", "no_tests", 0.0, found)
        passed = sum(result == "passed" for result in results.values())
        score = passed / len(results)
        return Finding("passed" if score == 1 else "failed", "" if score == 1 else "tests_fail", score, found)
