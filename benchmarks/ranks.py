"""Whether ASICs agree which repair is cheap: `python -m benchmarks.ranks`.

Every method that leaves work at inference is added alone to the plain network and ranked by the energy that it adds.
Kendall's tau between the ranks of two profiles, with ties (tau-b), is 1 where all pairs are in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from rich.console import Console
from rich.table import Table
from scipy.stats import kendalltau, rankdata

from costmodel import METHODS, NETWORKS, DesignKey, cost, load_profile, shipped_profiles
from costmodel.methods import MethodUse

DESIGNS = ("resnet20/cifar10", "resnet18/imagenet")
_ROUNDING = 1e-9
"""Share of the energy of the plain network below which a method adds nothing."""
_SHOWN = 4
"""Methods that are named where two profiles agree least."""
Shares = Mapping[str, float]
"""Energy that each method adds alone, as a share of the energy of the plain network."""


def asics() -> tuple[str, ...]:
    """The shipped profiles of chips whose units are made for the network."""
    return tuple(name for name in shipped_profiles() if load_profile(name).archetype == "asic")


def shares_alone(design: str, profile: str) -> Shares:
    """What every method of network topology adds alone to a plain design on a profile."""
    plain = DesignKey.parse(design)
    base = cost(plain, profile).energy_j
    names = [
        name
        for name, method in METHODS.items()
        if method.branch == "topology" and NETWORKS[plain.network].offers(method.hook)
    ]
    return {name: cost(plain.with_methods((MethodUse(name),)), profile).energy_j / base - 1 for name in names}


def of_work(tables: Mapping[str, Shares]) -> tuple[str, ...]:
    """The methods that cost anything on any profile."""
    names = next(iter(tables.values()))
    return tuple(name for name in names if any(abs(table[name]) > _ROUNDING for table in tables.values()))


def agreement(one: Shares, other: Shares, methods: tuple[str, ...]) -> float:
    """Kendall's tau-b of two orders of some methods."""
    return float(kendalltau([one[name] for name in methods], [other[name] for name in methods]).statistic)


def most_apart(one: Shares, other: Shares, methods: tuple[str, ...]) -> list[str]:
    """The methods whose ranks differ most between two orders."""
    here, there = (rankdata([shares[name] for name in methods]) for shares in (one, other))
    apart = dict(zip(methods, abs(here - there), strict=True))
    return sorted(methods, key=lambda name: -apart[name])[:_SHOWN]


def _tables(design: str) -> tuple[dict[str, Shares], tuple[str, ...]]:
    tables = {profile: shares_alone(design, profile) for profile in asics()}
    return tables, of_work(tables)


def _grid(design: str, tables: Mapping[str, Shares], methods: tuple[str, ...]) -> Table:
    title = f"{design}: Kendall's tau over {len(methods)} methods alone, by energy"
    grid = Table(title=title, title_justify="left")
    for column in ("", "profile", "scope"):
        grid.add_column(column, no_wrap=True)
    for number in range(1, len(tables) + 1):
        grid.add_column(str(number), justify="right", no_wrap=True)
    for number, (profile, own) in enumerate(tables.items(), 1):
        taus = [f"{agreement(own, other, methods):.2f}" for other in tables.values()]
        grid.add_row(str(number), profile, load_profile(profile).scope, *taus)
    return grid


def _least(tables: Mapping[str, Shares], methods: tuple[str, ...]) -> str:
    """Say between which profiles tau is least, and which methods they rank most unlike."""
    taus = {
        pair: agreement(tables[pair[0]], tables[pair[1]], methods) for pair in combinations(sorted(tables), 2)
    }
    one, other = min(taus, key=lambda pair: taus[pair])
    named = "; ".join(
        f"{name} {100 * tables[one][name]:+.3g} against {100 * tables[other][name]:+.3g} %"
        for name in most_apart(tables[one], tables[other], methods)
    )
    mean = sum(taus.values()) / len(taus)
    least = f"least {taus[one, other]:.2f} between {one} and {other}"
    return f"Mean tau {mean:.2f}, {least}, which differ most in: {named}."


def main() -> None:
    """Print the agreement for every design."""
    console = Console()
    for design in DESIGNS:
        tables, methods = _tables(design)
        console.print(_grid(design, tables, methods))
        console.print(_least(tables, methods), soft_wrap=True, highlight=False)
        console.print()


if __name__ == "__main__":
    main()
