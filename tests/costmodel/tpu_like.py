"""ZigZag's accelerator `tpu_like` and ResNet-18, which the benchmarks time, for the tests that check them."""

from benchmarks.tpu_like import conv, resnet18, tpu_like

__all__ = ["conv", "resnet18", "tpu_like"]
