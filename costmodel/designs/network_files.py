"""Network files: the shipped backbones and a user's own, each read when it is first asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from costmodel.designs.backbone import Backbone, rule_findings, written_findings
from costmodel.errors import unknown
from costmodel.hardware.text.reader import LARGEST, read_document, section_in
from costmodel.hardware.text.yaml_lines import YamlDocument, read_yaml
from costmodel.output import Cause, UnreadableText, read_text

if TYPE_CHECKING:
    import sys

    if sys.version_info >= (3, 11):
        from importlib.resources.abc import Traversable
    else:
        from importlib.abc import Traversable

_SUFFIX = re.compile(r"\.ya?ml", re.IGNORECASE)
_NOT_OF_A_TEXT = "[]@:"
"""What ends a path in the text of a design, or makes it that of a model."""


class _ShippedNetworks(Mapping[str, Backbone]):
    """The networks that come with the package, by name."""

    def __getitem__(self, name: str) -> Backbone:
        """Read a network's file."""
        if name not in _names():
            raise KeyError(name)
        return _shipped(name)

    def __contains__(self, name: object) -> bool:
        """Say whether there is a network of that name."""
        return name in _names()

    def __iter__(self) -> Iterator[str]:
        """Yield the names, in alphabetical order."""
        return iter(_names())

    def __len__(self) -> int:
        """Count the networks."""
        return len(_names())


NETWORKS: Mapping[str, Backbone] = _ShippedNetworks()


def is_file(network: str) -> bool:
    """Say whether a network is named by the path of its file."""
    return bool(network) and end_of_path(network) == len(network)


def end_of_path(text: str) -> int:
    """Where the path of a network file ends with which a design's text begins; 0 where there is none.

    >>> end_of_path("Mine.YAML[prelu]"), end_of_path("resnet20[prelu]")
    (9, 0)
    """
    return max((found.end() for found in _SUFFIX.finditer(text)), default=0)


def one_spelling(network: str) -> str:
    """The one name of a network: its file's path without `./` and doubled slashes.

    What a path leads to is not looked up, so that a design is the same wherever it is read, links and all.

    >>> one_spelling("./nets//mine.yaml"), one_spelling("resnet20")
    ('nets/mine.yaml', 'resnet20')
    """
    return str(PurePath(network)) if is_file(network) else network


def backbone_of(network: str, place: str = "") -> Backbone:
    """Read the network of that name, or in the file at that path.

    Raises BnncostError for an unknown name, and for a file with all that is wrong with it, by line.
    """
    if is_file(network):
        try:
            return _own(network, read_text(Path(network), largest=LARGEST))
        except UnreadableText:  # the reader says it as it does of all its files
            return _checked(read_document(Path(network), network, _missing()))
    if network not in NETWORKS:
        raise unknown("network", network, NETWORKS, place=place)
    return NETWORKS[network]


def _folder() -> Traversable:
    return files("costmodel").joinpath("networks", "shipped")


@lru_cache(maxsize=1)
def _names() -> tuple[str, ...]:
    names = (item.name for item in _folder().iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


@lru_cache(maxsize=256)
def _shipped(name: str) -> Backbone:
    path = _folder().joinpath(f"{name}.yaml")
    return _checked(read_document(path, str(path), _missing()))


@lru_cache(maxsize=64)
def _own(path: str, text: str) -> Backbone:
    """Understand the text of a user's file, which messages call by its path."""
    return _checked(read_yaml(text, path))


def _missing() -> dict[Cause, str]:
    return {"missing": f"give the path of a network file, or one of: {', '.join(_names())}"}


def _checked(document: YamlDocument) -> Backbone:
    return section_in(document, Backbone, rule_findings, written=written_findings)
