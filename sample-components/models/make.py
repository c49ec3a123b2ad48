"""Makes the small ONNX models of the samples and tests, and golden vectors for each.

    make.py                         all of them, into this folder
    make.py --only mlp --out DIR    one, elsewhere; also the large ones that are not kept here
    make.py --check                 hold the files that are there to what onnxruntime answers here

Everything random comes from fixed seeds. README.md beside this file says what each model is."""

import argparse
import os
from pathlib import Path

# Sums come out the same only when they are always cut up in the same way. Read by numpy at once.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import onnx

import classical
import golden
import networks
import quantised
import trained
from graph import seeded

MODELS = networks.MODELS | trained.MODELS | quantised.MODELS | classical.MODELS
# Too large to be kept: made when they are wanted.
ON_REQUEST = {"mobilenetv2_224": networks.mobilenetv2_224}


def main() -> None:
    arguments = parse()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.only or MODELS:
        print(check(name, arguments.out) if arguments.check else make(name, arguments.out))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Makes small ONNX models and their golden vectors."
    )
    known = sorted(MODELS | ON_REQUEST)
    parser.add_argument(
        "--only", metavar="NAME", action="append", choices=known, help="this model (again for more)"
    )
    parser.add_argument("--out", metavar="FOLDER", type=Path, default=Path(__file__).parent)
    parser.add_argument("--check", action="store_true", help="make nothing; check what is there")
    return parser.parse_args()


def make(name: str, out: Path) -> str:
    """Write a model and its golden vectors, which are what unoptimised onnxruntime answers."""
    function = (MODELS | ON_REQUEST)[name]
    made = function(seeded(name))
    sign(made.model, name, function.__doc__ or "")
    onnx.checker.check_model(made.model, full_check=True)
    outputs = golden.run(made.model.SerializeToString(), made.inputs, golden.UNOPTIMISED)
    (out / f"{name}.onnx").write_bytes(made.model.SerializeToString(deterministic=True))
    golden.write(out / f"{name}.golden.json", made.inputs, outputs, made.tolerance)
    return check(name, out)


def sign(model: onnx.ModelProto, name: str, description: str) -> None:
    """Say in the model what it is; the tools that wrote it differ by version."""
    model.graph.name = name
    model.doc_string = description.splitlines()[0]
    model.producer_name, model.producer_version = "make.py", ""
    model.domain, model.model_version = "", 1
    opsets = sorted(model.opset_import, key=lambda opset: opset.domain)
    del model.opset_import[:]
    model.opset_import.extend(opsets)


def check(name: str, out: Path) -> str:
    """Hold golden vectors to onnxruntime with and without its optimisations."""
    model = (out / f"{name}.onnx").read_bytes()
    inputs, outputs, tolerance = golden.read(out / f"{name}.golden.json")
    levels = {"as it is": golden.UNOPTIMISED, "optimised": golden.OPTIMISED}
    shares = {
        level: golden.worst(outputs, golden.run(model, inputs, option), tolerance)
        for level, option in levels.items()
    }
    if max(shares.values()) > 1:
        raise SystemExit(f"{name}: onnxruntime answers otherwise: {shares}")
    told = ", ".join(f"{level} {share:.1%} of the tolerance" for level, share in shares.items())
    return f"{name}: {len(model)} bytes, {len(inputs)} cases, {told}"


if __name__ == "__main__":
    main()
