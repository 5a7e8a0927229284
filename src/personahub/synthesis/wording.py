"""The wording of a task's questions: Jinja macros, whose variables are known before anything is asked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
import jinja2.meta
import jinja2.nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from personahub.errors import UserError
from personahub.safeguards.fence import fenced

__all__ = ["Wording", "check_template", "evaluate", "fill_in"]


def _environment() -> ImmutableSandboxedEnvironment:
    # A task's folder may be somebody else's, so its templates run in Jinja's sandbox. The prompt is no HTML.
    environment = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=False)
    environment.filters["fenced"] = fenced
    return environment


_ENVIRONMENT = _environment()


@dataclass(frozen=True)
class Wording:
    """A template of macros, each of which says one part of a chat."""

    file: Path
    template: jinja2.Template
    macros: frozenset[str]

    @classmethod
    def read(cls, file: Path, text: str, variables: Iterable[str], wanted: Iterable[str]) -> "Wording":
        """The wording of a text.

        Args:
            file: where the text is from, for what is said of it.
            text: the template.
            variables: those that it may use.
            wanted: the macros that it must have.

        Raises:
            UserError: it is no template, lacks a macro, or uses a variable that there is not.
        """
        try:
            tree = _ENVIRONMENT.parse(text)
            template = _ENVIRONMENT.from_string(text)
        except jinja2.TemplateSyntaxError as error:
            raise UserError(f"{file}, line {error.lineno}: {error.message}") from error
        macros = {macro.name for macro in tree.find_all(jinja2.nodes.Macro)}
        if lacking := sorted(set(wanted) - macros):
            raise UserError(
                f"{file}: has no macro {lacking[0]}; write {{% macro {lacking[0]}() %}} … {{% endmacro %}}"
            )
        _check_names(str(file), tree, set(variables))
        return cls(file, template, frozenset(macros))

    def say(self, variables: Mapping[str, Any], *macros: str) -> list[str]:
        """What these macros say.

        Raises:
            UserError: the template cannot be carried out with these values.
        """
        try:
            module: Any = self.template.make_module(dict(variables))
            return [str(getattr(module, macro)()).strip() for macro in macros]
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError) as error:
            raise UserError(f"{self.file}: cannot be filled in ({error})") from error


def check_template(file: Path, name: str, template: str, variables: Iterable[str]) -> None:
    """See that a template of a task's declaration is one, and uses only these variables.

    Raises:
        UserError: it is none, or uses a variable that there is not.
    """
    try:
        tree = _ENVIRONMENT.parse(template)
        _ENVIRONMENT.from_string(template)
    except jinja2.TemplateSyntaxError as error:
        raise UserError(f"{file}: {name}: {error.message}") from error
    _check_names(f"{file}: {name}", tree, set(variables))


def _check_names(where: str, tree: jinja2.nodes.Template, known: set[str]) -> None:
    # In a branch, Jinja would look for a filter only when it is taken.
    for kind, there in ((jinja2.nodes.Filter, _ENVIRONMENT.filters), (jinja2.nodes.Test, _ENVIRONMENT.tests)):
        for node in tree.find_all(kind):
            if node.name not in there:
                raise UserError(
                    f"{where}, line {node.lineno}: there is no {kind.__name__.lower()} {node.name}"
                )
    # Jinja counts what is set in one branch as not declared in that branch either.
    own = {name.name for name in tree.find_all(jinja2.nodes.Name) if name.ctx == "store"}
    own |= {macro.name for macro in tree.find_all(jinja2.nodes.Macro)}
    if unknown := sorted(jinja2.meta.find_undeclared_variables(tree) - known - own):
        raise UserError(
            f"{where}: uses the variable {unknown[0]}, which there is not; there are:"
            f" {', '.join(sorted(known))}"
        )


def fill_in(template: str, variables: Mapping[str, Any]) -> str:
    """The text of a template.

    Raises:
        ValueError: it cannot be carried out with these values.
    """
    try:
        return _template(template).render(variables)
    except (jinja2.TemplateError, TypeError, ArithmeticError) as error:
        raise ValueError(str(error)) from error


@lru_cache(maxsize=256)
def _template(text: str) -> jinja2.Template:
    return _ENVIRONMENT.from_string(text)


def evaluate(file: Path, name: str, expression: str, variables: Mapping[str, Any]) -> Any:
    """The value of an expression of a task's declaration.

    Raises:
        UserError: it has none.
    """
    try:
        return _ENVIRONMENT.compile_expression(expression, undefined_to_none=False)(**variables)
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise UserError(f"{file}: {name}: {error}") from error
