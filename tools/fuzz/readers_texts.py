"""Readers of short texts that are typed, such as amounts, set figures, widths and added accuracies; and of the page."""

from __future__ import annotations

import math
import random
import re
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from analysis.fronts.added import added_figure
from analysis.fronts.questions.budgets import read_budgets
from analysis.fronts.search.request import read_widths
from analysis.report.page.html import INDEX, page_html, read_page
from costmodel import load_profile
from costmodel.errors import BnncostError
from costmodel.hardware import HardwareProfile
from costmodel.importers.model.naming import image_of, names_model, parse_model
from tools.fuzz import mutate
from tools.fuzz.loop import Reader
from training.run.devices import choose_device
from training.run.durations import seconds_of

_SMALLEST, _LARGEST = 1e-30, 1e30


@cache
def _chip() -> HardwareProfile:
    return load_profile("asic-45nm")


def _budget(text: str) -> None:
    name, _, amount = text.partition(" ")
    if name not in ("energy", "latency", "memory", "area", "top1"):
        return
    (read,) = read_budgets(_chip(), **{name: amount})
    _plain(amount)
    assert 0 <= read.limit < math.inf


def _set(text: str) -> None:
    load_profile("asic-45nm", (text,))


def _widths(text: str) -> None:
    widths = read_widths(text)
    _plain(text)
    assert (
        widths
        and all(0 < width < math.inf for width in widths)
        and len(widths) <= max(10_001, text.count(",") + 1)
    )


def _duration(text: str) -> None:
    assert 0 < seconds_of(text) < math.inf
    _plain(text)


def _shape(text: str) -> None:
    assert all(1 <= side <= 16_384 for side in image_of(text))
    _plain(text)


def _added(text: str) -> None:
    if names_model(text.rpartition("=")[0]):
        parse_model(text.rpartition("=")[0])
        return
    assert 0 <= added_figure(text).top1 <= 100  # none at all is a percentage, as in files


def _device(text: str) -> None:
    choose_device(text)


def _plain(text: str) -> None:
    """What was taken for a number is written in plain digits."""
    assert not re.search(r"[0-9]_[0-9]", text) and not [
        one for one in text if one.isdecimal() and not one.isascii()
    ]


OPTIONS: Mapping[str, tuple[Callable[[str], None], tuple[str, ...]]] = {
    "budget": (_budget, ("energy 5uJ", "latency 1.5 ms", "memory 64kB", "area 2mm2", "top1 85.5 %")),
    "set": (
        _set,
        (
            "clock=100MHz", "memories.feature_sram.size=128kB", "memories.feature_sram.sram.width=64bit",
            "control.energy=1e1pJ/cycle", "title=other",
        ),
    ),
    "widths": (_widths, ("0.25:4:0.05", "1,1.5,2", "1")),
    "duration": (_duration, ("25m", "2h", "90s", "1h30m", "1.5h")),
    "shape": (_shape, ("3x32x32", "32x32", "784")),
    "added": (
        _added,
        ("resnet20[prelu]/cifar10=85.2:ours", "lsq_2=67", "net.onnx@input=3x32x32,features=int8=71.5:mine"),
    ),
    "device": (_device, ("cpu", "auto")),
}  # fmt: skip
"""Texts by what they are, with what reads them; the name stands in front of the text in a file."""


def options() -> list[bytes]:
    """Every text, behind what it is."""
    return [f"{name}: {text}".encode() for name, (_, texts) in OPTIONS.items() for text in texts]


_STRANGE = ("\u0663", "1_0", "\uff18", "\u00a0", "inf", "-", "e9", "\u202e", "x", ":", ",", "=")


def bend_option(rng: random.Random, content: bytes) -> bytes:
    """Bend the text behind its name, by its numbers, signs and letters or as text."""
    name, _, written = content.partition(b": ")
    if rng.random() < 0.4:
        return name + b": " + mutate.text(rng, written)
    parts = re.findall(rb"[0-9.]+|[^0-9.]", written) or [b""]
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(len(parts))
        told = str(rng.choice(mutate.NUMBERS[:26])).encode()
        strange = rng.choice(
            ("\u0663", "1_0", "\uff18", "\u00a0", "inf", "-", "e9", "\u202e", "x", ":", ",", "=")
        ).encode()
        parts[at] = rng.choice((told, parts[at] * 2, parts[at] + strange, strange, b"", parts[at].upper()))
    return name + b": " + b"".join(parts)


def read_option(path: Path) -> None:
    """Read a text as what its name says it is."""
    name, _, text = path.read_bytes().decode("utf-8", "surrogateescape").partition(": ")
    if name in OPTIONS:
        OPTIONS[name][0](text)


def pages() -> list[bytes]:
    """A page without spaces, without the library that draws, which is the most of it."""
    page = page_html({"version": "1", "spaces": [], "profiles": [{"name": "a"}]})
    (data,) = re.findall(r'<script type="application/gzip".*?</script>', page)
    return [f"<html>{data}</html>".encode()]


def read_a_page(path: Path) -> None:
    """Read a page, which is as it was written, or counts as none."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / INDEX).write_bytes(path.read_bytes())
        found = read_page(Path(folder))
    if not found:
        raise BnncostError("no page")
    assert found == {"version": "1", "spaces": [], "profiles": [{"name": "a"}]}


READERS = (
    Reader("option", ".txt", options, bend_option, read_option),
    Reader("page", ".html", pages, mutate.text, read_a_page),
)
