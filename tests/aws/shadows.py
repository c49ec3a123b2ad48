"""What moto's iot-data answers to requests for shadows: a list of them as JSON comes in, their answers go out."""

import json
import os
import sys

os.environ.update(AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_DEFAULT_REGION="eu-west-1")

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws


def carry_out(client, request):
    which = {"thingName": request["thing"]}
    if request["name"] is not None:
        which["shadowName"] = request["name"]
    match request["operation"]:
        case "get":
            return json.loads(client.get_thing_shadow(**which)["payload"].read())
        case "update":
            return json.loads(client.update_thing_shadow(**which, payload=request["document"])["payload"].read())
        case "delete":
            client.delete_thing_shadow(**which)
            return None
        case "list":
            return client.list_named_shadows_for_thing(thingName=request["thing"])["results"]


def answer(client, request):
    try:
        return {"done": carry_out(client, request)}
    except ClientError as error:
        return {"refused": error.response["ResponseMetadata"]["HTTPStatusCode"]}
    except Exception as error:
        # It answers with nothing that a client could read.
        return {"failed": repr(error)}


with mock_aws():
    requests = json.load(sys.stdin)
    things = boto3.client("iot")
    for thing in {request["thing"] for request in requests}:
        things.create_thing(thingName=thing)
    client = boto3.client("iot-data")
    json.dump([answer(client, request) for request in requests], sys.stdout)
