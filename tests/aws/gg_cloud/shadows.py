"""Shadows with boto3: made, changed, refused, listed, deleted; and messages."""

import json

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

iot, data = boto3.client("iot"), boto3.client("iot-data", config=Config(retries={"total_max_attempts": 1}))


def refused(operation, **arguments):
    try:
        getattr(data, operation)(**arguments)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return error.response["Error"]["Code"], status, error.response["Error"]["Message"]
    raise AssertionError(f"{operation} was answered")


def read(answer):
    return json.loads(answer["payload"].read())


def update(document, **arguments):
    return read(data.update_thing_shadow(thingName="lamp", payload=json.dumps(document), **arguments))


iot.create_thing(thingName="lamp")

# Changed, and got.
first = update({"state": {"desired": {"on": True, "tone": [1, 2]}}, "clientToken": "first"})
assert first["version"] == 1 and first["clientToken"] == "first", first
assert first["state"] == {"desired": {"on": True, "tone": [1, 2]}}, first
assert first["metadata"]["desired"]["on"]["timestamp"] == first["timestamp"], first
second = update({"state": {"reported": {"on": True}}, "version": 1})
assert second["version"] == 2 and second["state"] == {"reported": {"on": True}}, second
got = read(data.get_thing_shadow(thingName="lamp"))
assert got["state"]["delta"] == {"tone": [1, 2]}, got
assert got["version"] == 2, got

# Refused.
conflict = refused("update_thing_shadow", thingName="lamp", payload=b'{"state":{},"version":1}')
assert conflict == ("ConflictException", 409, "Version conflict"), conflict
large = json.dumps({"state": {"reported": {"text": "x" * 8192}}})
too_large = refused("update_thing_shadow", thingName="lamp", payload=large)
assert too_large[:2] == ("RequestEntityTooLargeException", 413), too_large
encoding = refused("update_thing_shadow", thingName="lamp", payload=b'{"state":{"reported":{"a":"\xff"}}}')
assert encoding[:2] == ("UnsupportedDocumentEncodingException", 415), encoding
for payload, message in (
    (b"{", "Invalid JSON"),
    (b"{}", "Missing required node: state"),
    (b'{"state":{"desired":1}}', "Desired node must be an object"),
    (b'{"state":{"wanted":{}}}', "State contains an invalid node: 'wanted'"),
    (b'{"state":{"desired":{"a":{"b":{"c":{"d":{"e":{"f":{"g":1}}}}}}}}}', None),
):
    said = refused("update_thing_shadow", thingName="lamp", payload=payload)
    assert said[:2] == ("InvalidRequestException", 400), said
    assert message is None or said[2] == message, said
missing = refused("get_thing_shadow", thingName="lamp", shadowName="none")
assert missing == ("ResourceNotFoundException", 404, "No shadow exists with name: none"), missing
assert refused("delete_thing_shadow", thingName="lamp", shadowName="none")[1] == 404
assert refused("update_thing_shadow", thingName="chair", payload=b'{"state":{}}')[1] == 404
assert read(data.get_thing_shadow(thingName="lamp")) | {"timestamp": 0} == got | {"timestamp": 0}

# Named, and listed in pages.
for name in ("a", "b", "$c"):
    update({"state": {"desired": {"name": name}}}, shadowName=name)
page = data.list_named_shadows_for_thing(thingName="lamp", pageSize=2)
assert page["results"] == ["$c", "a"] and page["timestamp"], page
rest = data.list_named_shadows_for_thing(thingName="lamp", nextToken=page["nextToken"])
assert rest["results"] == ["b"] and "nextToken" not in rest, rest

# Deleted, and made again: versions go on.
deleted = read(data.delete_thing_shadow(thingName="lamp", shadowName="b"))
assert deleted["version"] == 1, deleted
assert data.list_named_shadows_for_thing(thingName="lamp")["results"] == ["$c", "a"]
assert update({"state": {"desired": {"name": "b"}}}, shadowName="b")["version"] == 3

# Messages.
data.publish(topic="lamps/lamp/é", qos=1, payload=b"\x00\xff")
data.publish(topic="lamps", retain=True, payload=b"on")
# What is said at a shadow's topic counts as if its thing had said it.
data.publish(topic="$aws/things/lamp/shadow/name/a/update", payload=b'{"state":{"reported":{"said":1}}}')
assert read(data.get_thing_shadow(thingName="lamp", shadowName="a"))["state"]["reported"] == {"said": 1}
assert refused("publish", topic="a/#", payload=b"")[:2] == ("InvalidRequestException", 400)
assert refused("publish", topic="a", payload=b"x" * (128 * 1024 + 1))[:2] == ("RequestEntityTooLargeException", 413)
