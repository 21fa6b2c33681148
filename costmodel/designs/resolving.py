"""What a user calls a design, read: its text form, or a published design's name."""

from __future__ import annotations

from costmodel.designs import low_bit, own_backbones  # noqa: F401  (they fill the table, after `published`)
from costmodel.designs.declaring import DESIGNS, PublishedDesign
from costmodel.designs.key import DesignKey, in_lower_case, place_of
from costmodel.designs.network_files import NETWORKS, SUFFIXES
from costmodel.errors import unknown


def published_names() -> dict[str, DesignKey]:
    """Every published design on every backbone: full name to design key."""
    return {
        f"{design.name}/{backbone}": design.key(backbone)
        for design in DESIGNS.values()
        for backbone in design.compositions
    }


def published_design(text: str) -> PublishedDesign | None:
    """The published design that a text names, with or without its backbone; None for any other design.

    >>> published_design("Bi_Real Net/resnet18/imagenet").title, published_design("resnet20[prelu]/cifar10")
    ('Bi-Real Net', None)
    """
    return DESIGNS.get(_simple(text).partition("/")[0])


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
    if any(suffix in name for suffix in SUFFIXES) or name in NETWORKS:
        return DesignKey.parse(name)
    design, backbone = published_design(name), _simple(name).partition("/")[2]
    if design is None:
        if any(mark in name for mark in "/[@"):
            return DesignKey.parse(name)
        raise unknown("design", name, [*DESIGNS, *NETWORKS])
    if not backbone:
        return design.key(next(iter(design.compositions)))
    offered = {one.replace("_", "-"): one for one in design.compositions}
    if backbone not in offered:
        raise unknown("backbone", backbone, design.compositions, place=f"published design '{design.name}'")
    return design.key(offered[backbone])
