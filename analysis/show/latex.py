"""Tables for papers: rules of booktabs, widths that fit, papers as keys, long tables over several pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.show.bibliography import Entry, bibliography, entry_of
from analysis.show.paper import PaperSize
from analysis.show.safe import latex_text
from analysis.show.tables import Table, group_ends
from analysis.show.text_forms import in_common_units

TEXT_PT = 345.0
"""Width of the text of LaTeX's article [pt], in which a table for no paper in particular fits."""
_LONG = 45
"""Rows from which a table is broken over pages."""
_SIZES = (("", 10.0), (r"\small", 9.0), (r"\footnotesize", 8.0), (r"\scriptsize", 7.0), (r"\tiny", 5.0))
_GAPS = (6.0, 3.0)
"""Free space at each side of a column that is tried [pt]."""
_LEAST_EM = 4.0
_NARROW, _WIDE = "fijlrtI.,:;'|!()/- ", "mwMW%@–—"


@dataclass(frozen=True)
class _Fit:
    """How a table fits: command of its size, space beside columns [pt], and the marks of its columns."""

    size: str
    gap: float
    marks: tuple[str, ...]
    scaled: bool = False


def latex(table: Table, paper: PaperSize | None = None, label: str = "") -> str:
    """A LaTeX table with rules of the package booktabs, no wider than a paper has room for.

    Letters and gaps shrink and texts wrap until it fits; a last resort scales the whole. `label` is that of its
    reference, by default made of the title.
    """
    headers, cells = in_common_units(table)
    cited = [number for number, column in enumerate(table.columns) if column.cites]
    body = [
        [_cite(cell) if number in cited else latex_text(cell) for number, cell in enumerate(row)]
        for row in cells
    ]
    shown = [[_SHOWN_KEY if number in cited else cell for number, cell in enumerate(row)] for row in cells]
    fit = _fitted(table, headers, shown, paper.width_pt if paper else TEXT_PT)
    lines: list[str] = []
    for row, ends in zip(body, group_ends(table), strict=True):
        lines += [_row(row, fit), *([r"\midrule"] if ends else [])]
    caption = latex_text(f"{table.title}. {table.caption}" if table.caption else table.title)
    naming = [rf"\caption{{{caption}}}", rf"\label{{{label or label_of(table)}}}"]
    head = _row(list(map(latex_text, headers)), fit)
    long = len(body) > _LONG and paper is not PaperSize.column and not fit.scaled
    return (
        "\n".join(_long(fit, naming, head, lines) if long else _floating(fit, naming, head, lines, paper))
        + "\n"
    )


_SHOWN_KEY = "[00]"
"""What a citation is about as wide as."""


def label_of(table: Table) -> str:
    """A label that no other table has: the name of the table and its title.

    >>> label_of(Table("front", "ImageNet: top-1 against energy, asic-45nm", (), ()))
    'tab:front-imagenet-top-1-against-energy-asic-45nm'
    """
    words = re.sub(r"[^a-z0-9]+", "-", f"{table.name} {table.title}".lower()).strip("-")
    return f"tab:{words}"


def cited_entries(tables: Sequence[Table]) -> list[Entry]:
    """The papers that the columns of some tables cite."""
    texts = [
        str(cell)
        for table in tables
        for number, column in enumerate(table.columns)
        if column.cites
        for cell in table.column(number)
        if cell
    ]
    return [entry_of(text) for text in dict.fromkeys(texts) if _is_paper(text)]


def bib(tables: Sequence[Table]) -> str:
    """The papers that some tables cite as a .bib file; nothing where they cite none."""
    return bibliography(cited_entries(tables))


def _is_paper(text: str) -> bool:
    return "author" in entry_of(text).fields


def _cite(text: str) -> str:
    """A paper by its key; what is none, as its text."""
    return rf"\cite{{{entry_of(text).key}}}" if _is_paper(text) else latex_text(text)


def _floating(
    fit: _Fit, naming: list[str], head: str, lines: list[str], paper: PaperSize | None
) -> list[str]:
    """A table that is set on one page; over both columns of a page, if it is for one."""
    name = "table*" if paper is PaperSize.page else "table"
    before, after = (r"\resizebox{\linewidth}{!}{%", "}") if fit.scaled else ("", "")
    packages = "booktabs,array" + (",graphicx" if fit.scaled else "")
    return [
        f"% needs \\usepackage{{{packages}}}",
        rf"\begin{{{name}}}",
        r"\centering",
        *([fit.size] if fit.size else []),
        rf"\setlength{{\tabcolsep}}{{{fit.gap:g}pt}}",
        *naming,
        *([before] if before else []),
        rf"\begin{{tabular}}{{{''.join(fit.marks)}}}",
        r"\toprule", head, r"\midrule", *lines, r"\bottomrule",
        rf"\end{{tabular}}{after}",
        rf"\end{{{name}}}",
    ]  # fmt: skip


def _long(fit: _Fit, naming: list[str], head: str, lines: list[str]) -> list[str]:
    """A table that goes on over pages, its header on each."""
    return [
        "% needs \\usepackage{booktabs,array,longtable}",
        rf"{{{fit.size}\setlength{{\tabcolsep}}{{{fit.gap:g}pt}}",
        rf"\begin{{longtable}}{{{''.join(fit.marks)}}}",
        *naming[:-1],
        rf"{naming[-1]}\\",
        r"\toprule", head, r"\midrule", r"\endfirsthead",
        r"\toprule", head, r"\midrule", r"\endhead",
        *lines,
        r"\bottomrule",
        r"\end{longtable}}",
    ]  # fmt: skip


def _row(cells: Sequence[str], fit: _Fit) -> str:
    """A row; where a text may wrap it may do so behind the signs that join names."""
    wrapped = [
        re.sub(r"(\\_|[+/@=])(?=[^\s}])", r"\1\\allowbreak{}", cell) if mark.startswith(">") else cell
        for cell, mark in zip(cells, fit.marks, strict=True)
    ]
    return " & ".join(wrapped) + r" \\"


def _fitted(table: Table, headers: list[str], cells: list[list[str]], room_pt: float) -> _Fit:
    """The largest letters in which the table fits: without wrapped texts, else with, else scaled as a whole."""
    columns = [list(column) for column in zip(headers, *cells, strict=True)]
    numeric = [table.is_numeric(number) for number in range(len(columns))]
    natural = [max(map(_em, column)) for column in columns]
    plain = tuple("r" if is_number else "l" for is_number in numeric)
    tried = [(size, point, gap) for size, point in _SIZES[:-2] for gap in _GAPS]
    for size, point, gap in tried:
        if sum(natural) * point + 2 * gap * len(columns) <= room_pt:
            return _Fit(size, gap, plain)
    for size, point, gap in [*tried[2:], *((_SIZES[-2][0], _SIZES[-2][1], gap) for gap in _GAPS)]:
        widths = _wrapped(columns, numeric, natural, (room_pt - 2 * gap * len(columns)) / point)
        if widths is not None:
            marks = tuple(
                one
                if width >= natural[number]
                else rf">{{\raggedright\arraybackslash}}p{{{width * point:.1f}pt}}"
                for number, (one, width) in enumerate(zip(plain, widths, strict=True))
            )
            return _Fit(size, gap, marks)
    return _Fit(_SIZES[-2][0], _GAPS[-1], plain, scaled=True)


def _wrapped(
    columns: list[list[str]], numeric: list[bool], natural: list[float], room_em: float
) -> list[float] | None:
    """Widths [em] with texts wrapped no narrower than their longest word; None where there is too little room."""
    least = [
        width
        if is_number
        else min(width, max(_LEAST_EM, *(_em(word) for text in column for word in _words(text))))
        for column, is_number, width in zip(columns, numeric, natural, strict=True)
    ]
    spare = room_em - sum(least)
    if spare < 0:
        return None
    wanted = [width - low for width, low in zip(natural, least, strict=True)]
    share = min(1.0, spare / sum(wanted)) if sum(wanted) else 1.0
    return [low + share * want for low, want in zip(least, wanted, strict=True)]


def _words(text: str) -> list[str]:
    return re.split(r"(?<=[+/@=_ -])", text)


def _em(text: str) -> float:
    """Width of a text in Computer Modern [em], rounded up by kinds of letters."""
    return sum(
        0.39 if letter in _NARROW else 0.92 if letter in _WIDE else 0.75 if letter.isupper() else 0.556
        for letter in text
    ) if text.isascii() else 1.1 * sum(0.75 if letter.isupper() else 0.6 for letter in text)  # fmt: skip
