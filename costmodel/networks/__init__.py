"""The backbones, built from a design key."""

from costmodel.networks.catalogue import DATASETS, NETWORKS

__all__ = ["DATASETS", "NETWORKS"]
