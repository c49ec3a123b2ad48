"""Predictions by machine-learning models that are on the device by name.

    outputs = inference.run("anomaly", [Tensor.of("sensors", [1, 8], "fp32", readings)])
    [error] = outputs["error"].values("fp32")
"""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wit_world.imports import inference
from wit_world.imports.inference import ModelInfo

from ._host import host_call

# How `struct` writes the elements. Those of bf16 are the upper halves of fp32.
_CODES = {"fp16": "e", "bf16": "H", "fp32": "f", "fp64": "d", "boolean": "?"}
_CODES |= {"i8": "b", "i16": "h", "i32": "i", "i64": "q", "u8": "B", "u16": "H", "u32": "I", "u64": "Q"}


@dataclass(frozen=True, slots=True)
class Tensor:
    """A named array of numbers; `element` as in the WIT package, for example `fp32`."""

    name: str
    shape: Sequence[int]
    element: str
    data: bytes

    @classmethod
    def of(cls, name: str, shape: Sequence[int], element: str, values: Sequence[Any]) -> "Tensor":
        """A tensor of these numbers, booleans or strings, in row-major order."""
        if math.prod(shape) != len(values):
            raise ValueError(f"{name} has the shape {list(shape)} and {len(values)} elements")
        if element == "text":
            texts = [value.encode() for value in values]
            return cls(name, shape, element, b"".join(struct.pack("<I", len(text)) + text for text in texts))
        if element == "bf16":
            values = [_to_bf16(value) for value in values]
        return cls(name, shape, element, struct.pack(f"<{len(values)}{_CODES[element]}", *values))

    def values(self, element: str | None = None) -> list[Any]:
        """The elements; raises `TypeError` where they are not of the type that is asked for."""
        if element not in (None, self.element):
            raise TypeError(f"{self.name} holds {self.element}, not {element}")
        if self.element == "text":
            return _texts(self.data)
        code = _CODES[self.element]
        values = list(struct.unpack(f"<{len(self.data) // struct.calcsize('<' + code)}{code}", self.data))
        return [_from_bf16(value) for value in values] if self.element == "bf16" else values


def models() -> list[str]:
    """The names of the models this component may use."""
    with host_call():
        return inference.models()


def describe(model: str) -> ModelInfo:
    """What is known of a model. Loads it, if it is not loaded."""
    with host_call():
        return inference.describe(model)


def run(model: str, inputs: Sequence[Tensor], *, deadline_ms: int | None = None) -> dict[str, Tensor]:
    """Run a model on every input once; gives its outputs by their names, in its own order."""
    raw = [inference.Tensor(t.name, list(t.shape), inference.ElementType[t.element.upper()], t.data) for t in inputs]
    with host_call():
        outputs = inference.run(model, raw, deadline_ms)
    return {t.name: Tensor(t.name, t.shape, t.element.name.lower(), t.data) for t in outputs}


def softmax(scores: Sequence[float]) -> list[float]:
    """Scores as shares that add up to 1. One that is not a number makes them all so."""
    most = max((score for score in scores if score == score), default=-math.inf)
    # The greatest ones count 1, also where they are infinite.
    weights = [1.0 if score == most else math.exp(score - most) for score in scores]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def argmax(scores: Sequence[float]) -> int | None:
    """The place of the greatest score, the first one of equal ones; `None` where none is a number."""
    return next((index for index, _ in top_k(scores, 1)), None)


def top_k(scores: Sequence[float], k: int) -> list[tuple[int, float]]:
    """The `k` greatest scores and their places, greatest first and the first one of equal ones.

    Those that are not numbers are left out.
    """
    best = [(index, score) for index, score in enumerate(scores) if score == score]
    return sorted(best, key=lambda place: -place[1])[:k]


def labels(text: str) -> list[str]:
    """The labels in a text that has one a line."""
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []


def top_labels(labels: Sequence[str], scores: Sequence[float], k: int) -> list[tuple[str, float]]:
    """As `top_k`, with labels, of which there must be as many as scores."""
    if len(labels) != len(scores):
        raise ValueError(f"{len(labels)} labels for {len(scores)} scores")
    return [(labels[index], score) for index, score in top_k(scores, k)]


def _texts(data: bytes) -> list[str]:
    texts, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        at += 4 + length
        if at > len(data):
            raise ValueError("a string is cut off")
        texts.append(data[at - length : at].decode())
    return texts


def _to_bf16(number: float) -> int:
    (bits,) = struct.unpack("<I", struct.pack("<f", number))
    # To the nearest, and where two are as near, to the even one.
    return bits >> 16 | 0x40 if number != number else bits + 0x7FFF + (bits >> 16 & 1) >> 16


def _from_bf16(bits: int) -> float:
    return struct.unpack("<f", struct.pack("<I", bits << 16))[0]
