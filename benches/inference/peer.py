"""onnxruntime with one thread: reads orders from standard input, a JSON object a line, and answers each
with the microseconds of processor time that a prediction took."""

import json
import sys
import time
from typing import Any

import numpy as np
import onnxruntime as ort

TYPES = {"fp32": np.float32, "i64": np.int64, "i8": np.int8, "fp16": np.float16}

sessions: dict[str, tuple[ort.InferenceSession, dict[str, Any]]] = {}


def load(model: str, golden: str) -> tuple[ort.InferenceSession, dict[str, Any]]:
    """A session with the inputs of the model's first golden vector."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    with open(golden, encoding="utf-8") as file:
        inputs = json.load(file)["cases"][0]["inputs"]
    arrays = {
        name: np.array(tensor["data"], TYPES[tensor["type"]]).reshape(tensor["shape"])
        for name, tensor in inputs.items()
    }
    return session, arrays


for line in sys.stdin:
    order = json.loads(line)
    if order["model"] not in sessions:
        sessions[order["model"]] = load(order["model"], order["golden"])
    session, arrays = sessions[order["model"]]
    before = time.process_time_ns()
    for _ in range(order["count"]):
        session.run(None, arrays)
    micros = (time.process_time_ns() - before) / 1e3 / order["count"]
    print(json.dumps({"micros": micros}), flush=True)
