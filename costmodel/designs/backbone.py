"""A network file, checked: stem, stages of blocks, head and classifier, its image and classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field

from costmodel.designs.blocks import BLOCKS, EVERYWHERE, LAYERS, MISSING, NEEDED, OF_NETWORKS
from costmodel.errors import BnncostError
from costmodel.hardware.text.fields import Flag, Section, Text
from costmodel.hardware.text.messages import refused
from costmodel.hardware.text.problem import Finding, Path
from costmodel.hardware.text.quantity import shown, unknown_name
from costmodel.methods.registry import MethodUse
from costmodel.operations.window import Around, Axis, Pair, axes_of

LARGEST = 65_536
"""No channel count, side or number of classes of a network file is larger."""

LARGEST_SIDE, MOST_PIXELS = 16_384, 2**24
"""Of images: those with longer sides have more tiles than are searched in seconds."""


def image_problem(image: tuple[int, int, int]) -> str | None:
    """Half a sentence that says what an image (C, H, W) must be where it is too large, else None.

    >>> image_problem((3, 65536, 256)), image_problem((3, 224, 224))
    ('must have a height and a width of at most 16384, and 16777216 pixels', None)
    """
    _, height, width = image
    if max(height, width) <= LARGEST_SIDE and height * width <= MOST_PIXELS:
        return None
    return f"must have a height and a width of at most {LARGEST_SIDE}, and {MOST_PIXELS} pixels"


MOST_BLOCKS = 256
"""Blocks of a whole network; the deepest that ships has 60."""


def _count(raw: Any) -> Any:
    if isinstance(raw, bool) or not isinstance(raw, int) or not 1 <= raw <= LARGEST:
        raise refused(f"must be a whole number from 1 to {LARGEST}, got {shown(raw)}")
    return raw


def _pair(raw: Any) -> Any:
    if isinstance(raw, list) and len(raw) == 2:
        return tuple(map(_count, raw))
    if isinstance(raw, list):
        raise refused(f"must be one number, or two as in [rows, columns]; got {len(raw)}")
    return _count(raw)


def _padding(raw: Any) -> Any:
    if raw == "same":
        return raw
    if isinstance(raw, bool) or not isinstance(raw, int) or not 0 <= raw <= LARGEST:
        raise refused(f"must be a whole number from 0 to {LARGEST}, or 'same'; got {shown(raw)}")
    return raw


def _image(raw: Any) -> Any:
    if not isinstance(raw, list) or len(raw) != 3:
        raise refused(f"must be [channels, height, width], such as [3, 32, 32]; got {shown(raw)}")
    channels, height, width = map(_count, raw)
    problem = image_problem((channels, height, width))
    if problem:
        raise refused(f"{problem}; got {height}x{width}")
    return channels, height, width


def _one_of(what: str, names: tuple[str, ...]) -> BeforeValidator:
    def check(raw: Any) -> Any:
        if raw not in names:
            raise refused(unknown_name(what, raw, names))
        return raw

    return BeforeValidator(check)


def _downsample(raw: Any) -> Any:
    try:
        use = MethodUse.parse(str(raw))
    except BnncostError as error:
        raise refused(str(error)) from None
    if use.method.hook != "downsample":
        raise refused(f"'{use.name}' is no shortcut that changes the shape of a map")
    return str(use)


Count = Annotated[int, BeforeValidator(_count)]
Counts = Annotated[int | tuple[int, int], BeforeValidator(_pair)]
Padding = Annotated[int | str, BeforeValidator(_padding)]
Image = Annotated[tuple[int, int, int], BeforeValidator(_image)]
Downsample = Annotated[str, BeforeValidator(_downsample)]
Classifier = Literal["edge", "binary"]


class Layer(Section):
    """One layer beside the blocks: its kind and what it needs of the rest."""

    layer: Annotated[str, _one_of("layer", tuple(LAYERS))] = Field(description="The kind of layer.")
    channels: Count | None = Field(None, description="Channels that it makes, at width 1.")
    kernel: Counts = Field(3, description="Taps of its kernel: one number, or rows and columns.")
    size: Counts | None = Field(None, description="Positions of a pool's window.")
    stride: Counts | None = Field(None, description="Step of its windows; a pool's is its size by default.")
    padding: Padding | None = Field(None, description="Positions added on each side, or 'same'.")
    dilation: Counts = Field(1, description="Distance between the taps of its kernel.")
    groups: Count = Field(1, description="Groups of channels that are kept apart.")
    multiplier: Count = Field(1, description="Channels that a depth-wise convolution makes of each.")
    norm: Flag = Field(True, description="Whether a norm follows.")

    @property
    def slid(self) -> tuple[Pair, Around | str]:
        """Stride and padding; by default a convolution keeps the size of the map, and a pool is not padded."""
        pool = self.size is not None
        stride = self.stride or (self.size if pool else 1)
        kernel = self.kernel
        half = kernel // 2 if isinstance(kernel, int) else "same"
        return stride or 1, self.padding if self.padding is not None else 0 if pool else half


class Pool(Section):
    """A max pool in front of the norm of a stage's last convolution."""

    size: Count = Field(description="Positions of a window on each side.")
    stride: Count | None = Field(None, description="Step of its windows; its size by default.")


class Stage(Section):
    """Blocks in a row that make as many channels each."""

    block: Annotated[str, _one_of("block", tuple(BLOCKS))] = Field(description="The kind of block.")
    channels: Count = Field(description="Channels that each block makes, or adds, at width 1.")
    blocks: Count = Field(1, description="Blocks in a row.")
    stride: Count = Field(1, description="Stride of the stage's first block.")
    kernel: Count = Field(3, description="Taps of the kernel on each side.")
    padding: Padding | None = Field(
        None, description="Positions added on each side; half of the kernel by default."
    )
    dilation: Count = Field(1, description="Distance between the taps of a kernel.")
    expansion: Count = Field(4, description="Channels behind a bottleneck per channel inside.")
    pool: Pool | None = Field(None, description="A max pool in the stage's last convolution.")
    before: tuple[Layer, ...] = Field((), description="Layers in front of the stage.")

    @property
    def pad(self) -> int:
        """Positions added on each side of a map."""
        return self.kernel // 2 * self.dilation if self.padding is None else int(self.padding)


class Backbone(Section):
    """A network, as its file says.

    Images of at least 128 pixels get `large_stem`, where there is one. `downsample` is the shortcut of blocks that
    change the shape of a map. Channel counts are whole multiples of `multiple_of` at every width.
    """

    summary: Text = Field("", description="The network in one line.")
    source: Text | None = Field(None, description="A key of the references, or the source in words.")
    dataset: Text | None = Field(None, description="The data set that it is usually trained on.")
    image: Image | None = Field(
        None, description="[channels, height, width] of an image, without a data set."
    )
    classes: Count | None = Field(None, description="Number of classes, without a data set.")
    multiple_of: Count = Field(1, description="Channel counts are whole multiples of it.")
    downsample: Downsample = Field(
        "option_a_shortcut", description="The method of shortcuts that change shape."
    )
    stem: tuple[Layer, ...] = Field(
        description="Layers in front of the stages; an empty list reads the image."
    )
    large_stem: tuple[Layer, ...] | None = Field(
        None, description="The stem for images of 128 pixels and more."
    )
    stages: tuple[Stage, ...] = Field(description="Blocks, stage by stage.")
    head: tuple[Layer, ...] = Field(
        (Layer.model_validate({"layer": "global_average_pool"}),),
        description="Layers between the stages and the classifier.",
    )
    classifier: Annotated[Classifier, _one_of("classifier", get_args(Classifier))] = "edge"

    def offers(self, hook: str) -> bool:
        """Say whether the network has the place where methods of this hook act."""
        return not self.lacks(hook)

    def lacks(self, hook: str) -> str:
        """Name what methods of this hook act on and this network does not have; empty where it has it."""
        kinds = [BLOCKS[stage.block] for stage in self.stages]
        if hook in EVERYWHERE | OF_NETWORKS or (hook != "stem" and all(hook in kind.hooks for kind in kinds)):
            return ""
        if hook == "stem":
            return "" if any(step.layer == "activation" for step in self.stem) else MISSING[hook]
        return MISSING[hook] if any(kind.shortcuts for kind in kinds) else "shortcuts"


def written_findings(data: Any) -> Iterator[Finding]:
    """Yield what is wrong with the keys of a network's layers and stages, whatever values they have."""
    if not isinstance(data, Mapping):
        return
    for place in ("stem", "large_stem", "head"):
        for number, step in _mappings_in(data.get(place)):
            yield from _layer_findings(step, (place, number))
    for number, stage in _mappings_in(data.get("stages")):
        yield from _stage_findings(stage, ("stages", number))
    dataset, own = data.get("dataset"), [name for name in ("image", "classes") if data.get(name) is not None]
    if dataset is None and len(own) < 2:
        place = "classes" if own == ["image"] else "image"
        yield (place,), "is missing: give a `dataset`, or the network's own `image` and `classes`"
    if dataset is not None and own:
        yield (own[0],), "stands beside `dataset`, which says it; delete one of them"


def _mappings_in(rows: Any) -> Iterator[tuple[int, Mapping[Any, Any]]]:
    """Yield the mappings of a list with their positions."""
    for number, row in enumerate(rows if isinstance(rows, list) else ()):
        if isinstance(row, Mapping):
            yield number, row


def _layer_findings(step: Mapping[Any, Any], path: Path) -> Iterator[Finding]:
    kind = step.get("layer")
    if not isinstance(kind, str) or kind not in LAYERS:
        return
    allowed, given = LAYERS[kind], step.keys() & Layer.model_fields.keys() - {"layer"}
    for name in sorted(given - allowed):
        known = f"it takes {', '.join(sorted(allowed))}" if allowed else "it takes nothing"
        yield (*path, name), f"has no meaning for '{kind}': {known}"
    for name in NEEDED.get(kind, ()):
        if name not in given:
            yield (*path, name), f"is missing: '{kind}' needs it"


def _stage_findings(stage: Mapping[Any, Any], path: Path) -> Iterator[Finding]:
    for number, step in _mappings_in(stage.get("before")):
        yield from _layer_findings(step, (*path, "before", number))
    if stage.get("padding") == "same":
        yield (
            (*path, "padding"),
            f"must be a whole number from 0 to {LARGEST}; half of the kernel is the default",
        )
    name = stage.get("block")
    if not isinstance(name, str) or name not in BLOCKS:
        return
    kind, common = BLOCKS[name], {"block", "channels", "blocks", "before"}
    for field in sorted(stage.keys() & Stage.model_fields.keys() - common - kind.fields):
        known = f"it takes {', '.join(sorted(kind.fields))}" if kind.fields else "it takes nothing else"
        yield (*path, field), f"has no meaning for blocks of '{name}': {known}"


def rule_findings(backbone: Backbone) -> Iterator[Finding]:
    """Yield what is wrong with a network whose parts are sound each alone: channels that do not go together."""
    if not backbone.stages:
        yield ("stages",), "must not be empty: a network has at least one stage"
    yield from _depth_findings(backbone)
    yield from _shape_findings(backbone)
    yield from _padding_findings(backbone)
    yield from _chain_findings(backbone)


def _depth_findings(backbone: Backbone) -> Iterator[Finding]:
    depth = 0
    for number, stage in enumerate(backbone.stages):
        depth += stage.blocks
        if depth > MOST_BLOCKS:
            yield ("stages", number, "blocks"), f"makes {depth} blocks together; {MOST_BLOCKS} are the most"
            return


def _shape_findings(backbone: Backbone) -> Iterator[Finding]:
    """Find kernels that change a map beside a shortcut, and groups that do not divide what a layer makes."""
    for number, stage in enumerate(backbone.stages):
        if BLOCKS[stage.block].shortcuts and stage.kernel % 2 == 0:
            yield (
                ("stages", number, "kernel"),
                f"is {stage.kernel}, but the shortcut of '{stage.block}' blocks needs an odd one: an even one makes "
                "maps of another size than the shortcut's",
            )
    for path, layers in _layers_of(backbone):
        for number, layer in enumerate(layers):
            if layer.channels is not None and layer.channels % layer.groups:
                yield (
                    (*path, number, "groups"),
                    f"is {layer.groups}, but {layer.channels} channels cannot be made by so many equal groups",
                )


def _padding_findings(backbone: Backbone) -> Iterator[Finding]:
    """Find padding so wide that windows of a kernel read nothing else, or wider than torch lets a pool have it."""
    for path, layers in _layers_of(backbone):
        for number, layer in enumerate(layers):
            axes = axes_of((1, 1), layer.size or layer.kernel, dilation=layer.dilation)
            if layer.size:
                most, why = min(axis.kernel for axis in axes) // 2, "half of a window"
            else:
                most, why = min(axis.reach for axis in axes) - 1, _NOTHING_ELSE
            yield from _too_wide((*path, number), layer.padding, most, why)
    for number, stage in enumerate(backbone.stages):
        most = Axis(1, stage.kernel, dilation=stage.dilation).reach - 1
        yield from _too_wide(("stages", number), stage.padding, most, _NOTHING_ELSE)


_NOTHING_ELSE = "with more, windows read nothing else"


def _too_wide(path: Path, padding: int | str | None, most: int, why: str) -> Iterator[Finding]:
    if isinstance(padding, int) and padding > most:
        yield (*path, "padding"), f"is {padding}, but can be at most {most} here: {why}"


def _layers_of(backbone: Backbone) -> Iterator[tuple[Path, tuple[Layer, ...]]]:
    """Yield the layers beside the blocks, with their places in the file."""
    yield ("stem",), backbone.stem
    yield ("large_stem",), backbone.large_stem or ()
    yield ("head",), backbone.head
    for number, stage in enumerate(backbone.stages):
        yield ("stages", number, "before"), stage.before


_KEEPING, _DOUBLING = ("quicknet", "shift_mlp"), ("reactnet", "bnext")
_ADDING, _WIDENING = ("densely_connected", "improved"), ("bottleneck", "pokebnn")


def _chain_findings(backbone: Backbone) -> Iterator[Finding]:
    """Find blocks whose channels do not go with those in front of them."""
    for stem in (backbone.stem, backbone.large_stem or backbone.stem):
        for number, (stage, channels) in enumerate(
            zip(backbone.stages, entering(backbone, stem), strict=True)
        ):
            place = ("stages", number, "channels")
            if stage.block in _KEEPING and channels not in (None, stage.channels):
                yield (
                    place,
                    f"is {stage.channels}, but {channels} come in, which a '{stage.block}' block keeps; put a 'conv' "
                    f"of {stage.channels} channels into `before`",
                )
            if stage.block in _DOUBLING and channels and stage.channels not in (channels, 2 * channels):
                yield (
                    place,
                    f"is {stage.channels}, but a '{stage.block}' block keeps the {channels} channels that come in, or "
                    "doubles them",
                )
            if stage.block == "pokebnn" and channels and channels < stage.channels:
                yield (
                    place,
                    f"is {stage.channels}, but a 'pokebnn' block has no more inner channels than the {channels} that "
                    "come in",
                )


def entering(backbone: Backbone, stem: tuple[Layer, ...]) -> list[int | None]:
    """Channels that come into the blocks of each stage at width 1; None where they are those of the image."""
    channels, found = _through(stem, None), list[int | None]()
    for stage in backbone.stages:
        channels = _through(stage.before, channels)
        found.append(channels)
        if stage.block in _ADDING:
            channels = None if channels is None else channels + stage.blocks * stage.channels
        else:
            channels = made_by(stage)
    return found


def made_by(stage: Stage) -> int:
    """Channels that each block of a stage makes at width 1."""
    return stage.channels * (stage.expansion if stage.block in _WIDENING else 1)


def _through(layers: tuple[Layer, ...], channels: int | None) -> int | None:
    """Follow channels through layers."""
    for layer in layers:
        if layer.channels is not None:
            channels = layer.channels
        elif channels is not None:
            channels *= layer.multiplier
    return channels
