"""What the module `inference` does on its own: tensors from and to lists, and what is made of scores."""

import math

from gg_host import log, service
from gg_host.inference import Tensor, argmax, labels, softmax, top_k, top_labels

ELEMENTS = {
    "fp16": [2.0**-24, -65504.0],
    "bf16": [2.0**-133, -3.3895313892515355e38],
    "fp32": [0.5, -3.4028234663852886e38],
    "fp64": [0.1, -1.7976931348623157e308],
    "i8": [-(2**7), 2**7 - 1],
    "i16": [-(2**15), 2**15 - 1],
    "i32": [-(2**31), 2**31 - 1],
    "i64": [-(2**63), 2**63 - 1],
    "u8": [0, 2**8 - 1],
    "u16": [0, 2**16 - 1],
    "u32": [0, 2**32 - 1],
    "u64": [0, 2**64 - 1],
    "boolean": [True, False],
    "text": ["", "°C"],
}
ROUNDED = [
    ("bf16", 1.00390625, 1.0),
    ("bf16", 1.01171875, 1.015625),
    ("fp16", 1 + 1 / 2048, 1.0),
    ("fp16", 1 + 3 / 2048, 1 + 2 / 1024),
]


def error_of(function, *arguments) -> str:
    try:
        function(*arguments)
    except (TypeError, ValueError) as error:
        return str(error)
    return "no error"


def close(shares: list[float], wanted: list[float]) -> bool:
    return len(shares) == len(wanted) and all(abs(a - b) < 1e-6 for a, b in zip(shares, wanted))


@service
def main() -> None:
    for element, values in ELEMENTS.items():
        tensor = Tensor.of("x", [2, 1], element, values)
        assert tensor.values() == tensor.values(element) == values, tensor
    for element, number, wanted in ROUNDED:
        assert Tensor.of("x", [], element, [number]).values() == [wanted], number
    assert math.isnan(Tensor.of("x", [1], "bf16", [math.nan]).values()[0])
    assert Tensor.of("x", [2], "text", ELEMENTS["text"]).data == b"\0\0\0\0\x03\0\0\0\xc2\xb0C"
    assert error_of(Tensor.of, "x", [1, 8], "fp32", [0] * 7) == "x has the shape [1, 8] and 7 elements"
    assert error_of(Tensor.of("y", [1], "i8", [1]).values, "i64") == "y holds i8, not i64"
    assert error_of(Tensor("y", [1], "text", b"\x02\0\0\0a").values) == "a string is cut off"

    assert close(softmax([1.0, 2.0, 3.0]), [0.09003057, 0.24472847, 0.66524096])
    assert close(softmax([1000.0, 1001.0]), [0.26894143, 0.7310586])
    assert close(softmax([math.inf, 1.0, math.inf]), [0.5, 0.0, 0.5])
    assert close(softmax([-math.inf, -math.inf]), [0.5, 0.5])
    assert all(map(math.isnan, softmax([1.0, math.nan]))) and softmax([]) == []

    scores = [0.2, math.nan, 0.5, 0.2, -0.0, 0.0]
    assert top_k(scores, 3) == [(2, 0.5), (0, 0.2), (3, 0.2)]
    assert [index for index, _ in top_k(scores, 9)] == [2, 0, 3, 4, 5] and top_k(scores, 0) == []
    assert (argmax(scores), argmax([math.nan]), argmax([])) == (2, None, None)

    names = labels("cat\r\n\nred panda\n")
    assert names == ["cat", "", "red panda"] and labels("") == []
    assert top_labels(names, [0.1, 0.2, 0.7], 2) == [("red panda", 0.7), ("", 0.2)]
    assert error_of(top_labels, names, [0.1], 2) == "3 labels for 1 scores"
    log.info("all well")
