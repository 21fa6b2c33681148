"""The registry of repair methods: each is one short declaration of what it adds to a network, and where."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from types import MappingProxyType
from typing import Literal, TypeVar, get_args

from costmodel.errors import BnncostError, shortened, unknown
from costmodel.output import number_of, whole_of

Branch = Literal["topology", "training"]
Hook = Literal[
    "before_sign",  # (g, x, site) -> x: on the real-valued map, before it is binarized
    "features",  # (g, x, site) -> (bits, ...): replaces the one sign by several
    "weight",  # (g, latent, site) -> latent: at export, before the weights are binarized
    "weight_bases",  # (g, latent, site) -> Bases: several binary weights in place of one
    "after_convolution",  # (g, y, site) -> y: on the convolution's result, before the norm
    "gate",  # (g, y, site) -> y: on a residual branch, before its shortcut is added
    "inner_shortcut",  # (g, y, x, site) -> y: round the first convolution of a block
    "every_shortcut",  # (g, y, bits, site, gate) -> bits: joins every convolution with bits by "xnor" or "or"
    "activation",  # (g, y, site) -> y: after the shortcut, or before it (option `early`)
    "downsample",  # (g, x, site) -> shortcut: where a block halves the map and widens it
    "stem",  # (g, y) -> y: on the stem's normalized map, before it is pooled
    "head",  # (g, x) -> x: on what the classifier reads
    "branches",  # (g, maps, site) -> maps: several copies of every block, mixed after each
    "ensemble",  # (g, outputs) -> output: several whole networks
    "width",  # factor: every channel count times a factor
    "recipe",  # only changes how the network is trained
]
Option = int | float | str | bool
CATEGORIES = {
    "topology": (
        "scaling factor",
        "ensemble",
        "activation function",
        "double residual",
        "squeeze-and-excitation",
        "downsampling shortcut",
        "width",
    ),
    "training": (
        "feature binarizer",
        "weight binarizer",
        "feature normalization",
        "weight normalization",
        "teacher-student",
        "regularization",
        "two-stage training",
        "optimizer",
    ),
}


@dataclass(frozen=True)
class RepairMethod:
    """What a repair method is called, where it acts, what it emits, and who proposed it.

    A training technique that leaves no operation behind says why in `free_because`; `estimator` names the
    gradient that it gives to the sign of the features or weights. `beside` has the methods that its paper has round it
    and without which it is not what the paper describes, each with the reason: a study has them on both sides.
    `rescales_latents` is true where a latent weight's gradient grows as its filter shrinks: SGD then moves it faster.
    """

    name: str
    branch: Branch
    category: str
    hook: Hook
    emit: Callable
    summary: str
    source: str
    note: str = ""
    exclusive: str = ""
    conflicts: tuple[str, ...] = ()
    rank: int = 0
    free_because: str = ""
    estimator: str = ""
    options: Mapping[str, Option] = field(default_factory=lambda: MappingProxyType({}))
    beside: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    rescales_latents: bool = False

    @property
    def changes_network(self) -> bool:
        """Whether inference keeps something of it, as it does of some methods of either branch."""
        return not self.free_because

    @property
    def surroundings(self) -> tuple[MethodUse, ...]:
        """The methods of `beside`."""
        return tuple(MethodUse.parse(text, self.place) for text in self.beside)

    @property
    def own(self) -> bool:
        """Whether it is one of bnncost, not of a plugin."""
        return self.emit.__module__.startswith("costmodel.")

    @property
    def place(self) -> str:
        """What messages call it: a plugin's with the file and line of its function."""
        code = getattr(inspect.unwrap(self.emit), "__code__", None)
        where = f" ('{code.co_filename}', line {code.co_firstlineno})" if code and not self.own else ""
        return f"method '{self.name}'{where}"


METHODS: dict[str, RepairMethod] = {}
_NAME = re.compile(r"[a-z][a-z0-9_]*")
"""What a design's text, which is read in small letters, can name."""
_NAMED = "small letters, digits and '_', a letter first"
Emit = TypeVar("Emit", bound=Callable)


def repair_method(
    *,
    branch: Branch,
    category: str,
    hook: Hook,
    source: str,
    note: str = "",
    exclusive: str = "",
    conflicts: tuple[str, ...] = (),
    rank: int = 0,
    free_because: str = "",
    estimator: str = "",
    beside: Mapping[str, str] = MappingProxyType({}),
    rescales_latents: bool = False,
) -> Callable[[Emit], Emit]:
    """Register a function as the repair method of the same name.

    The first line of its docstring is the method's summary, its keyword-only arguments are the options.
    Methods of one `exclusive` slot cannot be combined, nor a method with a slot that it names in `conflicts`.
    Methods of one hook act in the order of their `rank`, so that a design's cost does not depend on the order
    in which they are written.

    Raises BnncostError for a second method of the same name, and for what the rest could not work with. Whether the
    names in `conflicts` and `beside` are there is for `check_names`, once all methods are declared.
    """

    def register(emit: Emit) -> Emit:
        name = emit.__name__
        if name in METHODS:
            raise BnncostError(f"repair method '{name}' is declared twice.")
        place = f"method '{name}'"
        if not _NAME.fullmatch(name):
            raise BnncostError(f"{place}: no design can name it; call it by {_NAMED}.")
        texts = {
            "branch": branch, "category": category, "hook": hook, "source": source, "note": note,
            "exclusive": exclusive, "free_because": free_because, "estimator": estimator,
        }  # fmt: skip
        _check_words(place, texts, conflicts, beside)
        if branch not in CATEGORIES:
            raise unknown("branch", branch, CATEGORIES, place)
        if category not in CATEGORIES[branch]:
            raise unknown(f"category of the {branch} branch", category, CATEGORIES[branch], place)
        if hook not in get_args(Hook):
            raise unknown("hook", hook, get_args(Hook), place)
        if type(rank) is not int:
            raise BnncostError(f"{place}: rank is {rank!r}, but must be a whole number.")
        parameters = inspect.signature(emit).parameters.values()
        options = {item.name: item.default for item in parameters if item.kind is item.KEYWORD_ONLY}
        _check_options(place, hook, options)
        summary = (emit.__doc__ or "").strip().partition("\n")[0]
        if not summary:
            raise BnncostError(f"{place} has no docstring, whose first line says what it does; write one.")
        METHODS[name] = RepairMethod(
            name, branch, category, hook, emit, summary, source, note, exclusive, conflicts, rank,
            free_because, estimator, MappingProxyType(options), MappingProxyType(dict(beside)), rescales_latents,
        )  # fmt: skip
        return emit

    return register


def _check_words(place: str, texts: Mapping[str, object], conflicts: object, beside: object) -> None:
    """Refuse what is no text where one belongs."""
    for name, text in texts.items():
        if not isinstance(text, str):
            raise BnncostError(f"{place}: {name} is {text!r}, but must be a text.")
    if not isinstance(conflicts, tuple) or not all(isinstance(slot, str) for slot in conflicts):
        raise BnncostError(
            f"{place}: conflicts is {conflicts!r}, but must be a tuple such as ('activation',)."
        )
    pairs = beside.items() if isinstance(beside, Mapping) else [(beside, None)]
    if not all(isinstance(text, str) for pair in pairs for text in pair):
        raise BnncostError(f"{place}: beside is {beside!r}, but must be such as {{'prelu': 'the reason'}}.")


_NEEDED: Mapping[str, Mapping[str, Option]] = {
    "activation": {"early": False},
    "width": {"factor": 1.5},
    "every_shortcut": {"slices": 2, "concatenate": False},
    "ensemble": {"count": 2},
    "branches": {"count": 2},
}
"""Options that the methods of a hook have, since the network reads them, each with a default that it could have."""


def _check_options(place: str, hook: str, options: Mapping[str, object]) -> None:
    """Refuse options whose default no design's text could say, and a method without those that its hook needs."""
    for name, value in options.items():
        if not _NAME.fullmatch(name):
            raise BnncostError(f"{place}: no design can name its option '{name}'; call it by {_NAMED}.")
        if type(value) not in _READERS or not _is_in_range(value):
            given = "no default" if value is inspect.Parameter.empty else f"the default {value!r}"
            raise BnncostError(
                f"{place}: option '{name}' has {given}, but must have one that is true, false, a text, or a number "
                f"above 0 and at most {_LARGEST}."
            )
    for name, example in _NEEDED.get(hook, {}).items():
        if type(options.get(name)) is not type(example):
            raise BnncostError(
                f"{place}: a method of the hook '{hook}' has an option '{name}'; write it behind a `*` among its "
                f"arguments, as in `*, {name}: {type(example).__name__} = {example}`."
            )


def check_names() -> None:
    """Refuse a method whose `conflicts` or `beside` name what no method has, or which stands beside itself."""
    slots = {method.exclusive for method in METHODS.values() if method.exclusive}
    for method in METHODS.values():
        for slot in method.conflicts:
            if slot not in slots:
                raise unknown("slot in `conflicts`", slot, slots, method.place)
        if any(use.name == method.name for use in method.surroundings):
            raise BnncostError(f"{method.place}: it cannot stand beside itself; take it out of `beside`.")


@dataclass(frozen=True)
class MethodUse:
    """A repair method with the options that differ from its defaults; text form `name(option=value)`.

    >>> str(MethodUse.parse("squeeze_excitation(reduction=4)"))
    'squeeze_excitation(reduction=4)'
    """

    name: str
    options: tuple[tuple[str, Option], ...] = ()

    def __post_init__(self) -> None:
        """Keep the options as their text reads back; raises BnncostError for an unknown name, option or value."""
        if not isinstance(self.name, str) or self.name not in METHODS:
            raise unknown("method", str(self.name), METHODS)
        if self.options != ():
            object.__setattr__(self, "options", _options_of(self.name, self.options))

    @property
    def method(self) -> RepairMethod:
        """The declaration."""
        return METHODS[self.name]

    def option(self, name: str) -> Option:
        """Value of one option, as given or by default."""
        return dict(self.options).get(name, self.method.options[name])

    def settings(self) -> dict[str, Option]:
        """Every option with its value."""
        return {**self.method.options, **dict(self.options)}

    def excludes(self, other: MethodUse) -> bool:
        """Say whether two methods cannot be combined: they fill one slot, or one conflicts with the other's."""
        one, two = self.method, other.method
        same = one.exclusive != "" and one.exclusive == two.exclusive
        return same or two.exclusive in one.conflicts or one.exclusive in two.conflicts

    def __str__(self) -> str:
        """Text form; default options are left out."""
        if not self.options:
            return self.name
        return f"{self.name}({','.join(f'{key}={_text(value)}' for key, value in self.options)})"

    @classmethod
    def parse(cls, text: str, place: str = "") -> MethodUse:
        """Read `name` or `name(option=value,...)`; unknown names, options and bad values raise, naming the place."""
        name, bracket, rest = text.strip().partition("(")
        if name not in METHODS:
            raise unknown("method", name, METHODS, place)
        if bracket and not rest.endswith(")"):
            raise BnncostError(f"method '{shortened(text)}': the bracket after '{name}' is not closed.")
        if not rest[:-1]:
            return cls(name)
        parts = [part.partition("=") for part in filter(None, rest[:-1].split(","))]
        return cls(name, tuple((key.strip(), value.strip()) for key, _, value in parts))


_LARGEST = 64
"""Largest number that an option takes: of branches, of a reduction, of a percentage."""


_READERS: Mapping[type, tuple[Callable[[str], Option | None], str]] = {
    bool: (lambda text: {"true": True, "false": False}.get(text.lower()), "true or false"),
    int: (whole_of, "a whole number"),
    float: (number_of, "a number"),
    str: (str, "text"),
}
"""How an option is read by the type of its default, None for what is no such thing, and how messages call it."""


def _is_in_range(value: object) -> bool:
    """Whether an option may be so large, if it is a number."""
    return isinstance(value, bool | str) or (isinstance(value, int | float) and 0 < value <= _LARGEST)


def _text(value: Option) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _options_of(name: str, given: object) -> tuple[tuple[str, Option], ...]:
    """Options other than their defaults, in the order of these; each is read as its text would be."""
    if not isinstance(given, tuple | list) or not all(
        isinstance(one, tuple) and len(one) == 2 for one in given
    ):
        raise BnncostError(
            f"method '{name}': options are pairs such as (('early', True),), not {shortened(repr(given))}."
        )
    read: dict[str, Option] = {}
    for key, value in given:
        option = str(key)
        if option in read:
            raise BnncostError(f"method '{name}': option '{option}' is given twice.")
        read[option] = _read_option(name, option, _text(value))
    defaults = METHODS[name].options
    return tuple((key, read[key]) for key in defaults if key in read and read[key] != defaults[key])


def _read_option(name: str, key: str, value: str) -> Option:
    """Read an option's value as the type of its default."""
    options = METHODS[name].options
    if key not in options:
        if not options:
            given = shortened(f"{key}={value}")
            raise BnncostError(f"method '{name}' has no options; write just '{name}', not '{given}'.")
        raise unknown("option", key, options, place=f"method '{name}'")
    read, wanted = _READERS[type(options[key])]
    number = read(value)
    if number is None:
        raise BnncostError(f"method '{name}': option '{key}' is '{shortened(value)}', but must be {wanted}.")
    if not _is_in_range(number):
        raise BnncostError(
            f"method '{name}': option '{key}' is {shortened(value)}, but must lie above 0 and at most be {_LARGEST}."
        )
    return number


def check_combination(uses: tuple[MethodUse, ...]) -> None:
    """Refuse a method given twice, two methods that fill one slot, and a method beside a slot it conflicts with."""
    for left, right in combinations(uses, 2):
        if left.name == right.name:
            raise BnncostError(f"method '{left.name}' is given twice.")
        if not left.excludes(right):
            continue
        slot = left.method.exclusive
        if slot == right.method.exclusive:
            raise BnncostError(
                f"'{left.name}' and '{right.name}' cannot be combined: both fill the slot '{slot}'. Keep one."
            )
        first, second = (right, left) if slot in right.method.conflicts else (left, right)
        raise BnncostError(f"'{first.name}' and '{second.name}' cannot be combined. Keep one.")
