"""Asking more often than one may: it is said in AWS's words, and boto3 waits and asks again."""

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

once = Config(retries={"total_max_attempts": 1})


def until_refused(ask):
    """The first refusal of somebody who does not wait."""
    for _ in range(1000):
        try:
            ask()
        except ClientError as error:
            answer = error.response
            return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]
    raise AssertionError("everything was answered")


things = boto3.client("iot", config=once)
assert until_refused(things.list_things) == ("ThrottlingException", 429)
objects = boto3.client("s3", config=once)
assert until_refused(objects.list_buckets) == ("SlowDown", 503)

patient = boto3.client("iot", config=Config(retries={"mode": "standard", "max_attempts": 10}))
for _ in range(8):
    patient.list_things()
