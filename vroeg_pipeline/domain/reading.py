"""How a YAML file becomes a checked model, and how its mistakes are told in one line.

What the files mean stands in `domain.agreements` and `domain.settings`; this holds what the two share.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from vroeg_pipeline.domain.errors import VroegError

M = TypeVar("M", bound=BaseModel)
_MERGE = "tag:yaml.org,2002:merge"


class StrictModel(BaseModel):
    """A model that refuses fields it does not know: a misspelt setting would otherwise silently do nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_yes_for_a_number(cls, value: object, info: ValidationInfo) -> object:
        # pydantic would take yes for 1.
        types = _types_in(cls.model_fields[str(info.field_name)].annotation)
        given = value.values() if isinstance(value, Mapping) else [value]
        if types & {int, float, Decimal} and bool not in types and any(isinstance(each, bool) for each in given):
            raise ValueError("should be a number, not yes or no")
        return value


def _types_in(annotation: object) -> set[object]:
    return {annotation}.union(*map(_types_in, get_args(annotation)))


class _TwiceError(yaml.constructor.ConstructorError):
    """A key that stands in a mapping twice."""


class _EachKeyOnce(yaml.CSafeLoader):
    """YAML without the key that is given twice: PyYAML takes the last one without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.tag != _MERGE and key.value in seen:
                what = f"has '{key.value}' twice, at line {key.start_mark.line + 1} for the second time"
                raise _TwiceError(None, None, what, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def parse_yaml(text: str, where: object) -> dict[str, Any]:
    """The mapping that a YAML text holds; an empty text is an empty mapping.

    Raises VroegError, naming `where`, when it is no YAML or no mapping.
    """
    try:
        content = _EachKeyOnce(text).get_single_data()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        what = str(error.problem) if isinstance(error, _TwiceError) else f"is not valid YAML{line}"
        raise VroegError(what, where=where, do="mend the file") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise VroegError("holds no fields", where=where, do="write it as 'field: value' lines")
    return content


def model_from(model: type[M], content: dict[str, Any], where: object) -> M:
    """`content` as a checked model.

    Raises VroegError that names `where`, the first wrong field and what was expected there.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise VroegError(_first_mistake(model, error.errors()), where=where) from None


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that looks most like `word`, if any does."""
    found = difflib.get_close_matches(word, list(known), n=1)
    return found[0] if found else None


def _first_mistake(model: type[BaseModel], errors: list[ErrorDetails]) -> str:
    error = errors[0]
    # pydantic puts the validator's name in the path of a mapping key; people know only the field.
    field = ".".join(str(part) for part in error["loc"] if part not in ("", "[key]"))
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    if error["type"] == "missing":
        return f"field '{field}' is missing{more}"
    if error["type"] == "extra_forbidden":
        guess = nearest(str(error["loc"][-1]), _fields_at(model, error["loc"][:-1]))
        return f"field '{field}' is not known" + (f", did you mean '{guess}'?" if guess else "") + more
    # Of a ValueError of ours pydantic's own message has its class in front.
    message = str(error["ctx"]["error"]) if error["type"] == "value_error" else error["msg"]
    message = f"{message[:1].lower()}{message[1:]}{more}"
    # What several fields are together is wrong.
    return f"field '{field}': {message}" if field else message


def _fields_at(model: type[BaseModel], path: Iterable[str | int]) -> set[str]:
    """What can stand there, as people write it."""
    found: set[object] = {model}
    for part in path:
        # A key of a mapping or a number of a list is no field: what those hold was found with them.
        fields = [field for name, field in _fields_of(found) if name == part]
        found = set().union(*(_types_in(field.annotation) for field in fields)) or found
    return {name for name, _ in _fields_of(found)}


def _fields_of(types: set[object]) -> Iterator[tuple[str, FieldInfo]]:
    for each in types:
        if isinstance(each, type) and issubclass(each, BaseModel):
            yield from ((field.alias or name, field) for name, field in each.model_fields.items())
