"""Local topics with the first client of the AWS IoT Device SDK. Prints what it sees, a line each."""

import queue

import awsiot.greengrasscoreipc
from awsiot.greengrasscoreipc.client import SubscribeToTopicStreamHandler
from awsiot.greengrasscoreipc.model import (
    BinaryMessage,
    JsonMessage,
    PublishMessage,
    PublishToTopicRequest,
    SubscribeToTopicRequest,
    UnauthorizedError,
)

TIMEOUT = 60

client = awsiot.greengrasscoreipc.connect()
events = queue.Queue()


class Handler(SubscribeToTopicStreamHandler):
    def on_stream_event(self, event):
        events.put(event)

    def on_stream_error(self, error):
        print("error", error, flush=True)
        return True

    def on_stream_closed(self):
        print("closed", flush=True)


def publish(topic, message):
    operation = client.new_publish_to_topic()
    operation.activate(PublishToTopicRequest(topic=topic, publish_message=message))
    operation.get_response().result(TIMEOUT)


def subscribe(topic):
    operation = client.new_subscribe_to_topic(Handler())
    operation.activate(SubscribeToTopicRequest(topic=topic))
    operation.get_response().result(TIMEOUT)
    return operation


subscribe("relayed")
publish("numbers", PublishMessage(binary_message=BinaryMessage(message=b"8")))
print("relayed", events.get(timeout=TIMEOUT).json_message.message, flush=True)
own = subscribe("own")
publish("own", PublishMessage(json_message=JsonMessage(message={"a": 1})))
print("own", events.get(timeout=TIMEOUT).json_message.message, flush=True)
own.close().result(TIMEOUT)
for call in [
    lambda: publish("another", PublishMessage(json_message=JsonMessage(message={}))),
    lambda: subscribe("another"),
]:
    try:
        call()
        print("allowed", flush=True)
    except UnauthorizedError as error:
        print("UnauthorizedError", error.message, flush=True)

# Until it is stopped.
queue.Queue().get()
