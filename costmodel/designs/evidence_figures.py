"""Figures of released networks: their modules were built in torch, and every convolution that ran was counted."""

from __future__ import annotations

from costmodel.designs.evidence import held_against

_BIREAL = ("liuzechun/Bi-Real-net", "f58aa4d1fa730fcd2e33c3745fcd6c479d7f42e3")

held_against(
    *_BIREAL, "pytorch_implementation/BiReal18_34/birealnet.py",
    design="bi-real-net", backbone="resnet18/imagenet", macs=(1676279808, 137793536), parameters=11689512,
    difference="Maps of bits are padded with +1 here, with zeros there.",
)  # fmt: skip
