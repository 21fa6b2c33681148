"""The table of published designs, and how a design gets into it.

Names are `<design>/<network>/<data set>`; the design's name alone means the first backbone in its list. What
a paper leaves in full precision (stem, classifier, 1x1 shortcuts) has 8 bits here, as for every design.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from costmodel.designs.key import DesignKey
from costmodel.errors import BnncostError


@dataclass(frozen=True)
class PublishedDesign:
    """A design of the literature: its title, its source, and its composition per backbone.

    `other_backbone` says that its published accuracies were reached on a backbone that only resembles this one.
    """

    name: str
    title: str
    source: str
    compositions: Mapping[str, str]
    note: str = ""
    other_backbone: bool = False

    def key(self, backbone: str) -> DesignKey:
        """The design on one backbone, given as `network/dataset`."""
        network, _, dataset = backbone.partition("/")
        methods, mark, settings = self.compositions[backbone].partition("@")
        return DesignKey.parse(f"{network}[{methods}]{mark}{settings}/{dataset}")


DESIGNS: dict[str, PublishedDesign] = {}


def declare(
    name: str,
    title: str,
    source: str,
    compositions: Mapping[str, str],
    note: str = "",
    *,
    other_backbone: bool = False,
) -> None:
    """Register a published design; a second one of the same name raises."""
    if name in DESIGNS:
        raise BnncostError(f"published design '{name}' is declared twice.")
    DESIGNS[name] = PublishedDesign(name, title, source, compositions, note, other_backbone)
