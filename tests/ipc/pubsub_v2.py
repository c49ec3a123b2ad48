"""Local topics with the second client of the AWS IoT Device SDK. Prints what it sees, a line each."""

import queue

from awsiot.greengrasscoreipc.clientv2 import GreengrassCoreIPCClientV2
from awsiot.greengrasscoreipc.model import (
    BinaryMessage,
    InvalidArgumentsError,
    JsonMessage,
    PublishMessage,
    UnauthorizedError,
)

client = GreengrassCoreIPCClientV2()
events = queue.Queue()


def publish_bytes(topic, text):
    message = PublishMessage(binary_message=BinaryMessage(message=text.encode()))
    client.publish_to_topic(topic=topic, publish_message=message)


_, relayed = client.subscribe_to_topic(topic="relayed", on_stream_event=events.put)
publish_bytes("numbers", "7")
event = events.get()
print("relayed", event.json_message.message, "on", event.json_message.context.topic, flush=True)

closed = queue.Queue()
_, own = client.subscribe_to_topic(
    topic="own", on_stream_event=events.put, on_stream_closed=lambda: closed.put(None)
)
client.publish_to_topic(
    topic="own",
    publish_message=PublishMessage(json_message=JsonMessage(message={"text": "grüße", "list": [1, None]})),
)
print("own", events.get().json_message.message, flush=True)
publish_bytes("own", "bytes")
event = events.get()
print("own", event.binary_message.message, "on", event.binary_message.context.topic, flush=True)
own.close().result()
closed.get()
print("closed", flush=True)

for topic, call in [
    ("another", lambda: publish_bytes("another", "")),
    ("#", lambda: client.subscribe_to_topic(topic="#", on_stream_event=events.put)),
    ("own/+", lambda: publish_bytes("own/+", "")),
]:
    try:
        call()
        print("allowed", topic, flush=True)
    except (UnauthorizedError, InvalidArgumentsError) as error:
        print(type(error).__name__, topic, error.message, flush=True)

# Many at one time, and in order.
futures = [
    client.publish_to_topic_async(
        topic="numbers", publish_message=PublishMessage(binary_message=BinaryMessage(message=str(n).encode()))
    )
    for n in range(200)
]
for future in futures:
    future.result()
numbers = [events.get().json_message.message["number"] for _ in range(200)]
print("many", numbers == list(range(200)), flush=True)

# Until it is stopped.
queue.Queue().get()
