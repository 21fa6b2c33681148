"""What the designs of a study are called: by what distinguishes each from the plain BNN, or from the full design."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analysis.accuracy.studies import MeasuredDesign
from costmodel import DesignKey

_MANY = 4
"""Methods from which a design is named by what it lacks of all of them."""


@dataclass(frozen=True)
class Names:
    """The designs that the others of a study are named after: the plain BNN, and the one with all methods, if any."""

    baseline: DesignKey
    full: DesignKey | None = None

    def of(self, key: DesignKey) -> str:
        """Name a design of the study.

        >>> names = Names(DesignKey.parse("resnet20[hardtanh]"), DesignKey.parse("resnet20[prelu+ede+adam]"))
        >>> for text in ("resnet20[hardtanh]", "resnet20[hardtanh+ede]@w1.5", "resnet20[prelu+adam]"):
        ...     names.of(DesignKey.parse(text))
        'plain BNN'
        'ede, width 1.5'
        'full minus ede'
        """
        if self.full is None:
            return label_over(key, self.baseline)
        ours, all_of_them = _methods(key), _methods(self.full)
        missing = all_of_them - ours
        if ours <= all_of_them and len(missing) < 2 and key != self.baseline:
            words = ["full", *(f"minus {use}" for use in missing)]
            return ", ".join([" ".join(words), *_settings(key, self.full)])
        return label_over(key, self.baseline)

    @property
    def caption(self) -> str:
        """The designs that the names refer to; empty where a name says everything."""
        parts = []
        if self.baseline.methods:
            parts.append(f" Plain BNN: {self.baseline}.")
        if self.full is not None:
            added = [str(use) for use in self.full.methods if use not in self.baseline.methods]
            parts.append(f" Full: {', '.join(added)}.")
        return "".join(parts)


def names_of(
    designs: Sequence[MeasuredDesign], baseline: DesignKey | None = None, full: DesignKey | None = None
) -> Names:
    """Name a study's designs; the plain and the full one are chosen from the designs unless they are given.

    The full design is the binary one with the most methods, if those are many and others lack one of them.
    """
    plain = baseline or baseline_of(designs)
    keys = [one.key for one in designs]
    return Names(plain, full or _full_of(keys, plain))


def baseline_of(designs: Sequence[MeasuredDesign]) -> DesignKey:
    """The plain BNN of a study: the binary design of width 1 with the fewest methods, that of most seeds first.

    Methods that it has must be in half of the other binary designs, too; else it is a repaired network itself, and the
    plain BNN is the network without any method, measured or not.
    """
    binary = [one for one in designs if one.key.compute == "binary" and one.key.width == 1]
    bare = DesignKey(designs[0].key.network, designs[0].key.dataset)
    if not binary:
        return bare
    fewest = min(binary, key=lambda one: (len(one.key.methods), len(_settings(one.key)), -one.seeds)).key
    having = sum(_methods(fewest) <= _methods(one.key) for one in binary) - 1
    return fewest if not fewest.methods or (having and 2 * having >= len(binary) - 1) else bare


def _full_of(keys: Iterable[DesignKey], baseline: DesignKey) -> DesignKey | None:
    """The binary design with the most methods, where there are many and another lacks one of them."""
    binary = [key for key in keys if key.compute == "binary" and key.width == 1 and not _settings(key)]
    most = max(binary, key=lambda key: len(key.methods), default=baseline)
    all_of_them = _methods(most)
    lacking = [key for key in binary if len(all_of_them - _methods(key)) == 1 and _methods(key) < all_of_them]
    return most if len(all_of_them - _methods(baseline)) >= _MANY and lacking else None


def label_over(key: DesignKey, baseline: DesignKey) -> str:
    """Name a design by what distinguishes it from the plain BNN of its study.

    >>> plain = DesignKey.parse("resnet20[hardtanh+channel_scale]")
    >>> label_over(DesignKey.parse("resnet20[channel_scale+prelu]@w1.5"), plain)
    'prelu, width 1.5, no hardtanh'
    >>> label_over(plain, plain)
    'plain BNN'
    """
    added = [str(use) for use in key.methods if use not in baseline.methods]
    parts = [" + ".join(added)] if added else []
    parts += _settings(key, baseline)
    kept = {use.name for use in key.methods}
    if key.compute == baseline.compute:  # what repairs a binary network has no place in another
        removed = [use.name for use in baseline.methods if use.name not in kept]
        parts += [f"no {' or '.join(removed)}"] if removed else []
    return ", ".join(parts) or "plain BNN"


def _settings(key: DesignKey, baseline: DesignKey | None = None) -> list[str]:
    """The settings in which a design differs from the plain BNN, or from the defaults."""
    plain = baseline or DesignKey(key.network, key.dataset)
    parts = [f"width {key.width:g}"] if key.width != plain.width else []
    parts += [f"{key.compute} network"] if key.compute != plain.compute else []
    for name in ("features", "edge", "padding"):
        value = getattr(key, name)
        if value not in (getattr(plain, name), key.compute):
            parts.append(f"{value} features" if name == "features" else f"{name} {value}")
    return parts


def _methods(key: DesignKey) -> frozenset[str]:
    return frozenset(map(str, key.methods))
