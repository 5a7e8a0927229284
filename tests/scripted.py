"""A language model that answers by a function of the request: no weights, no chance, no waiting."""

import asyncio
import hashlib
import json
import re
from collections.abc import Callable

from personahub.models import Reply, Request, Usage

Answer = Callable[[Request], str | Reply]
"""The text of the reply, or all of it; may raise RequestError or UserError."""

_WHO = "nurse baker welder beekeeper glazier tailor courier plumber tutor miller roofer vet clerk cook"
_WHERE = "island village harbour suburb valley market border campus station mountain prairie desert"
_DOES = "repairs studies collects delivers inspects paints measures borrows defends restores weighs sorts"
_WHAT = "clocks maps bridges lanterns pianos saddles ladders kettles mosaics compasses radios ovens"
_WHEN = "dawn night noon dusk weekends holidays winter summer spring autumn midnight Easter"


def sentence(request: Request) -> str:
    """An English sentence about a person, fixed by the messages, the seed and the sample."""
    asked = [[message.content for message in request.messages], request.sampling.seed, request.sample]
    digest = hashlib.sha256(json.dumps(asked).encode()).digest()
    who, where, does, what, when = (
        words.split()[digest[place] % len(words.split())]
        for place, words in enumerate((_WHO, _WHERE, _DOES, _WHAT, _WHEN))
    )
    return f"A {who} of the {where} who {does} {digest[5]} {what} for the neighbours at {when}."


def answer_in_form(request: Request) -> str:
    """JSON with the sentence in every required field of the schema; in "persona" where there is none."""
    fields = (request.schema or {}).get("required", ["persona"])
    assert isinstance(fields, list)
    return json.dumps(dict.fromkeys(fields, sentence(request)))


WORDS = [
    "patient",
    "careful",
    "tired",
    "curious",
    "retired",
    "young",
    "stubborn",
    "cheerful",
    "nervous",
    "thrifty",
]
CRAFTS = [
    "beekeeper",
    "welder",
    "midwife",
    "cartographer",
    "plumber",
    "violinist",
    "locksmith",
    "botanist",
    "tailor",
    "diver",
]


def persona_reply(request: Request) -> str:
    """A persona that only the request decides, and that fits the form in English and Russian."""
    digest = hashlib.sha256(request.key.encode()).digest()
    number = int.from_bytes(digest[2:5])
    # Some words of the text, which the filter expects a persona to be close to.
    told = re.findall(
        r'"""\n(.*?)\n"""', "\n".join(message.content for message in request.messages), re.DOTALL
    )
    known = " ".join(re.findall(r"[^\W\d_]+", told[-1])[:6]).lower() if told else "bees"
    if "по-русски" in request.messages[-1].content:
        persona = f"Садовод из деревни, который каждое утро считает {number} яблок и хорошо знает {known}."
    else:
        who = f"{WORDS[digest[0] % 10]} {CRAFTS[digest[1] % 10]}"
        persona = f"A {who} who counts {number} of {known} each morning and writes it in a green notebook."
    return json.dumps({"persona": persona}, ensure_ascii=False)


_DO = "sweeps counts mends carries sorts paints borrows washes buries guards draws weighs hides burns"
_THINGS = "nets bricks lanterns letters bottles pigeons coins buckets radios feathers boots maps seeds kites"
_PLACES = (
    "at dawn,on rooftops,under bridges,near sawmills,by moonlight,in vans,after prayers,outside chapels,"
    "behind laundries,during storms,between trains,above stables,past midnight,along canals"
)


_IN_OTHER_LANGUAGES = {
    "Russian": (
        ["Пекарь", "Слесарь", "Садовник", "Учитель", "Водолаз", "Лесник", "Моряк", "Портной"],
        ["считает", "чинит", "красит", "прячет", "меняет", "носит", "моет", "сушит"],
        ["сетей", "кирпичей", "фонарей", "писем", "монет", "вёдер", "сапог", "семян"],
        [
            "на рассвете",
            "под мостом",
            "у мельницы",
            "в подвале",
            "после грозы",
            "за околицей",
            "на палубе",
            "у колодца",
        ],
        "{0} {1} {4} {2} {3}. Сколько {2} останется, если треть из них потеряют?",
    ),
    "Chinese": (
        ["面包师", "锁匠", "园丁", "教师", "潜水员", "护林员", "水手", "裁缝"],
        ["清点", "修理", "粉刷", "收藏", "交换", "搬运", "清洗", "晾晒"],
        ["渔网", "砖块", "灯笼", "信件", "硬币", "水桶", "靴子", "种子"],
        [
            "清晨在桥下",
            "午后在磨坊",
            "雨后在码头",
            "夜里在地窖",
            "周末在庙会",
            "冬天在井边",
            "春天在甲板",
            "秋天在村口",
        ],
        "{0}{3}{1}{4}份{2}。如果丢了三分之一，还剩多少份{2}？",
    ),
}


def problem_reply(request: Request) -> str:
    """A math problem that only the request decides, and that passes the checks and repeats no other."""
    digest = hashlib.sha256(request.key.encode()).digest()
    number = 10 + int.from_bytes(digest[2:5]) % 10**5
    for language, (*lists, form) in _IN_OTHER_LANGUAGES.items():
        if f"in {language}" in request.messages[-1].content:
            who, do, things, place = (words[digest[n] % 8] for n, words in enumerate(lists, 5))
            problem = form.format(who, do, things, place, number)
            break
    else:
        do, other = (_DO.split()[digest[n] % 14] for n in (5, 6))
        things, more = (_THINGS.split()[digest[n] % 14] for n in (7, 8))
        place = _PLACES.split(",")[digest[9] % 14]
        problem = (
            f"A {WORDS[digest[0] % 10]} {CRAFTS[digest[1] % 10]} {do} {number} {things} {place} and {other}"
            f" {more}. How many {things} are left when a third of them are lost?"
        )
    # As a problem has to, it states the numbers of the plan that it was given.
    plan = re.search(r"Given is (.*?); asked", request.messages[-1].content)
    stated = " or ".join(re.findall(r"\d+%?", plan[1])) if plan else ""
    problem = problem.replace(str(number), f"{number} or {stated}" if stated else str(number), 1)
    values = {
        "unknown": f"how many {things} stay",
        "quantities": [f"{number} {things}", f"{number} of them at first"],
        "problem": problem,
    }
    asked = (request.schema or {}).get("properties", ["problem"])
    # A request that is not about a problem gets it all the same.
    return json.dumps({name: values[name] for name in asked if name in values} or values)  # type: ignore[union-attr,attr-defined]


def relative_reply(request: Request) -> str:
    """A person around another that only the request decides, and that passes the filter in English."""
    digest = hashlib.sha256(request.key.encode()).digest()
    first, second = (
        f"{_DO.split()[digest[n] % 14]} {digest[n + 1]} {_THINGS.split()[digest[n + 2] % 14]}"
        f" {_PLACES.split(',')[digest[n + 3] % 14]}"
        for n in (8, 16)
    )
    # The form may say how the description begins.
    properties = (request.schema or {})["properties"]
    begins = re.match(r"\^\(((?:An? )?[A-Za-z][a-z -]+)[|)]", properties["persona"]["pattern"])  # type: ignore[index]
    who = begins[1] if begins else f"A {WORDS[digest[0] % 10]} {CRAFTS[digest[1] % 10]}"
    return json.dumps({"persona": f"{who} of {20 + digest[4] % 60} who {first} and {second}."})


def any_reply(request: Request) -> str:
    """What the request's schema asks for: a persona or a problem."""
    properties = dict(request.schema or {}).get("properties", {})
    return persona_reply(request) if "persona" in str(properties) else problem_reply(request)


class ScriptedModel:
    """A LanguageModel for tests.

    Attributes:
        served: the requests that each slot was asked, in order.
        answered: how many of them got a reply.
        closed: whether close() was called.
    """

    def __init__(
        self,
        answer: Answer = answer_in_form,
        *,
        name: str = "scripted",
        slots: int = 1,
        delay: float | Callable[[Request], float] = 0.0,
    ) -> None:
        """Answer each request after ``delay`` seconds (or as many as it says for the request)."""
        self.name = name
        self.provider = ""
        self.slots = slots
        self.served: list[list[Request]] = [[] for _ in range(slots)]
        self.answered = 0
        self.closed = False
        self._answer = answer
        self._delay = delay
        self._busy: set[int] = set()

    @property
    def calls(self) -> int:
        """How many requests it was asked."""
        return sum(map(len, self.served))

    @property
    def asked(self) -> list[Request]:
        """All requests, slot by slot."""
        return [request for served in self.served for request in served]

    async def complete(self, request: Request, *, slot: int = 0) -> Reply:
        assert slot not in self._busy, f"slot {slot} is asked before it has answered"
        self._busy.add(slot)
        self.served[slot].append(request)
        try:
            await asyncio.sleep(self._delay(request) if callable(self._delay) else self._delay)
            answer = self._answer(request)
        finally:
            self._busy.discard(slot)
        self.answered += 1
        if isinstance(answer, Reply):
            return answer
        return Reply(
            text=answer,
            finish_reason="stop",
            usage=Usage(
                prompt_tokens=sum(len(message.content.split()) for message in request.messages),
                cached_tokens=0,
                completion_tokens=len(answer.split()),
            ),
            seconds=0.0,
        )

    async def close(self) -> None:
        self.closed = True
