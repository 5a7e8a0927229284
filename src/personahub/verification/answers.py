"""Whether a problem has one answer: it is solved several times, and at least two solutions must agree.

The paper's protocol for its test problems (Ge et al. 2024, section 4.1: an assistant, program of thought and
a second model; kept where two agree). A small model that solves a problem wrongly mostly does so in a new way
each time, so agreement also says that the problem can be worked out at all.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from personahub.completion import Completion
from personahub.models import Request, Sampling
from personahub.verification.equality import groups_of, numbers_of, same_answer
from personahub.verification.findings import Checking, Finding, Item, Question
from personahub.verification.formulas import FormulaJudge
from personahub.verification.sandbox import Sandbox
from personahub.verification.stated_numbers import is_stated, made_up_number, unused_number
from personahub.verification.wording import load_prompt

__all__ = ["LEAST", "Answers"]

_NONE = re.compile(r"(?i)none|no answer|нет|无解?|undefined|cannot be determined|unknown")
_PROOF = re.compile(r"(?i)proof|доказательство|证明|proven|proved")
LEAST = 2
"""Solutions that must have one answer, as in the paper."""


@dataclass
class _Solution:
    """One attempt at a problem."""

    by: str
    """"model", "program" or "second"."""
    answer: str
    """As it is compared, with its unit; empty where there is none."""
    told: Mapping[str, Any]
    """The whole of it, kept as evidence."""
    fault: str = ""
    """Why it has no answer: the call failed, or the program did."""


@dataclass
class Answers:
    """Solves problems and compares what comes out.

    Attributes:
        model: identity of the model that solves.
        sandbox: runs programs; None where none are asked for.
        formulas: compares formulas.
        samples: solutions by the model.
        second: identity of a second model, which solves once; empty for none.
        seed: of the first solution; the n-th uses ``seed + n``.
        agree: how many solutions must have one answer.
    """

    model: str
    sandbox: Sandbox | None
    formulas: FormulaJudge
    samples: int = 3
    second: str = ""
    seed: int = 0
    agree: int = LEAST
    name: str = field(default="answers", init=False)

    @property
    def version(self) -> Mapping[str, Any]:
        """What decides a finding, for what identifies a run."""
        prompts = [load_prompt(name).version for name in ("solve", "program", "same_answer")]
        settings = {"samples": self.samples, "program": self.sandbox is not None, "agree": self.agree}
        return {"prompts": prompts, **settings}

    def check(self, item: Item) -> Checking:
        """Solve one problem: all solutions at once, then questions about answers that no rule can compare."""
        questions = [self._solve(item, sample) for sample in range(self.samples)]
        questions += [self._program(item)] if self.sandbox else []
        questions += [self._solve(item, 0, second=True)] if self.second else []
        completions = yield questions
        solutions = [
            self._read(item, question, each) for question, each in zip(questions, completions, strict=True)
        ]
        # Where calls failed, fewer solutions than must agree say nothing about the problem.
        if sum(not solution.fault.startswith("call") for solution in solutions) < self.agree:
            return Finding("undecided", "calls_failed", None, _told(solutions, []))
        if _is_proof(solutions):
            return Finding("undecided", "proof", None, _told(solutions, []))
        answers = [solution.answer for solution in solutions] + ([item.answer] if item.answer else [])
        same: dict[tuple[int, int], bool | None] = {}
        for one, other in combinations(range(len(answers)), 2):
            known = bool(answers[one]) and bool(answers[other])
            same[one, other] = same_answer(answers[one], answers[other], self.formulas) if known else False
        asked = [pair for pair, found in same.items() if found is None]
        judged = yield [self._compare(item, answers[one], answers[other]) for one, other in asked]
        for pair, completion in zip(asked, judged, strict=True):
            same[pair] = not completion.failure and completion.value["same"] == "yes"
        return self._finding(item, solutions, same)

    def _finding(
        self, item: Item, solutions: Sequence[_Solution], same: Mapping[tuple[int, int], bool | None]
    ) -> Finding:
        solved = [place for place, solution in enumerate(solutions) if solution.answer]
        groups = [
            group
            for found in groups_of([solution.answer for solution in solutions], same)
            if (group := [place for place in found if place in solved])
        ]
        evidence = _told(solutions, groups)
        best = groups[0] if groups else []
        score = len(best) / len(solutions)
        unsolvable = sum(solution.fault == "none" for solution in solutions)
        if unsolvable >= LEAST and unsolvable >= len(best):
            return Finding("failed", "no_answer", score, evidence)
        if len(best) < self.agree:
            return Finding("failed", "no_agreement", score, evidence)
        if len(groups) > 1 and len(groups[1]) == len(best):
            return Finding("failed", "two_answers", score, evidence)
        evidence["answer"] = solutions[best[0]].answer
        evidence["kind"] = _kind(solutions[best[0]].answer)
        if item.answer:
            evidence["given_answer"] = item.answer
            agrees = same.get((best[0], len(solutions)))
            return Finding(
                "passed" if agrees else "failed", "" if agrees else "other_answer", score, evidence
            )
        if reason := _doubt(item, solutions, best):
            return Finding("failed", reason, score, evidence)
        return Finding("passed", "", score, evidence)

    def _read(self, item: Item, question: Question, completion: Completion) -> _Solution:
        by = "second" if question.second else "program" if question.request.schema == _PROGRAM else "model"
        if completion.failure:
            return _Solution(by, "", {}, f"call failed: {completion.failure.reason}")
        if by == "program" and self.sandbox:
            return self._run(self.sandbox, completion.value["program"], item.text)
        told = dict(completion.value)
        answer = f"{told['answer']} {told['unit']}".strip()
        if _NONE.fullmatch(told["answer"].strip().strip(".")):
            return _Solution(by, "", told, "none")
        if _PROOF.fullmatch(told["answer"].strip().strip(".")):
            return _Solution(by, "", told, "proof")
        return _Solution(by, answer, told)

    @staticmethod
    def _run(sandbox: Sandbox, program: str, problem: str) -> _Solution:
        if number := made_up_number(program, problem):
            return _Solution("program", "", {"program": program}, f"made up the number {number}")
        run = sandbox.run({"main.py": program})
        last = next((line.strip() for line in reversed(run.stdout.splitlines()) if line.strip()), "")
        told = {"program": program, "printed": last[:200]}
        if run.status != "ok":
            error = next((line for line in reversed(run.stderr.splitlines()) if line.strip()), "")
            return _Solution("program", "", {**told, "error": error[:200]}, f"program {run.status}")
        if not last or _NONE.fullmatch(last):
            return _Solution("program", "", told, "none")
        return _Solution("program", last[:200], told)

    def _solve(self, item: Item, sample: int, *, second: bool = False) -> Question:
        prompt = load_prompt("solve")
        request = Request(
            model=self.second if second else self.model,
            messages=prompt.messages(problem=item.text),
            sampling=Sampling(
                temperature=0.7, top_p=0.9, max_tokens=prompt.max_tokens, seed=self.seed + sample
            ),
            schema=prompt.schema,
            sample=sample,
            group=f"solve {item.text[:200]}",
        )
        return Question(request, second)

    def _program(self, item: Item) -> Question:
        prompt = load_prompt("program")
        return Question(
            Request(
                model=self.model,
                messages=prompt.messages(problem=item.text),
                sampling=Sampling(temperature=0.2, top_p=0.9, max_tokens=prompt.max_tokens, seed=self.seed),
                schema=prompt.schema,
            )
        )

    def _compare(self, item: Item, first: str, second: str) -> Question:
        prompt = load_prompt("same_answer")
        return Question(
            Request(
                model=self.model,
                messages=prompt.messages(problem=item.text, first=first, second=second),
                sampling=Sampling(temperature=0.0, top_p=1.0, max_tokens=prompt.max_tokens, seed=self.seed),
                schema=prompt.schema,
            )
        )


def _doubt(item: Item, solutions: Sequence[_Solution], best: Sequence[int]) -> str:
    """What speaks against an answer that solutions agree on; empty: nothing.

    Three solutions by one model make its mistakes together, so a program that comes to something else counts
    for more than one of them.
    """
    place = next((place for place, solution in enumerate(solutions) if solution.by == "program"), None)
    if place is not None and solutions[place].answer:
        if place not in best:
            return "program_disagrees"
        if unused_number(solutions[place].told["program"], item.text):
            return "unused_number"
    return "answer_inside" if is_stated(solutions[best[0]].answer, item.text) else ""


_PROGRAM = load_prompt("program").schema


def _is_proof(solutions: Sequence[_Solution]) -> bool:
    proofs = sum(solution.fault == "proof" for solution in solutions)
    return proofs >= LEAST and 2 * proofs >= sum(solution.by != "program" for solution in solutions)


def _kind(answer: str) -> str:
    count = len(numbers_of(answer).values)
    return "text" if count == 0 else "number" if count == 1 else "several"


def _told(solutions: Sequence[_Solution], groups: Sequence[Sequence[int]]) -> dict[str, Any]:
    agreed = groups[0] if groups and len(groups[0]) >= LEAST else []
    return {
        "solutions": [
            {
                "by": solution.by,
                **solution.told,
                **({"fault": solution.fault} if solution.fault else {}),
                "agrees": place in agreed,
            }
            for place, solution in enumerate(solutions)
        ]
    }
