"""What the benchmark component com.example.IPCSubscriber of nucleus lite runs: the first client of the SDK,
topics by GG_TOPICS. Written anew, with the same interface."""

import json
import os
import threading

import awsiot.greengrasscoreipc
from awsiot.greengrasscoreipc.client import SubscribeToTopicStreamHandler
from awsiot.greengrasscoreipc.model import SubscribeToTopicRequest


class Handler(SubscribeToTopicStreamHandler):
    def on_stream_event(self, event):
        reading = json.loads(event.binary_message.message)
        print("Processing", reading["messageType"], "of", reading["deviceId"], flush=True)


client = awsiot.greengrasscoreipc.connect()
for topic in os.environ.get("GG_TOPICS", "local/sensor/data,local/alerts/*").split(","):
    operation = client.new_subscribe_to_topic(Handler())
    operation.activate(SubscribeToTopicRequest(topic=topic))
    operation.get_response().result(60)
    print("Subscribed to IPC topic", topic, flush=True)

# Until it is stopped.
threading.Event().wait()
