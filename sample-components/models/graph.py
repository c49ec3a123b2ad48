"""Builds an ONNX graph node by node."""

import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[Any]
Dimension = int | str

# The newest format that runtimes of 2022 read, and its operators.
IR_VERSION = 8
OPSET = 17


def seeded(name: str) -> np.random.Generator:
    """The source of all that is random in a model of this name."""
    return np.random.default_rng(zlib.crc32(name.encode()))


class Graph:
    """A graph under construction: each method adds a part and gives its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes: list[onnx.NodeProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self.constants: list[onnx.TensorProto] = []

    def input(self, name: str, shape: list[Dimension], element: int = TensorProto.FLOAT) -> str:
        """Declare an input; a dimension that is a word may have any length."""
        self.inputs.append(helper.make_tensor_value_info(name, element, shape))
        return name

    def output(
        self, name: str, value: str, shape: list[Dimension], element: int = TensorProto.FLOAT
    ) -> None:
        """Declare an output, under whose name the node that makes `value` puts it."""
        for node in self.nodes:
            node.output[:] = [name if made == value else made for made in node.output]
            node.input[:] = [name if taken == value else taken for taken in node.input]
        self.outputs.append(helper.make_tensor_value_info(name, element, shape))

    def constant(self, array: Array) -> str:
        """A constant of the array's own type and shape."""
        name = f"{self.name}/constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def weights(self, *arrays: Array | float) -> list[str]:
        """Constants in single precision."""
        return [self.constant(np.asarray(each, np.float32)) for each in arrays]

    def node(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """A node: the name of its output, or of each where there are more."""
        name = f"{self.name}/{operator.lower()}_{len(self.nodes)}"
        made = [name] if outputs == 1 else [f"{name}_{index}" for index in range(outputs)]
        node = helper.make_node(operator, list(inputs), made, name=name)
        for key in sorted(attributes):
            node.attribute.append(helper.make_attribute(key, attributes[key]))
        self.nodes.append(node)
        return made[0] if outputs == 1 else made

    def proto(self) -> onnx.GraphProto:
        """The graph alone, as a body of Loop or If."""
        return helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, self.constants)

    def model(self) -> onnx.ModelProto:
        """The graph as a model."""
        return helper.make_model(
            self.proto(),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )
