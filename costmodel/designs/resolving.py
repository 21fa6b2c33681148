"""What a user calls a design, read: its text form, or a published design's name."""

from __future__ import annotations

import re

from costmodel.designs import low_bit, own_backbones  # noqa: F401  (they fill the table, after `published`)
from costmodel.designs.declaring import DESIGNS, PublishedDesign
from costmodel.designs.key import DesignKey, in_lower_case, place_of
from costmodel.designs.network_files import NETWORKS, end_of_path
from costmodel.errors import BnncostError, unknown


def published_names() -> dict[str, DesignKey]:
    """Every published design on every backbone: full name to design key."""
    return {
        f"{design.name}/{backbone}": design.key(backbone)
        for design in DESIGNS.values()
        for backbone in design.compositions
    }


def published_design(text: str) -> PublishedDesign | None:
    """The published design that a text names, with or without its backbone; None for any other design.

    What has the name of a network, too, is that network where no backbone of network and data set stands behind it.

    >>> published_design("Bi_Real Net/resnet18/imagenet").title, published_design("resnet20[prelu]/cifar10")
    ('Bi-Real Net', None)
    """
    name, _, backbone = in_lower_case(text.strip()).partition("/")
    return None if name in NETWORKS and "/" not in backbone else DESIGNS.get(_simple(name))


def canonical_name(text: str, key: DesignKey) -> str:
    """The one name of a design, `key`, however its `text` spells it: a published design's full name, or the text form.

    >>> [canonical_name(text, resolve(text)) for text in ("Bi_Real Net", "ResNet20@w1.0")]
    ['bi-real-net/resnet18/imagenet', 'resnet20/cifar10']
    """
    design = published_design(text)
    return f"{design.name}/{key.network}/{key.dataset}" if design else str(key)


def _simple(text: str) -> str:
    """A name as it is compared: in lower case, with hyphens."""
    return text.strip().lower().replace("_", "-").replace(" ", "-")


def resolve(text: str) -> DesignKey:
    """Read a design: its text form, or a published design's full name or name alone.

    >>> str(resolve("bnn"))
    'resnet20[clipped_ste+hardtanh]/cifar10'
    """
    _ = place_of(text)
    name = in_lower_case(text.strip())
    if end_of_path(name):
        return DesignKey.parse(name)
    design, backbone = published_design(name), _simple(name).partition("/")[2]
    if design is None:
        if name in NETWORKS or any(mark in name for mark in "/[@"):
            _refuse_settings(name)
            return DesignKey.parse(name)
        raise unknown("design", name, [*DESIGNS, *NETWORKS])
    if not backbone:
        return design.key(next(iter(design.compositions)))
    offered = {one.replace("_", "-"): one for one in design.compositions}
    if backbone not in offered:
        raise unknown("backbone", backbone, design.compositions, place=f"published design '{design.name}'")
    return design.key(offered[backbone])


def _refuse_settings(text: str) -> None:
    """Raise BnncostError where methods or settings stand behind the name of a published design, which has its own."""
    name = re.split(r"[\[@/]", text)[0]
    design = None if name in NETWORKS else DESIGNS.get(_simple(name))
    if design is not None:
        own = design.key(next(iter(design.compositions)))
        raise BnncostError(
            f"design '{text}': '{design.name}' is a published design; add methods and settings to its text form, "
            f"'{own}'."
        )
