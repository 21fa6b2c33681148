"""What a plan of a study says: the baseline, what is compared with it, how often, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from costmodel.designs.key import DesignKey
from costmodel.designs.settings import COMPUTE
from costmodel.errors import BnncostError, unknown
from costmodel.hardware.text.fields import Settings
from costmodel.hardware.text.messages import refused
from costmodel.methods import MethodUse
from training.run.folders import source_of
from training.run.recipe import Recipe, load_recipe

EACH = "each"
ALL = "all"


def _method(text: str) -> str:
    """Bring a method's text to its one form."""
    try:
        return str(MethodUse.parse(text))
    except BnncostError as error:
        raise refused(str(error)) from None


def _design(text: str) -> str:
    try:
        return str(DesignKey.parse(text))
    except BnncostError as error:
        raise refused(str(error)) from None


def _reference(text: str) -> str:
    allowed = [name for name in COMPUTE if name != "binary"]
    if text not in allowed:
        raise refused(str(unknown("precision of a reference", text, allowed)))
    return text


def _width(value: float) -> float:
    if not 0.05 <= value <= 64 or value == 1:
        raise refused(f"is {value:g}, but must be a number from 0.05 to 64, and not 1, as in [1.5, 2].")
    return value


def _listed(value: object) -> object:
    """Read `true` as each method, `false` as none, and one word as those of it."""
    if isinstance(value, bool):
        return (EACH,) if value else ()
    return (value,) if isinstance(value, str) else value


def _left_out(text: str) -> str:
    return text if text == EACH else _method(text)


def _studied(text: str) -> str:
    return text if text == ALL else _method(text)


def _recipe(value: object) -> object:
    """Read a recipe by its name or path, or one with changes: `{base: cifar, epochs: 60}`."""
    try:
        if isinstance(value, str):
            return load_recipe(value)
        if isinstance(value, Mapping) and isinstance(value.get("base"), str):
            changes = {key: item for key, item in value.items() if key != "base"}
            return _merged(load_recipe(value["base"]).model_dump(mode="json"), changes)
    except BnncostError as error:
        raise refused(str(error)) from None
    return value


def _merged(base: Mapping[str, Any], changes: Mapping[Any, Any]) -> dict[Any, Any]:
    """Change a tree of settings where `changes` says so."""
    both = {
        key: _merged(base[key], value)
        for key, value in changes.items()
        if isinstance(value, Mapping) and isinstance(base.get(key), Mapping)
    }
    return {**base, **changes, **both}


Method = Annotated[str, AfterValidator(_method)]
Count = Annotated[int, Field(ge=1, le=100)]


class Pair(Settings):
    """A method that is studied beside others; its fair pair is the baseline with those others alone."""

    method: Method = Field(description="the method that is studied")
    beside: Annotated[tuple[Method, ...], BeforeValidator(_listed)] = Field(
        description="the methods that stand on both sides of the comparison", min_length=1
    )


class Full(Settings):
    """Several methods together, and the same less one."""

    methods: tuple[Method, ...] = Field(description="the methods that are combined", min_length=2)
    leave_one_out: Annotated[
        tuple[Annotated[str, AfterValidator(_left_out)], ...], BeforeValidator(_listed)
    ] = Field((EACH,), description="true for each method, false for none, or a list of some")

    @property
    def left_out(self) -> tuple[str, ...]:
        """The methods that are left out in turn."""
        return self.methods if EACH in self.leave_one_out else self.leave_one_out


class Plan(Settings):
    """What a study trains; everything is compared with one baseline, or with a fair pair made from it.

    Each field is checked by itself here; `comparisons.plan_problems` finds what does not go together.
    """

    name: str = Field(description="what files of the outcome are called", pattern=r"^[a-z0-9][a-z0-9._-]*$")
    title: str = Field("", description="one line for people")
    description: str = Field("", description="what the study can and cannot show")
    baseline: Annotated[str, AfterValidator(_design)] = Field(
        description="the plain BNN, such as resnet20/cifar10"
    )
    fixed: tuple[Method, ...] = Field(
        (), description="methods that the baseline has, besides those in its text"
    )
    data: str = Field(
        "", description="where images come from unless --data says; default the baseline's data set"
    )
    recipe: Annotated[Recipe, BeforeValidator(_recipe)] = Field(
        description="a recipe's name or path, or changes of one: {base: cifar, epochs: 60}"
    )
    references: tuple[Annotated[str, AfterValidator(_reference)], ...] = Field(
        (), description="networks of the same shape with other operands: fp32, int8, int4"
    )
    alone: Annotated[tuple[Annotated[str, AfterValidator(_studied)], ...], BeforeValidator(_listed)] = Field(
        (), description="methods that are studied alone, or 'all'"
    )
    pairs: tuple[Pair, ...] = Field((), description="methods that are studied beside others")
    full: Full | None = Field(None, description="several methods together")
    widths: tuple[Annotated[float, AfterValidator(_width)], ...] = Field((), description="width multipliers")
    seeds: Count = Field(1, description="how many seeds every design is trained with")
    more_seeds: dict[str, Count] = Field({}, description="how many seeds instead, by label of the design")
    first: tuple[str, ...] = Field((), description="labels of designs that go right behind the baseline")

    @property
    def images(self) -> str:
        """What --data is unless the user says it."""
        return source_of(self.data or DesignKey.parse(self.baseline).dataset)


Role = Literal["baseline", "reference", "alone", "pair", "full", "without", "width", "company"]
