"""Papers as entries of a bibliography: read from the line that names one, written as BibTeX."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from analysis.show.safe import latex_text
from costmodel.methods import REFERENCES

_ARXIV = re.compile(r",? ?\barXiv (?P<number>\d{4}\.\d{4,5})")
_PAPER = re.compile(
    r"(?P<authors>(?:[^,]+(?:, [^,]+)*? and [^,]+|[^,]+? et al\.|(?:[A-Z]\. ?)+[^,]+)), (?P<title>.+), "
    r"(?P<venue>[^,]*?(?:, )?\b(?:19|20)\d\d)(?:, (?P<rest>.*))?"
)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


@dataclass(frozen=True)
class Entry:
    """One entry: its kind, its key, and its fields as they are written, in their order."""

    kind: str
    key: str
    fields: Mapping[str, str]

    @property
    def bibtex(self) -> str:
        """The entry for a .bib file."""
        lines = [f"  {name} = {{{value}}}," for name, value in self.fields.items() if value]
        return "\n".join([f"@{self.kind}{{{self.key},", *lines, "}", ""])


def entry_of(text: str, key: str = "", address: str = "") -> Entry:
    """The entry of a paper that is named in one line: authors, title, venue and year; any other text is a note.

    >>> print(entry_of("Qin et al., Forward and Backward, CVPR 2020, arXiv 1909.10788").bibtex)
    @inproceedings{qin2020,
      author = {Qin and others},
      title = {{Forward and Backward}},
      booktitle = {CVPR},
      year = {2020},
      eprint = {1909.10788},
      archiveprefix = {arXiv},
    }
    <BLANKLINE>
    """
    head = text.partition("; ")[0]
    number = _ARXIV.search(head)
    eprint = number["number"] if number else ""
    bare = _ARXIV.sub("", head).strip().rstrip(",")
    if eprint and not _YEAR.search(bare.rpartition(", ")[2]):
        bare = f"{bare}, arXiv 20{eprint[:2]}"
    found = _PAPER.fullmatch(bare)
    if found is None:
        year = _YEAR.search(text)
        fields = {
            "title": f"{{{latex_text(text)}}}",
            "year": year.group() if year else "",
            "howpublished": address,
        }
        return Entry("misc", key or _key(text, "", text), fields)
    venue, year_text = found["venue"].rstrip()[:-4].rstrip(", "), found["venue"].rstrip()[-4:]
    title = found["title"]
    if not venue and ", " in title:  # "..., Electronics 11(6), 2022"
        title, _, venue = title.rpartition(", ")
    kind, place = _published_in(venue)
    fields = {
        "author": _authors(found["authors"]), "title": f"{{{latex_text(title)}}}", place: latex_text(venue),
        "year": year_text, "note": latex_text(found["rest"] or ""), "eprint": eprint,
        "archiveprefix": "arXiv" if eprint else "", "howpublished": address,
    }  # fmt: skip
    return Entry(kind, key or _known_key(eprint) or _key(found["authors"], year_text, title), fields)


def bibliography(entries: Iterable[Entry]) -> str:
    """Entries as a .bib file, each key once, in the order of keys."""
    return "\n".join(entry.bibtex for _, entry in sorted({entry.key: entry for entry in entries}.items()))


def _published_in(venue: str) -> tuple[str, str]:
    """Kind of an entry and the field of its venue."""
    if venue in ("", "arXiv"):
        return "misc", "note"
    journal = re.search(r"\d|TPAMI|Journal|Transactions|Letters", venue) is not None
    return ("article", "journal") if journal else ("inproceedings", "booktitle")


def _authors(text: str) -> str:
    """Authors as BibTeX separates them.

    >>> _authors("Lin, Zhao and Pan"), _authors("Liu et al.")
    ('Lin and Zhao and Pan', 'Liu and others')
    """
    joined = re.sub(r" et al\.$", ", others", text).replace(" and ", ", ")
    return latex_text(" and ".join(filter(None, map(str.strip, joined.split(",")))))


def _known_key(eprint: str) -> str:
    """The key under which the project has a paper, by its number on arXiv."""
    return next((key for key, text in REFERENCES.items() if eprint and eprint in text), "")


def _key(authors: str, year: str, title: str) -> str:
    """First author, year and first word of the title that tells something."""
    words = [word for word in re.findall(r"[a-z0-9]+", _ascii(title)) if len(word) > 3] or ["untitled"]
    first = re.findall(
        r"[a-z]+", _ascii(authors.partition(",")[0].partition(" et al")[0].partition(" and ")[0])
    )
    return f"{first[-1] if first else 'anonymous'}{year}{words[0]}"


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
