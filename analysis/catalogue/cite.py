"""How to cite: the tool, the chapter that it follows, and the sources of designs and profiles, as BibTeX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import metadata, resources

from analysis.show.bibliography import Entry, bibliography, entry_of
from costmodel import METHODS, BnncostError, backbone_of, load_profile, resolve
from costmodel.designs.resolving import published_design
from costmodel.hardware.text.yaml_lines import read_yaml
from costmodel.hardware.walk import quantities
from costmodel.methods import REFERENCES

CHAPTER = (
    "De Putter and Corporaal, How to train accurate BNNs for embedded systems?, arXiv 2022, arXiv 2206.12322"
)
"""The chapter that sorts the repairs and leaves open what they cost."""
_SOURCES = "sources.yaml"


def cite_text(designs: Sequence[str], profiles: Sequence[str]) -> str:
    """A .bib file of the tool, the chapter, and the sources of designs and profiles.

    Raises one BnncostError for all that are unknown.
    """
    entries = [_tool(), entry_of(CHAPTER, "deputter2022")]
    problems: list[str] = []
    for names, sources_of in ((designs, _of_design), (profiles, _of_profile)):
        for name in names:
            try:
                entries += sources_of(name)
            except BnncostError as error:
                problems.append(str(error))
    if problems:
        raise BnncostError("\n".join(problems))
    return bibliography(entries)


def _tool() -> Entry:
    try:
        version = metadata.version("bnncost")
    except metadata.PackageNotFoundError:
        version = ""
    fields = {
        "author": "{The bnncost authors}",
        "title": "{bnncost: what it costs to repair a binary neural network}",
        "note": f"Version {version}" if version else "",
    }
    return Entry("misc", "bnncost", fields)


def _of_design(text: str) -> Iterator[Entry]:
    """The papers of a design: of itself where it is published, of its network, and of its methods."""
    key, published = resolve(text), published_design(text)
    found = [published.source] if published else []
    found += [backbone_of(key.network).source or "", *(METHODS[use.name].source for use in key.methods)]
    for source in dict.fromkeys(filter(None, found)):
        yield entry_of(REFERENCES.get(source, source), source if source in REFERENCES else "")


def _of_profile(name: str) -> Iterator[Entry]:
    """The sources of the figures of a profile."""
    text = resources.files("hardware_profiles").joinpath(_SOURCES).read_text("utf-8")
    known = read_yaml(text, _SOURCES).data
    for source in dict.fromkeys(figure.source for _, figure in quantities(load_profile(name))):
        given = known.get(source) if isinstance(known, dict) else None
        if given is None:
            yield entry_of(source)
        else:
            yield entry_of(given["citation"], source, given.get("url") or _doi(given))


def _doi(given: dict[str, str]) -> str:
    return f"doi: {given['doi']}" if "doi" in given else ""
