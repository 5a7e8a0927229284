r"""Whether the tools of a data set are what function calling takes.

Each record's ``function`` goes through the meta-schemas of JSON Schema in two validators (jsonschema-rs and
jsonschema) and through the types that the openai SDK sends; names and descriptions are held to the bounds of
OpenAI's API. Needs ``pip install openai jsonschema``.

    python benchmarks/task_samples.py --hub demo-hub --out docs/samples --only tool
    python benchmarks/function_schemas.py --hub demo-hub --dataset "samples tool"
"""

import argparse
import importlib
import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs

from personahub.hub import Hub

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
DESCRIPTION = 1024


def main() -> None:
    """Print what each validator says of how many tools."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hub", type=Path, required=True)
    parser.add_argument("--dataset", default="samples tool")
    given = parser.parse_args()
    rows = Hub(given.hub).records.rows(f"dataset = '{given.dataset}'")
    tools = [json.loads(row["fields"])["function"] for row in rows]
    print(f"{len(tools)} tools, {len({tool['function']['name'] for tool in tools})} names")
    checks = {
        "jsonschema-rs, draft 2020-12": rust,
        "jsonschema, draft 2020-12": reference,
        "openai SDK, ChatCompletionFunctionToolParam": sdk,
        "OpenAI's bounds on name and description": bounds,
    }
    for name, check in checks.items():
        wrong = [(tool["function"]["name"], fault) for tool in tools if (fault := check(tool))]
        print(f"{name}: {len(tools) - len(wrong)} of {len(tools)}")
        for tool_name, fault in wrong:
            print(f"  {tool_name}: {fault}")


def rust(tool: dict[str, Any]) -> str:
    """What the validator says that the project uses itself; empty where all is well."""
    try:
        jsonschema_rs.meta.validate(tool["function"]["parameters"])
    except jsonschema_rs.ValidationError as error:
        return str(error)
    return ""


def reference(tool: dict[str, Any]) -> str:
    """What Python's reference implementation says."""
    jsonschema = importlib.import_module("jsonschema")
    try:
        jsonschema.Draft202012Validator.check_schema(tool["function"]["parameters"])
    except jsonschema.SchemaError as error:
        return str(error)
    return ""


def sdk(tool: dict[str, Any]) -> str:
    """What the types say that the SDK sends tools as; keys that they do not know are faults."""
    pydantic, chat = importlib.import_module("pydantic"), importlib.import_module("openai.types.chat")
    form = pydantic.TypeAdapter(chat.ChatCompletionFunctionToolParam)
    try:
        known = form.validate_python(tool)
    except pydantic.ValidationError as error:
        return str(error)
    # Keys that the type does not know are left out of what it gives.
    if known != tool:
        return f"keys that the SDK does not know, in {json.dumps(tool)}"
    return ""


def bounds(tool: dict[str, Any]) -> str:
    """What the API would refuse beyond types."""
    function = tool["function"]
    if not NAME.fullmatch(function["name"]):
        return "a name that is not of 1 to 64 letters, digits, _ and -"
    if len(function["description"]) > DESCRIPTION:
        return f"a description of more than {DESCRIPTION} characters"
    if function["parameters"].get("type") != "object":
        return "parameters that are no object"
    return ""


if __name__ == "__main__":
    main()
