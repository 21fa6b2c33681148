"""Faults that pydantic finds in the data of a file, put into plain sentences with their place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from costmodel.hardware.text.problem import Finding, Path
from costmodel.hardware.text.quantity import shown, unknown_name

_QUOTED = re.compile(r"'([^']*)'")
# Pydantic marks a wrong key and the member of a union in the place; the user did not write those.
_MARKS = ("[key]", "quantity", "fit")
_KINDS = {"holds": "role", "operations": "operation", "status": "status", "metric": "metric"}
_SIZE = "must be 'fit' or a quantity such as {value: 64, unit: kB, source: \"...\", status: assumed}"
_ONE_LINE = 160


Model = TypeVar("Model", bound=BaseModel)


def refused(sentence: str) -> PydanticCustomError:
    """Make the error that puts a sentence beside the place of a value, for validators to raise."""
    return PydanticCustomError("plain", "{sentence}", {"sentence": sentence})


def typed(data: object, root: type[Model]) -> tuple[Model | None, list[Finding]]:
    """Give plain data the type `root`, or list all that its types refuse."""
    try:
        return root.model_validate(data), []
    except ValidationError as error:
        return None, [
            finding for item in error.errors(include_url=False) for finding in _sentences(dict(item), root)
        ]


def _sentences(item: dict[str, Any], root: type[BaseModel]) -> list[Finding]:
    loc: Path = tuple(item["loc"])
    path = _place(loc)
    kind, given, context = item["type"], item["input"], item.get("ctx", {})
    if kind == "quantity":
        problems = [(str(field), str(sentence)) for field, sentence in context["problems"]]
        inside = given if isinstance(given, Mapping) else {}
        return [((*path, field) if field in inside else path, sentence) for field, sentence in problems]
    if kind == "plain":
        return [(path, str(context["sentence"]))]
    if kind == "missing":
        return [(path, f"is missing: {_description(path, root)}")]
    if kind == "extra_forbidden":
        return [(path, unknown_name("key", path[-1], tuple(_model_at(path[:-1], root).model_fields)))]
    if kind == "literal_error":
        return [(path, _literal(loc, given, _QUOTED.findall(str(context["expected"]))))]
    return [(path, _form(kind, _model_at(path, root), given, str(item["msg"])))]


def _place(loc: Path) -> Path:
    kept = list(loc)
    if kept and kept[-1] == "[key]":
        kept.pop()
    before = ("", *kept)
    return tuple(
        part for part, last in zip(kept, before, strict=False) if part not in _MARKS or last != "size"
    )


def _literal(loc: Path, given: object, allowed: list[str]) -> str:
    if loc[-1] == "fit":
        return _SIZE
    words = [part for part in loc if isinstance(part, str) and part != "[key]"]
    if loc[-1] == "[key]":
        what = "operation" if words[-2] == "operations" else "precision"
        given = words[-1]
    else:
        what = _KINDS.get(words[-1], words[-1])
    return unknown_name(what, given, tuple(allowed))


def _form(kind: str, model: type[BaseModel], given: object, message: str) -> str:
    if kind in ("model_type", "model_attributes_type"):
        return f"must be a mapping with {', '.join(model.model_fields)}; got {shown(given)}"
    if kind in ("dict_type", "mapping_type"):
        return f"must be a mapping; got {shown(given)}"
    if kind in ("tuple_type", "list_type"):
        return f"must be a list, such as [weights, features]; got {shown(given)}"
    if kind in ("too_short", "tuple_too_short"):
        return "must not be empty"
    return f"is not accepted: {message[:_ONE_LINE]}; got {shown(given)}"


def _description(path: Path, root: type[BaseModel]) -> str:
    field = _model_at(path[:-1], root).model_fields.get(str(path[-1]))
    return (field.description if field else None) or "it is needed"


def _model_at(path: Path, root: type[BaseModel]) -> type[BaseModel]:
    """The type of the section at a place; free names, such as those of memory levels, are passed over."""
    model = root
    for part in path:
        field = model.model_fields.get(str(part))
        if field is not None:
            model = _model_in(field.annotation) or model
    return model


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for inner in get_args(annotation) if (model := _model_in(inner))), None)
