"""Networks with random weights, for what runtimes make of their operators."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from golden import TYPES, Made, Tensors, Tolerance
from graph import Array, Graph, seeded

Rng = np.random.Generator

LABELS = ["empty", "person", "pallet", "forklift", "box", "smoke"]


def mlp(rng: Rng) -> Made:
    """Three layers, 8 numbers to the probabilities of 3 classes."""
    return Made(_mlp(rng, np.float32), [{"x": _normal(rng, batch, 8)} for batch in (1, 4)])


def mlp_fp16(_: Rng) -> Made:
    """`mlp` in half precision, its input and output too."""
    inputs = [{"x": case["x"].astype(np.float16)} for case in mlp(seeded("mlp")).inputs]
    return Made(_mlp(seeded("mlp"), np.float16), inputs, Tolerance(4e-3, 1e-2))


def cnn1d(rng: Rng) -> Made:
    """Two convolutions over 3 channels of 64 samples, with BatchNormalization and MaxPool."""
    return Made(_cnn1d(rng, False), [{"x": _normal(rng, batch, 3, 64)} for batch in (1, 3)])


def cnn1d_folded(rng: Rng) -> Made:
    """`cnn1d` with BatchNormalization folded into the convolutions, which quantisation wants."""
    return Made(_cnn1d(rng, True), [{"x": _normal(rng, batch, 3, 64)} for batch in (1, 3)])


def lstm(rng: Rng) -> Made:
    """LSTM over 16 steps of 4 numbers as torch exports it, its first state made from the batch."""
    return _recurrent(rng, "lstm")


def gru(rng: Rng) -> Made:
    """GRU in both directions over 16 steps of 4 numbers."""
    return _recurrent(rng, "gru")


def transformer(rng: Rng) -> Made:
    """Two blocks of attention over 12 tokens of a vocabulary of 32, to 5 logits."""
    vocabulary, length, width, heads = 32, 12, 16, 2
    graph = Graph("transformer")
    tokens = graph.input("tokens", ["N", length], TensorProto.INT64)
    embedding, position = graph.weights(
        rng.normal(0, 1, (vocabulary, width)), rng.normal(0, 0.3, (length, width))
    )
    value = graph.node("Add", graph.node("Gather", embedding, tokens), position)
    for _ in range(2):
        value = graph.node(
            "Add", value, _attention(graph, rng, _norm(graph, rng, value, width), width, heads)
        )
        value = graph.node(
            "Add", value, _feed_forward(graph, rng, _norm(graph, rng, value, width), width)
        )
    pooled = graph.node("ReduceMean", _norm(graph, rng, value, width), axes=[1], keepdims=0)
    graph.output("logits", _dense(graph, rng, pooled, width, 5), ["N", 5])
    inputs = [{"tokens": rng.integers(0, vocabulary, (batch, length))} for batch in (1, 3)]
    return Made(graph.model(), inputs)


def mobilenet_tiny(rng: Rng) -> Made:
    """MobileNetV2's shape at 32 pixels, to the probabilities of the labels in its metadata."""
    blocks = [(1, 8, 1, 1), (4, 12, 2, 2), (4, 16, 2, 2), (4, 24, 2, 1)]
    model = _mobilenet(rng, 32, 8, blocks, 64, len(LABELS))
    onnx.helper.set_model_props(model, {"labels": json.dumps(LABELS)})
    # Two decimals keep the golden file small.
    inputs = [{"image": _uniform(rng, batch, 3, 32, 32)} for batch in (1, 2)]
    return Made(model, inputs)


def mobilenetv2_224(rng: Rng) -> Made:
    """MobileNetV2 as published: 224 pixels, 1000 classes, 3.5 million weights."""
    blocks = [
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ]
    model = _mobilenet(rng, 224, 32, blocks, 1280, 1000)
    return Made(model, [{"image": _uniform(rng, batch, 3, 224, 224)} for batch in (1, 2)])


def loop_if(rng: Rng) -> Made:
    """A Loop of `count` turns whose If depends on the data; gives every turn's mean as well."""
    graph = Graph("loop_if")
    x = graph.input("x", ["N", 4])
    count = graph.input("count", [], TensorProto.INT64)
    going = graph.constant(np.array(True))
    last, means = graph.node("Loop", count, going, x, outputs=2, body=_turn().proto())
    graph.output("y", last, ["N", 4])
    graph.output("means", means, ["count"])
    inputs = [
        {"x": _normal(rng, batch, 4), "count": np.array(turns, np.int64)}
        for batch, turns in ((1, 3), (2, 7), (1, 0))
    ]
    return Made(graph.model(), inputs)


def bools_and_strings(rng: Rng) -> Made:
    """Booleans in and out beside numbers, and strings that pass through."""
    graph = Graph("bools_and_strings")
    x = graph.input("x", ["N", 4])
    limit = graph.input("limit", [])
    enabled = graph.input("enabled", ["N", 1], TensorProto.BOOL)
    names = graph.input("names", ["N"], TensorProto.STRING)
    above = graph.node("And", graph.node("Greater", x, limit), enabled)
    graph.output("above", above, ["N", 4], TensorProto.BOOL)
    graph.output("same", graph.node("Identity", names), ["N"], TensorProto.STRING)
    words = np.array(["pump", "", "Lüfter 2 °C", 'a "quoted" name'], object)
    inputs: list[Tensors] = [
        {
            "x": _normal(rng, batch, 4),
            "limit": np.array(0.25, np.float32),
            "enabled": rng.random((batch, 1)) < 0.7,
            "names": words[:batch],
        }
        for batch in (1, 4)
    ]
    return Made(graph.model(), inputs)


def every_type(rng: Rng) -> Made:
    """A tensor of each type but strings passes through: `in_i8` to `out_i8` and so on."""
    graph = Graph("every_type")
    numbers = {name: kind for name, kind in TYPES.items() if name != "string"}
    for name, kind in numbers.items():
        element = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        value = graph.input(f"in_{name}", ["N"], element)
        graph.output(f"out_{name}", graph.node("Identity", value), ["N"], element)
    inputs = [
        {f"in_{name}": _values(rng, np.dtype(kind), count) for name, kind in numbers.items()}
        for count in (3, 5)
    ]
    return Made(graph.model(), inputs)


def _mlp(rng: Rng, kind: Any) -> onnx.ModelProto:
    graph = Graph("mlp")
    element = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    value = graph.input("x", ["N", 8], element)
    sizes = [8, 32, 32, 3]
    for index, (taken, given) in enumerate(itertools.pairwise(sizes)):
        if index:
            value = graph.node("Relu", value)
        weight = graph.constant(_spread(rng, (taken, given), taken, 2.0).astype(kind))
        bias = graph.constant(rng.normal(0, 0.1, given).astype(kind))
        value = graph.node("Gemm", value, weight, bias)
    graph.output("y", graph.node("Softmax", value, axis=-1), ["N", 3], element)
    return graph.model()


def _cnn1d(rng: Rng, folded: bool) -> onnx.ModelProto:
    graph = Graph("cnn1d")
    value = graph.input("x", ["N", 3, 64])
    for taken, given in ((3, 12), (12, 24)):
        weight, bias = _spread(rng, (given, taken, 5), taken * 5, 2.0), rng.normal(0, 0.1, given)
        scale, shift, mean = rng.uniform(0.8, 1.2, given), *rng.normal(0, 0.2, (2, given))
        variance = rng.uniform(0.5, 1.5, given)
        if folded:
            by = scale / np.sqrt(variance + 1e-5)
            weight, bias = weight * by[:, None, None], (bias - mean) * by + shift
        value = graph.node(
            "Conv", value, *graph.weights(weight, bias), kernel_shape=[5], pads=[2, 2]
        )
        if not folded:
            normalisation = graph.weights(scale, shift, mean, variance)
            value = graph.node("BatchNormalization", value, *normalisation, epsilon=1e-5)
        value = graph.node("MaxPool", graph.node("Relu", value), kernel_shape=[2], strides=[2])
    pooled = graph.node("Flatten", graph.node("GlobalAveragePool", value), axis=1)
    logits = _dense(graph, rng, pooled, 24, 4, gain=0.1)
    graph.output("y", graph.node("Softmax", logits, axis=-1), ["N", 4])
    return graph.model()


def _recurrent(rng: Rng, kind: str) -> Made:
    steps, width, hidden = 16, 4, 12
    gates, ways = (4, 1) if kind == "lstm" else (3, 2)
    graph = Graph(kind)
    x = graph.input("x", ["N", steps, width])
    first = graph.node("Transpose", x, perm=[1, 0, 2])
    weights = graph.weights(
        rng.uniform(-0.5, 0.5, (ways, gates * hidden, width)),
        rng.uniform(-0.5, 0.5, (ways, gates * hidden, hidden)),
        rng.uniform(-0.3, 0.3, (ways, 2 * gates * hidden)),
    )
    state = _zero_state(graph, x, ways, hidden)
    if kind == "lstm":
        every, *_ = graph.node(
            "LSTM", first, *weights, "", state, state, outputs=3, hidden_size=hidden
        )
    else:
        every, _ = graph.node(
            "GRU", first, *weights, "", state,
            outputs=2, hidden_size=hidden, direction="bidirectional", linear_before_reset=1,
        )  # fmt: skip
    # [steps, ways, N, hidden] to [N, steps, ways * hidden], of which the last step counts.
    batch_first = graph.node("Transpose", every, perm=[2, 0, 1, 3])
    joined = graph.node("Reshape", batch_first, graph.constant(np.array([0, 0, ways * hidden])))
    last = graph.node("Gather", joined, graph.constant(np.array(-1)), axis=1)
    graph.output("y", _dense(graph, rng, last, ways * hidden, 3, gain=3.0), ["N", 3])
    return Made(graph.model(), [{"x": _normal(rng, batch, steps, width)} for batch in (1, 4)])


def _zero_state(graph: Graph, x: str, ways: int, hidden: int) -> str:
    """Zeros for each row of the batch, whose length is known only when the model runs."""
    batch = graph.node("Gather", graph.node("Shape", x), graph.constant(np.array([0])), axis=0)
    ends = [graph.constant(np.array([length])) for length in (ways, hidden)]
    shape = graph.node("Concat", ends[0], batch, ends[1], axis=0)
    return str(graph.node("Expand", *graph.weights(np.zeros((1, 1, 1))), shape))


def _attention(graph: Graph, rng: Rng, value: str, width: int, heads: int) -> str:
    split = graph.constant(np.array([0, 0, heads, width // heads]))
    perms = {"query": [0, 2, 1, 3], "key": [0, 2, 3, 1], "value": [0, 2, 1, 3]}
    parts = {}
    for part, perm in perms.items():
        (weight,) = graph.weights(_spread(rng, (width, width), width))
        headed = graph.node("Reshape", graph.node("MatMul", value, weight), split)
        parts[part] = graph.node("Transpose", headed, perm=perm)
    (scale,) = graph.weights(np.sqrt(heads / width))
    scores = graph.node("Mul", graph.node("MatMul", parts["query"], parts["key"]), scale)
    mixed = graph.node("MatMul", graph.node("Softmax", scores, axis=-1), parts["value"])
    joined = graph.node(
        "Reshape",
        graph.node("Transpose", mixed, perm=[0, 2, 1, 3]),
        graph.constant(np.array([0, 0, width])),
    )
    (out,) = graph.weights(_spread(rng, (width, width), width))
    return str(graph.node("MatMul", joined, out))


def _feed_forward(graph: Graph, rng: Rng, value: str, width: int) -> str:
    """Two layers around GELU, which the operators of `OPSET` spell with Erf."""
    rise, bias, fall = graph.weights(
        _spread(rng, (width, 2 * width), width),
        rng.normal(0, 0.1, 2 * width),
        _spread(rng, (2 * width, width), 2 * width),
    )
    root, one, half = graph.weights(np.sqrt(0.5), 1.0, 0.5)
    raised = graph.node("Add", graph.node("MatMul", value, rise), bias)
    bent = graph.node("Add", graph.node("Erf", graph.node("Mul", raised, root)), one)
    gelu = graph.node("Mul", graph.node("Mul", raised, bent), half)
    return str(graph.node("MatMul", gelu, fall))


def _norm(graph: Graph, rng: Rng, value: str, width: int) -> str:
    weights = graph.weights(rng.uniform(0.8, 1.2, width), rng.normal(0, 0.1, width))
    return str(graph.node("LayerNormalization", value, *weights, axis=-1))


def _dense(graph: Graph, rng: Rng, value: str, taken: int, given: int, gain: float = 1.0) -> str:
    weights = _spread(rng, (taken, given), taken, gain), rng.normal(0, 0.1, given)
    return str(graph.node("Gemm", value, *graph.weights(*weights)))


def _mobilenet(
    rng: Rng,
    pixels: int,
    stem: int,
    blocks: list[tuple[int, int, int, int]],
    head: int,
    classes: int,
) -> onnx.ModelProto:
    """Each block is MobileNetV2's (expansion, channels, times, first stride)."""
    graph = Graph("mobilenet")
    image = graph.input("image", ["N", 3, pixels, pixels])
    value = _convolution(graph, rng, image, 3, stem, kernel=3, stride=2)
    channels = stem
    for expansion, given, times, stride in blocks:
        for index in range(times):
            value = _inverted_residual(
                graph, rng, value, channels, given, expansion, 1 if index else stride
            )
            channels = given
    value = _convolution(graph, rng, value, channels, head)
    pooled = graph.node("Flatten", graph.node("GlobalAveragePool", value), axis=1)
    logits = _dense(graph, rng, pooled, head, classes, gain=4.0)
    graph.output("probabilities", graph.node("Softmax", logits, axis=-1), ["N", classes])
    return graph.model()


def _inverted_residual(
    graph: Graph, rng: Rng, value: str, taken: int, given: int, expansion: int, stride: int
) -> str:
    wide, inner = taken * expansion, value
    if expansion != 1:
        inner = _convolution(graph, rng, inner, taken, wide)
    inner = _convolution(graph, rng, inner, wide, wide, kernel=3, stride=stride, groups=wide)
    inner = _convolution(graph, rng, inner, wide, given, bent=False)
    return str(graph.node("Add", value, inner)) if stride == 1 and taken == given else inner


def _convolution(
    graph: Graph,
    rng: Rng,
    value: str,
    taken: int,
    given: int,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
    bent: bool = True,
) -> str:
    """A convolution with its normalisation folded in, and ReLU6 unless told otherwise."""
    fan = taken // groups * kernel**2
    weights = graph.weights(
        _spread(rng, (given, taken // groups, kernel, kernel), fan, 2.0 if bent else 1.0),
        rng.normal(0, 0.1, given),
    )
    made = graph.node(
        "Conv", value, *weights,
        kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[kernel // 2] * 4, group=groups,
    )  # fmt: skip
    return str(graph.node("Clip", made, *graph.weights(0.0, 6.0)) if bent else made)


def _turn() -> Graph:
    """A turn of `loop_if`: values whose mean is above 1 are halved, others grow."""
    body = Graph("turn")
    body.input("turn", [], TensorProto.INT64)
    going = body.input("going", [], TensorProto.BOOL)
    value = body.input("value", ["N", 4])
    (one,) = body.weights(1.0)
    high = body.node("Greater", body.node("ReduceMean", value, keepdims=0), one)
    half, grow = (
        _branch(name, operator, number)
        for name, operator, number in (("half", "Mul", 0.5), ("grow", "Add", 0.75))
    )
    changed = body.node("If", high, then_branch=half.proto(), else_branch=grow.proto())
    mean = body.node("ReduceMean", changed, keepdims=0)
    body.output("still_going", body.node("Identity", going), [], TensorProto.BOOL)
    body.output("changed", changed, ["N", 4])
    body.output("mean", mean, [])
    return body


def _branch(name: str, operator: str, number: float) -> Graph:
    branch = Graph(name)
    branch.output(name, branch.node(operator, "value", *branch.weights(number)), ["N", 4])
    return branch


def _values(rng: Rng, kind: np.dtype[Any], count: int) -> Array:
    """Values of a type, among them the least and the greatest integer."""
    if kind == np.bool_:
        return rng.random(count) < 0.5
    if kind.kind not in "iu":
        return rng.normal(0, 10, count).astype(kind)
    limits = np.iinfo(kind)
    return np.array([limits.min, limits.max, *rng.integers(0, 100, count - 2)], kind)


def _normal(rng: Rng, *shape: int) -> Array:
    return np.round(rng.normal(0, 1, shape), 2).astype(np.float32)


def _uniform(rng: Rng, *shape: int) -> Array:
    return np.round(rng.uniform(0, 1, shape), 2).astype(np.float32)


def _spread(rng: Rng, shape: tuple[int, ...], fan: int, gain: float = 1.0) -> Array:
    """Weights that keep the spread of what so many of them sum up."""
    return rng.normal(0, np.sqrt(gain / fan), shape)


MODELS: dict[str, Callable[[Rng], Made]] = {
    made.__name__: made
    for made in (
        mlp,
        mlp_fp16,
        cnn1d,
        lstm,
        gru,
        transformer,
        mobilenet_tiny,
        loop_if,
        bools_and_strings,
        every_type,
    )
}
