"""Every object whose number is given is there as it was put."""

import sys

import boto3

s3 = boto3.client("s3")
for number in map(int, sys.argv[1:]):
    body = s3.get_object(Bucket="bucket", Key=f"{number:06}")["Body"].read()
    assert body == str(number).encode() * (number % 4000 + 1), number
pages = s3.get_paginator("list_objects_v2").paginate(Bucket="bucket")
listed = {int(entry["Key"]) for page in pages for entry in page.get("Contents", [])}
assert listed >= set(map(int, sys.argv[1:]))
