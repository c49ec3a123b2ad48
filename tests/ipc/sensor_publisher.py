"""What the benchmark component com.example.IPCPublisher of nucleus lite runs: the first client of the SDK,
a reading in JSON as bytes, a topic by GG_TOPIC. Written anew, with the same interface."""

import json
import os
import threading

import awsiot.greengrasscoreipc
from awsiot.greengrasscoreipc.model import BinaryMessage, PublishMessage, PublishToTopicRequest

topic = os.environ.get("GG_TOPIC", "local/sensor/data")
client = awsiot.greengrasscoreipc.connect()
reading = {"messageType": "sensor-reading", "deviceId": "ipc-sensor-001", "data": {"temperature": 21.5}}
request = PublishToTopicRequest(topic=topic)
request.publish_message = PublishMessage(binary_message=BinaryMessage(message=json.dumps(reading).encode()))
operation = client.new_publish_to_topic()
operation.activate(request)
operation.get_response().result(60)
print("Published to IPC topic", topic, flush=True)

# Until it is stopped.
threading.Event().wait()
