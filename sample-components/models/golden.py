"""Golden vectors: what onnxruntime answers, written so that any runtime can be held to it."""

import ctypes
import dataclasses
import json
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import onnxruntime as ort

from graph import Array

Tensors = dict[str, Array]

# The name of each type in the files, and numpy's type for it.
TYPES: dict[str, Any] = {
    "fp16": np.float16,
    "bf16": ml_dtypes.bfloat16,
    "fp32": np.float32,
    "fp64": np.float64,
    "i8": np.int8,
    "i16": np.int16,
    "i32": np.int32,
    "i64": np.int64,
    "u8": np.uint8,
    "u16": np.uint16,
    "u32": np.uint32,
    "u64": np.uint64,
    "bool": np.bool_,
    "string": np.object_,
}
NAMES = {np.dtype(kind): name for name, kind in TYPES.items()}
FLOATS = ("fp16", "bf16", "fp32", "fp64")

UNOPTIMISED = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
OPTIMISED = ort.GraphOptimizationLevel.ORT_ENABLE_ALL


@dataclasses.dataclass(frozen=True)
class Tolerance:
    """A number may be off by `absolute + relative * |expected|`."""

    absolute: float = 1e-5
    relative: float = 1e-4


@dataclasses.dataclass(frozen=True)
class Made:
    """A model with the inputs that its golden vectors are to answer."""

    model: onnx.ModelProto
    inputs: list[Tensors]
    tolerance: Tolerance = Tolerance()


def run(model: bytes, inputs: list[Tensors], level: ort.GraphOptimizationLevel) -> list[Tensors]:
    """What onnxruntime answers, on one thread; outputs that are no tensors are left out."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = level
    options.log_severity_level = 3
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [port.name for port in session.get_outputs() if port.type.startswith("tensor")]
    return [dict(zip(names, _answer(session, names, case), strict=True)) for case in inputs]


def worst(expected: list[Tensors], found: list[Tensors], tolerance: Tolerance) -> float:
    """How much of the tolerance the worst element takes: more than 1 is a difference."""
    most = 0.0
    for one, other in zip(expected, found, strict=True):
        for name, want in one.items():
            got = other[name]
            if got.shape != want.shape or got.dtype != want.dtype:
                return float("inf")
            if NAMES[want.dtype] in ("bool", "string"):
                most = max(most, 0.0 if np.array_equal(want, got) else float("inf"))
                continue
            wide, off = want.astype(np.float64), got.astype(np.float64) - want.astype(np.float64)
            allowed = tolerance.absolute + tolerance.relative * np.abs(wide)
            most = max(most, float(np.max(np.abs(off) / allowed, initial=0.0)))
    return most


def write(path: Path, inputs: list[Tensors], outputs: list[Tensors], tolerance: Tolerance) -> None:
    """Write the golden file, a case a line."""
    cases = [
        json.dumps(
            {"inputs": _tensors(taken), "outputs": _tensors(given)},
            separators=(",", ":"),
            ensure_ascii=False,
            allow_nan=False,
        )
        for taken, given in zip(inputs, outputs, strict=True)
    ]
    head = json.dumps(dataclasses.asdict(tolerance))
    body = ",\n    ".join(cases)
    text = f'{{\n  "tolerance": {head},\n  "cases": [\n    {body}\n  ]\n}}\n'
    path.write_text(text, encoding="utf-8")


def read(path: Path) -> tuple[list[Tensors], list[Tensors], Tolerance]:
    """The inputs, the outputs and the tolerance of a golden file."""
    golden = json.loads(path.read_text(encoding="utf-8"))
    sides = [
        [
            {
                name: np.array(tensor["data"], TYPES[tensor["type"]]).reshape(tensor["shape"])
                for name, tensor in case[side].items()
            }
            for case in golden["cases"]
        ]
        for side in ("inputs", "outputs")
    ]
    return sides[0], sides[1], Tolerance(**golden["tolerance"])


def _tensors(tensors: Tensors) -> dict[str, Any]:
    return {
        name: {
            "type": NAMES[array.dtype],
            "shape": list(array.shape),
            "data": [_element(NAMES[array.dtype], element) for element in array.reshape(-1)],
        }
        for name, array in tensors.items()
    }


def _element(kind: str, element: Any) -> Any:
    """An element for JSON: a float is the shortest decimal that reads back to it."""
    if kind == "string":
        return str(element)
    if kind == "bool":
        return bool(element)
    if kind not in FLOATS:
        return int(element)
    if not np.isfinite(element):
        raise ValueError(f"{element} is not an ordinary number")
    if kind == "bf16":
        return _shortest(element)
    return float(str(element))


def _shortest(element: Any) -> float:
    """numpy knows the shortest decimals of its own types only."""
    decimals = (float(f"{float(element):.{digits}g}") for digits in range(1, 10))
    return next(each for each in decimals if ml_dtypes.bfloat16(each) == element)


def _answer(session: ort.InferenceSession, names: list[str], case: Tensors) -> list[Array]:
    """onnxruntime takes strings from numpy alone, and bfloat16 only as values of its own."""
    if all(array.dtype != ml_dtypes.bfloat16 for array in case.values()):
        return [np.asarray(array) for array in session.run(names, case)]
    values = session.run_with_ort_values(names, {name: _value(case[name]) for name in case})
    return [_array(value) for value in values]


def _value(array: Array) -> ort.OrtValue:
    if array.dtype == ml_dtypes.bfloat16:
        words = np.ascontiguousarray(array).view(np.uint16)
        return ort.OrtValue.ortvalue_from_numpy_with_onnx_type(words, onnx.TensorProto.BFLOAT16)
    return ort.OrtValue.ortvalue_from_numpy(array)


def _array(value: ort.OrtValue) -> Array:
    """onnxruntime gives numpy no bfloat16, so its bytes are read where they are."""
    if value.element_type() != onnx.TensorProto.BFLOAT16:
        return np.asarray(value.numpy())
    data = ctypes.string_at(value.data_ptr(), value.tensor_size_in_bytes())
    return np.frombuffer(data, ml_dtypes.bfloat16).reshape(value.shape())
