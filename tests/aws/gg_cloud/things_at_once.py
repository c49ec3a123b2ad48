"""Make things by several clients at once until the server goes away, and say of each when it was acknowledged."""

import sys
import threading

import boto3
from botocore.config import Config

first = int(sys.argv[1])


def make(client, lane):
    for number in range(first + lane, first + 10_000, 8):
        try:
            client.create_thing(thingName=f"thing-{number}")
        except Exception:
            return
        # One call, so that no line is inside another.
        sys.stdout.write(f"thing-{number}\n")
        sys.stdout.flush()


config = Config(retries={"total_max_attempts": 1})
clients = [boto3.client("iot", config=config) for _ in range(8)]
lanes = [threading.Thread(target=make, args=pair) for pair in zip(clients, range(8))]
for lane in lanes:
    lane.start()
for lane in lanes:
    lane.join()
