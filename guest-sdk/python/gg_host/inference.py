"""Predictions by machine-learning models that the recipe names as artifacts."""

from array import array
from dataclasses import dataclass
from collections.abc import Sequence

from wit_world.imports import inference
from wit_world.imports.inference import ModelInfo

from ._host import host_call

# The type codes of `array`, which a tensor's numbers can be.
_CODES = {"fp32": "f", "fp64": "d", "i8": "b", "i16": "h", "i32": "i", "i64": "q"}
_CODES |= {"u8": "B", "u16": "H", "u32": "I", "u64": "Q"}


@dataclass(frozen=True, slots=True)
class Tensor:
    """A named array of numbers; `element` as in the WIT package, for example `fp32`."""

    name: str
    shape: Sequence[int]
    element: str
    data: bytes

    @classmethod
    def of(cls, name: str, shape: Sequence[int], element: str, values: Sequence[float]) -> "Tensor":
        """A tensor of these numbers."""
        return cls(name, shape, element, array(_CODES[element], values).tobytes())

    def values(self) -> array:
        """The numbers; raises `KeyError` for an element type that Python has no array of."""
        return array(_CODES[self.element], self.data)


def models() -> list[str]:
    """The names of the models this component may use."""
    with host_call():
        return inference.models()


def describe(model: str) -> ModelInfo:
    """What is known of a model."""
    with host_call():
        return inference.describe(model)


def run(model: str, inputs: Sequence[Tensor], *, deadline_ms: int | None = None) -> list[Tensor]:
    """Run a model."""
    raw = [inference.Tensor(t.name, list(t.shape), inference.ElementType[t.element.upper()], t.data) for t in inputs]
    with host_call():
        outputs = inference.run(model, raw, deadline_ms)
    return [Tensor(t.name, t.shape, t.element.name.lower(), t.data) for t in outputs]
