"""What sections of a profile are made of: their base, and plain fields with messages in plain sentences."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema, model_validator

from costmodel.graph import read_precisions
from costmodel.hardware.precision import MAC_LABELS
from costmodel.hardware.text.messages import refused
from costmodel.hardware.text.quantity import shown, unknown_name

if TYPE_CHECKING:
    from typing_extensions import Self

_LEAST, _LARGEST = 1e-12, 1e18
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


class Section(BaseModel):
    """A part of a profile: frozen, and no key that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy with fields replaced; what was computed from the original's fields is not carried over."""
        copied = super().model_copy(update=update, deep=deep)
        for name in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[name]
        return copied


class Settings(BaseModel):
    """Settings as a file writes them: a number is finite, and no text or `true` is taken for one."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _lists_are_tuples(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping):
            return raw
        return {name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()}


def _text(raw: Any) -> Any:
    if not isinstance(raw, str):
        raise refused(f"must be text, got {shown(raw)}; put it in quotes")
    if not raw.strip():
        raise refused("must not be empty")
    return raw


def _name(raw: Any) -> Any:
    if not _NAME.fullmatch(_text(raw)):
        raise refused(f"must be lower-case letters, digits, '.', '_' and '-', got {shown(raw)}")
    return raw


def _flag(raw: Any) -> Any:
    if not isinstance(raw, bool):
        raise refused(f"must be true or false, got {shown(raw)}")
    return raw


def _above_zero(raw: Any) -> Any:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise refused(f"must be a plain number, got {shown(raw)}")
    if not 0 < raw < math.inf:
        raise refused(f"must be a finite number above zero, got {shown(raw)}")
    if not _LEAST <= raw <= _LARGEST:
        raise refused(f"must be from {_LEAST:g} to {_LARGEST:g}, got {shown(raw)}")
    return raw


def _mac_label(raw: Any) -> Any:
    if len(read_precisions(_text(raw))) != 2:
        raise refused(
            unknown_name("MAC precision", raw, MAC_LABELS)
            + "; it is written <bits of weight>x<bits of feature>"
        )
    return raw


Text = Annotated[str, BeforeValidator(_text)]
Name = Annotated[str, BeforeValidator(_name)]
Flag = Annotated[bool, BeforeValidator(_flag)]
AboveZero = Annotated[float, BeforeValidator(_above_zero)]
_OPERAND = "(ternary|fp(8|16|32|64)|[1-9][0-9]?)"
_MAC_SCHEMA = {
    "type": "string",
    "anyOf": [{"enum": list(MAC_LABELS)}, {"pattern": f"^{_OPERAND}x{_OPERAND}$"}],
}
MacLabel = Annotated[str, BeforeValidator(_mac_label), WithJsonSchema(_MAC_SCHEMA)]
