"""Names from outside that carry markup, formulas, escapes or paths: text in every output."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import re
import xml.etree.ElementTree as ElementTree
from hashlib import blake2b
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text
from synthetic_frames import designs_frame

from analysis.plots import draw_front, front_info, write_figure
from analysis.report.job import Job
from analysis.report.page.html import page_html, read_page, write_page
from analysis.show.bibliography import entry_of
from analysis.show.document import Document, Format, as_text, complain, say
from analysis.show.frames import csv_frame
from analysis.show.safe import file_stem, latex_text, markdown_text, visible
from analysis.show.tables import Column, Listing, Table

Captured = pytest.CaptureFixture[str]
HOSTILE = {
    "html": '</script><img src=x onerror="alert(1)"><b>&amp;',
    "latex": r"\input{/etc/passwd}\end{tabular} $x_1^2$ 100 % #1 ~ &",
    "formula": "=cmd|' /C calc'!A0",
    "formula behind a space": " @SUM(1+1)*cmd",
    "escape": "\x1b[31mred\x1b]0;title\x07",
    "bidirectional": "safe\u202egnp.exe\u2066\u200b",
    "control": "nul\x00 bell\x07 back\x08\x7f\x9b31m",
    "path": "../../etc/passwd",
    "markdown": "[click](javascript:alert(1)) `code` **bold** |cell| ```",
}
ACTS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
EACH = pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())


def table_of(name: str) -> Table:
    columns = (
        Column("label", name),
        Column("reference", "from", cites=True),
        Column("energy_j", "energy", "J"),
    )
    return Table("t", name, columns, ((name, name, 1e-6), ("plain", f"{name}, CVPR 2020", 2e-6)), name)


@EACH
@pytest.mark.parametrize("form", list(Format))
def test_no_form_of_a_document_has_a_character_that_acts(name: str, form: Format) -> None:
    table = table_of(name)
    text = as_text(
        Document((table,), [{"label": name}], table, (name,), listings=(Listing(name, (name,)),)), form
    )
    assert not ACTS.search(text)


@EACH
def test_a_spreadsheet_runs_nothing(name: str) -> None:
    frame = designs_frame([(name, 1e-6, 50.0), ("plain", 2e-6, 60.0)])
    table = table_of(name)
    for text in (csv_frame(frame), as_text(Document.of(table), Format.csv)):
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        assert not [
            cell for cell in cells if re.match(r"\s*[=+@-]", cell) and not re.fullmatch(r"-?[\d.e+-]+", cell)
        ]
        assert any(visible(name).strip() in cell for cell in cells)


@EACH
def test_latex_has_no_command_of_a_stranger(name: str) -> None:
    text = as_text(Document.of(table_of(name)), Format.latex)
    for command in (r"\input{", "\\end{tabular} ", "$x_1"):
        assert command not in text
    assert text.count(r"\end{tabular}") == 1
    rows = [line for line in text.splitlines() if line.endswith(r" \\")]
    assert [len(re.findall(r"(?<!\\)&", row)) for row in rows] == [2, 2, 2]
    entry = entry_of(f"{name} et al., {name}, CVPR 2020").bibtex
    assert re.fullmatch(r"@\w+\{[a-z0-9]+,", entry.splitlines()[0])
    assert len(re.findall(r"(?<!\\)\{", entry)) == len(re.findall(r"(?<!\\)\}", entry))


@EACH
def test_markdown_has_no_markup_of_a_stranger(name: str) -> None:
    text = as_text(Document.of(table_of(name)), Format.markdown)
    assert not re.search(r"(?<!\\)<", text) and not re.search(r"\]\((?!\\)", text)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4}


@EACH
def test_a_picture_is_well_formed_and_shows_the_name(name: str, tmp_path: Path) -> None:
    frame = designs_frame([(name, 1e-6, 50.0), ("plain", 2e-6, 60.0)])
    figure = draw_front(front_info(frame, name, name, note=name))
    _, svg, pdf = write_figure(figure, tmp_path / "front", (".png", ".svg", ".pdf"))
    root = ElementTree.fromstring(svg.read_bytes())
    assert not [node for node in root.iter() if node.tag.endswith(("script", "img", "foreignObject"))]
    shown = [text.get_text() for text in figure.findobj(Text)]
    assert visible(name) in shown and not ACTS.search("".join(shown)) and pdf.read_bytes()[:4] == b"%PDF"


def test_long_texts_leave_room_for_the_picture() -> None:
    frame = designs_frame([("x" * 3000, 1e-6, 50.0), ("plain", 2e-6, 60.0)])
    figure = draw_front(front_info(frame, "t" * 3000, "s", note="n " * 3000))
    assert max(len(text.get_text()) for text in figure.findobj(Text) if text.get_text()[:1] == "x") <= 200


@EACH
def test_the_page_holds_the_name_as_text(name: str, tmp_path: Path) -> None:
    data = {"version": "test", "spaces": [], "profiles": [{"name": name, name: [name]}]}
    page = page_html(data)
    assert name not in page and page.count("</script>") == page.count("<script")
    write_page(tmp_path, data)
    (profile,) = read_page(tmp_path)["profiles"]
    assert profile == {"name": visible(name), visible(name): [visible(name)]}


@EACH
def test_the_terminal_prints_and_does_not_act(name: str, capsys: Captured) -> None:
    say(name)
    complain(name)
    assert not ACTS.search(capsys.readouterr().err)


@EACH
def test_a_file_lies_where_it_belongs(name: str, tmp_path: Path) -> None:
    for stem in (file_stem(name), file_stem("a", name)):
        assert (
            re.fullmatch(r"[A-Za-z0-9_.@+-]+", stem)
            and (tmp_path / stem).resolve().parent == tmp_path.resolve()
        )
    folder = Job(name, "cifar10", "source", name).folder
    assert (tmp_path / folder).resolve().parent.parent == tmp_path.resolve()


@given(st.text(max_size=40))
def test_whatever_is_written_is_text(text: str) -> None:
    assert not ACTS.search(visible(text))
    assert re.fullmatch(r"[A-Za-z0-9_.@+-]+", file_stem(text)) and ".." not in file_stem(text)
    assert "\\<" in markdown_text("<" + text)
    bare = re.sub(r"\\[a-zA-Z]+\{2?\}|\\[&%$#_{}]|\{[\[\]]\}|\$\\[gl]eq\$", "", latex_text(text))
    assert not re.search(r"[&%$#_{}~^\\<>|]", bare)


@pytest.mark.parametrize("bent", ["bomb", "cut", "deep", "list", "changed"])
def test_a_page_that_lies_about_its_data_counts_as_none(tmp_path: Path, bent: str) -> None:
    content = {"bomb": b" " * 70_000_000, "cut": b"{}" * 500, "deep": b"[" * 100_000, "list": b"[1]"}.get(
        bent, b"{}"
    )
    data = gzip.compress(content)
    text = base64.b64encode(data[:-20] + bytes(20) if bent == "cut" else data).decode()
    seal = blake2b(b"before" if bent == "changed" else text.encode(), digest_size=16).hexdigest()
    page = f'<script type="application/gzip" id="data" data-seal="{seal}">{text}</script>'
    (tmp_path / "index.html").write_text(page)
    assert read_page(tmp_path) == {}
