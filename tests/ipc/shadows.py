"""Shadows with both clients of the AWS IoT Device SDK. Prints what it sees, a line each."""

import json
import queue

import awsiot.greengrasscoreipc
from awsiot.greengrasscoreipc.clientv2 import GreengrassCoreIPCClientV2
from awsiot.greengrasscoreipc.model import (
    BinaryMessage,
    ConflictError,
    GetThingShadowRequest,
    InvalidArgumentsError,
    PublishMessage,
    ResourceNotFoundError,
    ServiceError,
    UnauthorizedError,
)

TIMEOUT = 60
LAMP = {"thing_name": "Lamp", "shadow_name": "light"}
TOPIC = "$aws/things/Lamp/shadow/name/light"

first = awsiot.greengrasscoreipc.connect()
client = GreengrassCoreIPCClientV2()


def say(*words):
    print(*words, flush=True)


def update(document, **which):
    payload = client.update_thing_shadow(payload=json.dumps(document), **(which or LAMP)).payload
    return json.loads(payload)


def refused(what, call):
    try:
        call()
        say(what, "allowed")
    except (ConflictError, InvalidArgumentsError, ResourceNotFoundError, ServiceError, UnauthorizedError) as error:
        say(what, type(error).__name__, error.message)


# What is not granted comes first.
refused("get", lambda: client.get_thing_shadow(thing_name="Door", shadow_name=""))
refused("update", lambda: update({"state": {}}, thing_name="Lamp", shadow_name="other"))
refused("delete", lambda: client.delete_thing_shadow(thing_name="Lamp", shadow_name=""))
refused("list", lambda: client.list_named_shadows_for_thing(thing_name="Door"))
refused("none yet", lambda: client.get_thing_shadow(**LAMP))

told = queue.Queue()
client.subscribe_to_topic(topic=f"{TOPIC}/update/delta", on_stream_event=told.put)
accepted = update({"state": {"desired": {"on": True}}, "clientToken": "mine"})
say("accepted", accepted["version"], accepted["state"], accepted["clientToken"])
say("delta", json.loads(told.get(timeout=TIMEOUT).binary_message.message)["state"])

operation = first.new_get_thing_shadow()
operation.activate(GetThingShadowRequest(**LAMP))
document = json.loads(operation.get_response().result(TIMEOUT).payload)
say("v1", document["version"], document["state"])

refused("old", lambda: update({"state": {}, "version": 5}))
refused("no state", lambda: update({}))
refused("no name", lambda: client.get_thing_shadow(thing_name="Lamp", shadow_name="a b"))

for name in "c", "a", "b":
    update({"state": {"reported": {"n": 1}}}, thing_name="Many", shadow_name=name)
page = client.list_named_shadows_for_thing(thing_name="Many", page_size=2)
rest = client.list_named_shadows_for_thing(thing_name="Many", page_size=2, next_token=page.next_token)
say("names", page.results, rest.results, rest.next_token, page.timestamp.year > 2000)
refused("page", lambda: client.list_named_shadows_for_thing(thing_name="Many", page_size=101))

# A message is a request.
client.subscribe_to_topic(topic=f"{TOPIC}/get/accepted", on_stream_event=told.put)
request = PublishMessage(binary_message=BinaryMessage(message=b'{"clientToken": "by message"}'))
client.publish_to_topic(topic=f"{TOPIC}/get", publish_message=request)
say("answered", json.loads(told.get(timeout=TIMEOUT).binary_message.message)["clientToken"])

say("deleted", client.delete_thing_shadow(**LAMP).payload)
refused("gone", lambda: client.delete_thing_shadow(**LAMP))

# More than are served in a second.
futures = [client.get_thing_shadow_async(thing_name="Many", shadow_name="a") for _ in range(100)]
errors = [future.exception(TIMEOUT) for future in futures]
messages = {error.message for error in errors if isinstance(error, ServiceError)}
say("too many", messages, any(error is None for error in errors))

# Until it is stopped.
queue.Queue().get()
