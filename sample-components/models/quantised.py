"""Networks in integers of 8 bits, as onnxruntime's quantiser writes them.

Weights take 7 bits (`reduce_range`): with 8, processors without VNNI overflow 16 bits on the way,
and give other numbers than the rest."""

import logging
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

import networks
from golden import Made, Tensors, Tolerance
from graph import Array, Graph, seeded

Rng = np.random.Generator


def mlp_int8(_: Rng) -> Made:
    """`mlp` with its weights in 8 bits; what flows is quantised as it comes."""
    plain = networks.mlp(seeded("mlp"))

    def quantise(source: Path, target: Path) -> None:
        quantize_dynamic(source, target, weight_type=QuantType.QInt8, reduce_range=True)

    return Made(_rewritten(plain.model, quantise), plain.inputs, Tolerance(0.01, 0.0))


def cnn1d_int8_qdq(rng: Rng) -> Made:
    """`cnn1d` with QuantizeLinear and DequantizeLinear around everything, Softmax too."""
    plain = networks.cnn1d_folded(seeded("cnn1d"))
    samples = [{"x": rng.normal(0, 1, (1, 3, 64)).astype(np.float32)} for _ in range(64)]

    def quantise(source: Path, target: Path) -> None:
        quantize_static(
            source,
            target,
            _Samples(samples),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            reduce_range=True,
        )

    return Made(_rewritten(plain.model, quantise), plain.inputs, Tolerance(0.02, 0.0))


def int8_io(rng: Rng) -> Made:
    """A QLinearMatMul with 8-bit integers in and out."""
    graph = Graph("int8_io")
    x = graph.input("x", ["N", 8], TensorProto.INT8)
    weight = rng.integers(-64, 64, (8, 4)).astype(np.int8)
    scales = [np.float32(scale) for scale in (0.05, 0.02, 0.15)]
    zeros = [np.int8(zero) for zero in (3, 0, -5)]
    parts = [
        graph.constant(np.array(part)) for pair in zip(scales, zeros, strict=True) for part in pair
    ]
    y = graph.node("QLinearMatMul", x, *parts[:2], graph.constant(weight), *parts[2:])
    graph.output("y", y, ["N", 4], TensorProto.INT8)
    inputs = [{"x": rng.integers(-128, 128, (batch, 8)).astype(np.int8)} for batch in (1, 5)]
    return Made(graph.model(), inputs)


class _Samples(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, samples: list[Tensors]) -> None:
        self.samples: Iterator[Tensors] = iter(samples)

    def get_next(self) -> dict[str, Array] | None:
        return next(self.samples, None)


def _rewritten(model: onnx.ModelProto, rewrite: Callable[[Path, Path], None]) -> onnx.ModelProto:
    """What a function of files makes of a model."""
    # The quantiser advises to prepare models, which these are.
    logging.getLogger().setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "plain.onnx"), Path(folder, "quantised.onnx")
        onnx.save(model, source)
        rewrite(source, target)
        return onnx.load(target)


MODELS: dict[str, Callable[[Rng], Made]] = {
    made.__name__: made for made in (mlp_int8, cnn1d_int8_qdq, int8_io)
}
