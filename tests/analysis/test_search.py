"""The front of a search is exact, whoever runs it and however often it is stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import costmodel as cm
from analysis.fronts.search.chunks import ChunkFront, front_of_chunk
from analysis.fronts.search.log import opened_log
from analysis.fronts.search.request import SearchRequest, read_widths
from analysis.fronts.search.running import SearchResult, run_search
from analysis.show.axes import Axis
from costmodel.evaluate import versions
from costmodel.evaluate.engine import Here, Processes
from costmodel.evaluate.space import Space
from costmodel.methods import MethodUse, check_combination

PLAIN = cm.DesignKey.parse("resnet20/cifar10")
METHODS = ("double_residual", "prelu", "hardtanh", "norm_before_sign", "ede", "centre_weights")
GAINS = dict(zip(METHODS, (1.0, 0.7, 0.4, -0.1, 0.5, 0.3), strict=True))
NEED_BITS = {"norm_before_sign", "centre_weights"}
"""Methods that an int4 network has no place for."""
WIDTHS = (0.5, 1.0, 1.3)


@dataclass(frozen=True)
class Made:
    """Accuracies that a test makes up: gains of methods, ten points a doubled width, nothing known above width 1.2."""

    widest: float = 1.2

    def of(self, key: cm.DesignKey) -> float:
        """Top-1 of one design, in plain arithmetic."""
        gains = sum(GAINS[str(use)] for use in key.methods)
        return 70 + gains + 10 * float(np.log2(key.width)) + (8 if key.compute == "int4" else 0)

    def top1(
        self, plain: cm.DesignKey, methods: Sequence[str], masks: np.ndarray, widths: np.ndarray
    ) -> np.ndarray:
        """The same of many."""
        gains = masks @ np.array([GAINS[name] for name in methods])
        base = 70 + (8 if plain.compute == "int4" else 0)
        found = base + gains[:, None] + 10 * np.log2(widths)
        return np.where(widths > self.widest, np.nan, found)

    def interval(self, keys: Sequence[cm.DesignKey]) -> tuple[np.ndarray, np.ndarray]:
        """Two points to either side."""
        found = np.array([self.of(key) for key in keys])
        return found - 2, found + 2


def request(
    axes: tuple[Axis, ...], accuracy: Made | None, limits: dict[Axis, float] | None = None, together: int = 5
) -> SearchRequest:
    space = Space.of([PLAIN], METHODS, WIDTHS, ["int16", "int8"], ["binary", "int4"])
    profiles = (cm.load_profile("asic-45nm"), cm.load_profile("fpga-zynq7020"))
    text = "made" if accuracy else "none"
    return SearchRequest(space, profiles, axes, limits or {}, accuracy, text, cells_together=together)


def has_places(key: cm.DesignKey) -> bool:
    return key.compute == "binary" or not NEED_BITS & set(map(str, key.methods))


def designs() -> Iterator[cm.DesignKey]:
    """Every legal design, by trying all subsets."""
    for size in range(len(METHODS) + 1):
        for chosen in combinations(METHODS, size):
            try:
                check_combination(tuple(map(MethodUse.parse, chosen)))
            except cm.BnncostError:
                continue
            for compute in ("binary", "int4"):
                for features in ("int16", "int8"):
                    for width in WIDTHS:
                        methods = f"[{'+'.join(chosen)}]" if chosen else ""
                        settings = f"w{width},compute={compute},features={features}"
                        yield cm.DesignKey.parse(f"resnet20{methods}@{settings}/cifar10")


@cache
def figures(key: cm.DesignKey, profile: str) -> Mapping[Axis, float]:
    """What `cost` says of a design on a shipped profile, asked once for all tests here."""
    cost = cm.cost(key, profile)
    area = cost.area["mm2"] if "mm2" in cost.area else cost.area["lut"]
    return {
        Axis.energy: cost.energy_j,
        Axis.latency: cost.latency_s,
        Axis.area: area,
        Axis.memory: sum(cost.memory_bits.values()),
    }


def beats(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether a point is as good in everything and better in something, but for the last digits."""
    pairs = list(zip(one, other, strict=True))
    return all(a <= b + 1e-11 * abs(b) for a, b in pairs) and any(a < b - 1e-11 * abs(b) for a, b in pairs)


def judged(asked: SearchRequest, place: int) -> list[tuple[float, ...]]:
    """The front by comparing every design with every other; equal points once."""
    profile = asked.profiles[place].name
    points: list[tuple[float, ...]] = []
    for key in filter(has_places, designs()):
        costs = figures(key, profile)
        if any(costs[axis] > most for axis, most in asked.limits.items()):
            continue
        point = [costs[axis] for axis in asked.axes]
        if asked.accuracy is not None:
            made = asked.accuracy
            assert isinstance(made, Made)
            if key.width > made.widest:
                continue
            point.append(-made.of(key))
        points.append(tuple(point))
    front = [one for one in points if not any(beats(other, one) for other in points)]
    distinct: list[tuple[float, ...]] = []
    for one in sorted(front):
        if not any(one == pytest.approx(other, rel=1e-10) for other in distinct):
            distinct.append(one)
    return distinct


def found(asked: SearchRequest, result: SearchResult, place: int) -> list[tuple[float, ...]]:
    points = result.points[result.points["profile"] == place]
    columns = [points[axis.column] for axis in asked.axes]
    columns += [-points["top1"]] if asked.accuracy else []
    return sorted(tuple(map(float, row)) for row in np.column_stack(columns))


@pytest.mark.parametrize(
    ("axes", "accuracy", "limits"),
    [
        ((Axis.energy,), Made(), {}),
        ((Axis.energy, Axis.latency), Made(), {Axis.memory: 600_000}),
        ((Axis.area, Axis.memory), Made(9.0), {}),
        (tuple(Axis), None, {}),
    ],
)
def test_the_front_is_that_of_comparing_all_with_all(
    axes: tuple[Axis, ...], accuracy: Made | None, limits: dict[Axis, float], tmp_path: Path
) -> None:
    asked = request(axes, accuracy, limits)
    result = run_search(asked, tmp_path, Here())
    for place in range(2):
        expected = judged(asked, place)
        assert expected
        mine = found(asked, result, place)
        assert len(mine) == len(expected)
        for one, other in zip(mine, expected, strict=True):
            assert one == pytest.approx(other, rel=1e-10)


def test_points_are_designs_with_those_costs(tmp_path: Path) -> None:
    asked = request((Axis.energy,), Made())
    result = run_search(asked, tmp_path, Here())
    space = asked.space
    for point in result.points:
        key = space.key(space.cell(int(point["cell"])), space.widths[point["width"]], int(point["free"]))
        costs = figures(key, asked.profiles[point["profile"]].name)
        for axis, value in costs.items():
            assert point[axis.column] == pytest.approx(value, rel=1e-12)
        assert point["top1"] == pytest.approx(Made().of(key), rel=1e-12)
        # What costs nothing and gains something is there wherever it has a place.
        names = set(map(str, key.methods))
        assert "ede" in names
        assert ("centre_weights" in names) == (key.compute == "binary")


def test_counts_say_what_kept_designs_from_the_front(tmp_path: Path) -> None:
    """One width has no accuracy; some methods have no place in int4; each design counts on each of two profiles."""
    limit = 2.4e-6
    asked = request((Axis.energy,), Made(), {Axis.energy: limit})
    result = run_search(asked, tmp_path, Here())
    everything = list(designs())
    able = list(filter(has_places, everything))
    known = [key for key in everything if key.width <= 1.2]
    assert asked.space.designs == len(everything)
    over = [
        key
        for profile in asked.profiles
        for key in able
        if key.width <= 1.2 and figures(key, profile.name)[Axis.energy] > limit
    ]
    refused_known = [key for key in known if not has_places(key)]
    centred = [key for key in everything if key.width > 1.2 and key.compute == "int4" and _centred(key)]
    assert result.counts == {
        "unknown": 2 * (len(everything) - len(known) - len(centred)),
        "refused": 2 * (len(refused_known) + len(centred)),
        "unfit": 0,
        "over": len(over),
    }
    total = sum(result.counts.values())
    assert total < 2 * len(everything)


def _centred(key: cm.DesignKey) -> bool:
    return "centre_weights" in map(str, key.methods)


def rows(result: SearchResult) -> list[tuple[object, ...]]:
    return result.points.tolist()  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[object, ...]]:
    """What one search finds that nothing stops."""
    return rows(run_search(request((Axis.energy,), Made()), tmp_path_factory.mktemp("whole"), Here()))


def test_processes_find_what_one_finds(undisturbed: list[tuple[object, ...]], tmp_path: Path) -> None:
    asked = request((Axis.energy,), Made())
    assert rows(run_search(asked, tmp_path, Processes(2, "searches"))) == undisturbed


def test_larger_chunks_find_the_same_designs(tmp_path: Path) -> None:
    small, large = request((Axis.energy,), Made()), request((Axis.energy,), Made(), together=1000)
    first, second = run_search(small, tmp_path, Here()), run_search(large, tmp_path, Here())
    names = ["profile", "cell", "width", "free"]
    assert first.points[names].tolist() == second.points[names].tolist()


class Stopped(Exception):
    pass


def stop_after(chunks: int) -> Callable[[int], None]:
    def ended(number: int) -> None:
        if number >= chunks:
            raise Stopped

    return ended


@pytest.mark.parametrize("broken_line", [b"", b'{"number": 3, "poi'])
def test_a_search_that_was_stopped_goes_on(
    broken_line: bytes, undisturbed: list[tuple[object, ...]], tmp_path: Path
) -> None:
    asked = request((Axis.energy,), Made())
    with pytest.raises(Stopped):
        run_search(asked, tmp_path, Here(), stop_after(3))
    (log,) = tmp_path.iterdir()
    log.write_bytes(log.read_bytes() + broken_line)
    result = run_search(asked, tmp_path, Here())
    assert result.taken_up == 3
    assert rows(result) == undisturbed
    assert not list(tmp_path.glob(".search*"))


def test_a_search_with_another_plugin_or_bnncost_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = request((Axis.energy,), None)
    digests = {asked.digest}
    mine = replace(cm.METHODS["prelu"], name="mine", content="as it was loaded")
    for content in ("as it was loaded", "edited", "edited"):
        monkeypatch.setitem(cm.METHODS, "mine", replace(mine, content=content))
        digests.add(asked.digest)
    monkeypatch.delitem(cm.METHODS, "mine")
    monkeypatch.setattr(versions, "_digest_of_sources", lambda: "another")
    assert len(digests | {asked.digest}) == 4


def of_file(path: Path, channels: int) -> SearchRequest:
    """A search over a network file with so many channels."""
    path.write_text(
        f"summary: s\nimage: [3, 8, 8]\nclasses: 4\nstem: [{{layer: conv, channels: {channels}}}]\n"
        "stages: [{block: plain, channels: 8, blocks: 1}]\n",
        "utf-8",
    )
    space = Space.of(
        [cm.resolve(str(path))], ["prelu", "hardtanh", "double_residual"], [0.5, 1.0], ["int16"], ["binary"]
    )
    chips = (cm.load_profile("asic-45nm"),)
    return SearchRequest(space, chips, (Axis.energy,), {}, None, "none", "compulsory", cells_together=1)


def test_a_stopped_search_does_not_go_on_with_another_network(tmp_path: Path) -> None:
    """Nor does one that runs while its file is edited."""
    asked, path = of_file(tmp_path / "net.yaml", 8), tmp_path / "net.yaml"
    with pytest.raises(Stopped):
        run_search(asked, tmp_path / "out", Here(), stop_after(2))
    other = of_file(path, 9)
    assert run_search(other, tmp_path / "out", Here()).taken_up == 0

    def edited(chunks: int) -> None:
        of_file(path, 8 + chunks)

    with pytest.raises(cm.BnncostError, match="a network file was edited while it was searched"):
        run_search(of_file(path, 8), tmp_path / "other", Here(), edited)
    assert run_search(of_file(path, 8), tmp_path / "out", Here()).taken_up == 2


def bent_lines(log: bytes) -> list[bytes]:
    """A line of nothing, one that was changed, one that another search sealed, and one cut in the middle of the log."""
    first, *others = log.splitlines(keepends=True)
    seal, _, text = first.partition(b" ")
    return [
        b"{}\n" + b"".join(others),
        first.replace(b'"over": ', b'"over": 9') + b"".join(others),
        seal[::-1] + b" " + text + b"".join(others),
        first[:200] + b"\n" + b"".join(others),
    ]


@pytest.mark.parametrize("which", range(4))
def test_a_line_that_does_not_fit_is_searched_again(
    which: int, undisturbed: list[tuple[object, ...]], tmp_path: Path
) -> None:
    asked = request((Axis.energy,), Made())
    with pytest.raises(Stopped):
        run_search(asked, tmp_path, Here(), stop_after(3))
    (log,) = tmp_path.iterdir()
    log.write_bytes(bent_lines(log.read_bytes())[which])
    result = run_search(asked, tmp_path, Here())
    assert result.taken_up == 2
    assert rows(result) == undisturbed


@pytest.mark.parametrize(
    ("name", "value"), [("profile", 2), ("cell", 10**9), ("width", -1), ("free", 10**6), ("energy_j", -1.0)]
)
def test_a_sealed_point_that_no_search_has_is_searched_again(
    name: str, value: float, undisturbed: list[tuple[object, ...]], tmp_path: Path
) -> None:
    asked = request((Axis.energy,), Made())
    front = front_of_chunk(asked, 0)
    front.points[name][0] = value
    with opened_log(asked, tmp_path / "forged") as log:
        log.add(front)
        (path,) = (tmp_path / "forged").iterdir()
        (tmp_path / path.name).write_bytes(path.read_bytes())
    result = run_search(asked, tmp_path, Here())
    assert result.taken_up == 0
    assert rows(result) == undisturbed


def test_what_was_found_is_kept_until_it_is_written(tmp_path: Path) -> None:
    asked = request((Axis.energy,), Made())

    def full(result: SearchResult) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        run_search(asked, tmp_path, Here(), keep=full)
    assert run_search(asked, tmp_path, Here()).taken_up == asked.chunks


def test_one_search_is_done_once_at_a_time(tmp_path: Path) -> None:
    asked = request((Axis.energy,), Made())
    with (
        opened_log(asked, tmp_path),
        pytest.raises(cm.BnncostError, match="another process does this search"),
    ):
        run_search(asked, tmp_path, Here())
    assert run_search(asked, tmp_path, Here()).taken_up == 0


def test_a_chunk_is_the_same_after_json() -> None:
    front = front_of_chunk(request((Axis.energy,), None), 0)
    again = ChunkFront.from_row(json.loads(json.dumps(front.to_row())))
    assert front.points.dtype == again.points.dtype and np.isnan(front.points["top1"]).all()
    for name in front.points.dtype.names or ():
        np.testing.assert_array_equal(front.points[name], again.points[name])
    assert (again.number, again.counts, again.reasons) == (front.number, front.counts, front.reasons)


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "a", "1:2", "2:1:0.1", "1:2:0", "0:1:0.5", "1:2:1e-9", "1:inf:1"]
)
def test_widths_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(cm.BnncostError, match="--widths"):
        read_widths(text)


def test_a_range_of_widths_ends_at_its_last() -> None:
    widths = read_widths("0.25:4:0.05")
    assert (len(widths), widths[0], widths[1], widths[-1]) == (76, 0.25, 0.3, 4.0)


def test_a_search_that_never_began_leaves_no_log(tmp_path: Path) -> None:
    asked = request((Axis.energy,), Made())
    with pytest.raises(cm.BnncostError, match="no cluster"), opened_log(asked, tmp_path):
        raise cm.BnncostError("no cluster")
    assert not list(tmp_path.iterdir())
