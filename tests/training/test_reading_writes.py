"""Modules that write in place: they are read as torch computes them, or refused by name; never misread."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from costmodel.errors import BnncostError
from costmodel.importers.model.source import Model, model_of, parse_model
from costmodel.operations.run import run
from training.reading.capture import capture, record
from training.reading.convert import graph_of

IMAGE = torch.randn((1, 4, 6, 6), generator=torch.Generator().manual_seed(3))


def slice_added(x: torch.Tensor) -> torch.Tensor:
    y = x * 2
    y[:, :2] += x[:, 2:]
    return y + x


def slice_of_a_slice(x: torch.Tensor) -> torch.Tensor:
    y = x * 2
    y[:, 1:3, 2:4] = x[:, :2, :2] * 3
    return y


def one_channel(x: torch.Tensor) -> torch.Tensor:
    y = x * 2
    y[:, 1] = x[:, 0] * 5
    return y


def all_of_it(x: torch.Tensor) -> torch.Tensor:
    y = x * 2
    y[...] = x * 3 + 1
    return y


def clamped_part(x: torch.Tensor) -> torch.Tensor:
    y = x * 2
    y[:, :2].clamp_(0, 1)
    return y


def copied_into_a_part(x: torch.Tensor) -> torch.Tensor:
    y = x * 2
    y[:, 2:].copy_(x[:, 2:].mean((2, 3), keepdim=True).expand(1, 2, 6, 6))
    return y


def whole_then_part(x: torch.Tensor) -> torch.Tensor:
    y = x * 2
    y += 1
    y[:, :1].mul_(3.0)
    return y * 2


def part_set_to_a_number(x: torch.Tensor) -> torch.Tensor:
    y = x * 2
    y[:, 3:] = 0.5
    return y


READ = (
    slice_added, slice_of_a_slice, one_channel, all_of_it, clamped_part, copied_into_a_part, whole_then_part,
    part_set_to_a_number,
)  # fmt: skip


def other_view(x: torch.Tensor) -> torch.Tensor:
    y = x * 2
    flat = y.view(1, -1, 6)
    flat.mul_(3)
    return y + x


def part_of_before(x: torch.Tensor) -> torch.Tensor:
    y = x * 2
    part = y[:, :2]
    y.mul_(3)
    return torch.cat([part, part], 1) + x


def turned(x: torch.Tensor) -> torch.Tensor:
    y = x * 2
    y.transpose(2, 3).add_(x)
    return y


def places(x: torch.Tensor) -> torch.Tensor:
    y = x * 2
    y[:, torch.tensor([0, 2])] = 1.0
    return y


REFUSED = {
    other_view: "aten::mul_",
    part_of_before: "aten::mul_",
    turned: "aten::add_",
    places: "aten::index_put_",
}


class Net(nn.Module):
    def __init__(self, step: object) -> None:
        super().__init__()
        self.step, self.last = step, nn.Conv2d(4, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.step(x))  # type: ignore[operator]


def read(step: object, exported: bool) -> tuple[Model, nn.Module]:
    torch.manual_seed(0)
    module = Net(step).eval()
    captured = capture(module, (4, 6, 6)) if exported else record(module, IMAGE, "recorded")
    return model_of(graph_of(captured, "net"), "net", parse_model("m.pt2@features=fp32")), module


def assert_read_as_torch(step: object, exported: bool) -> None:
    model, module = read(step, exported)
    with torch.no_grad():
        expected = module(IMAGE)[0].numpy()
    found = run(model.network, model.values, IMAGE[0].double().numpy())
    assert np.allclose(found.reshape(-1), expected.reshape(-1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("exported", [True, False], ids=["exported", "recorded"])
@pytest.mark.parametrize("step", READ, ids=lambda step: step.__name__)
def test_a_write_into_a_part_makes_a_new_whole(step: object, exported: bool) -> None:
    assert_read_as_torch(step, exported)


@pytest.mark.parametrize("exported", [True, False], ids=["exported", "recorded"])
@pytest.mark.parametrize("step", REFUSED, ids=lambda step: step.__name__)
def test_what_is_read_by_another_name_after_a_write_is_refused(step: object, exported: bool) -> None:
    with pytest.raises(BnncostError, match=rf"(?s){REFUSED[step]}.*test_reading_writes.py:\d+"):  # type: ignore[index]
        read(step, exported)


def test_the_line_is_told_of_code_in_a_folder_called_torch() -> None:
    code = "def step(x):\n    y = x.clone()\n    z = y[:, :2]\n    y.mul_(2)\n    return y + z.sum()\n"
    space: dict[str, object] = {}
    exec(compile(code, "/home/somebody/torch/net.py", "exec"), space)
    with pytest.raises(BnncostError, match=r"(?s)aten::mul_.*'net.py:4'"):
        read(space["step"], False)


def filled_by_parts(x: torch.Tensor) -> torch.Tensor:
    y = torch.zeros_like(x)
    y[:, :2] = x[:, 2:] * 2
    y[:, 2:] = x[:, :2] * 3
    return y + x


def test_zeros_that_are_filled_are_read_where_torch_exports_them() -> None:
    assert_read_as_torch(filled_by_parts, True)


def test_a_recorded_constant_that_is_written_is_refused() -> None:
    with pytest.raises(BnncostError, match=r"(?s)aten::copy_ into another view.*test_reading_writes.py:\d+"):
        read(filled_by_parts, False)
