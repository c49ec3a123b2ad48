"""Every operation that AWS has: those that OPERATIONS.md says are not served say so when boto3 asks for
them, and each has its row. `unserved.py OPERATIONS.md`."""

import sys
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

SERVICES = ("greengrassv2", "iot", "iot-data", "iot-jobs-data", "s3", "secretsmanager", "sts")

# What is sent to other hosts, or without a signature, and so to no service.
ELSEWHERE = {"AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "ListDirectoryBuckets", "WriteGetObjectResponse"}

served, heading = {}, None
for line in Path(sys.argv[1]).read_text().splitlines():
    if line.startswith("## "):
        heading = line[3:].strip("`")
    cells = [cell.strip() for cell in line.split("|")[1:-1]]
    if len(cells) == 3 and cells[1] in ("yes", "no"):
        served.setdefault(heading, {})[cells[0]] = cells[1] == "yes"


def least(shape, depth=0):
    """The least that a shape can be."""
    if shape.type_name == "structure":
        return {name: least(shape.members[name], depth + 1) for name in shape.required_members} if depth < 9 else {}
    if shape.type_name == "list":
        return [least(shape.member, depth + 1)] * max(shape.metadata.get("min", 0), 1)
    if shape.type_name == "map":
        return {}
    if shape.type_name == "string":
        return shape.enum[0] if getattr(shape, "enum", None) else "a" * max(shape.metadata.get("min", 0), 3)
    if shape.type_name in ("integer", "long"):
        return max(shape.metadata.get("min", 0), 1)
    return {"blob": b"x", "boolean": True, "timestamp": 0, "float": 1.0, "double": 1.0}[shape.type_name]


wrong, asked = [], 0
for name in SERVICES:
    config = Config(retries={"total_max_attempts": 1}, parameter_validation=False, inject_host_prefix=False)
    client = boto3.client(name, config=config)
    model = client.meta.service_model
    if set(served[name]) != set(model.operation_names):
        wrong.append((name, set(served[name]) ^ set(model.operation_names)))
    for operation in model.operation_names:
        if served[name].get(operation, True) or operation in ELSEWHERE:
            continue
        shape = model.operation_model(operation).input_shape
        arguments = least(shape) if shape else {}
        asked += 1
        try:
            client._make_api_call(operation, arguments)
            wrong.append((name, operation, "was answered"))
        except ClientError as error:
            if "gg-cloud does not serve" not in str(error):
                wrong.append((name, operation, str(error)))
        except Exception as error:
            wrong.append((name, operation, repr(error)))
assert not wrong, "\n".join(map(str, wrong))
assert asked > 200, asked
