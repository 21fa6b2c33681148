"""What a design is besides its text: another network file, or another plugin, under the same name is another design."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import costmodel as cm
from costmodel import DesignKey
from costmodel.designs.content import content_of, content_of_methods, require_content
from costmodel.errors import BnncostError
from costmodel.importers.model import source
from costmodel.importers.model.naming import Model
from costmodel.methods import METHODS
from costmodel.methods.plugins import load_plugin

MINE = """\
summary: "Mine: one layer of {channels} channels"
image: [3, 16, 16]
classes: 4
stem: [{{layer: conv, channels: {channels}}}]
stages: [{{block: plain, channels: 8, blocks: 1}}]
"""
PLUGIN = """\
from costmodel.methods.registry import repair_method


@repair_method(branch="topology", category="activation function", hook="activation", source="a test")
def mine(g, y, site, *, early: bool = False):
    "Do {what}."
    return y
"""


def write(path: str | Path, channels: int) -> None:
    Path(path).write_text(MINE.format(channels=channels), "utf-8")


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    write("net.yaml", 8)
    return "net.yaml"


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file that declares the method `mine`, loaded."""
    monkeypatch.setenv("BNNCOST_PLUGINS", "")
    path = tmp_path / "plugin.py"
    path.write_text(PLUGIN.format(what="nothing"), "utf-8")
    load_plugin(path)
    yield path
    METHODS.pop("mine", None)


def stem_macs(design: str | DesignKey) -> float:
    """MACs of the image's convolution; 16 x 16 places of 3 x 3 x 3."""
    return cm.cost(design).operation_totals()["mac", "8x8"] // (16 * 16 * 27)


def test_a_file_that_was_edited_is_priced_anew(
    net: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = cm.resolve(net)
    assert (stem_macs(net), stem_macs(key)) == (8, 8)
    write(net, 9)  # a file as long as before
    assert (stem_macs(net), stem_macs(key)) == (9, 9)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    write(net, 5)
    assert stem_macs(net) == 5


def test_content_is_that_of_files_alone(net: str, plugin: Path) -> None:
    """What is shipped has none, which leaves the digests of its runs as they are."""
    assert content_of(DesignKey.parse("resnet20[double_residual+prelu]/cifar10")) == ""
    both, methods = (
        content_of(DesignKey.parse(f"{net}[mine]")),
        content_of(DesignKey.parse("resnet20[mine+prelu]")),
    )
    assert len({both, methods, content_of(DesignKey.parse(net)), ""}) == 4
    assert methods == content_of_methods()
    assert METHODS["mine"].content == hashlib.sha256(plugin.read_bytes()).hexdigest()
    plugin.write_text("# what is loaded stays", "utf-8")
    assert content_of(DesignKey.parse(f"{net}[mine]")) == both
    Path(net).write_bytes(Path(net).read_bytes().replace(b"\n", b"\r\n"))
    assert content_of(DesignKey.parse(f"{net}[mine]")) == both
    Path(net).write_text("# a remark\n" + Path(net).read_text(), "utf-8")
    assert content_of(DesignKey.parse(f"{net}[mine]")) == both
    write(net, 9)
    assert content_of(DesignKey.parse(f"{net}[mine]")) not in (both, methods)


def test_a_design_that_was_edited_is_named_with_its_files(net: str, plugin: Path) -> None:
    key = DesignKey.parse(f"{net}[mine]")
    before = content_of(key)
    require_content(before, key, "here")
    require_content("", key, "here")
    write(net, 9)
    with pytest.raises(
        BnncostError,
        match=r"^here is of 'net.yaml\[mine\]/own' as it was before: 'net.yaml' or method 'mine' "
        rf"\('{plugin}', line 4\) has been edited since. "
        r"Give the file its former text back, or train the design as it is now.$",
    ):
        require_content(before, key, "here")
    with pytest.raises(BnncostError, match="what is shipped now stood in a file"):
        require_content(before, DesignKey.parse("resnet20"), "here")


@pytest.mark.parametrize("text", ["fx:make", "fx.inner:make", "fx.py:make", "other.py:make"])
def test_code_of_a_model_that_was_edited_is_read_anew(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of a module, of its package, and of the files beside one, which it may import."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fx").mkdir()
    names = ("fx.py", "other.py", "fx/inner.py")
    for name in names:
        Path(name).write_text("a = 1", "utf-8")
    seen: list[str] = []
    monkeypatch.setattr(source, "model_of", lambda graph, text, given: Model(text, graph))
    monkeypatch.setattr(source, "_torch_graph", lambda given: seen.append(given.text))
    edited = "fx/inner.py" if "inner" in text else "fx.py"
    source.read_model(text)
    source.read_model(text)
    Path(edited).write_text("a = 10", "utf-8")
    source.read_model(text)
    assert len(seen) == 2
