"""Accuracy files: what is read, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.accuracy.literature import by_design, for_network, load_accuracy
from costmodel import BnncostError, published_names


def test_every_shipped_accuracy_belongs_to_a_published_design() -> None:
    records = load_accuracy()
    assert len(records) == 192
    names = published_names()
    assert {record.name for record in records} <= set(names)
    assert all(record.key == names[record.name] for record in records)
    assert all(record.reference and record.kind for record in records)


def test_known_figures_are_in_the_literature() -> None:
    best = {(record.name, record.top1) for record in load_accuracy()}
    assert ("ir-net/resnet20/cifar10", 86.5) in best
    assert ("reactnet/resnet18/imagenet", 65.9) in best
    assert ("bi-real-net/resnet18/imagenet", 56.4) in best
    assert ("fp32/resnet20/cifar10", 92.6) in best
    assert {
        ("lsq-2/resnet18/imagenet", 67.6),
        ("n2uq-3/resnet34/imagenet", 75.2),
        ("int8/resnet18/imagenet", 69.494),
    } <= best


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_own_figures_need_a_design_and_an_accuracy(tmp_path: Path) -> None:
    path = write(tmp_path, "design,top1,seeds\nresnet20[double_residual],71.5,3\n\nreactnet, 66 ,\n")
    records = load_accuracy(path)
    assert [(str(r.key.network), r.top1, r.kind, r.seeds) for r in records] == [
        ("resnet20", 71.5, "measured", "3"),
        ("resnet18", 66.0, "measured", ""),
    ]


def test_spellings_of_one_design_are_one_design(tmp_path: Path) -> None:
    rows = (
        "resnet20,80\nResNet20/CIFAR10,90\nresnet20@w1.0,70\nresnet20[prelu+double_residual],81\n"
        "resnet20[double_residual+prelu]/cifar10,83\n"
    )
    groups = by_design(load_accuracy(write(tmp_path, f"design,top1\n{rows}")))
    assert {name: [one.top1 for one in group] for name, group in groups.items()} == {
        "resnet20/cifar10": [80, 90, 70],
        "resnet20[double_residual+prelu]/cifar10": [81, 83],
    }
    published = write(tmp_path, "design,top1\nBi_Real Net,60\nbi-real-net/resnet18/imagenet,58\n")
    assert list(by_design(load_accuracy(published))) == ["bi-real-net/resnet18/imagenet"]


@pytest.mark.parametrize(
    ("row", "place", "says"),
    [
        ("resnet20[double_residul],70", "mine.csv:3", "double_residual"),
        ("resnet19,70", "mine.csv:3", "resnet18"),
        ("resnet20,101", "mine.csv:3", "from 0 to 100"),
        ("resnet20,-1", "mine.csv:3", "from 0 to 100"),
        ("resnet20,nan", "mine.csv:3", "from 0 to 100"),
        ("resnet20,inf", "mine.csv:3", "from 0 to 100"),
        ("resnet20,good", "mine.csv:3", "from 0 to 100"),
        ("resnet20,", "mine.csv:3", "from 0 to 100"),
        (",70", "mine.csv:3", "unknown design"),
        ("resnet20,80,5", "mine.csv:3", "more cells than the header"),
        ("resnet20@w1.5,features=int8,80", "mine.csv:3", "put quotes round a design"),
    ],
)
def test_a_bad_row_is_named_with_its_line(tmp_path: Path, row: str, place: str, says: str) -> None:
    path = write(tmp_path, f"design,top1\nresnet20,70\n{row}\n")
    with pytest.raises(BnncostError) as caught:
        load_accuracy(path)
    assert place in str(caught.value)
    assert says in str(caught.value)


def test_all_bad_rows_come_in_one_message(tmp_path: Path) -> None:
    path = write(tmp_path, "design,top1\nresnet20,170\nnonsense,70\n")
    with pytest.raises(BnncostError) as caught:
        load_accuracy(path)
    assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == ["mine.csv:2", "mine.csv:3"]


def test_files_that_are_no_accuracy_files(tmp_path: Path) -> None:
    with pytest.raises(BnncostError, match="column 'top1' is missing"):
        load_accuracy(write(tmp_path, "design,accuracy\nresnet20,70\n"))
    with pytest.raises(BnncostError, match="column 'design' is missing"):
        load_accuracy(write(tmp_path, ""))
    with pytest.raises(BnncostError, match="a column is given twice"):
        load_accuracy(write(tmp_path, "design,top1,top1\nresnet20,80,90\n"))
    with pytest.raises(BnncostError, match="no accuracy in it"):
        load_accuracy(write(tmp_path, "design,top1\n"))
    with pytest.raises(BnncostError, match="cannot be read"):
        load_accuracy(tmp_path / "absent.csv")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00design")
    with pytest.raises(BnncostError, match="not a text file"):
        load_accuracy(tmp_path / "bytes.csv")


def test_a_network_without_accuracies_is_refused_with_those_that_have_some() -> None:
    with pytest.raises(BnncostError, match="resnet20/cifar10"):
        for_network(load_accuracy(), "resnet34", "cifar10")
    assert {record.key.network for record in for_network(load_accuracy(), "vgg_small", "cifar10")} == {
        "vgg_small"
    }


@pytest.mark.parametrize(
    "text",
    [
        "design;top1\nresnet20@w1.5,features=int8/cifar10;83.1\nresnet20;70\n",
        "design\ttop1\nresnet20@w1.5,features=int8/cifar10\t83.1\nresnet20\t70\n",
        'Design, Top1\n"resnet20@w1.5,features=int8/cifar10", 83.1 %\nresnet20, 70%\n',
        "DESIGN;Top-1 [%]\r\nResNet20@W1.5,features=INT8/CIFAR10;83,1 %\r\nResNet20;70,0\r\n",
        'design,top1\n"resnet20@w1.5,features=int8/cifar10","83,1"\nresnet20,70\n',
        "sep=;\nDesign;Top1\nresnet20@w1.5,features=int8/cifar10;83,1\u00a0%\nresnet20;70\u202f%\n",
        '\n\ndesign,top1,,\n,,,\n"resnet20@w1.5,features=int8/cifar10",83.1,,\nresnet20,70,,\n',
        'design,top1,note\n"resnet20@w1.5,features=int8/cifar10",83.1,a\u2028b\nresnet20,70,c,,\n',
    ],
)
def test_tables_of_other_tools_are_read(tmp_path: Path, text: str) -> None:
    records = load_accuracy(write(tmp_path, text))
    keys = ["resnet20@w1.5,features=int8/cifar10", "resnet20/cifar10"]
    assert [(str(one.key), one.top1) for one in records] == list(zip(keys, (83.1, 70.0), strict=True))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("design|top1\nresnet20|70\n", ["'design' is missing", "separated by ','", "has designtop1"]),
        ("network;top1\nresnet20;70\n", ["'design' is missing", "separated by ';'", "has network, top1"]),
        ("design,top1\nresnet20,83,1\n", ["mine.csv:2", "more cells", "write decimals with a point"]),
        ("design;top1\nresnet20;8.300,1\n", ["mine.csv:2", "'8.300,1'", "0 to 100"]),
        ("design;top1\nresnet20;1_0\n", ["'1_0'"]),
        (
            'design,top1,note\nresnet20,83,"a\nreactnet,66,b\n',
            ["mine.csv:2: a quote opens here that is never closed"],
        ),
        ("design,top1,\nresnet20,83,1\n", ["mine.csv:2: the cell in column 3 stands below no name"]),
        ("design,top1\nx\0.yaml,83\n", ["mine.csv:2", "U+0000"]),
        ("design,top1\n" + "resnet20[zzz],83\n" * 1000, ["mine.csv:51:", "What is below is not read."]),
        ("design;top1\nresnet20;٨٣\n", ["must be a number"]),
        ("design,top1\nresnet20,0.831\nresnet20[prelu],0.84\n", ["0.831", "fractions", "percent"]),
        ("design,top1,note\nresnet20,83,1\n", ["mine.csv:2", "'note'", "83,1 meant", "83.1", "83.0"]),
        ("top1,ours,design\n83,1,resnet20\n", ["mine.csv:2", "'ours'", "83.1"]),
        ("design,top1,top1_low,top1_high\nresnet20,83,1,82\n", ["mine.csv:2", "between its ends"]),
    ],
)
def test_what_could_be_misread_is_refused_with_what_is_there(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    with pytest.raises(BnncostError) as error:
        load_accuracy(write(tmp_path, text))
    assert [word for word in words if word not in str(error.value)] == [], error.value


@pytest.mark.parametrize(
    "text",
    [
        "design,top1,seeds\nresnet20,83,1\n",
        "design;top1;note\nresnet20;83;1\n",
        "design,top1,ours\nresnet20,83,1\nresnet20[prelu],83.5,1\n",
        "design,top1,note\nresnet20,83,\n",
        "design,top1,date\nresnet20,83,2026\n",
    ],
)
def test_whole_numbers_beside_a_whole_accuracy_are_read_where_no_decimal_can_be_meant(
    tmp_path: Path, text: str
) -> None:
    assert load_accuracy(write(tmp_path, text))[0].top1 == 83


def test_a_small_accuracy_beside_a_large_one_is_a_percentage(tmp_path: Path) -> None:
    assert [
        one.top1 for one in load_accuracy(write(tmp_path, "design,top1\nresnet20,0.5\nvgg_small,70\n"))
    ] == [0.5, 70]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_marks_of_an_encoding_are_heard(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "mine.csv").write_bytes("design\ttop1\nresnet20\t83,1 %\n".encode(encoding))
    assert [one.top1 for one in load_accuracy(tmp_path / "mine.csv")] == [83.1]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_an_encoding_without_its_mark_is_told(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "mine.csv").write_bytes("design,top1\nresnet20,83.1\n".encode(encoding))
    with pytest.raises(BnncostError, match=r"mine\.csv' is UTF-16 without its mark; save it as UTF-8\."):
        load_accuracy(tmp_path / "mine.csv")
