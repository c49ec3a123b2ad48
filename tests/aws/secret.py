"""Secrets with the second client of the AWS IoT Device SDK: `secret.py ARN`. Prints what it sees, a
line each: of values, how long they are."""

import sys
import time

from awsiot.greengrasscoreipc.clientv2 import GreengrassCoreIPCClientV2
from awsiot.greengrasscoreipc.model import ResourceNotFoundError, ServiceError, UnauthorizedError

[arn] = sys.argv[1:]
client = GreengrassCoreIPCClientV2()


def get(**request):
    try:
        found = client.get_secret_value(**request)
        return found.secret_value.secret_string, found
    except (ResourceNotFoundError, ServiceError, UnauthorizedError) as error:
        return type(error).__name__, None


for request in [
    {"secret_id": arn},
    {"secret_id": "db"},
    {"secret_id": "db", "version_stage": "live"},
    {"secret_id": "db", "version_stage": "AWSPREVIOUS"},
    {"secret_id": "db", "version_id": "none"},
    {"secret_id": "db", "version_id": "a", "version_stage": "b"},
    {"secret_id": "other"},
    {"secret_id": ""},
]:
    value, found = get(**request)
    said = f"{found.version_stage} {found.secret_id == arn} {len(value)}" if found else value
    print(*list(request.values())[-1:], "is", said, flush=True)

time.sleep(100000)
