"""bnncost's cost model: what repairing a binary neural network costs in energy, area and latency.

>>> import costmodel as cm
>>> cm.cost("resnet20[double_residual]/cifar10", profile="asic-45nm").profile
'asic-45nm'
"""

from costmodel.designs import low_bit, own_backbones  # noqa: F401  (they fill the table of published designs)
from costmodel.designs.catalogue import DATASETS
from costmodel.designs.key import DesignKey
from costmodel.designs.network_files import NETWORKS, backbone_of
from costmodel.designs.published import DESIGNS, published_names, resolve
from costmodel.errors import BnncostError
from costmodel.evaluate.break_even import compare
from costmodel.evaluate.cost import cost, cost_of_network
from costmodel.evaluate.ranges import CostRange, cost_range
from costmodel.evaluate.results import Cost
from costmodel.evaluate.sensitivity import sensitivity
from costmodel.folding import fold
from costmodel.hardware import load_profile, shipped_profiles
from costmodel.methods import METHODS
from costmodel.networks.build import build

__all__ = [
    "DATASETS",
    "DESIGNS",
    "METHODS",
    "NETWORKS",
    "BnncostError",
    "Cost",
    "CostRange",
    "DesignKey",
    "backbone_of",
    "build",
    "compare",
    "cost",
    "cost_of_network",
    "cost_range",
    "fold",
    "load_profile",
    "published_names",
    "resolve",
    "sensitivity",
    "shipped_profiles",
]
