"""Tasks: those that come with the package fit together, and what is wrong with a folder is one line."""

import json
import re
from pathlib import Path

import jsonschema_rs
import pytest
from pydantic import BaseModel

from commands import Run, one_line_error
from hubs import hub_of
from personahub import UserError, check_hub, list_tasks, new_task, show, show_task, synthesize
from personahub.models import Request
from personahub.records import Record
from personahub.synthesis import Brief, Synthesizer, Task, task_names
from personahub.synthesis.declaration import Declaration, Option
from scripted import CRAFTS, WORDS, ScriptedModel

DOCS = Path(__file__).parents[1] / "docs" / "tasks"
KEEPER = {
    "id": "p" + "1" * 20,
    "description": "Смотритель маяка, который чинит лампы",
    "document_id": "d" + "1" * 20,
    "source": "texts/a.txt",
    "row": 7,
    "date": "",
    "licence": "CC0-1.0",
}


@pytest.fixture
def riddles(tmp_path: Path) -> Path:
    """The folder of a new task."""
    return new_task("riddles", tmp_path)


def change(folder: Path, old: str, new: str, file: str = "task.yaml") -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")


def fault(folder: Path) -> str:
    with pytest.raises(UserError) as error:
        show_task(folder)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(str(folder))
    return str(error.value).removeprefix(f"{folder}/")


# The tasks that come with the package


@pytest.mark.parametrize("name", task_names())
def test_a_shipped_task_fits_together_with_its_examples(name: str) -> None:
    task = show_task(name)
    assert task.name == name
    assert task.summary
    for example in task.examples:
        assert example["text"].strip()


@pytest.mark.parametrize("name", task_names())
def test_a_shipped_tasks_examples_pass_its_own_rules(name: str) -> None:
    task = Task.load(name)
    for example in task.examples:
        assert task.find_fault(example.text) is None
        assert task.find_fault_of_fields(example.reply) is None


@pytest.mark.parametrize("name", task_names())
def test_a_shipped_task_has_a_page_that_tells_its_options(name: str) -> None:
    page = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    for option in show_task(name).options:
        assert f"--{option.name.replace('_', '-')}" in page


@pytest.mark.parametrize("name", task_names())
def test_a_shipped_tasks_schemas_are_valid_with_every_choice(name: str) -> None:
    task = Task.load(name)
    defaults = {option: task.default(option) for option in task.options}
    for option, declared in task.options.items():
        for value in declared.choices or [defaults[option]]:
            settings = {**defaults, option: value}
            for step in ("", *task.steps(settings, "fi")):
                jsonschema_rs.meta.validate(task.schema(settings, step))


# List, show and new


def test_the_list_has_all_tasks_with_their_options(run: Run) -> None:
    listed = json.loads(run("task", "list", "--json").out)
    assert [task["name"] for task in listed] == task_names() == [task.name for task in list_tasks()]
    math = next(task for task in listed if task["name"] == "math")
    assert [option["name"] for option in math["options"]] == ["focus", "difficulty", "with_program"]
    out = run("task", "list").out
    assert "--difficulty school|high-school|university|olympiad  --with-program" in out


def test_a_new_tasks_folder_works_as_it_is(run: Run, tmp_path: Path) -> None:
    made = json.loads(run("task", "new", "riddles", "--dir", tmp_path / "own", "--json").out)
    assert made["files"] == ["examples.yaml", "prompt.jinja", "task.yaml"]
    shown = run("task", "show", made["folder"])
    assert shown.code == 0
    for line in ("--difficulty easy|hard", "reject tells_answer", "4 examples:", "скворечник", "我从不吃饭"):
        assert line in shown.out or line in json.dumps(
            show_task(made["folder"]).to_json(), ensure_ascii=False
        )


def test_a_new_task_says_what_to_do_next(run: Run, tmp_path: Path) -> None:
    out = run("task", "new", "riddles", "--dir", tmp_path).out
    assert f"personahub task show {tmp_path}/riddles" in out
    assert f"personahub synthesize {tmp_path}/riddles --hub DIR -n 3" in out


@pytest.mark.parametrize("persona", [KEEPER, None])
def test_a_new_task_asks_and_makes_a_record(riddles: Path, persona: dict[str, object] | None) -> None:
    task = Task.load(riddles)
    synthesizer = Synthesizer(task, task.settings({"difficulty": "hard"}), "m", "riddles", "few-shot")
    brief = Brief(
        0, "ru", persona=persona, varied={"voice": "the thing speaks about itself"}, shown=(0, 1, 2, 3)
    )
    request = synthesizer.ask(brief)
    assert len(request.messages) == 1 + 2 * 4 + 1
    asked = request.messages[-1].content
    assert "in Russian" in asked
    assert asked.endswith("Persona: Смотритель маяка, который чинит лампы") == (persona is not None)
    reply = {"thing": "маяк", "clues": ["светит", "стоит"], "riddle": "Стою у моря и мигаю всю ночь. Кто я?"}
    record = synthesizer.answer(brief, [reply], request="", run=1)
    assert isinstance(record, Record)
    assert (record.text, record.row) == (reply["riddle"], 7 if persona else 0)
    aside = synthesizer.answer(brief, [{**reply, "riddle": "Ответ: маяк?"}], request="", run=1)
    assert not isinstance(aside, Record)
    assert aside.reason == "tells_answer"


def test_a_new_tasks_folder_is_synthesized_from(run: Run, riddles: Path, tmp_path: Path) -> None:
    hub, _ = hub_of(tmp_path / "hub", ["A keeper of a lighthouse", "一位修钟的老人"])

    def riddle(request: Request) -> str:
        n = int(request.key[:6], 16)
        said = f"{WORDS[n % 10]} {CRAFTS[n // 10 % 10]} {n}"
        reply = {
            "thing": f"lamp {n}",
            "clues": ["it shines", "it hangs"],
            "riddle": f"Who is the {said} for?",
        }
        return json.dumps(reply)

    outcome = synthesize(
        str(riddles), hub.path, n=2, options={"difficulty": "hard"}, model=ScriptedModel(riddle)
    )
    rows = list(hub.records.rows())
    assert sorted(row["id"] for row in rows) == sorted(outcome.ids)
    assert {(row["dataset"], row["task"], row["template"]) for row in rows} == {
        ("riddles", "riddles", show_task(riddles).version)
    }
    assert show(hub.path, rows[0]["id"]).to_json()["record"]["inputs"]["options"] == {"difficulty": "hard"}
    assert check_hub(hub.path).findings == []


def test_what_is_there_is_never_written_over(run: Run, riddles: Path) -> None:
    change(riddles, "kind: riddle", "kind: my riddle")
    error = one_line_error(run("task", "new", "riddles", "--dir", riddles.parent))
    assert "is there already" in error
    assert show_task(riddles).kind == "my riddle"


@pytest.mark.parametrize("name", ["Riddles", "a/b", "../a", "", "1st", "загадки", "a b"])
def test_a_name_that_is_none_is_one_line(run: Run, tmp_path: Path, name: str) -> None:
    assert "is no name for a task" in one_line_error(run("task", "new", "--dir", tmp_path, "--", name))
    assert list(tmp_path.iterdir()) == []


def test_a_new_task_cannot_take_the_name_of_a_shipped_one(run: Run, tmp_path: Path) -> None:
    assert "comes with personahub" in one_line_error(run("task", "new", "math", "--dir", tmp_path))


def test_a_place_that_cannot_hold_the_folder_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be made" in one_line_error(run("task", "new", "riddles", "--dir", tmp_path / "file"))


def test_show_names_the_tasks_there_are_for_one_there_is_not(run: Run, tmp_path: Path) -> None:
    error = one_line_error(run("task", "show", "poetry"))
    assert "unknown task 'poetry'" in error
    assert "math" in error
    assert "no task.yaml" in one_line_error(run("task", "show", tmp_path))


# The page that tells how to make a task


def block(language: str, number: int = 0) -> str:
    """One of the page's blocks of code."""
    page = (DOCS / "README.md").read_text(encoding="utf-8")
    return page.split(f"```{language}\n")[number + 1].split("```")[0]


def test_the_task_that_the_page_makes_works(riddles: Path) -> None:
    (riddles / "task.yaml").write_text(block("yaml", 0), encoding="utf-8")
    (riddles / "prompt.jinja").write_text(block("jinja"), encoding="utf-8")
    (riddles / "examples.yaml").write_text(block("yaml", 1), encoding="utf-8")
    task = show_task(riddles)
    assert (task.kind, [example["language"] for example in task.examples]) == ("proverb", ["en", "ru"])


def test_the_steps_that_the_page_shows_work(riddles: Path) -> None:
    with (riddles / "task.yaml").open("a", encoding="utf-8") as file:
        file.write(block("yaml", 2).replace("with_program", "difficulty == 'hard'"))
    with (riddles / "prompt.jinja").open("a", encoding="utf-8") as file:
        file.write("{% macro solve() %}{{ reply.riddle | fenced }}{% endmacro %}")
    task = Task.load(riddles)
    assert task.steps({"difficulty": "easy"}, "en") == ()
    assert task.steps({"difficulty": "hard"}, "en") == ("solve",)
    variables = {"persona": "", "difficulty": "hard", "voice": "", "language_name": "Chinese"}
    assert task.messages({**variables, "reply": {"riddle": "几盏灯？"}}, "solve")[1].content == "几盏灯？"


@pytest.mark.parametrize("model", [Declaration, Option])
def test_the_page_tells_every_key(model: type[BaseModel]) -> None:
    page = (DOCS / "README.md").read_text(encoding="utf-8")
    for name, field in model.model_fields.items():
        assert f"`{field.alias or name}`" in page


# What can be wrong with a folder


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("kind: riddle", "kind: [riddle", "task.yaml, line "),
        ("schema:\n", "scheme:\n", "task.yaml: has no schema"),
        ("unique:", "uniqe:", "task.yaml: uniqe: is nothing that a task has; did you mean unique?"),
        ("max_tokens: 300", "max_tokens: many", "task.yaml: max_tokens: "),
        ("max_tokens: 300", "max_tokens: 0", "task.yaml: max_tokens: "),
        ("kind: riddle\n", "", "task.yaml: kind: "),
        (
            "max_tokens: 300",
            "max_token: 300",
            "task.yaml: max_token: is nothing that a task has; did you mean max",
        ),
        (
            "maxLength: 500}",
            "maxLenght: 500}",
            "maxLenght is nothing that JSON Schema has; did you mean maxLen",
        ),
        ("'[?？]'", '"[?\\b]"', "require: asks_nothing holds a control character; write patterns in single"),
        ("  difficulty:", "  seed:", "task.yaml: seed: is an option of synthesize itself"),
        ('text: "{{ riddle }}"', "text: {{ riddle }}", "is no YAML (a template stands in quotes"),
        ("type: object", "type: array", "task.yaml: schema: must be an object with properties"),
        ("minItems: 2", "minItems: -2", "task.yaml: schema: is no JSON schema"),
        ("maxLength: 500}", "maxLength: 500, when: {mood: odd}}", "when: {mood: odd} is nothing"),
        ("maxLength: 500}", "maxLength: 500, when: {difficulty: odd}}", "when: {difficulty: odd} is nothing"),
        ('text: "{{ riddle }}"', 'text: "{{ ridle }}"', "task.yaml: text: uses the variable ridle"),
        ('text: "{{ riddle }}"', 'text: "{{ riddle }"', "task.yaml: text: "),
        ('unique: "{{ thing }}"', 'unique: "{{ name }}"', "task.yaml: unique: uses the variable name"),
        (
            '"{{ riddle }}"\n',
            '"{{ riddle }}"\nderive: {n: "{{ m }}"}\n',
            "task.yaml: derive.n: uses the varia",
        ),
        ("'[?？]'", "'[?？'", "task.yaml: require: asks_nothing is no regular expression"),
        ("default: easy", "default: odd", "task.yaml: options.difficulty: the default 'odd' is not one of"),
        ("  difficulty:", "  persona:", "task.yaml: persona: is the name of another variable"),
        ("  difficulty:", "  voice:", "task.yaml: voice: is the name of another variable"),
        ("fidelity", "beauty", "task.yaml: checks.1: "),
        ("kind: riddle", "kind: riddle\nstates: {riddle: [sum]}", "states: sum is no field of the schema"),
        ("kind: riddle", "kind: riddle\npython: [code]", "python: code is no field of the schema"),
        ("[the thing speaks about itself, somebody asks a question about the thing]", "[]", "vary.voice: "),
        ("kind: riddle", "kind: riddle\nsequence: \"['again']\"", "task.yaml: sequence: gives ['again']"),
        ("kind: riddle", 'kind: riddle\nsequence: "[again]"', "task.yaml: sequence: uses the variable again"),
        (
            "kind: riddle",
            "kind: riddle\nsteps: {solve: {schema: {type: object, properties: {a: {}}}, max_tokens: 9}}",
            "prompt.jinja: has no macro solve; write {% macro solve() %}",
        ),
    ],
)
def test_what_is_wrong_in_a_declaration_is_one_line(riddles: Path, old: str, new: str, told: str) -> None:
    change(riddles, old, new)
    assert told in fault(riddles)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("{{ language_name }}", "{{ langauge }}", "prompt.jinja: uses the variable langauge, which there is"),
        ("macro user()", "macro usr()", "prompt.jinja: has no macro user; write {% macro user() %}"),
        ("{%- endmacro -%}", "", "prompt.jinja, line "),
        ("| fenced", "| fence", "prompt.jinja, line 13: there is no filter fence"),
        ("{{ voice }}", "{{ voice + 1 }}", "prompt.jinja: cannot be filled in ("),
        ("{{ voice }}", "{{ difficulty.level }}", "prompt.jinja: cannot be filled in ("),
    ],
)
def test_what_is_wrong_in_a_prompt_is_one_line(riddles: Path, old: str, new: str, told: str) -> None:
    change(riddles, old, new, "prompt.jinja")
    assert told in fault(riddles)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("thing: 秤", "think: 秤", "examples.yaml, example 4: the reply does not fit the task's schema"),
        ("thing: 秤", f"thing: {'秤' * 41}", "examples.yaml, example 4: the reply does not fit"),
        ("language: zh", "language: cn", "examples.yaml, example 4: 'cn' is no language's code"),
        ("{difficulty: hard}", "{hardness: 2}", "examples.yaml, example 2: the task has no option hardness"),
        (
            "{difficulty: hard}",
            "{difficulty: odd}",
            "examples.yaml, example 2: difficulty odd: is not one of",
        ),
        ("variables: {voice:", "variables: {vioce:", "example 2: the prompt has no variable vioce to give"),
        ("- language: en\n  reply:", "- reply:", "examples.yaml, example 1: must have language and reply"),
        ("- language: en\n  reply:", "- language: en\n reply:", "examples.yaml, line "),
    ],
)
def test_what_is_wrong_in_an_example_is_one_line(riddles: Path, old: str, new: str, told: str) -> None:
    change(riddles, old, new, "examples.yaml")
    assert told in fault(riddles)


def test_a_variable_that_only_one_branch_sets_is_known(riddles: Path) -> None:
    change(riddles, "{{ voice }}", "{% if voice %}{% set way = voice %}{{ way }}{% endif %}", "prompt.jinja")
    assert show_task(riddles).name == "riddles"


def test_a_folder_without_a_prompt_or_with_other_bytes_is_one_line(riddles: Path) -> None:
    (riddles / "prompt.jinja").write_bytes(b"\xff\xfe")
    assert "prompt.jinja: is no text in UTF-8" in fault(riddles)
    (riddles / "prompt.jinja").unlink()
    assert "has no prompt.jinja" in fault(riddles)


def test_a_task_may_have_no_examples(riddles: Path) -> None:
    (riddles / "examples.yaml").unlink()
    assert show_task(riddles).examples == []


def test_any_change_of_a_folder_is_another_version(riddles: Path) -> None:
    before = show_task(riddles).version
    change(riddles, "two to four sentences", "two sentences", "prompt.jinja")
    assert show_task(riddles).version != before


def test_every_option_of_synthesize_is_taken(run: Run) -> None:
    from personahub.synthesis.declaration import TAKEN

    shown = run("synthesize", "--help").out
    options = {option.replace("-", "_") for option in re.findall(r"(?<![\w-])--([a-z][a-z-]+)", shown)}
    assert options - {"focus", "difficulty", "personas"} <= TAKEN
