"""What `costmodel` offers, and where it is defined: each is imported when it is first asked for."""

from .designs.catalogue import DATASETS as DATASETS
from .designs.key import DesignKey as DesignKey
from .designs.network_files import NETWORKS as NETWORKS
from .designs.network_files import backbone_of as backbone_of
from .designs.resolving import DESIGNS as DESIGNS
from .designs.resolving import published_names as published_names
from .designs.resolving import resolve as resolve
from .errors import BnncostError as BnncostError
from .evaluate.break_even import compare as compare
from .evaluate.cost import cost as cost
from .evaluate.cost import cost_of_network as cost_of_network
from .evaluate.ranges import CostRange as CostRange
from .evaluate.ranges import cost_range as cost_range
from .evaluate.results import Cost as Cost
from .evaluate.sensitivity import sensitivity as sensitivity
from .folding import fold as fold
from .hardware import load_profile as load_profile
from .hardware import shipped_profiles as shipped_profiles
from .methods import METHODS as METHODS
from .networks.build import build as build
