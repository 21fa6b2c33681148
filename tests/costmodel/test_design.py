"""The text form of a design: it reads back as what was written, and every mistake is named."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import design_keys, method_uses

from costmodel.designs.key import DesignKey
from costmodel.designs.network_files import NETWORKS
from costmodel.designs.resolving import published_design, resolve
from costmodel.errors import BnncostError
from costmodel.methods import METHODS, MethodUse, check_combination
from costmodel.methods.site import Composition


@given(key=design_keys())
@settings(max_examples=300, deadline=None)
def test_text_reads_back_as_the_same_design(key: DesignKey) -> None:
    assert DesignKey.parse(str(key)) == key


@given(data=st.data(), name=st.sampled_from(sorted(METHODS)))
@settings(max_examples=150, deadline=None)
def test_a_methods_text_reads_back_as_the_same_method(data: st.DataObject, name: str) -> None:
    use = data.draw(method_uses(name))
    assert MethodUse.parse(str(use)) == use
    assert MethodUse.parse(str(use)).settings() == use.settings()


@given(width=st.integers(500, 640_000).map(lambda steps: steps / 10_000))
def test_every_width_reads_back(width: float) -> None:
    assert DesignKey.parse(f"resnet20@w{width!r}/cifar10").width == width
    assert DesignKey.parse(str(DesignKey("resnet20", "cifar10", width=width))).width == width


@pytest.mark.parametrize(
    "text",
    [
        "resnet20/cifar10",
        "resnet20[double_residual+prelu]@w1.5/cifar10",
        "resnet18[squeeze_excitation(reduction=4)]@features=int8/imagenet",
        "vgg_small@w0.5,compute=int4,edge=int16,padding=zero/cifar100",
        "resnet20@compute=fp32,features=int16/cifar10",
        "resnet20@w1.2345/cifar10",
    ],
)
def test_canonical_text_is_kept(text: str) -> None:
    assert str(DesignKey.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (
            " resnet20[ prelu + double_residual ]@ w1.50 /cifar10",
            "resnet20[double_residual+prelu]@w1.5/cifar10",
        ),
        ("resnet20", "resnet20/cifar10"),
        ("resnet18[prelu]@w0.5", "resnet18[prelu]@w0.5/imagenet"),
        ("resnet20[]/cifar10", "resnet20/cifar10"),
        ("resnet20@/cifar10", "resnet20/cifar10"),
        ("resnet20@w1.0/cifar10", "resnet20/cifar10"),
        ("resnet20@compute=binary,features=int16,edge=int8,padding=one/cifar10", "resnet20/cifar10"),
        ("resnet20@compute=fp32,features=fp32,edge=fp32/cifar10", "resnet20@compute=fp32/cifar10"),
        ("resnet18[squeeze_excitation(reduction=8)]/imagenet", "resnet18[squeeze_excitation]/imagenet"),
        ("resnet20[prelu(early=TRUE)]/cifar10", "resnet20[prelu(early=true)]/cifar10"),
    ],
)
def test_defaults_and_blanks_are_left_out(text: str, canonical: str) -> None:
    assert str(DesignKey.parse(text)) == canonical


@given(uses=st.permutations(["prelu", "double_residual", "learned_threshold", "sgd", "ede_weights"]))
def test_one_network_has_one_name(uses: list[str]) -> None:
    """Methods act where their hook and rank say, so that no order of theirs makes another network."""
    key = DesignKey.parse(f"resnet20[{'+'.join(uses)}]")
    assert str(key) == "resnet20[double_residual+ede_weights+learned_threshold+prelu+sgd]/cifar10"
    assert key == DesignKey.parse("resnet20").with_methods(tuple(map(MethodUse.parse, uses)))


def test_a_width_that_differs_in_name_alone_is_refused() -> None:
    with pytest.raises(
        BnncostError, match=r"width '1.0000001' has more than 4 digits behind the point; write w1\."
    ):
        DesignKey.parse("resnet20@w1.0000001")


@given(key=design_keys(), other=st.randoms())
@settings(max_examples=100, deadline=None)
def test_what_acts_does_not_depend_on_the_order_of_methods(key: DesignKey, other: random.Random) -> None:
    shuffled = list(key.methods)
    other.shuffle(shuffled)
    one, two = Composition(key.methods), Composition(tuple(shuffled))
    for category in ("feature binarizer", "weight binarizer"):
        assert one.estimator(category) == two.estimator(category)
    for method in METHODS.values():
        assert one.on(method.hook) == two.on(method.hook)


def test_floating_point_operands_imply_floating_point_maps() -> None:
    key = DesignKey.parse("resnet20@compute=fp16/cifar10")
    assert (key.features, key.edge) == ("fp16", "fp16")
    key = DesignKey.parse("resnet20@compute=int4/cifar10")
    assert (key.features, key.edge) == ("int16", "int8")


MALFORMED = [
    # text, and what the message must name: the place, the value, the closest allowed name
    ("", ["unknown network ''"]),
    ("/", ["unknown network ''"]),
    ("resnt20/cifar10", ["design 'resnt20/cifar10'", "unknown network 'resnt20'", "did you mean 'resnet20'"]),
    ("resnet20/cifar11", ["unknown data set 'cifar11'", "did you mean 'cifar10'"]),
    ("resnet20[prelo]/cifar10", ["unknown method 'prelo'", "did you mean 'prelu'"]),
    ("resnet20[prelu+]/cifar10", ["a method name is missing", "[prelu+]"]),
    ("resnet20[+]/cifar10", ["a method name is missing"]),
    ("resnet20[prelu/cifar10", ["square brackets do not match", "resnet20[prelu/cifar10"]),
    ("resnet20prelu]/cifar10", ["square brackets do not match"]),
    ("resnet20[prelu][rprelu]/cifar10", ["square brackets do not match"]),
    ("resnet20[prelu]w2/cifar10", ["'w2' after the methods", "begin with '@'"]),
    ("resnet20/cifar10[prelu]", ["unknown data set 'cifar10[prelu]'", "did you mean 'cifar10'"]),
    ("resnet20/", ["design 'resnet20/'", "unknown data set ''"]),
    ("resnet20[prelu+prelu]/cifar10", ["method 'prelu' is given twice"]),
    ("resnet20[prelu+rprelu]/cifar10", ["'prelu' and 'rprelu' cannot be combined", "slot 'activation'"]),
    ("resnet20[prelu(early)]/cifar10", ["method 'prelu'", "option 'early' is ''", "true or false"]),
    ("resnet20[prelu(early=maybe)]/cifar10", ["option 'early' is 'maybe'", "true or false"]),
    (
        "resnet20[prelu(erly=true)]/cifar10",
        ["method 'prelu'", "unknown option 'erly'", "did you mean 'early'"],
    ),
    ("resnet20[prelu(early=true]/cifar10", ["bracket after 'prelu' is not closed"]),
    ("resnet20[prelu(early=true,early=false)]/cifar10", ["option 'early' is given twice"]),
    ("resnet20[adam(rate=1)]/cifar10", ["method 'adam' has no options"]),
    ("resnet20[branches(count=two)]/cifar10", ["option 'count' is 'two'", "a whole number"]),
    ("resnet20[branches(count=2.5)]/cifar10", ["option 'count' is '2.5'", "a whole number"]),
    ("resnet20[branches(count=0)]/cifar10", ["option 'count' is 0", "above 0"]),
    ("resnet20[width(factor=nan)]/cifar10", ["option 'factor' is 'nan'", "a number"]),
    ("resnet20[width(factor=inf)]/cifar10", ["option 'factor' is 'inf'", "a number"]),
    ("resnet20[branches(count=65)]/cifar10", ["option 'count' is 65", "at most be 64"]),
    ("x\0.yaml", ["the character U+0000 stands in no design"]),
    ("resnet20[prelu]\u001b[2J", ["the character U+001B stands in no design"]),
    ("x\ud800.yaml", ["the character U+D800 stands in no design"]),
    ("resnet20[branches(count=1_0)]", ["option 'count' is '1_0'", "a whole number"]),
    ("resnet20[width(factor=1_0)]", ["option 'factor' is '1_0'", "a number"]),
    ("resnet20@w1_0", ["width '1_0'", "from 0.05 to 64"]),
    ("resnet20@w\u0663", ["width '\u0663'", "from 0.05 to 64"]),
    ("resnet20@winfinity", ["width 'infinity'", "from 0.05 to 64"]),
    ("resnet20@input=\u0663\u0662x32", ["must be HEIGHTxWIDTH"]),
    ("resnet20@input=65536x256", ["input '65536x256' must have a height and a width of at most 16384, and"]),
    ("resnet20@input=8192x4096", ["and 16777216 pixels"]),
    ("resnet20@classes=\u0662", ["classes '\u0662'", "a whole number"]),
    ("resnet20@w0/cifar10", ["width '0'", "from 0.05 to 64"]),
    ("resnet20@w-1/cifar10", ["width '-1'", "from 0.05 to 64"]),
    ("resnet20@w65/cifar10", ["width '65'", "from 0.05 to 64"]),
    ("resnet20@wnan/cifar10", ["width 'nan'", "from 0.05 to 64"]),
    ("resnet20@winf/cifar10", ["width 'inf'", "from 0.05 to 64"]),
    ("resnet20@wide/cifar10", ["width 'ide'", "@w1.5"]),
    ("resnet20@w/cifar10", ["width ''", "@w1.5"]),
    ("resnet20@w1,w2/cifar10", ["setting 'w' is given twice"]),
    ("resnet20@features=int8,features=int4/cifar10", ["setting 'features' is given twice"]),
    ("resnet20@feature=int8/cifar10", ["unknown setting 'feature'", "did you mean 'features'"]),
    ("resnet20@features=int7/cifar10", ["unknown value of 'features' 'int7'", "Known:", "int8"]),
    ("resnet20@features/cifar10", ["unknown value of 'features' ''"]),
    ("resnet20@compute=binry/cifar10", ["unknown value of 'compute' 'binry'", "did you mean 'binary'"]),
    ("resnet20@edge=int9/cifar10", ["unknown value of 'edge' 'int9'"]),
    ("resnet20@padding=none/cifar10", ["unknown value of 'padding' 'none'", "did you mean 'one'"]),
    ("resnet20@2/cifar10", ["unknown setting '2'", "w1.5"]),
]


@pytest.mark.parametrize(("text", "parts"), MALFORMED)
def test_a_malformed_text_says_where_what_and_what_is_allowed(text: str, parts: list[str]) -> None:
    with pytest.raises(BnncostError) as caught:
        DesignKey.parse(text)
    for part in parts:
        assert part in str(caught.value)
    assert str(caught.value).rstrip()[-1] in ".'", "a message is a sentence"


@given(text=st.text(st.sampled_from("resnet20[]()=+@,/ w1.5cifarprelu_\n\t")))
@settings(max_examples=300, deadline=None)
def test_no_text_causes_anything_but_a_design_or_its_error(text: str) -> None:
    for attempt in (text, f"resnet20[{text}]/cifar10", f"resnet20@{text}/cifar10"):
        try:
            key = DesignKey.parse(attempt)
        except BnncostError:
            continue
        assert DesignKey.parse(str(key)) == key


def test_related_designs() -> None:
    key = DesignKey.parse("resnet20[double_residual+prelu]@w1.5,features=int8,padding=zero/cifar10")
    assert str(key.plain) == "resnet20@features=int8,padding=zero/cifar10"
    assert str(key.without("prelu")) == "resnet20[double_residual]@w1.5,features=int8,padding=zero/cifar10"
    assert str(key.with_methods(())) == "resnet20@w1.5,features=int8,padding=zero/cifar10"
    with pytest.raises(BnncostError, match="cannot be combined"):
        key.with_methods((MethodUse("prelu"), MethodUse("relu")))


def test_the_same_method_with_other_options_is_still_the_same_method() -> None:
    with pytest.raises(BnncostError, match="'learned_threshold' is given twice"):
        check_combination((MethodUse("learned_threshold"), MethodUse("learned_threshold")))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_name_of_a_network_is_the_network_without_repairs(name: str) -> None:
    """Also where a published design is called nearly like it, as `reactnet-a` is."""
    for key in (resolve(name), resolve(f"{name}/{resolve(name).dataset}")):
        assert (key.network, key.methods, key.width) == (name, (), 1.0)
    assert published_design(name) is None


@pytest.mark.parametrize("text", ["reactnet@w2", "bi_real net[prelu]/imagenet", "BNN@features=int4"])
def test_settings_of_a_published_design_are_added_to_its_text_form(text: str) -> None:
    with pytest.raises(
        BnncostError, match="is a published design; add methods and settings to its text"
    ) as said:
        resolve(text)
    offered = str(said.value).split("'")[-2]
    assert resolve(offered) == resolve(text.partition("@")[0].partition("[")[0])


def test_spaces_round_the_parts_of_a_design_say_nothing() -> None:
    assert str(DesignKey.parse("ResNet20 [ prelu ] @ w1.5 , features = int8 / cifar10")) == (
        "resnet20[prelu]@w1.5,features=int8/cifar10"
    )


@pytest.mark.parametrize("text", ["a" * 100_000, f"resnet20[{'prelu+' * 20_000}]", "resnet20@" + "a" * 4000])
def test_a_long_text_is_refused_at_once_and_not_repeated(text: str) -> None:
    begun = time.process_time()
    with pytest.raises(BnncostError) as caught:
        resolve(text)
    assert time.process_time() - begun < 0.5
    assert len(str(caught.value)) < 600
    assert f"({len(text)} characters)" in str(caught.value)
