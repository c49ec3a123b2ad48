"""Topics of AWS IoT Core with the AWS IoT Device SDK: publishes so many messages, and then answers what comes."""

import queue
import sys

from awsiot.greengrasscoreipc.clientv2 import GreengrassCoreIPCClientV2
from awsiot.greengrasscoreipc.model import QOS, PayloadFormat, UnauthorizedError, UserProperty

client = GreengrassCoreIPCClientV2()
events = queue.Queue()

client.subscribe_to_iot_core(topic_name="to/python", qos=QOS.AT_LEAST_ONCE, on_stream_event=events.put)
try:
    client.publish_to_iot_core(topic_name="other", qos=QOS.AT_LEAST_ONCE, payload=b"")
    print("allowed", flush=True)
except UnauthorizedError as error:
    print("UnauthorizedError", error.message, flush=True)

count = int(sys.argv[1])
for number in range(count):
    # Whoever hears that it is published may forget it.
    client.publish_to_iot_core(topic_name="from/python", qos=QOS.AT_LEAST_ONCE, payload=str(number).encode())
print("published", count, flush=True)

while True:
    message = events.get().message
    properties = [(one.key, one.value) for one in message.user_properties or []]
    print("got", message.topic_name, message.payload, message.content_type, properties, flush=True)
    client.publish_to_iot_core(
        topic_name=message.response_topic,
        qos=QOS.AT_LEAST_ONCE,
        payload=message.payload,
        payload_format=PayloadFormat.UTF8,
        correlation_data=message.correlation_data,
        user_properties=[UserProperty(key="answer", value="yes")],
    )
