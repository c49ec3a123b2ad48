"""Put objects until told otherwise or the server goes away, and say of each when it was acknowledged."""

import sys

import boto3
from botocore.config import Config

s3 = boto3.client("s3", config=Config(retries={"total_max_attempts": 1}))
first = int(sys.argv[1])
for number in range(first, first + 100_000):
    try:
        s3.put_object(Bucket="bucket", Key=f"{number:06}", Body=str(number).encode() * (number % 4000 + 1))
    except Exception:
        break
    print(number, flush=True)
