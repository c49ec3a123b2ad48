"""What the template LocalPubSub of the Greengrass development kit runs: its arguments are a topic and the
words of a message, which it publishes ten times and receives. Written anew, with the same interface."""

import queue
import sys

from awsiot.greengrasscoreipc.clientv2 import GreengrassCoreIPCClientV2
from awsiot.greengrasscoreipc.model import BinaryMessage, PublishMessage

topic, message = sys.argv[1], " ".join(sys.argv[2:])
client = GreengrassCoreIPCClientV2()
events = queue.Queue()
client.subscribe_to_topic(topic=topic, on_stream_event=events.put)
for count in range(1, 11):
    binary = BinaryMessage(message=message.encode())
    client.publish_to_topic(topic=topic, publish_message=PublishMessage(binary_message=binary))
    print(f"Successfully published {count} message(s)")
for _ in range(10):
    received = events.get().binary_message
    print(f"Received new message on topic {received.context.topic}: {received.message.decode()}")
