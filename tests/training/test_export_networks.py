"""Deployed networks: the same bits as torch in floats, exact fixed point, and files that anyone can run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from strategies import NARROW, any_values, small_key

import training.export.fixed_rules  # noqa: F401
from costmodel.builder import Builder
from costmodel.designs.catalogue import DATASETS
from costmodel.designs.key import DesignKey
from costmodel.designs.network_files import backbone_of
from costmodel.designs.settings import COMPUTE, PADDING
from costmodel.errors import BnncostError
from costmodel.folding import fold
from costmodel.graph import BINARY, precision
from costmodel.methods import METHODS
from costmodel.networks.build import build
from costmodel.operations import OPERATIONS, known
from training.data.augment import eight_bit
from training.data.dataset import Part
from training.export.checking import compared
from training.export.compiling import fixed_program, float_program
from training.export.files import load_deployment, write_deployment
from training.export.fixed_point import FIXED_RULES, Fixed, Number, fixed_rule, limits
from training.export.packing import whole
from training.export.program import Program
from training.module.lower import Lowered, load_values, lower

NORMALIZATION = eight_bit(1)
SLICES = DesignKey.parse(
    "resnet20[boolean_shortcut(slices=2,concatenate=true)+binary_shortcut(pool=true)]@w0.25,padding=replicate/digits"
)
LEAVES_A_MARK = [
    name
    for name, item in METHODS.items()
    if item.hook not in ("recipe", "width") or item.estimator == "siman"
]
"""Methods after which another network runs; of estimators, only this one changes what is stored."""


def key_of(*names: str, network: str = "resnet20", **settings: str) -> DesignKey:
    return small_key(network, *names, **settings)


def made(key: DesignKey, seed: int = 0) -> Lowered:
    """A network of arbitrary values, norms of either sign among them, scaled so that sums stay near one."""
    network = build(key)
    values = any_values(network, np.random.default_rng(seed))
    for param in network.learned():
        if param.name.rsplit(".", 1)[-1].startswith(("gamma", "step", "window_share")):
            values[param.name] = values[param.name] * 0.25
    model = lower(network)
    load_values(model, values)
    return model.eval()


def some_images(count: int = 6, seed: int = 1, shape: tuple[int, ...] = (1, 8, 8)) -> Part:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (count, *shape), generator=generator, dtype=torch.uint8)
    return Part(images, torch.zeros(count, dtype=torch.int64))


def fixed_of(key: DesignKey, features: str, seed: int = 0) -> Program:
    return fixed_program(made(key, seed), key, features, NORMALIZATION, some_images(seed=2).images.numpy())


def assert_exact(program: Program, images: np.ndarray) -> None:
    """Judge every operation: its meaning in doubles on the values that the numbers stand for, rounded once.

    Doubles hold all of them exactly. Where the meaning multiplies by 1/6 or 1/49 and the chip by 16 bits, or reads a
    table, one unit of the last place is allowed.
    """
    names = [op.output.name for op in program.network.ops]
    found = {**program.maps(images, names), program.network.input.name: program.input_of(images)}
    for op in program.network.ops:
        inputs = [
            np.ldexp(found[item.name].astype(float), -program.exponents[item.name]) for item in op.inputs
        ]
        params = [program.arrays[param.name].numbers() for param in op.params]
        exponent = program.exponents[op.output.name]
        if "step" in op.attributes:
            steps = program.arrays[str(op.attributes["step"])].numbers()
            params[0] = params[0] * steps.reshape(-1, *[1] * (params[0].ndim - 1))
        if op.kind == "threshold":
            inputs = [found[op.inputs[0].name].astype(float)]
        exact = inputs[0] if op.kind == "quantize" else known(op.kind).meaning(op, inputs, params)
        low, high = limits(op.output.precision)
        expected = np.clip(np.rint(np.ldexp(exact, exponent)), low, high)
        off = np.abs(found[op.output.name] - expected).max()
        allowed = 0.0
        if op.kind in ("hard_sigmoid", "sample_mean", "average_pool", "global_average_pool"):
            allowed = 1.0
        elif op.kind == "sigmoid":
            allowed = (
                1 + 2.0**exponent / 128
            )  # the index is rounded to sixteenths, and the slope is 1/4 at most
        assert off <= allowed, (op.kind, op.layer, off)


@pytest.mark.parametrize("name", LEAVES_A_MARK)
def test_every_method_deploys(name: str) -> None:
    key = key_of(name, padding=PADDING[LEAVES_A_MARK.index(name) % len(PADDING)])
    model, images = made(key), some_images()
    found = compared(model, float_program(model, key, NORMALIZATION), images, NORMALIZATION, torch_sums=True)
    assert (found.differing, found.same) == (0, len(images)) and found.bits > 0
    features = ("int16", "int8", "int6", "int4")[LEAVES_A_MARK.index(name) % 4]
    assert_exact(fixed_of(key, features), images.images.numpy())


@pytest.mark.parametrize("network", NARROW)
def test_every_backbone_deploys(network: str) -> None:
    key = key_of(network=network)
    shape = DATASETS[key.dataset].image
    model, images, normalization = made(key), some_images(shape=shape), eight_bit(shape[0])
    for torch_sums in (True, False):
        program = float_program(model, key, normalization)
        found = compared(model, program, images, normalization, torch_sums=torch_sums)
        assert (found.differing, found.same) == (0, len(images)) and found.bits > 0
    calibration = some_images(seed=2, shape=shape).images.numpy()
    assert_exact(fixed_program(model, key, "int8", normalization, calibration), images.images.numpy())


@pytest.mark.parametrize("text", ["compute=int4", "compute=int8,edge=int16"])
def test_a_chip_rounds_to_the_powers_of_two_that_were_trained_with(text: str) -> None:
    key = DesignKey.parse(f"resnet20@w0.25,{text}/digits")
    model = made(key)
    steps = [op for op in model.network.ops if op.kind == "quantize"]
    with torch.no_grad():
        for number, op in enumerate(steps):
            model.value(op.params[0]).fill_(
                2.0 ** -(number % 5) * (0.8 + 0.1 * (number % 6))
            )  # 0.8 to 1.3 of it
    program = fixed_program(model, key, "int16", NORMALIZATION, some_images(seed=2).images.numpy())
    found = {
        op.layer: program.exponents[op.output.name] for op in program.network.ops if op.kind == "quantize"
    }
    assert len(found) > 15
    expected = {op.layer: number % 5 for number, op in enumerate(steps)}
    assert {layer: expected[layer] for layer in found} == found


@pytest.mark.parametrize("text", ["compute=int4", "compute=ternary,features=int8", "compute=int8,edge=int16"])
def test_integer_references_deploy(text: str) -> None:
    key = DesignKey.parse(f"resnet20@w0.25,{text}/digits")
    model, images = made(key), some_images()
    program = float_program(model, key, NORMALIZATION)
    found = compared(model, program, images, NORMALIZATION, torch_sums=True)
    assert (found.bits, found.same) == (0, len(images))
    assert_exact(fixed_of(key, "int8"), images.images.numpy())


def test_every_operation_that_can_be_left_has_a_fixed_point_rule() -> None:
    left = {
        op.kind
        for network in NARROW
        for name in LEAVES_A_MARK
        if backbone_of(network).offers(METHODS[name].hook)
        for op in fold(build(key_of(name, network=network))).running()
    }
    left |= {
        op.kind
        for compute in COMPUTE
        for op in fold(build(DesignKey.parse(f"resnet20@w0.25,compute={compute}/digits"))).running()
    }
    left |= {op.kind for op in fold(build(SLICES)).running()}
    assert left <= set(FIXED_RULES) <= set(OPERATIONS)
    assert set(FIXED_RULES) - left == {"subtract"}  # which folds away before what is built


def test_rules_that_always_fold_away_by_hand() -> None:
    g = Builder("toy", (1, 1, 2), precision("int8"), precision("int8"))
    y = g.subtract(g.power_of_two(g.input, g.param("exponent", (1,), "C")), g.input)
    shift, difference = g.finish(y).ops
    x = Number(np.array([3, -5]).reshape(1, 1, 1, 2), 2)  # 0.75 and -1.25
    doubled = fixed_rule("power_of_two")(Fixed(shift, [x], [whole(np.array([3]), 8)], {}))
    assert np.ldexp(doubled.q.astype(float), -doubled.exponent).flatten().tolist() == [6, -10]
    made = fixed_rule("subtract")(Fixed(difference, [doubled, x], [], {}))
    assert np.ldexp(made.q.astype(float), -made.exponent).flatten().tolist() == [5.25, -8.75]


def test_several_bits_a_channel_deploy() -> None:
    model, images = made(SLICES), some_images()
    program = float_program(model, SLICES, NORMALIZATION)
    assert compared(model, program, images, NORMALIZATION, torch_sums=True).differing == 0
    assert_exact(fixed_of(SLICES, "int8"), images.images.numpy())


def test_floats_are_refused_in_fixed_point() -> None:
    for text in ("resnet20@w0.25,edge=fp32/digits", "resnet20[real_shortcut(operands=fp16)]@w0.25/digits"):
        key = DesignKey.parse(text)
        with pytest.raises(
            BnncostError, match=r"'(conv|quantize)' in layer .* computes in fp(32|16), so it cannot"
        ):
            fixed_program(made(key), key, "int8", NORMALIZATION, some_images().images.numpy())


def test_numbers_that_training_spoilt_are_refused() -> None:
    key = key_of()
    model = made(key)
    with torch.no_grad():
        model.value(model.network.learned()[3]).fill_(torch.nan)
    with pytest.raises(BnncostError, match="holds values that are no numbers"):
        float_program(model, key, NORMALIZATION)


def test_variances_that_training_cannot_leave_are_refused() -> None:
    key = key_of()
    model = made(key)
    variance = next(op.params[3] for op in model.network.ops if op.kind == "batch_norm")
    with torch.no_grad():
        model.value(variance)[0] = -1e-3
    for program in (
        lambda: float_program(model, key, NORMALIZATION),
        lambda: fixed_program(model, key, "int8", NORMALIZATION, some_images().images.numpy()),
    ):
        with pytest.raises(BnncostError, match=f"the variances '{variance.name}' are below zero"):
            program()


def test_more_bits_follow_the_floats_more_closely() -> None:
    key, images = key_of("double_residual"), some_images(40).images.numpy()
    model = made(key)
    exact = float_program(model, key, NORMALIZATION).maps(images, ["t2"])["t2"]
    errors = []
    for features in ("int4", "int6", "int8", "int16"):
        program = fixed_program(model, key, features, NORMALIZATION, images)
        norm = next(op.output.name for op in program.network.ops if op.kind == "affine")
        stored = np.ldexp(program.maps(images, [norm])[norm].astype(float), -program.exponents[norm])
        errors.append(float(np.abs(stored - exact).mean()))
    assert errors == sorted(errors, reverse=True) and errors[-1] < 1e-3 * np.abs(exact).mean()


def test_widths_and_weights_are_those_of_the_design() -> None:
    """The plain network at int8: 1 bit for inner weights, 8 for edges, thresholds of whole sums."""
    key = key_of()
    model = made(key)
    program = fixed_program(model, key, "int8", NORMALIZATION, some_images().images.numpy())
    signs = {name: array for name, array in program.arrays.items() if array.signs and array.values.ndim == 4}
    assert len(signs) == 18
    latent = model.value(next(p for p in model.network.learned() if p.name == "stage1.block1.conv1.weight"))
    stored = next(array for name, array in signs.items() if name.startswith("stage1.block1.conv1."))
    assert np.array_equal(stored.values, np.where(latent.detach().numpy() >= 0, 1, -1))
    edge = [
        array
        for name, array in program.arrays.items()
        if name.startswith(("stem.weight", "classifier.weight"))
    ]
    assert {array.bits for array in edge} == {
        8,
        16,
    }  # the weights, and the step of those that no norm follows
    assert {array.values.dtype.kind for array in program.arrays.values()} == {"i"}
    thresholds = [op for op in program.network.ops if op.kind == "threshold"]
    assert thresholds and all(op.inputs[0].precision.label == "int16" for op in thresholds)
    assert program.exponents[program.network.input.name] == 6  # (b - 128) / 64


# ------------------------------------------------------------------ files


DESIGN = ("double_residual", "prelu", "squeeze_excitation")


@pytest.mark.parametrize("features", ["fp32", "int8", "int6"])
def test_files_hold_all_there_is(features: str, tmp_path: Path) -> None:
    key, images = key_of(*DESIGN), some_images().images.numpy()
    model = made(key)
    program = (
        float_program(model, key, NORMALIZATION) if features == "fp32"
        else fixed_program(model, key, features, NORMALIZATION, images)
    )  # fmt: skip
    files = write_deployment(program, tmp_path)
    assert [path.name for path in files] == ["network.safetensors", "network.json"]
    back = load_deployment(tmp_path)
    assert np.array_equal(back.scores(images), program.scores(images))
    assert (back.design, back.features, back.stored_bits) == (str(key), features, program.stored_bits)
    arrays = load_file(tmp_path / "network.safetensors")
    signs = [name for name, array in program.arrays.items() if array.signs and array.values.ndim == 4]
    for name in signs:  # unpacked by hand, as the description says
        bits = np.unpackbits(arrays[name])[: program.arrays[name].values.size]
        assert np.array_equal(bits == 1, program.arrays[name].values.reshape(-1) > 0)
    assert json.loads((tmp_path / "network.json").read_text())["version"] == 1


def test_files_run_without_torch_and_without_building_a_network(tmp_path: Path) -> None:
    key, images = key_of(*DESIGN), some_images().images.numpy()
    program = fixed_of(key, "int8")
    write_deployment(program, tmp_path)
    np.save(tmp_path / "images.npy", images)
    code = (
        "import sys, numpy as np\n"
        "from training.export.files import load_deployment\n"
        "classes = load_deployment(sys.argv[1]).classify(np.load(sys.argv[1] + '/images.npy'))\n"
        "assert 'torch' not in sys.modules and 'training.module.lower' not in sys.modules\n"
        "print(*classes)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False,
                          cwd=Path(__file__).parents[2])  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(number) for number in program.classify(images)]


@pytest.fixture
def deployed(tmp_path: Path) -> Path:
    write_deployment(fixed_of(key_of(), "int8"), tmp_path)
    return tmp_path


def changed(folder: Path, **entries: object) -> None:
    path = folder / "network.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


def test_other_files_are_refused(deployed: Path, tmp_path: Path) -> None:
    for entries, sentence in (
        ({"format": "else"}, "does not describe a network that bnncost exported"),
        ({"version": 2}, "is of version 2; this bnncost reads version 1: install a newer bnncost"),
        ({"version": "0"}, "is of version '0'; this bnncost reads version 1: export it again"),
        ({"version": 1, "maps": {}}, "do not make a network .*; export it again"),
    ):
        before = (deployed / "network.json").read_text()
        changed(deployed, **entries)
        with pytest.raises(BnncostError, match=sentence):
            load_deployment(deployed)
        (deployed / "network.json").write_text(before)
    with pytest.raises(BnncostError, match="cannot be read: no such file"):
        load_deployment(tmp_path / "nowhere")


def test_damaged_files_are_refused(deployed: Path) -> None:
    path, text = deployed / "network.json", (deployed / "network.json").read_text()
    path.write_text(text[:-40])
    with pytest.raises(BnncostError, match="is damaged: it is not JSON"):
        load_deployment(deployed)
    path.write_text(text.replace('"kind": "conv"', '"kind": "convv"', 1))
    with pytest.raises(BnncostError, match="unknown operation 'convv'; did you mean 'conv'"):
        load_deployment(deployed)
    path.write_text(text)
    arrays = load_file(deployed / "network.safetensors")
    name = next(iter(arrays))
    for content, sentence in (
        ({key: array for key, array in arrays.items() if key != name}, "is missing"),
        ({**arrays, name: arrays[name][:-1]}, "bytes cannot hold"),
        ({**arrays, name: arrays[name].astype(np.float32)}, "is of an unknown form"),
    ):
        save_file(content, deployed / "network.safetensors")
        with pytest.raises(BnncostError, match=sentence):
            load_deployment(deployed)
    (deployed / "network.safetensors").write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00{}")
    with pytest.raises(BnncostError, match=r"network.safetensors' is damaged"):
        load_deployment(deployed)


def test_images_of_another_kind_are_refused(deployed: Path) -> None:
    program = load_deployment(deployed)
    for images in (np.zeros((1, 1, 8, 8), np.float32), np.zeros((1, 1, 8, 9), np.uint8)):
        with pytest.raises(BnncostError, match=r"reads bytes of shape \(N, 1, 8, 8\), not"):
            program.classify(images)
    assert program.binary_maps() and all(
        op.output.precision == BINARY for op in program.network.ops if op.output.name in program.binary_maps()
    )
