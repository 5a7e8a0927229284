"""Each rule of the quality filter: what it finds, and the near misses that it must leave alone."""

import re
from collections.abc import Iterator, Sequence

import pytest

from personahub.personas import GRANULARITIES, TextToPersonaTemplate
from personahub.personas.quality import find_fault, find_fault_of_relative
from personahub.personas.template import Example, Granularity
from personahub.records import Document

TEMPLATE = TextToPersonaTemplate.load()
LANGUAGES = ("en", "ru", "zh")

SUBJECTS = {
    "en": "Haemodialysis takes four hours, three times a week. The needle goes into a fistula.",
    "ru": "Гемодиализ длится четыре часа, трижды в неделю. Игла входит в фистулу на предплечье.",
    "zh": "血液透析每次四小时，每周三次。针头扎进前臂的动静脉内瘘。",
    "de": "Die Dialyse dauert vier Stunden, dreimal in der Woche.",
}


def document(text: str, language: str = "en") -> Document:
    return Document(text, language, "a.txt", 1)


def reason(
    description: str,
    language: str,
    granularity: Granularity = "fine",
    *,
    shown: Sequence[Example] = (),
    relation: str = "read",
    text: str = "",
) -> str | None:
    finding = find_fault(
        description,
        document=document(text or SUBJECTS.get(language, SUBJECTS["en"]), language),
        examples=shown,
        relation=relation,
        language=language,
        granularity=granularity,
    )
    if finding:
        assert finding.detail
    return finding.reason if finding else None


def examples(language: str) -> list[Example]:
    """All the template's examples in a language, through the sets that different documents are shown."""
    shown = (TEMPLATE.examples(document(f"text {n}", language), language) for n in range(60))
    return list({example.text: example for several in shown for example in several}.values())


def shown_personas(granularity: Granularity) -> Iterator[tuple[str, Example, str]]:
    for language in LANGUAGES:
        for example in examples(language):
            for persona in example.personas[granularity].values():
                yield language, example, persona


# Good descriptions


@pytest.mark.parametrize(
    ("language", "description"),
    [
        ("en", "A dialysis nurse on the early shift who trains newcomers to place needles without pain."),
        ("en", "A kidney patient's daughter who drives him to the clinic three times each week."),
        ("ru", "Медсестра отделения диализа, которая учит новичков ставить иглу без боли."),
        ("ru", "Дочь больного, которая трижды возит отца в клинику и сидит с ним четыре часа."),
        ("zh", "一位在县医院透析室值早班、教新人怎样扎针不疼的护士。"),
        ("zh", "一名每周三次开车送父亲去透析的出租车司机。"),
        ("de", "Eine Pflegerin in der Dialyse, die neuen Kolleginnen das schmerzlose Stechen beibringt."),
    ],
)
def test_a_specific_person_passes_whatever_the_prompt_showed(language: str, description: str) -> None:
    assert reason(description, language, shown=examples(language)) is None


@pytest.mark.parametrize(
    ("language", "description"),
    [("en", "A dialysis nurse"), ("en", "A mountain guide"), ("ru", "Врач-нефролог"), ("zh", "一位透析护士")],
)
def test_a_broad_person_passes_where_that_is_wanted(language: str, description: str) -> None:
    assert reason(description, language, "coarse", shown=examples(language)) is None


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_every_persona_of_the_template_passes_for_its_own_text(granularity: Granularity) -> None:
    """What the prompt shows as good must be good; only copies of it are not."""
    for language, example, persona in shown_personas(granularity):
        fault = find_fault(
            persona,
            document=document(example.text, language),
            examples=[],
            relation="read",
            language=language,
            granularity=granularity,
        )
        assert fault is None, (persona, fault)


# Too short


@pytest.mark.parametrize(
    ("language", "description"),
    [
        ("en", "A nurse who works on weekends."),
        ("en", "A well-trained nurse who doesn't smoke."),
        ("en", "A nurse, 34, who - 12 3 4 5 - works."),
        ("ru", "Медсестра, которая учит новичков ставить иглу."),
        ("zh", "一位会扎针的老护士。"),
        ("en", ""),
        ("zh", "。"),
    ],
)
def test_a_description_of_few_words_is_too_short(language: str, description: str) -> None:
    assert reason(description, language) == "too_short"


@pytest.mark.parametrize(
    ("language", "description"),
    [
        ("en", "A nurse who works nights and weekends."),
        ("ru", "Медсестра, которая учит новичков верно ставить иглу."),
        ("zh", "一位会扎针也教人的老护士小梅。"),
    ],
)
def test_seven_words_are_enough_and_two_chinese_characters_count_as_one(
    language: str, description: str
) -> None:
    assert reason(description, language) is None


@pytest.mark.parametrize(("language", "description"), [("en", "Nurse"), ("ru", "Медсестра"), ("zh", "护士")])
def test_one_word_is_enough_for_a_broad_person(language: str, description: str) -> None:
    assert reason(description, language, "coarse") is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_at_all_is_too_short_even_for_a_broad_person(language: str) -> None:
    assert reason("12 …", language, "coarse") == "too_short"


# Wrong language


@pytest.mark.parametrize(
    ("language", "other"),
    [
        (language, other)
        for language in (*LANGUAGES, "de")
        for other in LANGUAGES
        # German and English share their script.
        if other != language and (language, other) != ("de", "en")
    ],
)
def test_a_description_in_another_script_is_in_the_wrong_language(language: str, other: str) -> None:
    described = {
        "en": "A dialysis nurse on the early shift who trains newcomers to place needles without pain.",
        "ru": "Медсестра отделения диализа, которая учит новичков ставить иглу без боли.",
        "zh": "一位在县医院透析室值早班、教新人怎样扎针不疼又省时间的中年老护士。",
    }
    assert reason(described[other], language) == "wrong_language"


@pytest.mark.parametrize(
    ("language", "description"),
    [
        ("ru", "Программист из маленькой фирмы, который переносит сервер с Debian на Ubuntu."),
        ("zh", "一位在县医院信息科工作、要把旧系统从Windows搬到Linux的工程师。"),
        ("en", "A Greek teacher who explains the letters λ and π to the children of sailors."),
        ("zh", "一位刚转岗做Python和Rust、还不熟悉透析设备的工程师。"),
        ("ja", "透析室で働き、新人に痛くない針の刺し方を教えるベテランの看護師。"),
    ],
)
def test_some_words_of_another_script_are_no_wrong_language(language: str, description: str) -> None:
    assert reason(description, language) is None


def test_half_in_another_language_is_in_the_wrong_language() -> None:
    assert (
        reason("一位老护士 who trains newcomers to place needles without any pain", "zh") == "wrong_language"
    )


# Not a person


@pytest.mark.parametrize(
    ("language", "description"),
    [
        ("en", "A recipe blog that shares quick dinners for families with small children."),
        ("en", "A company which sells dialysis machines to small hospitals all over the country."),
        ("en", "The guide to dialysis for patients who travel to distant countries."),
        ("en", "An online story about a nurse who never sleeps and always smiles."),
        ("en", "A clinical guideline who helps the nurses of every ward to place needles."),
        ("ru", "Компания, которая продаёт аппараты для диализа маленьким больницам по всей стране."),
        ("ru", "Подробное руководство для медсестёр, которые впервые ставят иглу пациенту."),
        ("zh", "一篇介绍透析护理的文章。"),
        ("zh", "一家生产透析机的医疗公司。"),
    ],
)
def test_a_description_of_a_thing_is_not_a_person(language: str, description: str) -> None:
    granularity: Granularity = "coarse" if language == "zh" else "fine"
    assert reason(description, language, granularity) == "not_a_person"


@pytest.mark.parametrize(
    ("language", "description"),
    [
        ("en", "A story teller who visits the wards of children and reads to them."),
        ("en", "A recipe collector with a weak kidney who looks for salt-free dinners."),
        ("en", "A company nurse who vaccinates the workers of a shipyard every autumn."),
        ("en", "A project manager at a hospital who replaces the dialysis machines one by one."),
        ("en", "A mountain guide who has to be back at the clinic every second day."),
        ("en", "A nurse trained on an old system who has to learn the new one."),
        ("en", "A retired nurse, author of a book, who lectures on dialysis in small towns."),
        ("en", "A caretaker fixing the system who is woken by the alarm every night."),
        ("ru", "Руководитель проекта в больнице, который меняет аппараты для диализа один за другим."),
        ("ru", "Инженер, налаживающий проект, который отвечает за аппараты в районной больнице."),
        ("ru", "Медсестра, прочитавшая рассказ, которая решила вести дневник ночных дежурств."),
        ("zh", "一位给透析机公司写故事的年轻护士。"),
        ("zh", "一名项目经理"),
    ],
)
def test_a_person_beside_a_thing_is_a_person(language: str, description: str) -> None:
    granularity: Granularity = "coarse" if language == "zh" else "fine"
    assert reason(description, language, granularity) is None


# Repetition


@pytest.mark.parametrize(
    ("language", "description"),
    [
        ("en", "A nurse who places the needle and places the needle and Places the Needle."),
        ("ru", "Медсестра, которая ставит больному иглу, ставит больному иглу и ставит больному иглу."),
        ("zh", "一位每天早上给病人扎针，每天早上给病人扎针，每天早上给病人扎针的护士。"),
    ],
)
def test_the_same_words_for_the_third_time_are_a_repetition(language: str, description: str) -> None:
    assert reason(description, language) == "repeats_itself"


@pytest.mark.parametrize(
    ("language", "description"),
    [
        ("en", "A nurse who places the needle, and a teacher of those who places the needle last."),
        ("en", "A nurse of the ward, of the clinic, of the hospital, tired of the stairs."),
        ("ru", "Медсестра, которая ставит больному иглу и просит мужа, когда он ставит больному иглу."),
        ("zh", "一位早上给病人扎针、晚上又给病人扎针的夜班护士。"),
    ],
)
def test_the_same_words_twice_or_two_words_often_are_none(language: str, description: str) -> None:
    assert reason(description, language) is None


# About the text


@pytest.mark.parametrize(
    ("language", "description"),
    [
        ("en", "A nurse who agrees with this article and wants to read more of it."),
        ("en", "A patient who dislikes the author for being so blunt about needles."),
        ("en", "A doctor who finds The Text too simple for anyone in the profession."),
        ("en", "A patient who answers the post with a long complaint about his clinic."),
        ("ru", "Медсестра, которая согласна с тем, что говорит этот текст о боли."),
        ("ru", "Больной, который недоволен данной статьёй о диализе и её тоном."),
        ("zh", "一位读了这篇文章以后更怕扎针的老年透析病人。"),
        ("zh", "一位不同意作者看法、觉得扎针并不疼的老护士。"),
    ],
)
def test_a_description_that_mentions_the_text_is_about_the_text(language: str, description: str) -> None:
    assert reason(description, language) == "about_the_text"


@pytest.mark.parametrize(
    ("language", "description"),
    [
        ("en", "A clerk at the post office who spends three mornings a week on dialysis."),
        ("en", "An author of crime novels who spends three mornings a week on dialysis."),
        ("en", "A nurse in the post-war years who learned to place needles without training."),
        ("en", "A patient who sends the nurse a text message before each of his visits."),
        ("en", "A patient who keeps a document with all the doses of the last ten years."),
        ("en", "A document clerk who types with one hand during the hours of dialysis."),
        ("en", "A texture artist who paints between two visits to the dialysis ward."),
        ("ru", "Рабочий текстильной фабрики, который трижды в неделю ездит на диализ."),
        ("ru", "Медсестра, которая собирает статьи о диализе для своих коллег."),
        ("zh", "一位每周透析三次、靠写作养家的童话作者。"),
        ("zh", "一位每周透析三次、教孩子认文字的小学老师。"),
    ],
)
def test_words_that_only_look_like_the_text_are_left_alone(language: str, description: str) -> None:
    assert reason(description, language) is None


# Copies of examples


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_every_persona_of_the_template_is_a_copy_for_another_text(granularity: Granularity) -> None:
    for language, example, persona in shown_personas(granularity):
        assert reason(persona, language, granularity, shown=[example]) == "copies_example", persona


def test_an_example_with_a_few_words_changed_is_still_a_copy() -> None:
    for language, example, persona in shown_personas("fine"):
        changed = {
            "en": re.sub(r"^An? [\w'-]+", "A nurse", persona),
            "ru": re.sub(r"^\w+", "Медсестра", persona),
            "zh": re.sub(r".{2}。$", "厨娘。", persona),
        }[language]
        assert changed != persona
        assert reason(changed, language, shown=[example]) == "copies_example", changed


def from_example(language: str) -> tuple[str, Example]:
    """A description made of content words of an example's text that its personas do not have."""
    if language == "zh":
        example = examples(language)[0]
        run = max(re.findall(r"[一-鿿]+", example.text), key=len)
        return f"一位老{run}的人。", example
    for example in examples(language):
        personas = " ".join(example.personas["fine"].values()).casefold()
        words = re.findall(r"[^\W\d_]{6,}", example.text)
        words = [word for word in words if word.casefold()[:5] not in personas]
        if len(words) >= 4:
            break
    start = "A nurse who likes" if language == "en" else "Врач, который любит"
    return f"{start} {' '.join(words[:4]).lower()}.", example


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_of_an_example_s_text_that_the_document_lacks_have_leaked(language: str) -> None:
    description, example = from_example(language)
    finding = find_fault(
        description,
        document=document(SUBJECTS[language], language),
        examples=[example],
        relation="read",
        language=language,
        granularity="fine",
    )
    assert finding is not None
    assert finding.reason == "copies_example"
    assert "does not hold" in finding.detail


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_that_the_document_holds_too_have_not_leaked(language: str) -> None:
    description, example = from_example(language)
    finding = find_fault(
        description,
        document=document(f"{SUBJECTS[language]} {example.text}", language),
        examples=[example],
        relation="read",
        language=language,
        granularity="fine",
    )
    assert finding is None


def example_of(granularity: Granularity, persona: str) -> Example:
    return Example("…", {granularity: {"read": persona}})


@pytest.mark.parametrize(
    ("language", "shown", "given"),
    [
        ("en", "A tram driver", "A truck driver"),
        ("en", "A music teacher", "A history teacher"),
        ("en", "A retired forester", "A retired nurse"),
        ("ru", "Сельский врач", "Сельский баянист"),
        ("zh", "一位退休教师", "一位退休护士"),
        ("zh", "一位年轻木工", "一位年轻护士"),
        ("zh", "一位美术老师", "一位数学老师"),
        ("zh", "一名初中生", "一名护士"),
    ],
)
def test_another_occupation_of_the_same_form_is_no_copy(language: str, shown: str, given: str) -> None:
    assert reason(given, language, "coarse", shown=[example_of("coarse", shown)]) is None


@pytest.mark.parametrize(
    ("language", "persona"),
    [("en", "A tram driver"), ("en", "A chef"), ("en", "A vet"), ("ru", "Врач"), ("zh", "一位厨师")],
)
def test_the_very_words_of_a_broad_example_are_a_copy(language: str, persona: str) -> None:
    assert reason(persona, language, "coarse", shown=[example_of("coarse", persona)]) == "copies_example"


def test_an_example_at_another_granularity_is_not_compared() -> None:
    persona = "A nurse who works nights and every second weekend."
    example = Example("…", {"fine": {"read": persona}, "coarse": {"read": "A forester"}})
    assert reason(persona, "en", "coarse", shown=[example]) is None
    assert reason(persona, "en", "fine", shown=[example]) == "copies_example"


def test_the_first_rule_that_is_broken_is_told() -> None:
    assert reason("The text.", "en") == "too_short"
    assert reason("The text.", "ru") == "wrong_language"


# Form


@pytest.mark.parametrize(
    ("language", "description", "expected"),
    [
        ("en", "I am a dialysis nurse who trains newcomers to place needles.", "first_person"),
        ("en", "A dialysis nurse who trains newcomers in our small clinic by the sea.", "first_person"),
        ("ru", "Я медсестра отделения диализа, которая учит новичков ставить иглу.", "first_person"),
        ("zh", "我是一位在县医院透析室值早班、教新人扎针的护士。", "first_person"),
        ("en", "A dialysis nurse who trains newcomers to place needles and to", "cut_off"),
        ("en", "A dialysis nurse who trains newcomers to place needles in the.", "cut_off"),
        ("en", "A dialysis nurse who trains newcomers (nurses and doctors of the ward.", "cut_off"),
        ("ru", "Медсестра отделения диализа, которая учит новичков ставить иглу и", "cut_off"),
        ("zh", "一位在县医院透析室值早班、教新人怎样扎针的", "cut_off"),
        ("en", "A dialysis nurse named [NAME] who trains newcomers to place needles.", "placeholder"),
        ("en", "A {occupation} on the early shift who trains newcomers to place needles.", "placeholder"),
        ("ru", "Медсестра клиники [АДРЕС], которая учит новичков ставить иглу без боли.", "placeholder"),
        ("zh", "一位在某某医院透析室值早班、教新人扎针的护士。", "placeholder"),
        ("en", "1. A dialysis nurse on the early shift who trains newcomers.", "list_or_heading"),
        ("en", "Persona: a dialysis nurse on the early shift who trains newcomers.", "list_or_heading"),
        ("en", "Training Newcomers On The Early Shift Of Dialysis", "list_or_heading"),
        ("ru", "- Медсестра отделения диализа, которая учит новичков ставить иглу.", "list_or_heading"),
        ("en", "A group of dialysis nurses who train newcomers on the early shift.", "several_people"),
        ("en", "A young couple who are planning a journey between two dialysis days.", "several_people"),
        ("en", "Parents who drive a child to the clinic three times each week.", "several_people"),
        ("ru", "Родители, которые трижды в неделю возят ребёнка в клинику на диализ.", "several_people"),
        ("zh", "一群每周三次开车送父亲去医院透析的兄弟。", "several_people"),
        ("en", "Jane Miller, a dialysis nurse who trains newcomers on the early shift.", "named_person"),
        ("en", "A dialysis nurse called Jane who trains newcomers on the early shift.", "named_person"),
        ("ru", "Анна Петрова, медсестра диализа, которая учит новичков ставить иглу.", "named_person"),
        ("zh", "一位名叫张梅、在县医院透析室值早班的护士。", "named_person"),
    ],
)
def test_a_description_of_another_form_is_set_aside(language: str, description: str, expected: str) -> None:
    assert reason(description, language) == expected


@pytest.mark.parametrize(
    ("language", "description"),
    [
        ("en", "A historian of nursing in World War I who collects letters from hospital ships."),
        ("en", "A US army nurse who trains newcomers to place needles on a hospital ship."),
        ("en", "A self-employed driver who takes patients to all the clinics they ask for."),
        ("en", "A nurse who knows what patients' daughters are afraid of when they come in."),
        ("en", "A family doctor with a small practice who sends patients to dialysis early."),
        ("en", "A cook who makes lunch for nurses who are on the early shift of dialysis."),
        ("en", "A team leader on a dialysis ward who plans the shifts of twelve nurses."),
        ("ru", "Семейный врач из деревни, который рано отправляет больных на диализ."),
        ("ru", "Медсестра, которая знает больных по именам и всегда утешает их."),
        ("zh", "一位注重自我提升、在县医院透析室值早班的护士。"),
    ],
)
def test_a_person_of_a_like_form_passes(language: str, description: str) -> None:
    assert reason(description, language) is None


# Relation and source


@pytest.mark.parametrize(
    ("language", "description"),
    [
        ("en", "A dialysis patient who is looking for a clinic near the place of her holidays."),
        ("en", "A young nurse who wants to learn how to place a needle without pain."),
        ("ru", "Молодая медсестра, которая хочет научиться ставить иглу без боли."),
        ("zh", "一位想了解怎样扎针不疼的县医院年轻护士。"),
    ],
)
def test_who_is_still_to_learn_it_reads_a_text_and_does_not_write_it(language: str, description: str) -> None:
    assert reason(description, language, relation="write") == "misfits_relation"
    assert reason(description, language, relation="read") is None


def test_who_is_looking_for_something_may_write_a_question() -> None:
    asked = "Which clinic in the south takes dialysis patients on holiday?"
    description = "A dialysis patient who is looking for a clinic near the place of her holidays."
    assert reason(description, "en", relation="write", text=asked) is None


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (
            "en",
            "We look for a nurse of the early shift who trains newcomers to place needles, and for a cook.",
        ),
        ("ru", "Нужна медсестра отделения диализа, которая учит новичков ставить иглу без боли, и повар."),
        ("zh", "我们需要在县医院透析室值早班、教新人怎样扎针不疼的护士和一位厨师。"),
    ],
)
def test_a_phrase_of_the_text_is_a_copy_of_it(language: str, text: str) -> None:
    described = {
        "en": "A nurse of the early shift who trains newcomers to place needles.",
        "ru": "Медсестра отделения диализа, которая учит новичков ставить иглу без боли.",
        "zh": "一位在县医院透析室值早班、教新人怎样扎针不疼的护士。",
    }[language]
    assert reason(described, language, text=text) == "copies_source"
    assert reason(described, language) is None


# People around a person

NURSES = {
    "en": "A dialysis nurse of the early shift who trains newcomers to place needles without pain.",
    "ru": "Медсестра отделения диализа, которая учит новичков ставить иглу без боли.",
    "zh": "一位在县医院透析室值早班、教新人怎样扎针不疼的护士。",
}


def reason_of_relative(
    description: str, language: str, asked: str = "", shown: Sequence[Example] = ()
) -> str | None:
    finding = find_fault_of_relative(
        description,
        parent=NURSES[language],
        examples=shown,
        relation="care/patient",
        asked=asked,
        language=language,
    )
    return finding.reason if finding else None


@pytest.mark.parametrize(
    ("language", "description", "expected"),
    [
        ("en", "A bus driver who is known to this person and sleeps under his coat.", "defined_by_parent"),
        ("en", "A porter who brings the nurse her coffee and never speaks of his sons.", "defined_by_parent"),
        ("en", "A widow who thanks the old nurse and waters her tomatoes before dawn.", "defined_by_parent"),
        ("ru", "Водитель, который возит этого человека домой и дремлет под пальто.", "defined_by_parent"),
        ("zh", "一位常送此人回家、自己住在车库里的老司机。", "defined_by_parent"),
        ("zh", "一位常送那位护士回家、自己住在车库里的老司机。", "defined_by_parent"),
        ("en", "A dialysis trainer who trains nurses: newcomers who place needles badly.", "same_person"),
        ("en", "A cook who trains newcomers to place needles in the meat of old cows.", "same_person"),
        ("ru", "Врач отделения диализа, который учит новичков ставить капельницу.", "same_person"),
        ("zh", "一位老工人，也教新人怎样扎针不疼的护士傍晚才见到他。", "same_person"),
        ("en", NURSES["en"], "copies_source"),
        ("zh", NURSES["zh"], "copies_source"),
    ],
)
def test_who_is_not_described_as_somebody_else_is_set_aside(
    language: str, description: str, expected: str
) -> None:
    assert reason_of_relative(description, language) == expected


@pytest.mark.parametrize(
    ("language", "description"),
    [
        ("en", "A bus driver from the hills who sleeps under his coat between two shifts."),
        ("en", "A dialysis patient who keeps bees on a roof and hides his scars from his sons."),
        ("en", "A widow who nurses the last of her hens and sells the eggs at the gate."),
        ("ru", "Водитель автобуса, который дремлет под пальто между двумя рейсами."),
        ("ru", "Больная диабетом вдова, которая вяжет носки внукам и боится уколов."),
        ("zh", "一位从山里来、两班之间盖着大衣打盹的公交司机。"),
    ],
)
def test_somebody_else_passes(language: str, description: str) -> None:
    assert reason_of_relative(description, language) is None


def test_words_that_were_asked_for_are_no_copy_of_an_example() -> None:
    shown = [Example("A dancer.", {"fine": {"x": "A hospital orderly and ambulance driver who sings."}})]
    given = "A hospital orderly in a border town who plays chess against himself at night."
    ambulance = "A retired ambulance driver and hospital porter who plays chess at night."
    assert reason_of_relative(ambulance, "en", shown=shown) == "copies_example"
    asked = "a hospital orderly or an ambulance driver near this person"
    assert reason_of_relative(given, "en", asked, shown) is None
