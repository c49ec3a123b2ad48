"""Makes hostile ONNX models: what a stranger might deploy to stop, slow or read a device.

    hostile.py FOLDER            all of them into the folder
    hostile.py FOLDER --small    those that are kept in `hostile/` beside this file

Prints a JSON list of what was made: the file, what is wrong with it, and what must fail.

    load      it must be refused before it runs
    run       it may load; running it must end in an error, by a limit of time or memory if need be
    either    the one or the other
    neither   nothing is wrong but its size: it gives the `y` told, or is refused

Nothing may crash, hang, read another file or answer otherwise. Whatever loads takes one input, `x`
of fp32 [1, 2]; any numbers will do. Needs the package `onnx`."""

import argparse
import dataclasses
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto
from onnx.helper import (
    make_attribute,
    make_graph,
    make_model,
    make_node,
    make_opsetid,
    make_tensor_value_info,
)
from onnx.numpy_helper import from_array

# Larger files are made when they are wanted.
SMALL = 32 * 1024

# A node of a tree: feature, threshold, the child where it is not above that, the child where it is.
Branch = tuple[int, float, int, int]


@dataclasses.dataclass(frozen=True)
class Hostile:
    """What must come of a model, and how it is made."""

    fails: str
    make: Callable[[], bytes]


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes hostile ONNX models.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--small", action="store_true", help="leave out the large ones")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    made = []
    for hostile in HOSTILE:
        model, file = hostile.make(), f"{hostile.make.__name__}.onnx"
        if arguments.small and len(model) > SMALL:
            continue
        (arguments.folder / file).write_bytes(model)
        made.append({"file": file, "what": hostile.make.__doc__, "fails": hostile.fails})
    print("[\n" + ",\n".join(f"  {json.dumps(each)}" for each in made) + "\n]")


def tree_class_out_of_range() -> bytes:
    """a leaf votes for class 1,000,000 of 3"""
    return tree([(0, 0.0, 1, 2)], {1: 1_000_000, 2: 1_000_000})


def tree_child_out_of_range() -> bytes:
    """both children of the root are nodes that are not there"""
    return tree([(0, 0.0, 1_000_000, -7)], {1: 0, 2: 1})


def tree_feature_out_of_range() -> bytes:
    """the root looks at feature 1,000,000 of 2"""
    return tree([(1_000_000, 0.0, 1, 2)], {1: 0, 2: 1})


def tree_cycle() -> bytes:
    """a node's child is its parent"""
    return tree([(0, 1e30, 1, 2), (0, 1e30, 0, 2)], {2: 0})


def tree_uneven_attributes() -> bytes:
    """a tree of 3 nodes has thresholds for one"""
    node = tree_node([(0, 0.0, 1, 2)], {1: 0, 2: 1})
    values = next(each for each in node.attribute if each.name == "nodes_values")
    del values.floats[1:]
    return tree_model(node)


def tree_deep() -> bytes:
    """a tree 50,000 branches deep, of 100,001 nodes; y is 1 for x = [0, 0]"""
    depth = 50_000
    # Branches are nodes 0 to depth - 1, and the leaf that ends each is `depth` nodes further on.
    branches = [(0, -1.0, depth + node, node + 1) for node in range(depth)]
    leaves = {depth + node: 0 for node in range(depth)}
    # The last branch's other child is the last leaf.
    branches[-1] = (0, -1.0, 2 * depth - 1, 2 * depth)
    return tree(branches, leaves | {2 * depth: 1})


def huge_constant() -> bytes:
    """a constant of 14 GB, made of a shape"""
    shape, value = (
        from_array(np.array([60_000, 60_000]), "shape"),
        from_array(np.ones(1, np.float32)),
    )
    return model(
        make_node("ConstantOfShape", ["shape"], ["huge"], value=value),
        make_node("ReduceMax", ["huge"], ["most"], keepdims=0),
        make_node("Add", ["x", "most"], ["y"]),
        constants=[shape],
    )


def huge_expand() -> bytes:
    """the input spread out to 14 GB"""
    return expanded(60_000)


def huger_expand() -> bytes:
    """the input spread out to 2^40 times 2^40, whose product is 0 in 64 bits"""
    return expanded(2**40)


def long_run() -> bytes:
    """200 products of matrices of 2048 by 2048"""
    side = 2048
    value = from_array(np.full(1, 1 / side, np.float32))
    products = [
        make_node("MatMul", [f"m{index}", "weights"], [f"m{index + 1}"]) for index in range(200)
    ]
    return model(
        make_node("ReduceMax", ["x"], ["one"], keepdims=0),
        make_node("Expand", ["one", "shape"], ["m0"]),
        make_node("ConstantOfShape", ["shape"], ["weights"], value=value),
        *products,
        make_node("ReduceMax", ["m200"], ["y"], keepdims=0),
        constants=[from_array(np.array([side, side]), "shape")],
    )


def endless_loop() -> bytes:
    """a Loop that never ends"""
    body = make_graph(
        [
            make_node("Identity", ["going"], ["still"]),
            make_node("Neg", ["before"], ["after"]),
        ],
        "body",
        [
            make_tensor_value_info("turn", TensorProto.INT64, []),
            make_tensor_value_info("going", TensorProto.BOOL, []),
            make_tensor_value_info("before", TensorProto.FLOAT, [1, 2]),
        ],
        [
            make_tensor_value_info("still", TensorProto.BOOL, []),
            make_tensor_value_info("after", TensorProto.FLOAT, [1, 2]),
        ],
    )
    return model(
        make_node("Loop", ["", "true", "x"], ["y"], body=body),
        constants=[from_array(np.array(True), "true")],
    )


def external_absolute() -> bytes:
    """weights are in /etc/passwd, by an absolute path"""
    return external("/etc/passwd")


def external_relative() -> bytes:
    """weights are in /etc/passwd, by a path that climbs out of the model's folder"""
    return external("../" * 20 + "etc/passwd")


def weights_short() -> bytes:
    """weights of 1000 by 1000 numbers come with 16 bytes"""
    return weighted([1000, 1000], bytes(16))


def weights_negative() -> bytes:
    """weights of -2 by 8 numbers"""
    return weighted([-2, 8], bytes(64))


def weights_overflow() -> bytes:
    """weights of 2^32 by 2^32 numbers, whose product is 0 in 64 bits, come with no byte"""
    return weighted([2**32, 2**32], b"")


def input_missing() -> bytes:
    """a node takes what nothing makes"""
    return model(make_node("Add", ["x", "nowhere"], ["y"]))


def inputs_too_few() -> bytes:
    """a Gemm has one input"""
    return model(make_node("Gemm", ["x"], ["y"]))


def cyclic_graph() -> bytes:
    """two nodes each take what the other makes"""
    return model(
        make_node("Add", ["x", "there"], ["here"]),
        make_node("Add", ["x", "here"], ["there"]),
        make_node("Identity", ["there"], ["y"]),
    )


def unknown_operator() -> bytes:
    """an operator that ONNX does not have"""
    return model(make_node("Frobnicate", ["x"], ["y"]))


def unknown_domain() -> bytes:
    """an operator of a domain that nobody knows"""
    return model(
        make_node("Relu", ["x"], ["y"], domain="com.example"),
        opsets=[make_opsetid("com.example", 1)],
    )


def truncated() -> bytes:
    """the first half of a good model"""
    whole = weighted([2, 2], np.ones((2, 2), np.float32).tobytes())
    return whole[: len(whole) // 2]


def zeros() -> bytes:
    """1024 zeros"""
    return bytes(1024)


def empty() -> bytes:
    """no byte"""
    return b""


def deep_subgraphs() -> bytes:
    """If in If, 200 deep; y is x"""
    depth = 200
    inner = level_of(depth, identity(depth))
    for level in reversed(range(depth)):
        choice = NodeProto(
            op_type="If", input=["true"], output=[f"y{level or ''}"]
        ).SerializeToString()
        choice += attribute("then_branch", inner)
        choice += attribute("else_branch", level_of(level + 1, identity(level + 1)))
        inner = level_of(level, choice)
    whole = make_model(GraphProto(), opset_imports=[make_opsetid("", 17)], ir_version=8)
    whole.ClearField("graph")
    x = make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])
    inner += GraphProto(
        input=[x], initializer=[from_array(np.array(True), "true")]
    ).SerializeToString()
    return bytes(whole.SerializeToString()) + field(ModelProto.GRAPH_FIELD_NUMBER, inner)


def many_nodes() -> bytes:
    """50,000 nodes in a row; y is x"""
    count = 50_000
    names = ["x", *(f"{index:x}" for index in range(1, count)), "y"]
    pairs = itertools.pairwise(names)
    return model(*(NodeProto(op_type="Neg", input=[a], output=[b]) for a, b in pairs))


def model(
    *nodes: NodeProto,
    constants: list[TensorProto] | None = None,
    opsets: list[onnx.OperatorSetIdProto] | None = None,
    element: int = TensorProto.FLOAT,
) -> bytes:
    """A model from `x` to `y` that nothing has checked."""
    x = make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])
    y = make_tensor_value_info("y", element, None)
    graph = make_graph(list(nodes), "hostile", [x], [y], constants or [])
    opset_imports = [make_opsetid("", 17), *(opsets or [])]
    made = make_model(graph, opset_imports=opset_imports, ir_version=8, producer_name="hostile.py")
    return bytes(made.SerializeToString(deterministic=True))


def tree(branches: list[Branch], leaves: dict[int, int]) -> bytes:
    """A classifier of one tree: its branches from node 0 on, and the class of each leaf."""
    return tree_model(tree_node(branches, leaves))


def tree_model(node: NodeProto) -> bytes:
    """A model of one node of `ai.onnx.ml`, which gives a class."""
    return model(node, opsets=[make_opsetid("ai.onnx.ml", 3)], element=TensorProto.INT64)


def tree_node(branches: list[Branch], leaves: dict[int, int]) -> NodeProto:
    """The node of `tree`."""
    count, ends = len(branches) + len(leaves), [0] * len(leaves)
    attributes: dict[str, Any] = {
        # With two, runtimes do not agree on what a leaf with one weight says.
        "classlabels_int64s": [0, 1, 2],
        "post_transform": "NONE",
        "nodes_treeids": [0] * count,
        "nodes_nodeids": [*range(len(branches)), *leaves],
        "nodes_featureids": [feature for feature, *_ in branches] + ends,
        "nodes_values": [threshold for _, threshold, *_ in branches] + [0.0] * len(leaves),
        "nodes_modes": ["BRANCH_LEQ"] * len(branches) + ["LEAF"] * len(leaves),
        "nodes_truenodeids": [below for *_, below, _ in branches] + ends,
        "nodes_falsenodeids": [above for *_, above in branches] + ends,
        "class_treeids": ends,
        "class_nodeids": [*leaves],
        "class_ids": [*leaves.values()],
        "class_weights": [1.0] * len(leaves),
    }
    node = make_node("TreeEnsembleClassifier", ["x"], ["y", "scores"], domain="ai.onnx.ml")
    node.attribute.extend(make_attribute(name, value) for name, value in attributes.items())
    return node


def expanded(side: int) -> bytes:
    """The input's greatest number, spread out to a square and made one again."""
    return model(
        make_node("ReduceMax", ["x"], ["one"], keepdims=0),
        make_node("Expand", ["one", "shape"], ["huge"]),
        make_node("ReduceMax", ["huge"], ["y"], keepdims=0),
        constants=[from_array(np.array([side, side]), "shape")],
    )


def external(location: str) -> bytes:
    """A sum with the greatest of 16 weights from another file."""
    weights = TensorProto(name="weights", data_type=TensorProto.FLOAT, dims=[2, 8])
    weights.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "64")):
        weights.external_data.add(key=key, value=value)
    return model(
        make_node("ReduceMax", ["weights"], ["most"], keepdims=0),
        make_node("Add", ["x", "most"], ["y"]),
        constants=[weights],
    )


def weighted(dims: list[int], data: bytes) -> bytes:
    """A sum with the greatest of weights of this shape and these bytes."""
    weights = TensorProto(name="weights", data_type=TensorProto.FLOAT, dims=dims, raw_data=data)
    return model(
        make_node("ReduceMax", ["weights"], ["most"], keepdims=0),
        make_node("Add", ["x", "most"], ["y"]),
        constants=[weights],
    )


def level_of(level: int, node: bytes) -> bytes:
    """A graph of one node, as bytes: Protocol Buffers' own writer refuses what is too deep."""
    y = make_tensor_value_info(f"y{level or ''}", TensorProto.FLOAT, [1, 2])
    graph = GraphProto(name=f"level{level}", output=[y])
    return bytes(graph.SerializeToString()) + field(GraphProto.NODE_FIELD_NUMBER, node)


def identity(level: int) -> bytes:
    """The node of a graph without a further level."""
    return bytes(make_node("Identity", ["x"], [f"y{level or ''}"]).SerializeToString())


def attribute(name: str, graph: bytes) -> bytes:
    """A graph as an attribute of a node."""
    empty = AttributeProto(name=name, type=AttributeProto.GRAPH).SerializeToString()
    whole = empty + field(AttributeProto.G_FIELD_NUMBER, graph)
    return field(NodeProto.ATTRIBUTE_FIELD_NUMBER, whole)


def field(number: int, data: bytes) -> bytes:
    """A field of bytes as Protocol Buffers write it."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


HOSTILE = [
    Hostile("load", tree_class_out_of_range),
    Hostile("load", tree_child_out_of_range),
    Hostile("either", tree_feature_out_of_range),
    Hostile("load", tree_cycle),
    Hostile("load", tree_uneven_attributes),
    Hostile("neither", tree_deep),
    Hostile("either", huge_constant),
    Hostile("run", huge_expand),
    Hostile("load", huger_expand),
    Hostile("run", long_run),
    Hostile("run", endless_loop),
    Hostile("load", external_absolute),
    Hostile("load", external_relative),
    Hostile("load", weights_short),
    Hostile("load", weights_negative),
    Hostile("load", weights_overflow),
    Hostile("load", input_missing),
    Hostile("either", inputs_too_few),
    Hostile("load", cyclic_graph),
    Hostile("load", unknown_operator),
    Hostile("load", unknown_domain),
    Hostile("load", truncated),
    Hostile("load", zeros),
    Hostile("load", empty),
    Hostile("neither", deep_subgraphs),
    Hostile("neither", many_nodes),
]

if __name__ == "__main__":
    main()
