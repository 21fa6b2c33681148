"""A network file of one's own: it is built as written, every method applies, and every mistake has its line."""

from __future__ import annotations

from pathlib import Path

import pytest

import costmodel as cm
from costmodel.demand.counts import count, totals
from costmodel.designs.blocks import BLOCKS, LAYERS
from costmodel.designs.network_files import NETWORKS, backbone_of
from costmodel.networks.blocks import MAKERS
from costmodel.networks.layers import _LAYERS
from costmodel.operations.window import Axis, same_padding

MINE = """\
summary: "Mine: two stages"
image: [3, 24, 40]
classes: 4
downsample: real_shortcut(pool=false)
stem: [{layer: conv, channels: 8, kernel: 3}, {layer: activation}]
stages:
  - {block: basic, channels: 8, blocks: 1}
  - {block: basic, channels: 16, blocks: 2, stride: 2}
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    folder = tmp_path / "nets"
    folder.mkdir()
    path = folder / "mine.yaml"
    path.write_text(MINE)
    return path


def macs(text: str) -> dict[str, int]:
    found = totals(count(cm.fold(cm.build(cm.resolve(text)))))
    return {precision: int(number) for (operation, precision), number in found.items() if operation == "mac"}


def test_a_file_is_built_as_it_says(mine: Path) -> None:
    inner = 9 * 24 * 40 * (8 * 8 * 2) + 9 * 12 * 20 * (8 * 16 + 3 * 16 * 16)
    assert macs(str(mine)) == {"1x1": inner, "8x8": 9 * 3 * 8 * 24 * 40 + 12 * 20 * 8 * 16 + 16 * 4}


def test_methods_widths_and_settings_apply(mine: Path) -> None:
    key = cm.resolve(f"{mine}[double_residual+prelu]@w1.5,features=int8")
    assert str(key) == f"{mine}[double_residual+prelu]@w1.5,features=int8/own"
    assert cm.resolve(str(key)) == key
    assert cm.build(key).output.shape == (4, 1, 1)
    assert {op.origin for op in cm.build(key).ops} == {"base", "double_residual", "prelu"}
    assert cm.cost(key, "asic-45nm").energy_j > cm.cost(f"{mine}@features=int8", "asic-45nm").energy_j
    assert cm.build(cm.resolve(f"{mine}/cifar10")).input.shape == (3, 32, 32)


def test_a_shipped_network_costs_the_same_from_a_copy_of_its_file(tmp_path: Path) -> None:
    shipped = Path(cm.__file__).parent / "networks" / "shipped" / "resnet20.yaml"
    copy = tmp_path / "copy.yaml"
    copy.write_text(shipped.read_text())
    named, own = (
        cm.cost(f"{text}[double_residual]/cifar10", "asic-45nm") for text in ("resnet20", str(copy))
    )
    assert own.energy_j == named.energy_j and own.latency_s == named.latency_s


@pytest.mark.parametrize(
    ("text", "shape", "classes"),
    [
        ("resnet20@input=64x48", (3, 64, 48), 10),
        ("resnet20@input=1x64x64,classes=2", (1, 64, 64), 2),
        ("resnet18[prelu]@w0.5,classes=7/cifar100", (3, 32, 32), 7),
        ("resnet20@input=3x20x20,classes=5/own", (3, 20, 20), 5),
    ],
)
def test_images_and_classes_of_any_size(text: str, shape: tuple[int, int, int], classes: int) -> None:
    network = cm.build(cm.resolve(text))
    assert network.input.shape == shape and network.output.shape == (classes, 1, 1)
    assert str(cm.resolve(str(cm.resolve(text)))) == str(cm.resolve(text))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("resnet20@input=32x32,classes=10", "resnet20/cifar10"),
        ("resnet20@input=3x64x64", "resnet20@input=64x64/cifar10"),
        ("resnet20@classes=2,input=1x8x8/own", "resnet20@input=1x8x8,classes=2/own"),
    ],
)
def test_one_text_for_one_design(text: str, canonical: str) -> None:
    assert str(cm.resolve(text)) == canonical


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("resnet20@input=64", "input '64' must be HEIGHTxWIDTH"),
        ("resnet20@input=0x64", "sides from 1 to"),
        ("resnet20@input=64x64/own", "must be CHANNELSxHEIGHTxWIDTH"),
        ("resnet20@classes=two", "classes 'two' must be a whole number"),
        ("resnet20@classes=0", "classes '0' must be"),
        ("resnet20@inptu=64x64", "unknown setting 'inptu'; did you mean 'input'"),
        ("nowhere/net.yaml", "net.yaml: does not exist; give the path of a network file, or one of"),
        ("resnet19", "unknown design 'resnet19'; did you mean 'resnet18'"),
    ],
)
def test_a_mistake_in_a_design_is_named(text: str, problem: str) -> None:
    with pytest.raises(cm.BnncostError, match=problem):
        cm.build(cm.resolve(text))


def test_own_images_must_be_described() -> None:
    with pytest.raises(cm.BnncostError, match="nothing says what the images of 'own' are"):
        cm.build(cm.resolve("resnet20/own"))


BAD = """\
sumary: "A misspelt key"
image: [3, 32]
stem: [{layer: convv, channels: 8}, {layer: max_pool, kernel: 3}]
downsample: prelu
stages:
  - {block: basik, channels: 16}
  - {block: plain, channels: 0, blocks: 2.5}
  - {block: basic, channels: 16, padding: [1]}
classifier: fp32
"""


def test_every_mistake_of_a_file_is_listed_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(BAD)
    with pytest.raises(cm.BnncostError) as caught:
        cm.resolve(str(path))
    lines = [line.removeprefix(f"{path}:") for line in str(caught.value).splitlines()]
    expected = [
        ("1: classes: is missing: give a `dataset`, or the network's own `image` and `classes`"),
        ("1: sumary: unknown key 'sumary'; did you mean 'summary'?"),
        ("2: image: must be [channels, height, width]"),
        ("3: stem[0].layer: unknown layer 'convv'; did you mean 'conv'?"),
        ("3: stem[1].kernel: has no meaning for 'max_pool': it takes padding, size, stride"),
        ("3: stem[1].size: is missing: 'max_pool' needs it"),
        ("4: downsample: 'prelu' is no shortcut that changes the shape"),
        ("6: stages[0].block: unknown block 'basik'; did you mean 'basic'?"),
        ("7: stages[1].blocks: must be a whole number from 1 to 65536, got 2.5"),
        ("7: stages[1].channels: must be a whole number from 1 to 65536, got 0"),
        ("8: stages[2].padding: has no meaning for blocks of 'basic': it takes dilation, kernel, stride"),
        ("8: stages[2].padding: must be a whole number from 0 to 65536, or 'same'; got a list"),
        ("9: classifier: unknown classifier 'fp32'"),
    ]
    assert len(lines) == len(expected), "\n".join(lines)
    for line, start in zip(lines, expected, strict=True):
        assert line.startswith(start), line


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("classes: 4\n", "", "1: classes: is missing: give a `dataset`, or the network's own"),
        ("classes: 4", "dataset: cifar10", "2: image: stands beside `dataset`, which says it"),
        (
            "{layer: activation}",
            "{layer: activation, size: 2}",
            "5: stem[1].size: has no meaning for 'activation'",
        ),
        ("{layer: activation}", "{layer: max_pool}", "5: stem[1].size: is missing: 'max_pool' needs it"),
        (
            "blocks: 1}",
            "pool: {size: 2}}",
            "7: stages[0].pool: has no meaning for blocks of 'basic': it takes",
        ),
        (
            "block: basic, channels: 8,",
            "block: quicknet, channels: 9,",
            "7: stages[0].channels: is 9, but 8 come in",
        ),
        (
            "block: basic, channels: 16",
            "block: reactnet, channels: 24",
            "8: stages[1].channels: is 24, but a 'reactnet'",
        ),
        ("stages:", "stages: []\nold:", "unknown key 'old'"),
        (
            "block: basic, channels: 8,",
            "block: basic, channels: 8, kernel: 2,",
            "7: stages[0].kernel: is 2, but the shortcut of 'basic' blocks needs an odd one",
        ),
        (
            "channels: 8, kernel: 3",
            "channels: 8, groups: 3",
            "5: stem[0].groups: is 3, but 8 channels cannot be made by so many equal groups",
        ),
        (
            "{layer: activation}",
            "{layer: max_pool, size: 2, padding: 2}",
            "5: stem[1].padding: is 2, but can be at most 1 here: half of a window",
        ),
        (
            "channels: 8, kernel: 3",
            "channels: 8, kernel: [5, 3], padding: 3",
            "5: stem[0].padding: is 3, but can be at most 2 here: with more, windows read nothing else",
        ),
        (
            "block: basic, channels: 8,",
            "block: plain, channels: 8, dilation: 2, padding: 5,",
            "7: stages[0].padding: is 5, but can be at most 4 here: with more",
        ),
    ],
)
def test_a_mistake_between_parts_is_named(mine: Path, old: str, new: str, problem: str) -> None:
    mine.write_text(MINE.replace(old, new))
    with pytest.raises(cm.BnncostError) as caught:
        cm.resolve(str(mine))
    assert problem in str(caught.value)


def test_what_a_layer_cannot_read_is_named_with_the_file(mine: Path) -> None:
    mine.write_text(MINE.replace("channels: 8, kernel: 3", "channels: 8, groups: 2"))
    with pytest.raises(cm.BnncostError, match="3 channels cannot be read by 2 equal groups") as caught:
        cm.build(cm.resolve(str(mine)))
    assert f"design '{mine}/own': stem: " in str(caught.value)


def test_a_changed_file_is_read_again(mine: Path) -> None:
    before = macs(str(mine))
    mine.write_text(MINE.replace("blocks: 2", "blocks: 3") + "\n")
    assert macs(str(mine))["1x1"] == before["1x1"] + 2 * 9 * 12 * 20 * 16 * 16


def test_what_a_file_may_name_is_what_is_built() -> None:
    assert set(MAKERS) == set(BLOCKS) and set(_LAYERS) == set(LAYERS)
    used = {stage.block for network in NETWORKS.values() for stage in network.stages}
    assert used == set(BLOCKS)
    steps = {
        layer.layer
        for network in NETWORKS.values()
        for layers in (
            network.stem,
            network.large_stem or (),
            network.head,
            *(s.before for s in network.stages),
        )
        for layer in layers
    }
    assert set(LAYERS) - steps == {"average_pool"}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_shipped_network_has_a_title_a_source_and_a_data_set(name: str) -> None:
    backbone = backbone_of(name)
    assert ":" in backbone.summary and backbone.dataset in cm.DATASETS
    assert backbone.source in cm.methods.REFERENCES


def test_windows_by_hand() -> None:
    assert Axis(49, 10, 2, 1, 4, 5).outputs == 25 and Axis(10, 4, 2, 1, 1, 1).outputs == 5
    assert Axis(7, 3, 1, 2, 2, 2).outputs == 7 and Axis(4, 3, 1, 2).smallest == 5
    assert Axis(4, 3, 1, 2).outputs == 0
    assert Axis(5, 3, 2, 1, 1, 1).cuts() == [(1, 0), (0, 0), (0, 1)]
    assert Axis(3, 3, 1, 2, 2, 2).cuts() == [(1, 0), (1, 1), (0, 1)]
    assert not Axis(2, 2, 1, 4, 3, 3).has_empty is Axis(2, 2, 1, 5, 3, 3).has_empty is False
    assert same_padding((224, 224), 11, 4) == (3, 4, 3, 4) and same_padding((8, 8), 3, 2) == (0, 1, 0, 1)


def test_a_dilation_far_beyond_its_map_is_refused(mine: Path) -> None:
    mine.write_text(MINE.replace("blocks: 2, stride: 2", "dilation: 33"))
    assert cm.build(cm.resolve(f"{mine}@input=33x40")).output.shape == (4, 1, 1)
    with pytest.raises(
        cm.BnncostError, match=r"stage2\.block1\.conv1: .* 33 apart on a map of 24;"
    ) as caught:
        cm.build(cm.resolve(str(mine)))
    assert f"design '{mine}" in str(caught.value)
    mine.write_text(MINE.replace("blocks: 2, stride: 2", "dilation: 32"))
    assert cm.build(cm.resolve(f"{mine}@input=4x4")).output.shape == (4, 1, 1)


def test_the_example_of_the_documentation_is_a_network(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "networks.md").read_text(encoding="utf-8")
    path = tmp_path / "my-net.yaml"
    path.write_text(text.split("```yaml\n")[1].split("```")[0])
    network = cm.build(cm.resolve(f"{path}[double_residual+prelu]@w1.5"))
    assert network.input.shape == (3, 64, 64) and network.output.shape == (10, 1, 1)
    for names in (BLOCKS, LAYERS):
        assert all(f"`{name}`" in text for name in names)


# ------------------------------------------------------------------ what a file is called


@pytest.mark.parametrize("name", ["NN2.YAML", "NN2.Yml"])
def test_a_path_keeps_its_case(name: str, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another file has the same name in lower case."""
    monkeypatch.chdir(mine.parent)
    Path(name.lower()).write_text(MINE)
    Path(name).write_text(MINE.replace("classes: 4", "classes: 5"))
    key = cm.resolve(f"{name}[PReLU]@W2")
    assert str(key) == f"{name}[prelu]@w2/own" and key.shape.classes == 5


def test_a_path_has_one_spelling_and_leads_where_it_led(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(mine.parent)
    below = ("mine.yaml", "./mine.yaml", ".//mine.yaml")
    assert {str(cm.resolve(path)) for path in below} == {"mine.yaml/own"}
    assert cm.DesignKey("./mine.yaml", "own") == cm.resolve("mine.yaml")
    key = cm.resolve(f"{mine}[prelu]")
    energy = cm.cost(key).energy_j
    (mine.parent / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert str(key) == f"{mine}[prelu]/own" and cm.cost(key).energy_j == energy
    assert str(cm.resolve("../mine.yaml")) == "../mine.yaml/own"


@pytest.mark.parametrize(
    "name", ["\udce9.yaml", "\udce9.yaml[prelu]/cifar10", "\udce9.onnx", "\udce9.py:make"]
)
def test_a_name_that_is_no_utf8_is_refused(name: str) -> None:
    with pytest.raises(cm.BnncostError, match="its name has bytes that are no UTF-8; rename the file"):
        cm.cost(name)
